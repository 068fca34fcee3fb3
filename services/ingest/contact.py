"""Decides what a name, a telephone number and an e-mail address are stored as.

Called by `feedback.accept` and the operator's page (earlier calls of a number). All three are optional; nothing here
keeps or logs them.
"""

import re

import phonenumbers

REGION = "VN"
MAX_EMAIL_CHARACTERS = 254

_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{0,62}")
_WITHHELD = frozenset({"", "anonymous", "unknown", "private", "restricted", "unavailable", "withheld"})


class InvalidPhone(Exception):
    """The digits are no telephone number that can be called."""


class InvalidEmail(Exception):
    """The text is no e-mail address."""


def normalise_phone(typed: str) -> str | None:
    """Return the number in E.164 (`+84912345678`), None for nothing typed; raises InvalidPhone.

    Without a country code it is read as Vietnamese, with or without its first 0 (a spreadsheet drops it); spaces, dots
    and dashes do not matter.
    """
    if not typed.strip():
        return None
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
    """Return the address with its domain in lower case, None for nothing typed; raises InvalidEmail."""
    address = typed.strip()
    if not address:
        return None
    if len(address) > MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(address):
        raise InvalidEmail
    local, domain = address.rsplit("@", 1)
    return f"{local}@{domain.lower()}"


def spoken_phone(phone: str) -> str:
    """Return an E.164 number as it is read out and dialled: `0912 345 678`, a foreign one with its country code."""
    number = phonenumbers.parse(phone, None)
    local = number.country_code == phonenumbers.country_code_for_region(REGION)
    shape = phonenumbers.PhoneNumberFormat.NATIONAL if local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, shape)
