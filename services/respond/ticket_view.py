"""Decides what of a ticket a person reads on a page, and in which rows: history, clocks, breaches, list rows.

The pages call it with tickets that `access` has let through. What happened while a ticket was restricted stays
with screeners and inspectors after it was returned to the desk. Pure: no sentences, only what they are made of.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from hotline.facts import ClassificationState
from hotline.roles import Role, Session
from hotline.spans import named_communes
from hotline.taxonomy import PetitionKind, is_restricted_code, load_taxonomy
from hotline.text import fold
from hotline.working_days import WorkingCalendar
from services.respond.arrivals import MODEL
from services.respond.clocks import DESK, SCREENER, Clock, answer_to, clocks
from services.respond.rules import Rules
from services.respond.ticket import (
    SCREENING_ROLES,
    Action,
    Answer,
    Breach,
    ClockKind,
    HistoryEntry,
    Party,
    Ticket,
)

FIRST_WORDS = 140
ABOUT_AGENCY = frozenset({Action.ASSIGN, Action.REASSIGN})
BY_STEP = frozenset({Action.WARN, Action.BREACH, Action.ESCALATE})
RESTRICTING = frozenset({Action.RESTRICT, Action.CONFIRM_RESTRICTED, Action.RETURN_TO_DESK})
SUSPECTED_KINDS = frozenset({PetitionKind.TO_CAO, PetitionKind.TIN_BAO_TOI_PHAM})
WITHOUT_NAME = frozenset({Party.CITIZEN})

AgencyName = Callable[[str], str]


class ClockStanding(StrEnum):
    """How a clock stands, as a page says it."""

    RUNNING = "running"
    OVERDUE = "overdue"
    PAUSED = "paused"
    KEPT = "kept"
    LATE = "late"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """One clock on a page; `until` is when it stopped, or now."""

    kind: ClockKind
    number: int
    owner: str
    owner_id: str
    due_at: datetime
    standing: ClockStanding
    until: datetime
    late_by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry of the timeline: `about` names an agency, a number or a place; `clock` a clock that a step was of."""

    at: datetime
    action: Action
    party: Party
    by: str
    note: str
    about: str
    clock: ClockKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One ticket in a list. `due` is the clock that is due first, None when none runs; a restricted ticket has
    neither field nor agency."""

    ticket: Ticket
    field: str
    code_name: str
    place: str
    words: str
    agency: str
    due: ClockRow | None
    acknowledgement: ClockRow | None
    is_paused: bool


def sees_restricted(session: Session) -> bool:
    """Say whether somebody may know that a ticket was restricted at all."""
    return session.role is Role.INSPECTOR or (session.is_screener and session.role in SCREENING_ROLES)


def seen_history(session: Session, ticket: Ticket) -> tuple[HistoryEntry, ...]:
    """Return the history that this person may read, oldest first."""
    if sees_restricted(session):
        return ticket.history
    return tuple(without_restricted_times(ticket.history))


def as_seen(session: Session, ticket: Ticket) -> Ticket:
    """Return the ticket as this person may read it: of what was said while it was restricted only the instants.

    What the machine alone suspected is left out too, until a person has decided what the ticket is about.
    """
    if sees_restricted(session):
        return ticket
    said = ticket.acknowledgement
    return replace(
        ticket,
        acknowledgement=replace(said, by="", how="", said="") if said and said.is_restricted else said,
        answers=tuple(without_words(answer) if answer.is_restricted else answer for answer in ticket.answers),
        reason=None if ticket.is_reason_restricted else ticket.reason,
        destination=None if ticket.is_reason_restricted else ticket.destination,
        classification=None if is_only_suspected(ticket.classification) else ticket.classification,
    )


def without_words(answer: Answer) -> Answer:
    """Return an answer of which only the instants are left."""
    return replace(answer, text="", number="", signatory="", agency_id="", promised_on=None, files=())


def is_only_suspected(said: ClassificationState | None) -> bool:
    """Say whether the machine alone takes it for something that must be restricted."""
    if said is None or said.decided_by != MODEL:
        return False
    return said.restricted or said.petition_kind in SUSPECTED_KINDS or is_restricted_code(said.code)


def without_restricted_times(history: Iterable[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Leave out every entry from a restriction to its end; what the citizen said then is told, without words."""
    is_restricted = False
    for entry in history:
        if entry.action is Action.RESTRICT:
            is_restricted = True
        if not is_restricted and entry.action not in RESTRICTING:
            yield entry
        if entry.action is Action.RETURN_TO_DESK:
            is_restricted = False


def moments(session: Session, ticket: Ticket, agency_name: AgencyName, full_name: Callable[[str], str]) -> list[Moment]:
    """Return the timeline, newest first; `full_name` gives "" for accounts that are not known."""
    return [moment_of(entry, agency_name, full_name) for entry in reversed(seen_history(session, ticket))]


def moment_of(entry: HistoryEntry, agency_name: AgencyName, full_name: Callable[[str], str]) -> Moment:
    """Return one entry of the timeline."""
    about, clock = entry.subject, None
    if entry.action in ABOUT_AGENCY:
        about = agency_name(entry.subject)
    elif is_step(entry):
        about, clock = "", clock_of_step(entry.subject)
    return Moment(
        at=entry.at,
        action=entry.action,
        party=entry.party,
        by="" if entry.party in WITHOUT_NAME else full_name(entry.account_id),
        note=entry.note,
        about=about,
        clock=clock,
    )


def is_step(entry: HistoryEntry) -> bool:
    """Say whether the system took a step of a clock."""
    return entry.party is Party.SYSTEM and (entry.action in BY_STEP or entry.subject.count(":") >= 3)


def clock_of_step(step_id: str) -> ClockKind | None:
    """Return the clock that a step's id names."""
    parts = step_id.rsplit(":", 3)
    return ClockKind(parts[1]) if len(parts) == 4 and parts[1] in set(ClockKind) else None


def owner_name(owner: str, session: Session, agency_name: AgencyName) -> str:
    """Return an agency's name, or the key of who else holds a clock: `desk`, or for those who may know `screener`."""
    if owner == SCREENER:
        return SCREENER if sees_restricted(session) else DESK
    return owner if owner == DESK else agency_name(owner)


def clock_rows(
    session: Session, ticket: Ticket, now: datetime, calendar: WorkingCalendar, agency_name: AgencyName
) -> list[ClockRow]:
    """Return the clocks that this person may know of, the citizen's first."""
    return [
        clock_row(clock, now, owner_name(answerable_for(ticket, clock, now), session, agency_name))
        for clock in clocks(ticket, now, calendar)
        if clock.kind is not ClockKind.SCREENING or sees_restricted(session)
    ]


def answerable_for(ticket: Ticket, clock: Clock, now: datetime) -> str:
    """Return whom a clock is counted for: a promise kept is the answering agency's, one missed stays with who held it
    when it ran out."""
    if clock.kind is not ClockKind.RESPONSE or clock.is_late(now):
        return clock.owner
    answer = answer_to(ticket, ticket.promises[clock.number - 1])
    return answer.agency_id if answer is not None and answer.agency_id else clock.owner


def clock_row(clock: Clock, now: datetime, owner: str) -> ClockRow:
    """Return one clock as a page shows it."""
    return ClockRow(
        kind=clock.kind,
        number=clock.number,
        owner=owner,
        owner_id=clock.owner,
        due_at=clock.due_at,
        standing=standing_of(clock, now),
        until=clock.stopped_at or now,
        late_by=clock.late_by(now),
    )


def standing_of(clock: Clock, now: datetime) -> ClockStanding:
    """Return how a clock stands."""
    if clock.is_void:
        return ClockStanding.VOID
    if clock.stopped_at is not None:
        return ClockStanding.LATE if clock.is_late(now) else ClockStanding.KEPT
    if clock.is_paused:
        return ClockStanding.PAUSED
    return ClockStanding.OVERDUE if clock.is_late(now) else ClockStanding.RUNNING


RUNS = frozenset({ClockStanding.RUNNING, ClockStanding.OVERDUE})


def first_due(rows: Iterable[ClockRow]) -> ClockRow | None:
    """Return the running clock that is due first."""
    return min((row for row in rows if row.standing in RUNS), key=lambda row: row.due_at, default=None)


def row_of(
    session: Session,
    ticket: Ticket,
    now: datetime,
    rules: Rules,
    lang: str,
    kinds: frozenset[ClockKind] = frozenset(ClockKind),
) -> Row:
    """Return a ticket's row; `kinds` are the clocks that count for `due`."""
    rows = clock_rows(session, ticket, now, rules.calendar, rules.agency_name)
    ticket = as_seen(session, ticket)
    code = ticket.classification.code if ticket.classification and not ticket.restricted else None
    taxonomy = load_taxonomy()
    return Row(
        ticket=ticket,
        field=taxonomy.field_name(code, lang) if code else "",
        code_name=taxonomy.display_name(code, lang) if code else "",
        place=place_of(ticket),
        words=first_words(ticket.text),
        agency=rules.agency_name(ticket.route.agency_id) if ticket.route and not ticket.restricted else "",
        due=first_due(row for row in rows if row.kind in kinds),
        acknowledgement=next((row for row in rows if row.kind is ClockKind.ACKNOWLEDGEMENT), None),
        is_paused=any(row.standing is ClockStanding.PAUSED for row in rows),
    )


def place_named(ticket: Ticket, province_code: str) -> str:
    """Return the one commune that the words name where the citizen gave none, "" otherwise; for a person to ask about.

    It is looked for in the province that the citizen gave, else in the locality's. The first call reads the lists of
    names, about a second.
    """
    place = ticket.place
    if place is not None and place.commune_code:
        return ""
    named = named_communes(ticket.text, place.province_code if place else province_code)
    return named[0].full_name if len(named) == 1 else ""


def place_of(ticket: Ticket) -> str:
    """Return the place in words, "" where none was given."""
    place = ticket.place
    if place is None:
        return ""
    return ", ".join(part for part in (place.detail, place.commune_name, place.province_name) if part)


def first_words(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= FIRST_WORDS else line[:FIRST_WORDS].rsplit(" ", 1)[0] + "…"


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows as work is taken up: urgent first, then the earliest due, then what waits for nobody."""
    return sorted(rows, key=lambda row: (not row.ticket.urgent, row.due.due_at.timestamp() if row.due else inf))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachRow:
    """One broken promise: which clock, who held it, how late it is or was, and whether it was seen late."""

    row: Row
    breach: Breach
    owner: str
    owner_id: str
    until: datetime
    is_open: bool


def breach_rows(session: Session, ticket: Ticket, now: datetime, rules: Rules, lang: str) -> Iterator[BreachRow]:
    """Return a ticket's breaches that this person may know of."""
    shown = row_of(session, ticket, now, rules, lang)
    stops = {(c.kind, c.number): c.stopped_at for c in clocks(ticket, now, rules.calendar)}
    for breach in ticket.breaches:
        if breach.clock is ClockKind.SCREENING and not sees_restricted(session):
            continue
        stopped_at = stops.get((breach.clock, breach.number))
        yield BreachRow(
            row=shown,
            breach=breach,
            owner=owner_name(breach.owner, session, rules.agency_name),
            owner_id=breach.owner,
            until=max(stopped_at or now, breach.due_at),
            is_open=stopped_at is None,
        )


def declined_by(ticket: Ticket) -> frozenset[str]:
    """Return the agencies that sent the ticket back."""
    return frozenset(turn.agency_id for turn in ticket.assignments if turn.ended_by is Action.DECLINE)


def by_name(agencies: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return (id, name) pairs in the order of their names, without regard to diacritics."""
    return sorted(agencies, key=lambda pair: fold(pair[1]))
