"""Fifty feedbacks in one transaction: each has its own outcome, and its fact exactly when it is new."""

import asyncio
import threading

from msgspec.structs import replace

from hotline.facts import Attachment, FactKind
from services.ingest import actions
from services.ingest.documents import Feedback, fact_of
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.ingest.store import Added, FileIsGone, TrackingCodeTaken, WasErased
from tests.ingest.builders import NOW, Desk

GONE = Attachment(file_id="0" * 64, media_type="image/jpeg", size_bytes=1, name="o-ga.jpg")


def feedback_of(desk: Desk, number: int) -> Feedback:
    """Return the checked feedback of one caller, not stored."""
    draft = Draft(
        channel="web", text=f"Đường ngập {number}.", email="may@example.vn", origin=from_key("t", str(number))
    )
    return actions.checked(desk.intake.rules, draft, now=NOW)


async def add(desk: Desk, feedback: Feedback) -> Added:
    """Store a feedback with its fact and its receipt's notice."""
    fact = fact_of(feedback, FactKind.FEEDBACK_RECEIVED, cause="received:web", at=NOW)
    notices = actions.receipt_notice(feedback, now=NOW, say=desk.intake.say)
    return await desk.intake.store.add(feedback, (fact,), notices)


async def add_in_one_group(desk: Desk, feedbacks: list[Feedback]) -> list[Added | BaseException]:
    """Store all in one group: the writer is held until every one of them waits."""
    database = desk.backend.database
    has_begun, is_over = threading.Event(), threading.Event()
    holding = asyncio.ensure_future(database.write(lambda _: (has_begun.set(), is_over.wait(10))))
    await asyncio.to_thread(has_begun.wait)
    waiting = [asyncio.ensure_future(add(desk, feedback)) for feedback in feedbacks]
    while database.jobs.qsize() < len(feedbacks):  # noqa: ASYNC110 - a queue of threads has no event
        await asyncio.sleep(0)
    is_over.set()
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)


async def facts_by_feedback(desk: Desk) -> list[str]:
    """Return the ids of the feedbacks that were said to be received, sorted."""
    return sorted(fact.feedback_id for fact in await desk.facts() if fact.kind is FactKind.FEEDBACK_RECEIVED)


async def test_fifty_new_ones_are_all_stored_with_facts_and_notices(desk: Desk) -> None:
    feedbacks = [feedback_of(desk, number) for number in range(50)]
    added = await add_in_one_group(desk, feedbacks)
    assert added == [Added(feedback=feedback, is_new=True) for feedback in feedbacks]
    assert await facts_by_feedback(desk) == sorted(feedback.feedback_id for feedback in feedbacks)
    assert await desk.intake.store.count_notices_to_send() == 50


async def test_among_fifty_each_that_cannot_be_added_fails_alone(desk: Desk) -> None:
    feedbacks = [feedback_of(desk, number) for number in range(50)]
    known, erased = feedbacks[7], feedbacks[21]
    await add(desk, known)
    await add(desk, erased)
    await actions.erase(desk.intake, erased.feedback_id, now=NOW)
    feedbacks[30] = replace(feedbacks[30], tracking_code=feedbacks[2].tracking_code)
    feedbacks[41] = replace(feedbacks[41], attachments=(GONE,))
    feedbacks[49] = replace(feedbacks[3], text="the same key a second time")
    outcomes = await add_in_one_group(desk, feedbacks)
    assert outcomes[7] == Added(feedback=known, is_new=False)
    assert outcomes[49] == Added(feedback=feedbacks[3], is_new=False)
    refusals = {at: type(outcome) for at, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)}
    assert refusals == {21: WasErased, 30: TrackingCodeTaken, 41: FileIsGone}
    fine = [at for at in range(50) if at not in {7, 49, *refusals}]
    assert [outcomes[at] for at in fine] == [Added(feedback=feedbacks[at], is_new=True) for at in fine]
    assert await facts_by_feedback(desk) == sorted(feedbacks[at].feedback_id for at in (7, *fine))
    assert await desk.count("ingest_feedback") == len(fine) + 1
    assert await desk.intake.store.count_notices_to_send() == len(fine) + 1
