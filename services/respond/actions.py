"""What respond does with a ticket, whoever asks: facts, people's clicks, the ticker.

Called by the consumer, the pages and the ticker. Loads, asks the pure functions, saves ticket and fact together; a
lost race is decided again from what was saved meanwhile. Applying a fact or a step twice changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Unpack

from hotline.facts import ClassificationState, Fact, FeedbackState
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.files import Vault
from hotline.plumbing.log import step
from hotline.promises import promise, renew
from hotline.roles import Session
from hotline.working_days import WorkingCalendar
from services.respond.arrivals import attempted, classified, is_newer, received
from services.respond.clocks import screening_due_at
from services.respond.documents import fact_of
from services.respond.inputs import Inputs
from services.respond.rules import Rules
from services.respond.settling import settle
from services.respond.steps import action_of, due_instants, next_attention_at, steps_due
from services.respond.store import Attention, Conflict, Page, RespondStore
from services.respond.ticket import SYSTEM, UNANSWERED, Action, ClockKind, Ticket, actor_of
from services.respond.workflow import apply

SAVE_ATTEMPTS = 8
ATTENTION_BATCH = 100
# A ticker that was away for long takes all steps of a ticket that are due, one after the other.
MAX_STEPS = 20

FindTicket = Callable[[Session, Ticket], Ticket | None]


class Gone(Exception):
    """There is no such ticket, or this person may not see it: both look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every action needs: the store, the locality's rules, and where the files of answers are kept."""

    store: RespondStore
    rules: Rules
    vault: Vault


async def apply_fact(desk: Desk, fact: Fact, now: datetime) -> Ticket | None:
    """Apply a fact of ingest or classify; repeats, older facts and facts of erased feedback change nothing."""
    for _ in range(SAVE_ATTEMPTS):
        known = await desk.store.get(fact.feedback_id)
        if known is None and await desk.store.is_erased(fact.feedback_id):
            return None
        if known is not None and not is_newer(known, fact):
            return known
        after = settle(with_fact(known, fact, desk.rules), desk.rules, now)
        try:
            return await save(desk, after, now, is_new=known is None)
        except Conflict:
            continue
    raise Conflict(fact.feedback_id)


def with_fact(known: Ticket | None, fact: Fact, rules: Rules) -> Ticket:
    """Return the ticket after a fact that is newer than what its producer said before."""
    match fact.state:
        case FeedbackState() as state:
            return received(known, fact, state, rules.policies.by_id(state.promise.policy), rules.calendar)
        case ClassificationState() as state:
            policy = rules.policies.choose(rules.locality, "web")
            return classified(known, fact, state, policy, rules.calendar)
    raise TypeError(f"{fact.kind} says nothing to a ticket")


async def save(desk: Desk, ticket: Ticket, now: datetime, *, is_new: bool = False) -> Ticket:
    """Save the next version with its fact; a ticket whose receipt has not come says nothing yet."""
    epoch = desk.store.epoch if is_new else ticket.epoch
    ticket = replace(ticket, version=ticket.version + 1, epoch=epoch, seq=ticket.seq + 1)
    facts = (fact_of(ticket, desk.rules, at=now),) if ticket.is_received else ()
    attention = attention_of(ticket, now, desk.rules.calendar)
    await (desk.store.add if is_new else desk.store.save)(ticket, attention, facts)
    return ticket


def attention_of(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> Attention:
    """Return when the ticker must look again and what the lists sort by."""
    due = due_instants(ticket, now, calendar)
    return Attention(
        next_attention_at=next_attention_at(ticket, now, calendar),
        next_due_at=min(due.values(), default=None),
        acknowledgement_due_at=due.get(ClockKind.ACKNOWLEDGEMENT),
        response_due_at=due.get(ClockKind.RESPONSE),
    )


async def find(desk: Desk, session: Session, feedback_id: str, may_see: FindTicket) -> Ticket:
    """Return the ticket as this person may see it; raises Gone."""
    ticket = await desk.store.get(feedback_id)
    seen = may_see(session, ticket) if ticket is not None else None
    if seen is None:
        raise Gone(feedback_id)
    return seen


async def act(
    desk: Desk,
    session: Session,
    ticket: Ticket,
    action: Action,
    now: datetime,
    **inputs: Unpack[Inputs],
) -> Ticket:
    """Let a person do something to the ticket as they saw it.

    Raises NotAllowed, Invalid with every fault, Conflict when the ticket changed since it was loaded, FileIsGone.
    """
    given = completed(desk.rules, ticket, action, now, inputs)
    after = settle(apply(ticket, action, actor_of(session), now, **given), desk.rules, now)
    return await save(desk, after, now)


def completed(rules: Rules, ticket: Ticket, action: Action, now: datetime, inputs: Inputs) -> Inputs:
    """Return the inputs with what the locality's rules add: due instants, a further promise."""
    given = Inputs(**inputs)
    if action in {Action.ASSIGN, Action.REASSIGN, Action.REOPEN} and not ticket.restricted:
        route = given.get("route") or ticket.route
        given["agency_due_at"] = rules.agency_due_at(ticket, route.agency_id if route else None, now)
    if action is Action.REOPEN:
        given["promise"] = promise(now, ticket.policy, rules.calendar)
    if action is Action.RESTRICT:
        given["screening_due_at"] = screening_due_at(ticket.policy, rules.calendar, now)
    if action is Action.RECORD_ANSWER and ticket.route is not None:
        given["agency_has_accounts"] = has_accounts(rules, ticket.route.answers)
    return given


def has_accounts(rules: Rules, agency_id: str) -> bool:
    """Say whether somebody of the body can sign in here."""
    return rules.directory.has(agency_id) and rules.directory.get(agency_id).has_accounts


async def attend(desk: Desk, now: datetime) -> int:
    """Take every step whose time has come, on the tickets that wait longest; return how many were attended to.

    Any number of tickers may do it at once: a step's id stands in the history, so it is taken once. A ticket on which
    something breaks is logged, left as it is, and looked at again the next time. Raises WorldIsDown.
    """
    attended = 0
    for ticket in await desk.store.needing_attention(now, ATTENTION_BATCH):
        after = with_steps(ticket, now, desk.rules.calendar)
        try:
            if after != ticket:
                await save(desk, after, now)
            else:
                await refresh(desk, ticket, now)
        except Conflict:
            continue
        except WorldIsDown:
            raise
        except Exception as error:  # noqa: BLE001 - one ticket must not stop the clocks of all others
            step("attend_failed", level="ERROR", feedback_id=ticket.feedback_id, error=type(error).__name__)
        else:
            attended += 1
    return attended


def with_steps(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> Ticket:
    """Return the ticket with every step taken that is due now."""
    for _ in range(MAX_STEPS):
        due = steps_due(ticket, now, calendar)
        if not due:
            break
        after = attempted(ticket, action_of(due[0]), SYSTEM, now, Inputs(step=due[0]))
        if after == ticket:
            break
        ticket = after
    return ticket


async def refresh(desk: Desk, ticket: Ticket, now: datetime) -> None:
    """Store a later instant of attention for a ticket on which nothing was due after all."""
    attention = attention_of(ticket, now, desk.rules.calendar)
    await desk.store.save(replace(ticket, version=ticket.version + 1), attention, ())


async def renew_promises(desk: Desk, now: datetime) -> int:
    """Count running promises again after a change of the calendar; later or the same, never earlier.

    Called after every start until it has come to its end once; promises already counted on this calendar are passed
    over, so that it goes on where it was interrupted. Returns how many were renewed. Raises WorldIsDown, and Conflict
    when somebody changed a ticket each time it was to be saved.
    """
    tried: set[str] = set()
    renewed = 0
    # What is renewed, or changed by others, moves in the list while it is read: so it is read until nothing is new.
    while behind := [feedback_id for feedback_id in await behind_calendar(desk) if feedback_id not in tried]:
        tried.update(behind)
        for feedback_id in behind:
            renewed += await renew_promise(desk, feedback_id, now)
    return renewed


async def behind_calendar(desk: Desk) -> list[str]:
    """Return the running tickets whose promise was counted on another calendar."""
    found: list[str] = []
    offset = 0
    while running := await desk.store.running(Page(offset=offset, limit=ATTENTION_BATCH)):
        offset += len(running)
        found += [ticket.feedback_id for ticket in running if is_behind(ticket, desk.rules.calendar)]
    return found


def is_behind(ticket: Ticket, calendar: WorkingCalendar) -> bool:
    """Say whether an unanswered ticket's promise was counted on another calendar."""
    return ticket.is_received and ticket.status in UNANSWERED and ticket.promise.calendar != calendar.version


async def renew_promise(desk: Desk, feedback_id: str, now: datetime) -> bool:
    """Renew one ticket's promise; False when it needs that no more. One on which something breaks is logged and left.

    Raises WorldIsDown, and Conflict when somebody changed the ticket each time it was to be saved.
    """
    for _ in range(SAVE_ATTEMPTS):
        ticket = await desk.store.get(feedback_id)
        if ticket is None or not is_behind(ticket, desk.rules.calendar):
            return False
        run = ticket.promises[-1]
        try:
            new = renew(run.promise, run.started_at, ticket.policy, desk.rules.calendar)
            await save(desk, apply(ticket, Action.RENEW, SYSTEM, now, promise=new), now)
        except Conflict:
            continue
        except WorldIsDown:
            raise
        except Exception as error:  # noqa: BLE001 - one ticket must not keep all others from their promises
            step("renew_failed", level="ERROR", feedback_id=feedback_id, error=type(error).__name__)
            return False
        return True
    raise Conflict(feedback_id)


async def sweep_files(desk: Desk, now: datetime) -> int:
    """Remove files of answers that no ticket refers to (drafts given up, refused forms); return how many."""
    kept = await desk.store.file_ids()
    return await desk.vault.sweep(now, kept.__contains__)
