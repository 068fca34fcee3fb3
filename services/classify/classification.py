"""Decides what a message is about and how far a machine's word goes: which scores become a judgement, which a person's.

Called by `judging` with scores, language and thresholds; pure. Machine decides the code; a person confirms every
khiếu nại, tố cáo and crime report (Luật AI; LAW.md), every text the model cannot read and every unsure one. Unsure
between open and restricted means restricted: a denunciation shown as a plain petition is the worst error there is.
Danger never waits for anyone: `urgent` stands beside `needs_review`, not behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hotline.facts import ClassificationState
from hotline.taxonomy import OTHER, SCHEME, PetitionKind, is_restricted_code, load_taxonomy
from services.classify.language import Language
from services.classify.model import Scores, Thresholds

DECIDED_BY_MODEL = "model"
TOP_SCORES = 5
FEWEST_WORDS = 3

_CONFIRMED_BY_A_PERSON = frozenset(
    {PetitionKind.KHIEU_NAI, PetitionKind.TO_CAO, PetitionKind.TIN_BAO_TOI_PHAM, PetitionKind.KHAN_CAP}
)
_PLAIN_MATTERS = "6.3#"
_RESTRICTED_KINDS = frozenset({PetitionKind.TO_CAO, PetitionKind.TIN_BAO_TOI_PHAM})


class ReviewReason(StrEnum):
    """Why a person must look before the judgement is final."""

    OTHER_LANGUAGE = "other_language"
    TOO_SHORT = "too_short"
    UNSURE = "unsure"
    KIND_NEEDS_A_PERSON = "kind_needs_a_person"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the machine says of one message. `scores` are the five likeliest codes; `why` is empty without review."""

    code: str
    second: str | None
    scores: tuple[tuple[str, float], ...]
    petition_kind: PetitionKind
    restricted: bool
    urgent: bool
    language: str
    confidence: float
    needs_review: bool
    why: tuple[ReviewReason, ...]
    reasons: tuple[str, ...]


def decide(
    *,
    scores: Scores,
    language: Language,
    thresholds: Thresholds,
    reasons: tuple[str, ...] = (),
) -> Judgement:
    """Turn scores into a judgement; `reasons` are quoted from the text by the caller."""
    code, confidence = scores.codes[0]
    urgent = scores.urgent >= (thresholds.danger_above if scores.danger else thresholds.urgent_above)
    kind = _kind(scores, thresholds)
    readable = language.is_vietnamese
    restricted = (
        scores.restricted >= _restricted_floor(scores, thresholds)
        or kind in _RESTRICTED_KINDS
        or is_restricted_code(code)
        or (not readable and scores.words >= FEWEST_WORDS)
    )
    why = _why(scores, language, thresholds, kind, restricted=restricted)
    return Judgement(
        code=code if readable else OTHER,
        second=_second(scores, thresholds) if readable else None,
        scores=scores.codes[:TOP_SCORES],
        petition_kind=kind if readable else PetitionKind.KHAC,
        restricted=restricted,
        urgent=urgent,
        language=language.code,
        confidence=confidence if readable else 0.0,
        needs_review=bool(why),
        why=why,
        reasons=reasons,
    )


def state_of(judgement: Judgement, *, model_version: str, at: datetime) -> ClassificationState:
    """The judgement as classify's state on the bus. `at` must be aware."""
    return ClassificationState(
        scheme=SCHEME,
        scheme_version=load_taxonomy().version,
        code=judgement.code,
        second=judgement.second,
        scores=judgement.scores,
        petition_kind=judgement.petition_kind,
        restricted=judgement.restricted,
        urgent=judgement.urgent,
        language=judgement.language,
        confidence=judgement.confidence,
        needs_review=judgement.needs_review,
        reasons=judgement.reasons,
        review_reasons=judgement.why,
        model_version=model_version,
        decided_by=DECIDED_BY_MODEL,
        decided_at=at,
    )


def _restricted_floor(scores: Scores, thresholds: Thresholds) -> float:
    """The probability from which the screen closes a text.

    Higher where the matter is surely a street, power, water or garbage and nothing in the words hints at gain, abuse or
    crime: most of what arrives, and delayed for nothing behind closed doors.
    """
    code, confidence = scores.codes[0]
    if code.startswith(_PLAIN_MATTERS) and confidence >= thresholds.plain_from and not scores.is_suspicious:
        return max(thresholds.restricted_above, thresholds.restricted_in_plain_above)
    return thresholds.restricted_above


def _kind(scores: Scores, thresholds: Thresholds) -> PetitionKind:
    """The likeliest kind, but a likely tố cáo is one, urgent or not, and danger named and scored is an emergency."""
    if dict(scores.kinds)[PetitionKind.TO_CAO] >= thresholds.to_cao_above:
        return PetitionKind.TO_CAO
    if scores.danger and scores.urgent >= thresholds.urgent_above:
        return PetitionKind.KHAN_CAP
    return scores.kinds[0][0]


def _second(scores: Scores, thresholds: Thresholds) -> str | None:
    second, probability = scores.codes[1]
    return second if probability >= thresholds.second_above and second != OTHER else None


def _why(
    scores: Scores, language: Language, thresholds: Thresholds, kind: PetitionKind, *, restricted: bool
) -> tuple[ReviewReason, ...]:
    code, confidence = scores.codes[0]
    checks = (
        (ReviewReason.OTHER_LANGUAGE, not language.is_vietnamese),
        (ReviewReason.TOO_SHORT, scores.words < FEWEST_WORDS),
        (ReviewReason.UNSURE, confidence < thresholds.review_below[code]),
        (ReviewReason.KIND_NEEDS_A_PERSON, kind in _CONFIRMED_BY_A_PERSON),
        (ReviewReason.RESTRICTED, restricted),
    )
    return tuple(reason for reason, holds in checks if holds)
