"""What ingest does: load, ask a pure function to decide, save document and facts together.

Pages, API, consumer and commands share these functions; none of them reaches the store otherwise. Each takes `now`
(aware) and is safe to call twice.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from hotline.errors import FieldError, Invalid
from hotline.facts import Fact, FactKind, TicketState
from hotline.plumbing.entropy import ENTROPY
from hotline.plumbing.files import Vault
from hotline.plumbing.log import step
from services.ingest import following
from services.ingest.documents import Feedback, erasure_of, fact_of
from services.ingest.feedback import Draft, Rules, accept
from services.ingest.notices import Say, notices_of, receipt_notice
from services.ingest.store import Added, Conflict, FeedbackStore, TrackingCodeTaken

ENTROPY_BYTES = 16
ATTEMPTS = 8
OFFER_AFTER = timedelta(minutes=10)
ALARM_AFTER = timedelta(minutes=60)
OFFERS_AT_ONCE = 200

Decide = Callable[[Feedback], Feedback]
Load = Callable[[], Awaitable[Feedback | None]]


class IdempotencyConflict(Exception):
    """The same key came with a different body."""


class UnknownFeedback(Exception):
    """No feedback has this id or code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the actions work with; made once by `app.open_service` and by the commands."""

    store: FeedbackStore
    rules: Rules
    vault: Vault
    say: Say


async def submit(intake: Intake, draft: Draft, *, now: datetime, faults: Sequence[FieldError] = ()) -> Added:
    """Take a draft in, once: a repeat under the same origin gives what was stored the first time.

    `faults` are what the edge found already; they are said together with all others. Raises Invalid,
    IdempotencyConflict for the same origin with a different body, WasErased, FileIsGone.
    """
    for _ in range(ATTEMPTS):
        feedback = replace(checked(intake.rules, draft, now=now, faults=faults), epoch=intake.store.epoch)
        fact = fact_of(feedback, FactKind.FEEDBACK_RECEIVED, cause=f"received:{feedback.channel}", at=now)
        notices = receipt_notice(feedback, now=now, say=intake.say)
        try:
            added = await intake.store.add(feedback, (fact,), notices)
        except TrackingCodeTaken:
            continue
        if not added.is_new and added.feedback.fingerprint != feedback.fingerprint:
            raise IdempotencyConflict
        step(
            "feedback_received" if added.is_new else "feedback_repeated",
            feedback_id=added.feedback.feedback_id,
        )
        return added
    raise TrackingCodeTaken


def checked(rules: Rules, draft: Draft, *, now: datetime, faults: Sequence[FieldError] = ()) -> Feedback:
    """Return what `accept` makes of the draft; raises Invalid with the edge's faults and its own, each field once."""
    try:
        feedback = accept(draft, now=now, rules=rules, entropy=ENTROPY.take(ENTROPY_BYTES))
    except Invalid as invalid:
        named = {fault.field for fault in faults}
        raise Invalid((*faults, *(error for error in invalid.errors if error.field not in named))) from invalid
    if faults:
        raise Invalid(faults)
    return feedback


async def by_tracking_code(intake: Intake, code: str) -> Feedback:
    """Return the feedback of a tracking code; raises UnknownFeedback."""
    feedback = await intake.store.by_tracking_code(code)
    if feedback is None:
        raise UnknownFeedback
    return feedback


async def apply_ticket_changed(intake: Intake, fact: Fact, *, now: datetime) -> bool:
    """Keep respond's newest state of a feedback, with the notices it causes; says whether anything changed.

    Older states and repeats are ignored, and so is a feedback that is not (or no more) here.
    """
    assert isinstance(fact.state, TicketState)
    for _ in range(ATTEMPTS):
        feedback = await intake.store.get(fact.feedback_id)
        newer = following.newer_ticket(feedback, fact.state, fact.order) if feedback else None
        if feedback is None or newer is None:
            return False
        notices = notices_of(newer, feedback.ticket, now=now, say=intake.say)
        try:
            await intake.store.save(newer, (), notices)
        except Conflict:
            continue
        return True
    raise Conflict(fact.feedback_id)


async def add_information(intake: Intake, code: str, text: str, *, now: datetime) -> Feedback:
    """Add what the citizen says later; raises Invalid, UnknownFeedback."""
    return await _follow_up(intake, code, lambda f: following.add_information(f, text, now=now), "added", now)


async def rate(intake: Intake, code: str, rating: str, comment: str, *, now: datetime) -> Feedback:
    """Rate the answer, 1 to 5; raises Invalid, UnknownFeedback."""
    return await _follow_up(intake, code, lambda f: following.rate(f, rating, comment, now=now), "rated", now)


async def request_reopen(intake: Intake, code: str, reason: str, *, now: datetime) -> Feedback:
    """Ask to look at it again; raises Invalid, UnknownFeedback."""
    return await _follow_up(intake, code, lambda f: following.request_reopen(f, reason, now=now), "reopen", now)


async def withdraw(intake: Intake, code: str, reason: str, *, now: datetime) -> Feedback:
    """Ask to withdraw it; respond decides what follows. Raises Invalid, UnknownFeedback."""
    return await _follow_up(intake, code, lambda f: following.withdraw(f, reason, now=now), "withdrawn", now)


async def record_told_by_phone(intake: Intake, feedback_id: str, said: str, *, by: str, now: datetime) -> Feedback:
    """Record the call in which the answer was told; the answer has then reached the citizen. Raises Invalid."""
    return await _change(
        intake,
        lambda: intake.store.get(feedback_id),
        lambda f: following.told_by_phone(f, said, by=by, now=now),
        "told",
        now,
    )


async def _follow_up(intake: Intake, code: str, decide: Decide, cause: str, now: datetime) -> Feedback:
    return await _change(intake, lambda: intake.store.by_tracking_code(code), decide, cause, now)


async def _change(intake: Intake, load: Load, decide: Decide, cause: str, now: datetime) -> Feedback:
    for _ in range(ATTEMPTS):
        feedback = await load()
        if feedback is None:
            raise UnknownFeedback
        changed = decide(feedback)
        if changed is feedback:
            return changed
        fact = fact_of(changed, FactKind.FEEDBACK_FOLLOWED_UP, cause=cause, at=now)
        try:
            saved = await intake.store.save(changed, (fact,))
        except Conflict:
            continue
        step("feedback_followed_up", feedback_id=saved.feedback_id, cause=cause)
        return saved
    raise Conflict("too many writers at once")


async def offer_again(intake: Intake, *, now: datetime) -> int:
    """Say `feedback.received` again for what respond has not taken up within 10 minutes; returns how many.

    Each is offered at most once in 10 minutes. What waits over an hour is an alarm in the log.
    """
    waiting = await intake.store.without_ticket_since(now - OFFER_AFTER, OFFERS_AT_ONCE)
    late = [feedback for feedback in waiting if now - feedback.recorded_at > ALARM_AFTER]
    if late:
        step("no_ticket_for_an_hour", level="ERROR", count=len(late), feedback_id=late[0].feedback_id)
    offered = 0
    for feedback in waiting:
        if feedback.offered_at is not None and now - feedback.offered_at < OFFER_AFTER:
            continue
        again = following.offered_again(feedback, now=now)
        fact = fact_of(again, FactKind.FEEDBACK_RECEIVED, cause="offered_again", at=now)
        try:
            await intake.store.save(again, (fact,))
        except Conflict:
            continue
        offered += 1
        step("feedback_offered_again", feedback_id=feedback.feedback_id)
    return offered


async def erase(intake: Intake, feedback_id: str, *, now: datetime) -> bool:
    """Erase a feedback from store, log and files, and tell the other services; says whether it was there."""
    feedback = await intake.store.get(feedback_id)
    if feedback is None:
        return False
    unkept = await intake.store.erase(feedback_id, (erasure_of(feedback, at=now),))
    await intake.store.release_files(unkept)
    step("feedback_erased", feedback_id=feedback_id)
    return True


async def sweep_files(intake: Intake, *, now: datetime) -> int:
    """Finish erasures that were killed and remove orphaned attachments; returns how many of those."""
    await intake.store.finish_erasures()
    kept = await intake.store.file_ids()
    return await intake.vault.sweep(now, kept.__contains__)
