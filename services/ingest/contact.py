"""Decides what a name, a telephone number and an e-mail address are stored as.

Called by `feedback.accept` and the operator's page (earlier calls of a number). All three are optional; nothing here
keeps or logs them.
"""

import re
from functools import cache

import phonenumbers

REGION = "VN"
MAX_EMAIL_CHARACTERS = 254

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}$){_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")
_AS_TYPED = re.compile(r"(?:\+84|0)((?:[ .-]?[0-9]){9})")
_WITHOUT_GAPS = str.maketrans("", "", " .-")
_WITHHELD = frozenset({"", "anonymous", "unknown", "private", "restricted", "unavailable", "withheld"})


class InvalidPhone(Exception):
    """The digits are no telephone number that can be called."""


class InvalidEmail(Exception):
    """The text is no e-mail address."""


@cache
def mobile_number() -> re.Pattern[str]:
    """Return the library's own pattern of a Vietnamese mobile number without its first 0."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(REGION)
    pattern = metadata.mobile.national_number_pattern if metadata and metadata.mobile else None
    if pattern is None:
        raise LookupError("phonenumbers has no metadata of Vietnamese mobile numbers")
    return re.compile(pattern, re.ASCII)


def read_plain_mobile(typed: str) -> str | None:
    """Read a mobile number as nearly everyone types it, else None: the library takes ten times as long to say so."""
    as_typed = _AS_TYPED.fullmatch(typed)
    digits = as_typed[1].translate(_WITHOUT_GAPS) if as_typed else ""
    return f"+84{digits}" if mobile_number().fullmatch(digits) else None


def normalise_phone(typed: str) -> str | None:
    """Return the number in E.164 (`+84912345678`), None for nothing typed; raises InvalidPhone.

    Without a country code it is read as Vietnamese, with or without its first 0 (a spreadsheet drops it); spaces, dots
    and dashes do not matter.
    """
    if not typed.strip():
        return None
    if (mobile := read_plain_mobile(typed.strip())) is not None:
        return mobile
    try:
        number = phonenumbers.parse(typed, REGION)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_caller(number: str) -> str | None:
    """Return a switchboard's caller number in E.164, None when the caller withheld it; raises InvalidPhone."""
    return None if number.strip().lower() in _WITHHELD else normalise_phone(number)


def normalise_email(typed: str) -> str | None:
    """Return the address as every mail server takes it, None for nothing typed; raises InvalidEmail.

    What stands before the @ is plain letters, digits and signs (RFC 5322 dot-atom): many servers refuse anything else,
    as they lack SMTPUTF8. A domain may be typed in Vietnamese, in any Unicode form; it is kept in its IDNA form.
    """
    address = typed.strip()
    if not address:
        return None
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise InvalidEmail from error
    kept = f"{local}@{domain}"
    if len(kept) > MAX_EMAIL_CHARACTERS or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise InvalidEmail
    return kept


def spoken_phone(phone: str) -> str:
    """Return an E.164 number as it is read out and dialled: `0912 345 678`, a foreign one with its country code."""
    number = phonenumbers.parse(phone, None)
    local = number.country_code == phonenumbers.country_code_for_region(REGION)
    shape = phonenumbers.PhoneNumberFormat.NATIONAL if local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, shape)
