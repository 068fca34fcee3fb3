"""Decides what may happen to a ticket, and makes the next ticket from the last one.

`actions` calls `apply` for every click, fact and tick; pages take their buttons from `allowed`. The rules are
the table in `transitions`; what an action changes besides the status is in `effects`. It never reads the
clock or a store.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Unpack

from services.respond.effects import EFFECTS, ended_assignments, subject_of
from services.respond.inputs import Inputs, checked
from services.respond.ticket import ANSWERED, AT_AGENCY, Action, Actor, HistoryEntry, Party, Status, Ticket
from services.respond.transitions import TRANSITIONS, Condition, Scope, Transition

AGENCY_PARTIES = frozenset({Party.AGENCY_STAFF, Party.AGENCY_HEAD})


class NotAllowed(Exception):
    """The action may not happen now; `why` is a key under `errors.not_allowed` in the messages."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def apply(ticket: Ticket, action: Action, actor: Actor, now: datetime, **inputs: Unpack[Inputs]) -> Ticket:
    """Return the ticket after the action, with one more history entry at `now` (aware; for facts their own
    instant).

    Raises NotAllowed with the reason, or Invalid that names every fault of the inputs. The same ticket and
    inputs give the same result; applying it again to the result is a second action.
    """
    chosen, party = find(ticket, action, actor, inputs, now)
    given = checked(ticket, action, chosen.requires, inputs, now) if ticket.is_received else inputs
    after = chosen.after or ticket.status
    entry = HistoryEntry(
        at=now,
        account_id=actor.account_id,
        party=party,
        action=action,
        before=ticket.status,
        after=after,
        note=given.get("note") or given.get("said") or given.get("question") or "",
        subject=subject_of(given),
    )
    ended = leave(ticket, action, after, now)
    changed = EFFECTS[action](ended, actor, now, given) if action in EFFECTS else ended
    return replace(changed, status=after, history=(*ticket.history, entry))


def allowed(ticket: Ticket, actor: Actor, now: datetime) -> tuple[Action, ...]:
    """Return the actions that this person may take on this ticket now, in the table's order, each once."""
    found = (
        row.action
        for row in TRANSITIONS
        if party_in(row, actor, ticket) is not None
        and fits(row, ticket)
        and unmet(row, ticket, actor, {}, now) in {None, Condition.AGENCY_HAS_NO_ACCOUNTS}
    )
    return tuple(dict.fromkeys(found)) if ticket.is_received else ()


def find(ticket: Ticket, action: Action, actor: Actor, given: Inputs, now: datetime) -> tuple[Transition, Party]:
    """Return the row of the table that lets the actor do it, and as whom; raises NotAllowed with the first
    reason."""
    if not ticket.is_received and action != Action.CLASSIFY:
        raise NotAllowed("not_received_yet")
    rows = [(row, party) for row in TRANSITIONS if row.action == action if (party := party_in(row, actor, ticket))]
    if not rows:
        raise NotAllowed("not_yours")
    here = [(row, party) for row, party in rows if fits(row, ticket)]
    if not here:
        raise NotAllowed("not_in_this_status")
    reasons = [unmet(row, ticket, actor, given, now) for row, _ in here]
    if None not in reasons:
        raise NotAllowed(str(reasons[0]))
    return here[reasons.index(None)]


def party_in(row: Transition, actor: Actor, ticket: Ticket) -> Party | None:
    """Return as whom the actor may use a row: agency accounts only on tickets of their own agency."""
    for party in sorted(row.parties & actor.parties):
        if party not in AGENCY_PARTIES or (ticket.route and actor.agency_id in ticket.route.agency_ids):
            return party
    return None


def fits(row: Transition, ticket: Ticket) -> bool:
    """Say whether a row is for this status and, restricted or not, for this ticket."""
    scope = Scope.RESTRICTED if ticket.restricted else Scope.OPEN
    return ticket.status in row.before and row.scope in {scope, Scope.BOTH}


def leave(ticket: Ticket, action: Action, after: Status, now: datetime) -> Ticket:
    """End the agency's turn when the ticket leaves it, and drop a question that no longer waits."""
    is_leaving = after not in AT_AGENCY or action == Action.REASSIGN
    assignments = ended_assignments(ticket, action, now) if is_leaving else ticket.assignments
    question = ticket.question if after == Status.AWAITING_CITIZEN else None
    return replace(ticket, assignments=assignments, question=question)


def unmet(row: Transition, ticket: Ticket, actor: Actor, given: Inputs, now: datetime) -> Condition | None:
    """Return the first condition of a row that does not hold, None when all do."""
    for condition in row.conditions:
        if not CONDITIONS[condition](ticket, actor, given, now):
            return condition
    return None


def is_reopen_left(ticket: Ticket, now: datetime) -> bool:
    """Say whether a reopening is left: few enough before, and asked for in time, counted from the answer
    itself."""
    if ticket.answer is None or ticket.times_reopened >= ticket.policy.reopen_limit:
        return False
    asked_at = ticket.reopen_requested_at or now
    return asked_at <= ticket.answer.answered_at + timedelta(days=ticket.policy.reopen_days)


def is_answering(ticket: Ticket, actor: Actor) -> bool:
    """Say whether the actor's agency writes the answer: the one named, or the lead that records it for
    that one."""
    route = ticket.route
    return route is not None and actor.agency_id in {route.answers, route.agency_id}


def was_given_back(ticket: Ticket) -> bool:
    """Say whether it was a duplicate whose original came to nothing."""
    return any(entry.action == Action.RESTORE and entry.party == Party.SYSTEM for entry in ticket.history)


def has_open_answer(ticket: Ticket) -> bool:
    """Say whether a ticket stands answered and others may read the answer: neither it nor the answer is restricted."""
    answer = ticket.answer
    if ticket.restricted or ticket.status not in ANSWERED:
        return False
    return answer is not None and not answer.is_restricted


def is_original_answered(ticket: Ticket, given: Inputs) -> bool:
    """Say whether the original handed in is the one that the ticket was merged with, and has an answer to carry."""
    original = given.get("original")
    return original is not None and original.feedback_id == ticket.duplicate_of and has_open_answer(original)


Check = Callable[[Ticket, Actor, Inputs, datetime], bool]
CONDITIONS: Mapping[Condition, Check] = {
    Condition.NOT_ACKNOWLEDGED: lambda t, _a, _i, _n: t.acknowledgement is None,
    Condition.NEVER_DECLINED: lambda t, _a, _i, _n: all(e.action != Action.DECLINE for e in t.history),
    Condition.NEVER_GIVEN_BACK: lambda t, _a, _i, _n: not was_given_back(t),
    Condition.ORIGINAL_IS_ANSWERED: lambda t, _a, i, _n: is_original_answered(t, i),
    Condition.CITIZEN_CAN_BE_REACHED: lambda t, _a, _i, _n: bool(t.reachable_by),
    Condition.ANSWERING_AGENCY: lambda t, a, _i, _n: is_answering(t, a),
    Condition.POLICY_WAIVES_HEAD: lambda t, _a, _i, _n: not t.policy.head_approves,
    Condition.AGENCY_HAS_NO_ACCOUNTS: lambda _t, _a, i, _n: i.get("agency_has_accounts") is False,
    Condition.NOT_TOLD: lambda t, _a, _i, _n: t.answer is not None and t.answer.told_at is None,
    Condition.WORK_NOT_PROMISED: lambda t, _a, _i, _n: t.answer is not None and not t.answer.awaits_work,
    Condition.REOPEN_LEFT: lambda t, _a, _i, n: is_reopen_left(t, n),
    Condition.REOPEN_REQUESTED: lambda t, _a, _i, _n: t.reopen_requested_at is not None,
    Condition.NOT_SCREENED: lambda t, _a, _i, _n: t.screening is None or t.screening.decision is None,
    Condition.SCREENED: lambda t, _a, _i, _n: t.screening is not None and t.screening.decision is not None,
}
