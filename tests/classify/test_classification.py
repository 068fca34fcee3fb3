"""What becomes of scores: the rules a clerk could check, one row each."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hotline.taxonomy import RESTRICTED_CODES, PetitionKind, load_taxonomy
from services.classify.classification import Judgement, ReviewReason, decide, state_of
from services.classify.language import Language
from services.classify.model import Scores, Thresholds

VI, EN = Language(code="vi"), Language(code="en")
K, W = PetitionKind, ReviewReason
THRESHOLDS = Thresholds(
    review_below=dict.fromkeys(load_taxonomy().labels, 0.5), plain_from=0.5,
    second_above=0.2, to_cao_above=0.35, restricted_above=0.1,
    restricted_in_plain_above=0.2, urgent_above=0.3, danger_above=0.01,
)  # fmt: skip
OTHERS = (("6.2", 0.03), ("7.1", 0.02), ("6.1", 0.01), ("0", 0.01), ("5.1", 0.005))


def scores(
    code: str = "6.3#giao_thong",
    confidence: float = 0.9,
    *,
    kind: PetitionKind = K.PHAN_ANH_KIEN_NGHI,
    restricted: float = 0.01,
    urgent: float = 0.01,
    danger: tuple[str, ...] = (),
    is_suspicious: bool = False,
    words: int = 12,
    second: tuple[str, float] = ("6.4", 0.05),
) -> Scores:
    others = tuple((other, 0.01) for other in K if other is not kind)
    return Scores(
        codes=((code, confidence), second, *OTHERS),
        kinds=((kind, 0.8), *others),
        restricted=restricted,
        urgent=urgent,
        danger=danger,
        is_suspicious=is_suspicious,
        words=words,
    )


def judged(given: Scores, language: Language = VI) -> Judgement:
    return decide(scores=given, language=language, thresholds=THRESHOLDS)


RULES = (
    # what it is, scores, language, restricted, urgent, why a person looks
    ("a plain, sure petition goes through", scores(), VI, False, False, ()),
    ("an unsure code waits for a person", scores(confidence=0.49), VI, False, False, (W.UNSURE,)),
    ("the threshold itself is sure", scores(confidence=0.5), VI, False, False, ()),
    ("two words are too few", scores(words=2), VI, False, False, (W.TOO_SHORT,)),
    ("another language is read by a person, closed", scores(), EN, True, False, (W.OTHER_LANGUAGE, W.RESTRICTED)),
    ("the screen fires", scores("5.1", restricted=0.1), VI, True, False, (W.RESTRICTED,)),
    ("and stays silent below", scores("5.1", restricted=0.099), VI, False, False, ()),
    ("a sure matter of the street opens on a faint doubt", scores(restricted=0.19), VI, False, False, ()),
    ("but not on a strong one", scores(restricted=0.2), VI, True, False, (W.RESTRICTED,)),
    ("nor on words of gain", scores(restricted=0.1, is_suspicious=True), VI, True, False, (W.RESTRICTED,)),
    ("nor when unsure", scores(confidence=0.49, restricted=0.1), VI, True, False, (W.UNSURE, W.RESTRICTED)),
    ("a tố cáo is closed and confirmed", scores(kind=K.TO_CAO), VI, True, False, (W.KIND_NEEDS_A_PERSON, W.RESTRICTED)),
    (
        "a crime report is closed and confirmed",
        scores(kind=K.TIN_BAO_TOI_PHAM),
        VI,
        True,
        False,
        (W.KIND_NEEDS_A_PERSON, W.RESTRICTED),
    ),
    ("a khiếu nại is confirmed, but open", scores(kind=K.KHIEU_NAI), VI, False, False, (W.KIND_NEEDS_A_PERSON,)),
    ("a corruption code is closed whatever its kind", scores("4.2"), VI, True, False, (W.RESTRICTED,)),
    ("words of danger are urgent", scores(danger=("cứu với",)), VI, False, True, ()),
    (
        "words of danger in a text that speaks of none are not",
        scores(danger=("cháy",), urgent=0.005),
        VI,
        False,
        False,
        (),
    ),
    ("a high score is urgent", scores(urgent=0.3), VI, False, True, ()),
    ("danger does not wait when the code is unsure", scores(confidence=0.2, urgent=0.9), VI, False, True, (W.UNSURE,)),
)


@pytest.mark.parametrize(("what", "given", "language", "restricted", "urgent", "why"), RULES)
def test_rule(
    what: str, given: Scores, language: Language, restricted: bool, urgent: bool, why: tuple[ReviewReason, ...]
) -> None:
    judgement = judged(given, language)
    assert (judgement.restricted, judgement.urgent, judgement.why) == (restricted, urgent, why), what
    assert judgement.needs_review == bool(why)


@pytest.mark.parametrize("code", sorted(RESTRICTED_CODES))
def test_every_corruption_code_is_restricted(code: str) -> None:
    assert judged(scores(code)).restricted


@pytest.mark.parametrize(("said", "kind"), [(K.TIN_BAO_TOI_PHAM, K.KHAN_CAP), (K.TO_CAO, K.TO_CAO)])
def test_danger_in_words_and_in_score_is_an_emergency_or_an_urgent_denunciation(
    said: PetitionKind, kind: PetitionKind
) -> None:
    judgement = judged(scores(danger=("cầm dao",), urgent=0.5, kind=said))
    assert (judgement.petition_kind, judgement.urgent, judgement.restricted) == (kind, True, kind is K.TO_CAO)


@pytest.mark.parametrize(("likelihood", "kind"), [(0.35, K.TO_CAO), (0.34, K.PHAN_ANH_KIEN_NGHI)])
def test_a_likely_denunciation_is_one_though_another_kind_is_likelier(likelihood: float, kind: PetitionKind) -> None:
    given = replace(scores(), kinds=((K.PHAN_ANH_KIEN_NGHI, 1 - likelihood), (K.TO_CAO, likelihood)))
    assert judged(given).petition_kind is kind


def test_a_text_in_another_language_gets_no_code_of_the_model() -> None:
    judgement = judged(scores("7.1"), EN)
    assert (judgement.code, judgement.second, judgement.confidence) == ("0", None, 0.0)
    assert judgement.language == "en"


def test_the_second_code_is_named_when_likely_and_something() -> None:
    assert judged(scores(second=("7.2", 0.2))).second == "7.2"
    assert judged(scores(second=("7.2", 0.19))).second is None
    assert judged(scores(second=("0", 0.3))).second is None


def test_five_scores_are_kept_likeliest_first() -> None:
    assert [code for code, _ in judged(scores()).scores] == ["6.3#giao_thong", "6.4", "6.2", "7.1", "6.1"]


def test_the_state_on_the_bus_says_what_was_judged() -> None:
    judgement = replace(judged(scores("4.1", restricted=0.9)), reasons=("đòi tiền",))
    state = state_of(judgement, model_version="m1", at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    assert (state.code, state.restricted, state.reasons) == ("4.1", True, ("đòi tiền",))
    assert (state.needs_review, state.review_reasons) == (True, ("restricted",))
    assert (state.model_version, state.decided_by, state.scheme) == ("m1", "model", "HG-2023")
