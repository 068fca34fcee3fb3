"""What the system does by itself once a ticket has its receipt and its classification: where does it go now?

Called by `actions` after every fact and every person's action. Pure: `now` is passed in. Settling twice changes
nothing more; what the workflow does not allow is left to a person.
"""

from datetime import datetime

from hotline.facts import ClassificationState
from hotline.promises import promise
from services.respond.arrivals import MODEL, attempted
from services.respond.inputs import Inputs
from services.respond.rules import Rules
from services.respond.ticket import AT_AGENCY, SYSTEM, Action, Actor, Party, Status, Ticket

RECLASSIFIED = "Phân loại lại"
AT_DESK = frozenset({Status.RECEIVED, Status.IN_REVIEW})


def settle(ticket: Ticket, rules: Rules, now: datetime) -> Ticket:
    """Take over the screener's word, reopen on request, send to review or to the agency that must answer."""
    said = ticket.classification
    if not ticket.is_received or said is None:
        return ticket
    ticket = screened(ticket, said)
    if ticket.restricted:
        return ticket
    return placed(reopened(ticket, rules, now), said, rules, now)


def screened(ticket: Ticket, said: ClassificationState) -> Ticket:
    """Take over what a named screener decided at the review desk about a feedback that was restricted there.

    A decision made while it was open there, by whomever, never lifts a restriction made on the ticket's page.
    """
    look = ticket.screening
    if not ticket.restricted or look is None or not said.decided_as_screener or said.decided_at <= look.started_at:
        return ticket
    screener = Actor(account_id=said.decided_by, parties=frozenset({Party.SCREENER}))
    if said.restricted:
        return attempted(ticket, Action.CONFIRM_RESTRICTED, screener, said.decided_at, Inputs())
    return attempted(ticket, Action.RETURN_TO_DESK, screener, said.decided_at, Inputs(note=RECLASSIFIED))


def reopened(ticket: Ticket, rules: Rules, now: datetime) -> Ticket:
    """Give a ticket that its citizen wants reopened a further promise, counted from now."""
    if ticket.reopen_requested_at is None:
        return ticket
    inputs = Inputs(promise=promise(now, ticket.policy, rules.calendar))
    if ticket.route is not None:
        inputs["agency_due_at"] = rules.agency_due_at(ticket, ticket.route.agency_id, now)
    return attempted(ticket, Action.REOPEN, SYSTEM, now, inputs)


def placed(ticket: Ticket, said: ClassificationState, rules: Rules, now: datetime) -> Ticket:
    """Send the ticket to review or to its agency; an urgent one never waits for a review."""
    if said.needs_review and not ticket.urgent:
        is_new = ticket.status is Status.RECEIVED
        return attempted(ticket, Action.REVIEW, SYSTEM, now, Inputs()) if is_new else ticket
    is_moving = ticket.status in AT_AGENCY and is_reclassified(ticket, said)
    if ticket.status not in AT_DESK and not is_moving:
        return ticket
    route = rules.route(ticket)
    if is_moving and ticket.route is not None and route.agency_ids == ticket.route.agency_ids:
        return ticket
    note = RECLASSIFIED if is_moving else ""
    inputs = Inputs(route=route, agency_due_at=rules.agency_due_at(ticket, route.agency_id, now), note=note)
    return attempted(ticket, Action.REASSIGN if is_moving else Action.ASSIGN, SYSTEM, now, inputs)


def is_reclassified(ticket: Ticket, said: ClassificationState) -> bool:
    """Say whether a person decided what it is about after the agency that has it was chosen."""
    return said.decided_by != MODEL and said.decided_at > ticket.assignments[-1].assigned_at
