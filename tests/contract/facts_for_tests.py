"""Builds facts for the conformance suite."""

from datetime import UTC, datetime, timedelta

from hotline.facts import Channel, Fact, FactKind, FeedbackState, Producer, fact_id_of
from hotline.promises import load_policies, promise
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
