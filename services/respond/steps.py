"""Decides what the ticker does next on a ticket, and when it must look again.

`actions.attend` takes the steps that are due and applies each by `workflow.apply`; `next_attention_at` and
`due_instants` are recomputed on every save. Each step has an id derived from (ticket, clock, number, step),
and one that stands in the history is never due again, so any number of tickers, however late, takes it once.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from hotline.working_days import WorkingCalendar
from services.respond.clocks import Clock, clocks, counts_again_since, pause_limit_at, pauses, reached_at
from services.respond.ticket import Action, ClockKind, Status, Step, StepKind, Ticket

ACTIONS: Mapping[StepKind, Action] = {
    StepKind.WARNING: Action.WARN,
    StepKind.BREACH: Action.BREACH,
    StepKind.ESCALATION: Action.ESCALATE,
    StepKind.PAUSE_LIMIT: Action.RESUME,
    StepKind.CLOSING: Action.CLOSE,
}


def action_of(step: Step) -> Action:
    """Return the system's action that takes a step: `apply(ticket, action_of(step), SYSTEM, now,
    step=step)`."""
    return ACTIONS[step.kind]


def steps_due(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> tuple[Step, ...]:
    """Return the steps whose time has come and that were not taken, oldest first; empty when there is
    nothing to do."""
    return tuple(step for step in steps_ahead(ticket, now, calendar) if step.at <= now)


def next_attention_at(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> datetime | None:
    """Return when the ticker must look at the ticket next (past when it is already due), None when never."""
    return next((step.at for step in steps_ahead(ticket, now, calendar)), None)


def due_instants(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> dict[ClockKind, datetime]:
    """Return the earliest due instant of each kind among the clocks that run; nothing of a kind that does not."""
    found: dict[ClockKind, datetime] = {}
    for clock in clocks(ticket, now, calendar):
        if clock.is_running():
            found[clock.kind] = min(clock.due_at, found.get(clock.kind, clock.due_at))
    return found


def steps_ahead(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> list[Step]:
    """Return the steps not taken yet, as things stand now, oldest first."""
    taken = {entry.subject for entry in ticket.history}
    found = [
        *(step for clock in clocks(ticket, now, calendar) for step in steps_of(ticket, clock, now)),
        *waiting_steps(ticket, calendar),
        *closing_steps(ticket),
    ]
    return sorted((step for step in found if step.id not in taken), key=lambda step: (step.at, step.id))


def steps_of(ticket: Ticket, clock: Clock, now: datetime) -> Iterator[Step]:
    """Warning, breach and escalation of one clock. A clock stopped late still has its breach, and only that.

    A warning is not sent once the clock is overdue; a paused clock, and one that was void before it ran out,
    has none. What ran out while the ticket was ended is a breach from when it counts again: nobody saw that late.
    """
    missed_at = max(just_after(clock.due_at), counts_again_since(ticket) or clock.due_at)
    if clock.stopped_at is not None:
        if clock.is_late(now) and not clock.is_void:
            yield step_of(ticket, clock, StepKind.BREACH, missed_at)
        return
    if clock.is_paused:
        return
    if clock.warn_at is not None and now <= clock.due_at:
        yield step_of(ticket, clock, StepKind.WARNING, clock.warn_at)
    yield step_of(ticket, clock, StepKind.BREACH, missed_at)
    yield step_of(ticket, clock, StepKind.ESCALATION, max(clock.escalate_at, missed_at))


def just_after(due_at: datetime) -> datetime:
    """Return the first second that is late: the due instant itself is still in time."""
    return due_at + timedelta(seconds=1)


def step_of(ticket: Ticket, clock: Clock, kind: StepKind, at: datetime) -> Step:
    """Build one step with its derived id."""
    return Step(
        id=f"{ticket.feedback_id}:{clock.kind}:{clock.number}:{kind}",
        kind=kind,
        clock=clock.kind,
        number=clock.number,
        owner=clock.owner,
        at=at,
        due_at=clock.due_at,
    )


def waiting_steps(ticket: Ticket, calendar: WorkingCalendar) -> Iterator[Step]:
    """A wait for the citizen ends by itself at the policy's limit: the work goes on with what is known."""
    waits = pauses(ticket)
    if ticket.status != Status.AWAITING_CITIZEN or not waits:
        return
    at = pause_limit_at(ticket, waits[-1], calendar)
    yield Step(
        id=f"{ticket.feedback_id}:{ClockKind.RESPONSE}:{len(waits)}:{StepKind.PAUSE_LIMIT}",
        kind=StepKind.PAUSE_LIMIT,
        clock=ClockKind.RESPONSE,
        number=len(waits),
        owner=ticket.route.agency_id if ticket.route else "",
        at=at,
        due_at=at,
    )


def closing_steps(ticket: Ticket) -> Iterator[Step]:
    """An answer nobody objected to closes when reopening is over; one that promised work waits for a
    person."""
    answer = ticket.answer
    if ticket.status != Status.ANSWERED or answer is None or answer.awaits_work:
        return
    if reached_at(ticket, answer) is None or ticket.reopen_requested_at is not None:
        return
    at = answer.answered_at + timedelta(days=ticket.policy.reopen_days)
    yield Step(
        id=f"{ticket.feedback_id}:{ClockKind.RESPONSE}:{len(ticket.answers)}:{StepKind.CLOSING}",
        kind=StepKind.CLOSING,
        clock=ClockKind.RESPONSE,
        number=len(ticket.answers),
        owner=answer.agency_id,
        at=just_after(at),
        due_at=at,
    )
