"""Decides how Vietnamese text is normalised: what is stored, and what is compared.

Every service calls it: ingest cleans what it stores, the others fold what they match. It never corrects
spelling, never expands teencode and never refuses anything: text without diacritics stays as the citizen
wrote it.
"""

import re
import unicodedata

_TONE_THEN_SHAPE = re.compile("([\u0300\u0301\u0303\u0309])([\u0302\u0306\u031b])")
_MARK = re.compile("[\u0300-\u036f]")
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_NOT_A_LETTER = re.compile(r"[^\w]+")
_LINE_BREAKS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = frozenset({"Cc", "Cf"})
_D_WITH_STROKE = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "Ɖ": "d", "ɖ": "d"})


def nfc(text: str) -> str:
    """Return the text in NFC, with marks typed after a vowel joined to it in either order.

    Legacy keyboards send a vowel, its tone and then its hat (`a` + acute + circumflex); plain NFC leaves that
    in two pieces, so the hat is moved before the tone first. Calling it twice changes nothing.
    """
    decomposed = unicodedata.normalize("NFD", text)
    previous = ""
    while previous != decomposed:
        previous, decomposed = decomposed, _TONE_THEN_SHAPE.sub(r"\2\1", decomposed)
    return unicodedata.normalize("NFC", decomposed)


def clean(text: str) -> str:
    """Return the text as it is stored: NFC, `\\n` line ends, no control, zero-width or bidi characters, no
    outer space.

    A tab becomes one space. Inner spaces and blank lines stay. Calling it twice changes nothing.
    """
    if _is_plain(text):
        return text.strip()
    one_kind_of_line_end = _LINE_BREAKS.sub("\n", text).replace("\t", " ")
    visible = "".join(c for c in one_kind_of_line_end if c == "\n" or unicodedata.category(c) not in _INVISIBLE)
    return nfc(visible).strip()


def _is_plain(text: str) -> bool:
    """Say, fast, that cleaning would only strip: printable, composed, and no mark stands alone that could be joined."""
    printable = text.replace("\n", " ").isprintable()
    return printable and unicodedata.is_normalized("NFC", text) and not _MARK.search(text)


def fold(text: str) -> str:
    """Return the text as it is compared: lower case, no diacritics, đ as d, one space between words.

    "Điện lực", "ĐIỆN LỰC" (decomposed) and "dien luc" fold to the same string; teencode stays as typed.
    Full-width and other compatibility letters fold to the plain ones. Calling it twice changes nothing. Never
    store the result.
    """
    plain = unicodedata.normalize("NFKD", clean(text)).lower().translate(_D_WITH_STROKE)
    letters = "".join(c for c in unicodedata.normalize("NFKD", plain) if unicodedata.category(c) != "Mn")
    return " ".join(letters.split())


def has_diacritics(text: str) -> bool:
    """Say whether any letter carries a Vietnamese mark or is đ; text typed without any is folded before it is
    matched."""
    return any(c in "đĐ" or unicodedata.category(c) == "Mn" for c in unicodedata.normalize("NFD", text))


def spelling(text: str) -> str:
    """Return lower-case words, each with its tone behind, so that "Hoà" and "Hòa" are spelt the same; for comparing."""
    words = (unicodedata.normalize("NFD", word) for word in _NOT_A_LETTER.sub(" ", text.lower()).split())
    return " ".join(_TONES.sub("", word) + "".join(_TONES.findall(word)) for word in words)
