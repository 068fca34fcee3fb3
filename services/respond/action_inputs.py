"""Turns what a person typed for an action into the workflow's inputs, and names every fault at once.

Called by the ticket's page. Decides which fields each action's form has; whether the action may happen is
`workflow`'s business. Days are read as dd/mm/yyyy or yyyy-mm-dd, in Vietnam.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

from hotline.errors import FieldError, Invalid
from hotline.facts import Outcome
from hotline.roles import Session
from hotline.text import clean
from hotline.working_days import local_date
from services.respond.actions import completed, has_accounts
from services.respond.inputs import Inputs
from services.respond.rules import Rules
from services.respond.ticket import Action, RouteSnapshot, Ticket, actor_of
from services.respond.workflow import allowed, apply

SIGNATURE = ("number", "signed_on", "signatory")
ANSWER = ("text", "outcome", "promised_on", "files")
WITH_FILES = frozenset({Action.DRAFT, Action.RECORD_ANSWER})
HOWS = ("phone", "in_person", "page", "email", "letter")
DAYS = frozenset({"promised_on", "signed_on"})
TICKET_FIELD = "ticket"

# In the order in which a person is offered them: the first that is allowed stands open on the page.
FIELDS: Mapping[Action, tuple[str, ...]] = {
    Action.CONFIRM_RESTRICTED: (),
    Action.RETURN_TO_DESK: ("note",),
    Action.SIGN: SIGNATURE,
    Action.SEND_BACK: ("note",),
    Action.START: (),
    Action.SUBMIT: (),
    Action.DRAFT: ANSWER,
    Action.RESUME: ("note",),
    Action.ASK_CITIZEN: ("question",),
    Action.DECLINE: ("note",),
    Action.ACKNOWLEDGE: ("how", "said"),
    Action.ASSIGN: ("agency", "note"),
    Action.RECORD_ANSWER: (*ANSWER, *SIGNATURE, "note"),
    Action.TELL: ("said",),
    Action.CLOSE: ("note",),
    Action.REASSIGN: ("agency", "note"),
    Action.URGE: ("note",),
    Action.REVIEW: (),
    Action.REDIRECT: ("destination", "note"),
    Action.REFUSE: ("note",),
    Action.MARK_DUPLICATE: ("duplicate_of",),
    Action.RESTORE: ("note",),
    Action.REOPEN: ("note",),
    Action.MARK_URGENT: ("note",),
    Action.NOTE: ("note",),
    Action.RESTRICT: ("note",),
}
OPTIONAL = frozenset({(Action.ASSIGN, "note"), (Action.DRAFT, "promised_on"), (Action.RECORD_ANSWER, "promised_on")})
# The workflow's names of what the forms ask under another name.
FORM_NAMES = {"route": "agency"}

_DAY = re.compile(
    r"(?P<d>\d{1,2})[/.\- ](?P<m>\d{1,2})[/.\- ](?P<y>\d{4})|(?P<y2>\d{4})-(?P<m2>\d{1,2})-(?P<d2>\d{1,2})"
)

Get = Callable[[str], str]


def offered(ticket: Ticket, session: Session, rules: Rules, now: datetime) -> tuple[Action, ...]:
    """Return the actions whose forms this person gets on this ticket, the likeliest first."""
    may = set(allowed(ticket, actor_of(session), now))
    if not ticket.restricted and ticket.route and has_accounts(rules, ticket.route.answers):
        may.discard(Action.RECORD_ANSWER)
    return tuple(action for action in FIELDS if action in may)


def fields_of(action: Action, ticket: Ticket) -> tuple[str, ...]:
    """Return the fields of an action's form; a restricted ticket's recorded answer needs no note, a system's
    action has none."""
    if action is Action.RECORD_ANSWER and ticket.restricted:
        return tuple(name for name in FIELDS[action] if name != "note")
    return FIELDS.get(action, ())


def read_inputs(action: Action, get: Get, ticket: Ticket, rules: Rules, now: datetime) -> Inputs:
    """Return what was typed; raises Invalid that names every field that cannot be read."""
    inputs, faults = read_fields(action, get, ticket, rules, now)
    if faults:
        raise Invalid(faults)
    return inputs


def read_fields(
    action: Action, get: Get, ticket: Ticket, rules: Rules, now: datetime
) -> tuple[Inputs, list[FieldError]]:
    """Return what could be read and what could not; empty fields are left out for the workflow to miss."""
    inputs, faults = Inputs(), list[FieldError]()
    for name in fields_of(action, ticket):
        if name == "files":
            continue
        typed = clean(get(name))
        if not typed:
            continue
        try:
            inputs[INPUT_NAMES.get(name, name)] = read_field(  # type: ignore[literal-required]
                name, typed, lambda: clean(get("note")), ticket, rules, now
            )
        except Invalid as error:
            faults.extend(error.errors)
    return inputs, faults


INPUT_NAMES = {form_name: name for name, form_name in FORM_NAMES.items()}


def read_field(
    name: str, typed: str, note: Callable[[], str], ticket: Ticket, rules: Rules, now: datetime
) -> str | date | Outcome | RouteSnapshot:
    """Return the value of one field; raises Invalid."""
    if name in DAYS:
        return read_day(name, typed)
    if name == "outcome":
        if typed not in set(Outcome):
            raise Invalid([FieldError(field=name, code="outcome_required")])
        return Outcome(typed)
    if name == "how" and typed not in HOWS:
        raise Invalid([FieldError(field=name, code="how_required")])
    if name == "agency":
        return route_to(typed, note(), ticket, rules, now)
    return typed


def read_day(name: str, typed: str) -> date:
    """Read a day as people here write it; raises Invalid for one that no calendar has."""
    found = _DAY.fullmatch(typed)
    try:
        if found and found["y"]:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
        if found:
            return date(int(found["y2"]), int(found["m2"]), int(found["d2"]))
    except ValueError:
        pass
    raise Invalid([FieldError(field=name, code="day_unreadable", params={"typed": typed[:20]})])


def suggested_route(ticket: Ticket, rules: Rules) -> RouteSnapshot | None:
    """Return what the locality's rules say, None before there is a classification or for a restricted ticket."""
    if ticket.classification is None or ticket.restricted or not ticket.is_received:
        return None
    return rules.route(ticket)


def route_to(agency_id: str, reason: str, ticket: Ticket, rules: Rules, now: datetime) -> RouteSnapshot:
    """Return the route to the agency chosen: the rule's own where it chose the same, else by hand with a reason."""
    if agency_id not in {body.id for body in rules.directory.active(local_date(now))}:
        raise Invalid([FieldError(field="agency", code="agency_not_found")])
    suggestion = suggested_route(ticket, rules)
    if suggestion is not None and suggestion.agency_id == agency_id:
        return suggestion
    if not reason:
        raise Invalid([FieldError(field="note", code="note_required_by_hand")])
    return rules.route_by_hand(agency_id, reason)


def all_faults(
    ticket: Ticket, action: Action, session: Session, rules: Rules, now: datetime, get: Get
) -> tuple[FieldError, ...]:
    """Return what cannot be read together with what the workflow misses, each field once; raises NotAllowed."""
    inputs, faults = read_fields(action, get, ticket, rules, now)
    named = {fault.field for fault in faults}
    try:
        apply(ticket, action, actor_of(session), now, **completed(rules, ticket, action, now, inputs))
    except Invalid as error:
        faults += [fault for fault in error.errors if is_new(fault, named, get)]
    return tuple(faults)


def is_new(fault: FieldError, named: set[str], get: Get) -> bool:
    """Say whether a fault of the workflow adds anything: what was typed but not understood is not missing."""
    name = FORM_NAMES.get(fault.field, fault.field)
    is_missing = fault.code == f"{fault.field}_required"
    return name not in named and not (is_missing and clean(get(name)))


def on_form(action: Action, ticket: Ticket, faults: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    """Return faults under the names their inputs have on the page, `<action>.<field>`."""
    fields = fields_of(action, ticket)
    named = []
    for fault in faults:
        name = FORM_NAMES.get(fault.field, fault.field)
        where = f"{action}.{name}" if name in fields else TICKET_FIELD
        named.append(FieldError(field=where, code=fault.code, params=fault.params))
    return tuple(named)
