"""Tells of classify's classifications again. Called by `hotline reconcile`."""

from dataclasses import replace
from datetime import datetime

from services.classify.actions import SAVE_ATTEMPTS
from services.classify.documents import fact_of
from services.classify.store import ClassifyStore, Conflict


async def tell_again(store: ClassifyStore, feedback_id: str, *, now: datetime) -> bool:
    """Say a classification again as a newer fact; False when there is none (any more)."""
    for _ in range(SAVE_ATTEMPTS):
        document = await store.get(feedback_id)
        if document is None:
            return False
        again = replace(document, seq=document.seq + 1, version=document.version + 1)
        try:
            await store.save(again, (fact_of(again, at=now),))
        except Conflict:
            continue
        return True
    raise Conflict(feedback_id)
