"""Finds telephone numbers, citizen ID numbers, e-mail addresses, bank accounts and number plates in a text.

Called by `spans`. A run of digits is settled by the words before it, then by its own shape; what stays open (a file
number, an amount, a tracking code) is nothing. Every pattern is bounded, so the time grows with the length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import phonenumbers

from hotline.reading import Reading
from hotline.span import Found, SpanKind

_REGION = "VN"
_BEFORE, _AFTER = 32, 14
_FEWEST_DIGITS, _MOST_DIGITS, _MOST_GROUPS = 8, 19, 12

_EMAIL = re.compile(r"(?<![\w.+-])[a-z0-9][\w.+%-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}(?![\w@])", re.ASCII)
_RUN = re.compile(r"(?<![\w/-])(?<!\d[.,])\+?\d+(?:[ .-]\d+)*(?![\w/])", re.ASCII)
_GROUP = re.compile(r"\+?\d+")
_LIKE_A_PHONE = re.compile(r"(?:\+?84|0)[235789]\d{8,9}|[235789]\d{8}")
_ACCOUNT = re.compile(r"(?<![\w/])(?=[a-z0-9]{0,18}\d[a-z0-9]{0,18}\d)[a-z0-9]{8,19}(?![\w/])", re.ASCII)
_PLATE = re.compile(
    r"(?<![\w/.,-])(?P<province>[1-9]\d)(?P<gap>[ -]?)(?P<series>[a-z]\d|[a-z]{2}|[a-z])[ .-]?"
    r"(?P<number>\d{3}[. ]?\d{2}|\d{4})(?![\w/])",
    re.ASCII,
)

_SAYS_PHONE = re.compile(r"\b(?:sdt|dt|dd|so may|dien thoai|di dong|zalo|goi|lien he|lh|hotline|phone|tel|fax)\b")
_SAYS_ID = re.compile(r"\b(?:cccd|cmnd|cmt|cmtnd|can cuoc(?: cong dan)?|chung minh(?: thu| nhan dan)?|dinh danh)\b")
_SAYS_ACCOUNT = re.compile(
    r"\b(?:stk|tk|so tk|tai khoan|vietcombank|vcb|agribank|vietinbank|viettin|viettinbank|bidv|techcombank|tcb|mbbank"
    r"|mb|sacombank|acb|vpbank|tpbank|hdbank|vib|shb|lpbank|lienvietpostbank|momo)\b"
)
_SAYS_OTHER = re.compile(
    r"\b(?:mst|ma so thue|ma ho so|ma tra cuu|bhyt|the bao hiem|quyet dinh|bien nhan|so the|ma khach hang|ma kh)\b"
)
_SAYS_PLATE = re.compile(r"\b(?:bien(?: so| kiem soat)?|bks|bsx|xe|so xe|o to|taxi)\b")
_ID_OF_TWELVE = re.compile(r"0(?:0[1-9]|[1-8]\d|9[0-6])[0-3]\d{8}")
_ID_OF_NINE = re.compile(r"\d{9}")


def find_numbers(reading: Reading) -> Iterator[Found]:
    """Every number that points at a person or an account, and every e-mail address, the surest kinds first."""
    yield from _emails(reading)
    yield from _plates(reading)
    yield from _numbers(reading)
    yield from _accounts(reading)


def _emails(reading: Reading) -> Iterator[Found]:
    for match in _EMAIL.finditer(reading.folded):
        yield Found(start=match.start(), end=match.end(), kind=SpanKind.EMAIL, value=match.group())


def _plates(reading: Reading) -> Iterator[Found]:
    for match in _PLATE.finditer(reading.folded):
        is_written_large = reading.shown[match.start("series")].isupper() and not match["gap"]
        is_said = bool(_SAYS_PLATE.search(_before(reading, match.start())))
        if is_said or (is_written_large and len(match["number"]) > 4):
            value = re.sub(r"[^a-z0-9]", "", match.group()).upper()
            yield Found(start=match.start(), end=match.end(), kind=SpanKind.PLATE, value=value)


def _numbers(reading: Reading) -> Iterator[Found]:
    for run in _RUN.finditer(reading.folded):
        groups = [match.span() for match in _GROUP.finditer(reading.folded, run.start(), run.end())]
        at = 0
        while at < len(groups):
            found = _number_at(reading, groups, at)
            if found is not None:
                yield found
            at += 1
            while found is not None and at < len(groups) and groups[at][0] < found.end:
                at += 1


def _number_at(reading: Reading, groups: Sequence[tuple[int, int]], at: int) -> Found | None:
    """The number that begins with a group of digits: the longest that the words before it or its own shape allow."""
    start = groups[at][0]
    said = _said_before(_before(reading, start))
    for _, end in reversed(groups[at : at + _MOST_GROUPS]):
        text = reading.folded[start:end]
        digits = _digits(text)
        if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
            continue
        if kind := _kind_said(digits, said):
            return Found(start=start, end=end, kind=kind, value=digits)
        if said not in ("other", "account") and (number := _valid_number(text, said == "phone")):
            return Found(start=start, end=end, kind=SpanKind.PHONE, value=number)
        if said == "" and (kind := _kind_shaped(digits, reading.folded[end : end + _AFTER])):
            return Found(start=start, end=end, kind=kind, value=digits)
    return None


def _accounts(reading: Reading) -> Iterator[Found]:
    """Account numbers with letters in them, which only the word before tells from a code of another kind."""
    for match in _ACCOUNT.finditer(reading.folded):
        if not match.group().isdigit() and _said_before(_before(reading, match.start())) == "account":
            yield Found(start=match.start(), end=match.end(), kind=SpanKind.BANK_ACCOUNT, value=match.group())


def _before(reading: Reading, at: int) -> str:
    return reading.folded[max(0, at - _BEFORE) : at]


def _said_before(words: str) -> str:
    """Which kind of number the nearest words before it announce; "" for none."""
    kinds = {"phone": _SAYS_PHONE, "id": _SAYS_ID, "account": _SAYS_ACCOUNT, "other": _SAYS_OTHER}
    last = {kind: max((match.start() for match in says.finditer(words)), default=-1) for kind, says in kinds.items()}
    nearest = max(last, key=lambda kind: last[kind])
    return nearest if last[nearest] >= 0 else ""


def _kind_said(digits: str, said: str) -> SpanKind | None:
    if said == "id" and (_ID_OF_TWELVE.fullmatch(digits) or _ID_OF_NINE.fullmatch(digits)):
        return SpanKind.CITIZEN_ID
    return SpanKind.BANK_ACCOUNT if said == "account" else None


def _kind_shaped(digits: str, after: str) -> SpanKind | None:
    """What a number is that nothing before it announces: a bank stands behind it, or it is built as an ID number is."""
    if _SAYS_ACCOUNT.search(after):
        return SpanKind.BANK_ACCOUNT
    return SpanKind.CITIZEN_ID if _ID_OF_TWELVE.fullmatch(digits) else None


def _valid_number(text: str, is_said: bool) -> str | None:
    """The telephone number in E.164; without its first 0 only where the words before say that it is one."""
    digits = _digits(text)
    if not _LIKE_A_PHONE.fullmatch(digits) or not (is_said or digits.startswith(("0", "84"))):
        return None
    is_whole = digits.startswith("84") and len(digits) > 10
    try:
        number = phonenumbers.parse(f"+{digits}" if is_whole else digits, _REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
