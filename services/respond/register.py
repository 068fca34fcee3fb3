"""Counts how promises were kept, by who held them, and writes the register that inspectors take away.

The inspector's pages call it with tickets that `access` has let through. Open promises that are overdue count as
missed, so a pile cannot hide behind answers. Pure; the register holds no word of a citizen and no contact.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from hotline.roles import Session
from hotline.taxonomy import load_taxonomy
from hotline.working_days import VN
from services.respond.clocks import Clock, OnTime, clocks, on_time
from services.respond.rules import Rules
from services.respond.ticket import ClockKind, Ticket
from services.respond.ticket_view import answerable_for, as_seen, owner_name, sees_restricted

COLUMNS = (
    "id",
    "received_at",
    "channel",
    "field",
    "code",
    "agency",
    "status",
    "acknowledgement_due_at",
    "acknowledged_at",
    "response_due_at",
    "response_at",
    "late_by_hours",
    "breaches",
    "acknowledged_by",
)
# Spreadsheets take a cell that begins so for a formula (OWASP: CSV injection).
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")

Word = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How one body kept its promises."""

    owner: str
    owner_id: str
    counted: OnTime

    @property
    def percent(self) -> int | None:
        """Return the on-time rate in whole percent, rounded down, None when there is nothing to count."""
        return None if self.counted.rate is None else int(self.counted.rate * 100)


def kept_by_owner(
    session: Session, tickets: Iterable[Ticket], kind: ClockKind, now: datetime, rules: Rules
) -> list[Kept]:
    """Count the clocks of one kind by who answers for them, the worst rate first."""
    held: dict[str, list[Clock]] = {}
    for ticket in tickets:
        for clock in clocks(ticket, now, rules.calendar):
            if clock.kind is kind:
                held.setdefault(answerable_for(ticket, clock, now), []).append(clock)
    rows = [
        Kept(owner=owner_name(owner, session, rules.agency_name), owner_id=owner, counted=on_time(counted, now))
        for owner, counted in held.items()
    ]
    counted = [row for row in rows if row.counted.rate is not None]
    return sorted(counted, key=lambda row: (row.counted.rate or 0.0, row.owner))


def register(
    session: Session,
    tickets: Iterable[Ticket],
    now: datetime,
    rules: Rules,
    word: Word,
    full_name: Word,
) -> str:
    """Return the register as CSV with a heading row, one row a ticket; `word` gives the sentence of a message key."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(word(f"register.{column}")) for column in COLUMNS])
    for ticket in tickets:
        cells = cells_of(session, ticket, now, rules, word, full_name)
        writer.writerow([safe_cell(cells[column]) for column in COLUMNS])
    return text.getvalue()


def cells_of(
    session: Session, ticket: Ticket, now: datetime, rules: Rules, word: Word, full_name: Word
) -> Mapping[str, str]:
    """Return one row of the register; of a restricted ticket neither field, code nor agency."""
    running = clocks(ticket, now, rules.calendar)
    acknowledgement = next(clock for clock in running if clock.kind is ClockKind.ACKNOWLEDGEMENT)
    response = [clock for clock in running if clock.kind is ClockKind.RESPONSE][-1]
    ticket = as_seen(session, ticket)
    code = ticket.classification.code if ticket.classification and not ticket.restricted else None
    is_open = ticket.route is not None and not ticket.restricted
    breaches = [b for b in ticket.breaches if b.clock is not ClockKind.SCREENING or sees_restricted(session)]
    said = ticket.acknowledgement
    return {
        "id": ticket.feedback_id,
        "received_at": in_vietnam(ticket.received_at),
        "channel": word(f"channel.{ticket.channel}"),
        "field": load_taxonomy().field_name(code) if code else "",
        "code": code or "",
        "agency": rules.agency_name(ticket.route.agency_id) if is_open and ticket.route else "",
        "status": word(f"status.{ticket.status}"),
        "acknowledgement_due_at": in_vietnam(acknowledgement.due_at),
        "acknowledged_at": in_vietnam(acknowledgement.stopped_at if not acknowledgement.is_void else None),
        "response_due_at": in_vietnam(response.due_at),
        "response_at": in_vietnam(response.stopped_at if not response.is_void else None),
        "late_by_hours": hours(response, now),
        "breaches": "; ".join(word(f"clock.{breach.clock}") for breach in breaches),
        "acknowledged_by": full_name(said.by) or said.by if said and said.by else "",
    }


def hours(clock: Clock, now: datetime) -> str:
    """Return how late a clock is or was, in whole hours begun; empty when it is not late or does not count."""
    late = clock.late_by(now)
    return "" if clock.is_void or not late else str(-(-int(late.total_seconds()) // 3600))


def in_vietnam(at: datetime | None) -> str:
    """Return an instant as a spreadsheet reads it, on a clock in Viet Nam; empty for none."""
    return at.astimezone(VN).strftime("%Y-%m-%d %H:%M") if at else ""


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
