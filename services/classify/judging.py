"""Judges whole messages: language, scores, decision and the words that carried it, for one text or many at once.

Called by the consumer (through `app`) and `hotline classify`. Pure given a model; keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.classify.classification import Judgement, decide
from services.classify.language import detect_read
from services.classify.model import Model
from services.classify.normalise import normalise


def judge(model: Model, texts: Sequence[str], *, with_reasons: bool = True) -> list[Judgement]:
    """Judge each text, in order. Any string is accepted; the same text always gets the same judgement."""
    read = [normalise(text) for text in texts]
    found = [model.vectoriser.found(text) for text in read]
    judged = []
    for text, features, scores in zip(read, found, model.score_found(read, found), strict=True):
        language = detect_read(text)
        has_reasons = with_reasons and language.is_vietnamese
        reasons = model.reasons_found(text, features, scores.codes[0][0]) if has_reasons else ()
        judged.append(decide(scores=scores, language=language, thresholds=model.thresholds, reasons=reasons))
    return judged
