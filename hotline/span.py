"""What is found in a citizen's text, and where: the kinds of spans, and what a finder gives back.

Called by `spans` and its finders. Holds personal data in `value`: never log a span.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SpanKind(StrEnum):
    """What a stretch of text names."""

    PERSON = "person"
    PHONE = "phone"
    CITIZEN_ID = "citizen_id"
    EMAIL = "email"
    BANK_ACCOUNT = "bank_account"
    PLATE = "plate"
    HOUSE = "house"
    HAMLET = "hamlet"
    STREET = "street"
    PLACE = "place"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch `start` to `end` of the NFC text.

    `value` is what it says in one spelling: a number in E.164, digits alone, an address in lower case, a plate without
    signs, the ids of the directory's bodies; otherwise the folded words.
    """

    start: int
    end: int
    kind: SpanKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stretch of the shown text of a reading that a finder takes for something."""

    start: int
    end: int
    kind: SpanKind
    value: str = ""
