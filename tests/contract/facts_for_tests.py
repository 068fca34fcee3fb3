"""Builds facts and the states in them, for every test that needs some."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hotline.facts import (
    Channel,
    ClassificationState,
    Erased,
    Fact,
    FactKind,
    FeedbackState,
    Producer,
    fact_id_of,
)
from hotline.promises import load_policies, promise
from hotline.taxonomy import PetitionKind
from hotline.working_days import load_calendar

RECEIVED_AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
WORDS = "Đường trước cổng trường có ổ gà"
PROMISE = promise(RECEIVED_AT, load_policies().choose("ha-giang-2023", "web"), load_calendar())


def received(feedback_id: str, seq: int = 1, text: str = WORDS, epoch: int = 0) -> Fact:
    """Return the `seq`-th fact of a feedback."""
    return Fact(
        fact_id=fact_id_of(Producer.INGEST, feedback_id, epoch, seq),
        kind=FactKind.FEEDBACK_RECEIVED,
        feedback_id=feedback_id,
        producer=Producer.INGEST,
        epoch=epoch,
        seq=seq,
        at=RECEIVED_AT + timedelta(seconds=seq),
        cause="received",
        state=FeedbackState(channel=Channel.WEB, text=text, received_at=RECEIVED_AT, promise=PROMISE),
    )


def erased(feedback_id: str, at: datetime = RECEIVED_AT, epoch: int = 0) -> Fact:
    """Return what ingest tells of a feedback that was erased, the ninth fact of it."""
    return Fact(
        fact_id=fact_id_of(Producer.INGEST, feedback_id, epoch, 9),
        kind=FactKind.FEEDBACK_ERASED,
        feedback_id=feedback_id,
        producer=Producer.INGEST,
        epoch=epoch,
        seq=9,
        at=at,
        cause="erased",
        state=Erased(erased_at=at),
    )


def judged(**changes: Any) -> ClassificationState:
    """Return what a model that is sure says of a broken road; `changes` replace any field."""
    state = ClassificationState(
        scheme="HG-2023",
        scheme_version="2023",
        code="6.3#giao_thong",
        petition_kind=PetitionKind.PHAN_ANH_KIEN_NGHI,
        restricted=False,
        urgent=False,
        language="vi",
        confidence=0.9,
        needs_review=False,
        model_version="m1",
        decided_by="model",
        decided_at=RECEIVED_AT,
    )
    return replace(state, **changes)
