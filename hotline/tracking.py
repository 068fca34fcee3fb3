"""Decides what a tracking code is: 12 digits in threes, to be read out on the phone, the last a check digit.

ingest mints codes and reads them back from people. The check digit (Damm) catches every single wrong digit
and every two neighbours exchanged, so a slip is answered with "check the code" and never with another
citizen's feedback.
"""

import re

from stdnum import damm
from stdnum.exceptions import ValidationError

CODE_DIGITS = 12
PAYLOAD_DIGITS = CODE_DIGITS - 1
MIN_ENTROPY_BYTES = 8
_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u2212_/]+")


class InvalidTrackingCode(ValueError):
    """Not a tracking code: wrong length, other characters, or a check digit that does not fit."""


def mint_tracking_code(entropy: bytes) -> str:
    """Return a code made from random bytes (at least 8, from `secrets`); the same bytes give the same
    code."""
    if len(entropy) < MIN_ENTROPY_BYTES:
        raise ValueError(f"give at least {MIN_ENTROPY_BYTES} random bytes")
    payload = f"{int.from_bytes(entropy, 'big') % 10**PAYLOAD_DIGITS:0{PAYLOAD_DIGITS}d}"
    return payload + damm.calc_check_digit(payload)


def format_tracking_code(code: str) -> str:
    """Return the code as it is shown and read out: `123 456 789 012`."""
    return " ".join(code[i : i + 3] for i in range(0, len(code), 3))


def parse_tracking_code(text: str) -> str:
    """Return the 12 digits of what a person typed, with spaces, dots or dashes; raises
    InvalidTrackingCode."""
    digits = _SEPARATORS.sub("", text)
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise InvalidTrackingCode("a tracking code has 12 digits")
    try:
        return str(damm.validate(digits))
    except ValidationError as error:
        raise InvalidTrackingCode("the check digit does not fit") from error
