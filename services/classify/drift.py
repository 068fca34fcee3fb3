"""Decides what is counted of a classification to see the model drift: week of receipt, how sure it was, who was right.

Called by the stores, which keep `Counted` beside each document, and by the drift page. Pure. A restricted feedback is
counted nowhere: where little arrives, a count alone can tell that somebody was denounced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hotline.working_days import VN
from services.classify.documents import Classification

SURE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a store keeps of one feedback to count it by; `confidence` is in thousandths.

    `week` is the Monday of its receipt in Vietnam. `needed_review` is what the model asked for; `decided_code` what a
    person said last, None where nobody did; `is_corrected` when that person's code or kind is another than the model's.
    """

    week: str
    confidence: int
    needed_review: bool
    suggested_code: str
    decided_code: str | None
    is_corrected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week of receipt, as a sum over its feedbacks that are not restricted; `sureness` is in thousandths."""

    monday: date
    feedbacks: int
    sureness: int
    needed_review: int
    decided: int
    corrected: int

    @property
    def mean_confidence(self) -> float:
        """The mean of the model's confidence, between 0 and 1."""
        return self.sureness / self.feedbacks / SURE

    @property
    def review_rate(self) -> float:
        """The share that the model left to a person."""
        return self.needed_review / self.feedbacks

    @property
    def corrected_share(self) -> float | None:
        """Of what a person decided the share where the model had said otherwise; None where nobody decided."""
        return self.corrected / self.decided if self.decided else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How often the model said one code and a person then another, or the same."""

    suggested: str
    decided: str
    feedbacks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistaken:
    """One code taken for another: how often, of how many decided feedbacks that the model had given this code."""

    suggested: str
    decided: str
    feedbacks: int
    of: int


def counted(document: Classification) -> Counted:
    """Return what is counted of a classification."""
    suggested, last = document.suggested, document.decisions[-1:]
    return Counted(
        week=week_of(document.received_at).isoformat(),
        confidence=round(suggested.confidence * SURE),
        needed_review=suggested.needs_review,
        suggested_code=suggested.code,
        decided_code=last[0].code if last else None,
        is_corrected=any((said.code, said.petition_kind) != (suggested.code, suggested.petition_kind) for said in last),
    )


def week_of(at: datetime) -> date:
    """Return the Monday of an instant's week in Vietnam; raises ValueError for one without a time zone."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone has no week")
    day = at.astimezone(VN).date()
    return day - timedelta(days=day.weekday())


def mistaken(said: Sequence[Said]) -> list[Mistaken]:
    """Return where persons said another code, the commonest first, then by code."""
    of: dict[str, int] = {}
    for pair in said:
        of[pair.suggested] = of.get(pair.suggested, 0) + pair.feedbacks
    wrong = [
        Mistaken(suggested=pair.suggested, decided=pair.decided, feedbacks=pair.feedbacks, of=of[pair.suggested])
        for pair in said
        if pair.suggested != pair.decided
    ]
    return sorted(wrong, key=lambda pair: (-pair.feedbacks, pair.suggested, pair.decided))
