"""Decides which clocks of a ticket run, when each is due, and what the ticker does about it.

The pages, the ticker, the inspector's register and the reports call it; so all say the same. Everything is
derived from the ticket and its history at `now`: nothing is accumulated, so late or repeated calls change
nothing. Counted on the calendar handed in (the locality's; agencies' dues were fixed at assignment on
theirs). It changes no ticket.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hotline.facts import Channel
from hotline.promises import SlaPolicy
from hotline.working_days import WorkingCalendar, end_of_day, local_date, start_of_work
from services.respond.ticket import (
    ENDED,
    Action,
    Answer,
    Assignment,
    ClockKind,
    HistoryEntry,
    PromiseRun,
    Status,
    Ticket,
)

DESK, SCREENER = "desk", "screener"
ACKNOWLEDGEMENT_WARNING_SHARE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One promise against time. `number` counts promises, turns or answers from 1; `owner` is who holds it.

    `due_at` already contains pauses. `stopped_at` is when it was kept or missed for good; `is_void` says that
    it ended without counting (a duplicate that waits for its original's answer; or withdrawn, refused, redirected or
    handed on before it was due).
    """

    kind: ClockKind
    number: int
    owner: str
    started_at: datetime
    due_at: datetime
    warn_at: datetime | None
    escalate_at: datetime
    stopped_at: datetime | None = None
    is_void: bool = False
    is_paused: bool = False

    def is_running(self) -> bool:
        """Say whether it still counts down."""
        return self.stopped_at is None and not self.is_paused

    def is_late(self, now: datetime) -> bool:
        """Say whether it was stopped, or is still open, after its due instant; never a void or paused one."""
        if self.stopped_at is not None:
            return self.stopped_at > self.due_at
        return not self.is_paused and now > self.due_at

    def late_by(self, now: datetime) -> timedelta:
        """Return how late it is or was, zero when it is not (never negative)."""
        return max((self.stopped_at or now) - self.due_at, timedelta(0)) if self.is_late(now) else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One wait for the citizen; `ended_at` None while it lasts."""

    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """One time as a duplicate that ended with the original's answer; `agency_id` gave that."""

    merged_at: datetime
    carried_at: datetime
    agency_id: str


def agency_due_at(
    policy: SlaPolicy, calendar: WorkingCalendar, now: datetime, *, code: str, is_urgent: bool = False
) -> datetime:
    """Return when the agency's own clock, started now, is due: on its calendar, the day of assignment not
    counted."""
    days = policy.agency_target(code, is_urgent=is_urgent)
    return end_of_day(calendar.nth_working_day_after(local_date(now), days))


def screening_due_at(policy: SlaPolicy, calendar: WorkingCalendar, now: datetime) -> datetime:
    """Return when the screener must have looked at a ticket restricted now."""
    return end_of_day(calendar.nth_working_day_after(local_date(now), policy.screening_working_days))


def pauses(ticket: Ticket) -> tuple[Pause, ...]:
    """Return the waits for the citizen, read off the history; a citizen who cannot be reached never pauses
    a clock."""
    if not ticket.is_received or not ticket.reachable_by:
        return ()
    found: list[Pause] = []
    for entry in ticket.history:
        if entry.action == Action.ASK_CITIZEN:
            found.append(Pause(started_at=entry.at, ended_at=None))
        elif is_end_of_wait(entry) and found and found[-1].ended_at is None:
            found[-1] = Pause(started_at=found[-1].started_at, ended_at=entry.at)
    return tuple(found)


def is_end_of_wait(entry: HistoryEntry) -> bool:
    """Say whether a history entry left the wait for the citizen."""
    return entry.before == Status.AWAITING_CITIZEN and entry.after != Status.AWAITING_CITIZEN


def with_pauses(
    ticket: Ticket, run: PromiseRun, due_at: datetime, calendar: WorkingCalendar, now: datetime
) -> datetime:
    """Return when a promise is due with its waits for the citizen, each no longer than the policy's limit.

    A day counts when the wait had begun before it (asked Monday, answered Wednesday: two days), so an
    evening's question never buys a day and a weekend buys none. Asked when it was late already, it stays late.
    """
    if not ticket.policy.pauses_for_citizen:
        return due_at
    for wait in pauses(ticket):
        if run.started_at <= wait.started_at <= due_at:
            days = calendar.working_days_between(local_date(wait.started_at), local_date(wait.ended_at or now))
            if counted := min(days, ticket.policy.pause_limit_working_days):
                due_at = end_of_day(calendar.nth_working_day_after(local_date(due_at), counted))
    return due_at


def reached_at(ticket: Ticket, answer: Answer) -> datetime | None:
    """Return when an answer has reached the citizen, None until it has.

    At once where the citizen has the page or e-mail (a web or partner feedback always has its tracking code),
    or can be reached in no way; otherwise, with a phone alone, when a person told it.
    """
    ways = set(ticket.reachable_by)
    if not ways or ways & {"page", "email"} or ticket.channel == Channel.WEB:
        return answer.answered_at
    return answer.told_at


def mergings(ticket: Ticket) -> Iterator[Merging]:
    """Yield the times as a duplicate that ended with the original's answer, read off the history."""
    signed_by = {answer.answered_at: answer.agency_id for answer in ticket.answers}
    merged_at: datetime | None = None
    for entry in ticket.history:
        if entry.action == Action.MARK_DUPLICATE:
            merged_at = entry.at
        elif entry.action == Action.CARRY_ANSWER and merged_at is not None:
            yield Merging(merged_at=merged_at, carried_at=entry.at, agency_id=signed_by.get(entry.at, ""))


def counts_again_since(ticket: Ticket) -> datetime | None:
    """Return when the ticket last came back from an ending, None when never: before, no clock of it could be missed."""
    return next((e.at for e in reversed(ticket.history) if e.before in ENDED and e.after not in ENDED), None)


def clocks(ticket: Ticket, now: datetime, calendar: WorkingCalendar) -> tuple[Clock, ...]:
    """Return every clock the ticket ever had, running, stopped or void; none before the receipt has come."""
    if not ticket.is_received:
        return ()
    return (
        acknowledgement_clock(ticket, calendar),
        *(response_clock(ticket, n, calendar, now) for n in range(1, len(ticket.promises) + 1)),
        *(agency_clock(ticket, n, calendar) for n in range(1, len(ticket.assignments) + 1)),
        *screening_clocks(ticket, calendar),
        *promised_work_clocks(ticket, calendar),
    )


def acknowledgement_clock(ticket: Ticket, calendar: WorkingCalendar) -> Clock:
    """The receiving desk's clock, in clock hours: a person tells the citizen, or the answer itself does.

    Merged with another in time, it stays void when that one's answer comes: nobody was to tell the citizen meanwhile.
    """
    run = ticket.promises[0]
    due_at = run.promise.acknowledgement_due_at
    ended = ended_at(ticket)
    first = ticket.acknowledgement.at if ticket.acknowledgement else None
    told = [at for answer in ticket.answers if (at := reached_at(ticket, answer)) is not None]
    stopped = min([at for at in (first, *told) if at is not None], default=None)
    merged_at = next((merging.merged_at for merging in mergings(ticket)), None)
    is_merged = merged_at is not None and merged_at <= due_at and (stopped is None or stopped > merged_at)
    return Clock(
        kind=ClockKind.ACKNOWLEDGEMENT,
        number=1,
        owner=SCREENER if ticket.restricted else DESK,
        started_at=run.started_at,
        due_at=due_at,
        warn_at=due_at - (due_at - run.started_at) / ACKNOWLEDGEMENT_WARNING_SHARE,
        escalate_at=escalation_of(due_at, ticket.policy, calendar),
        stopped_at=merged_at if is_merged else stopped or ended,
        is_void=is_merged or (stopped is None and is_uncounted(ticket, due_at)),
    )


def response_clock(ticket: Ticket, number: int, calendar: WorkingCalendar, now: datetime) -> Clock:
    """The citizen's clock: from the receipt (or the reopening) until the answer has reached the citizen."""
    run = ticket.promises[number - 1]
    answer = answer_to(ticket, run)
    stopped = reached_at(ticket, answer) if answer else None
    ended = ended_at(ticket) if answer is None else None
    due_at = with_pauses(ticket, run, run.promise.response_due_at, calendar, now)
    return Clock(
        kind=ClockKind.RESPONSE,
        number=number,
        owner=holder_at(ticket, min(due_at, now)),
        started_at=run.started_at,
        due_at=due_at,
        warn_at=warning_of(run.started_at, due_at, ticket.policy, calendar),
        escalate_at=escalation_of(due_at, ticket.policy, calendar),
        stopped_at=stopped or ended,
        is_void=stopped is None and is_uncounted(ticket, due_at),
        is_paused=answer is None and is_paused(ticket, due_at, calendar, now),
    )


def holder_at(ticket: Ticket, at: datetime) -> str:
    """Return who held the ticket at an instant, so that a transfer leaves a breach with whom it happened to.

    A duplicate was held by the agency whose answer came to it in the end.
    """
    for turn in ticket.assignments:
        if turn.assigned_at <= at and (turn.ended_at is None or turn.ended_at > at):
            return turn.agency_id
    for merging in mergings(ticket):
        if merging.agency_id and merging.merged_at <= at < merging.carried_at:
            return merging.agency_id
    return SCREENER if ticket.restricted else DESK


def is_uncounted(ticket: Ticket, due_at: datetime) -> bool:
    """Say whether an ending voids a clock: a duplicate's as long as it is one, any other only before it ran out."""
    ended = ended_at(ticket)
    return ended is not None and (ticket.status == Status.DUPLICATE or ended <= due_at)


def is_paused(ticket: Ticket, due_at: datetime, calendar: WorkingCalendar, now: datetime) -> bool:
    """Say whether the response clock stands still now: waiting within the limit, and not late before the
    wait began."""
    waits = pauses(ticket)
    if not ticket.policy.pauses_for_citizen or not waits or waits[-1].ended_at is not None:
        return False
    return waits[-1].started_at <= due_at and now < pause_limit_at(ticket, waits[-1], calendar)


def pause_limit_at(ticket: Ticket, pause: Pause, calendar: WorkingCalendar) -> datetime:
    """Return when a wait for the citizen has lasted as long as the policy lets it."""
    limit = ticket.policy.pause_limit_working_days
    return end_of_day(calendar.nth_working_day_after(local_date(pause.started_at), limit))


def agency_clock(ticket: Ticket, number: int, calendar: WorkingCalendar) -> Clock:
    """One agency's own clock, from its assignment to its signed answer; a breach stays with who held it
    then."""
    turn = ticket.assignments[number - 1]
    return Clock(
        kind=ClockKind.AGENCY,
        number=number,
        owner=turn.agency_id,
        started_at=turn.assigned_at,
        due_at=turn.due_at,
        warn_at=warning_of(turn.assigned_at, turn.due_at, ticket.policy, calendar),
        escalate_at=escalation_of(turn.due_at, ticket.policy, calendar),
        stopped_at=turn.ended_at,
        is_void=is_handed_on(turn),
    )


def is_handed_on(turn: Assignment) -> bool:
    """Say whether a turn ended without an answer before it ran out."""
    if turn.ended_at is None or turn.ended_by in {Action.SIGN, Action.RECORD_ANSWER}:
        return False
    return turn.ended_at <= turn.due_at


def screening_clocks(ticket: Ticket, calendar: WorkingCalendar) -> Iterator[Clock]:
    """The screener's clock of a ticket that is or was restricted."""
    look = ticket.screening
    if look is None:
        return
    yield Clock(
        kind=ClockKind.SCREENING,
        number=sum(e.action == Action.RESTRICT for e in ticket.history) or 1,
        owner=SCREENER,
        started_at=look.started_at,
        due_at=look.due_at,
        warn_at=warning_of(look.started_at, look.due_at, ticket.policy, calendar),
        escalate_at=escalation_of(look.due_at, ticket.policy, calendar),
        stopped_at=look.decided_at,
    )


def promised_work_clocks(ticket: Ticket, calendar: WorkingCalendar) -> Iterator[Clock]:
    """The day by which an answer promised the work, until the ticket is closed, reopened or answered anew."""
    for number, answer in enumerate(ticket.answers, start=1):
        if not answer.awaits_work or answer.promised_on is None:
            continue
        due_at = end_of_day(answer.promised_on)
        yield Clock(
            kind=ClockKind.PROMISED_WORK,
            number=number,
            owner=answer.agency_id,
            started_at=answer.answered_at,
            due_at=due_at,
            warn_at=warning_of(answer.answered_at, due_at, ticket.policy, calendar),
            escalate_at=escalation_of(due_at, ticket.policy, calendar),
            stopped_at=left_answered_at(ticket, answer),
        )


def left_answered_at(ticket: Ticket, answer: Answer) -> datetime | None:
    """Return when the ticket was closed, reopened or restricted after an answer, None while it stands
    answered."""
    return next(
        (
            e.at
            for e in ticket.history
            if e.before == Status.ANSWERED and e.after != e.before and e.at >= answer.answered_at
        ),
        None,
    )


def answer_to(ticket: Ticket, run: PromiseRun) -> Answer | None:
    """Return the first answer signed under a promise, late or not; a later one never takes its place."""
    return next((answer for answer in ticket.answers if answer.answered_at >= run.started_at), None)


def ended_at(ticket: Ticket) -> datetime | None:
    """Return when the ticket ended without an answer, None while it has not (or was restored)."""
    if ticket.status not in ENDED:
        return None
    return next(e.at for e in reversed(ticket.history) if e.after in ENDED and e.before not in ENDED)


def warning_of(started_at: datetime, due_at: datetime, policy: SlaPolicy, calendar: WorkingCalendar) -> datetime | None:
    """Return when to warn: 08:00 of the working day before the due day, or of the due day itself when time
    is short."""
    due_on = local_date(due_at)
    before = calendar.nth_working_day_before(due_on, policy.warning_working_days)
    times = (start_of_work(before), start_of_work(due_on))
    return next((at for at in times if started_at < at < due_at), None)


def escalation_of(due_at: datetime, policy: SlaPolicy, calendar: WorkingCalendar) -> datetime:
    """Return when a breach goes one level up: 08:00 of a working day, never at night or on a day off."""
    return start_of_work(calendar.nth_working_day_after(local_date(due_at), policy.escalation_working_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTime:
    """How promises were kept. Open ones that are overdue count as missed, so a pile cannot hide behind
    answers."""

    on_time: int
    late: int
    open_overdue: int

    @property
    def rate(self) -> float | None:
        """Return answered on time / (answered + open overdue), None when there is nothing to count."""
        counted = self.on_time + self.late + self.open_overdue
        return self.on_time / counted if counted else None


def on_time(counted: Iterable[Clock], now: datetime) -> OnTime:
    """Count clocks kept, kept late and open overdue; void ones (duplicates that wait, withdrawn, handed
    on) not at all."""
    rows = [clock for clock in counted if not clock.is_void]
    stopped = [clock for clock in rows if clock.stopped_at is not None]
    late = sum(clock.is_late(now) for clock in stopped)
    overdue = sum(clock.is_late(now) for clock in rows if clock.stopped_at is None)
    return OnTime(on_time=len(stopped) - late, late=late, open_overdue=overdue)
