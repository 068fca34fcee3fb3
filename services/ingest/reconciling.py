"""Tells of ingest's feedbacks again, and of erasures that not every service knows. Called by `hotline reconcile`."""

from datetime import datetime

from msgspec.structs import replace

from hotline.facts import Erased, Fact, FactKind, Producer, fact_id_of
from services.ingest.actions import ATTEMPTS, Intake
from services.ingest.documents import fact_of
from services.ingest.store import Conflict

CAUSE = "reconciled"


async def tell_again(intake: Intake, feedback_id: str, *, now: datetime) -> bool:
    """Say a feedback's state again as a newer fact; False when there is none (any more)."""
    for _ in range(ATTEMPTS):
        feedback = await intake.store.get(feedback_id)
        if feedback is None:
            return False
        again = replace(feedback, seq=feedback.seq + 1)
        try:
            await intake.store.save(again, (fact_of(again, FactKind.FEEDBACK_RECEIVED, cause=CAUSE, at=now),))
        except Conflict:
            continue
        return True
    raise Conflict(feedback_id)


def erasure_again(feedback_id: str, *, now: datetime) -> Fact:
    """Return a fact that says the erasure of a feedback of which nothing is left to count facts by."""
    epoch = int(now.timestamp())
    return Fact(
        fact_id=fact_id_of(Producer.INGEST, feedback_id, epoch, 1),
        kind=FactKind.FEEDBACK_ERASED,
        feedback_id=feedback_id,
        producer=Producer.INGEST,
        epoch=epoch,
        seq=1,
        at=now,
        cause=CAUSE,
        state=Erased(erased_at=now),
    )
