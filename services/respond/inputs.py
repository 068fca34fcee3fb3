"""What an action may be given, and what is wrong with it, all faults at once.

Called by `workflow.apply` alone. Checks the shape of what a person typed; whether the action may happen at
all is the table's business (`transitions`).
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypedDict

from hotline.errors import FieldError, Invalid
from hotline.facts import Attachment, ClassificationState, Outcome
from hotline.promises import Promise
from hotline.text import clean
from hotline.working_days import local_date
from services.respond.ticket import Action, RouteSnapshot, Step, Ticket

MAX_CHARACTERS = {"text": 20_000, "note": 4_000, "question": 2_000, "said": 2_000, "destination": 500}
MAX_SHORT_CHARACTERS = 200
BEST_RATING = 5


class Inputs(TypedDict, total=False):
    """Everything an action may be given by name; each row of the table says which of them it requires."""

    note: str
    how: str
    said: str
    route: RouteSnapshot
    agency_due_at: datetime
    agency_has_accounts: bool
    question: str
    text: str
    outcome: Outcome
    promised_on: date | None
    files: tuple[Attachment, ...]
    number: str
    signed_on: date
    signatory: str
    duplicate_of: str
    original: Ticket
    destination: str
    rating: int
    promise: Promise
    classification: ClassificationState
    screening_due_at: datetime
    step: Step


TYPED = ("note", "how", "said", "question", "text", "number", "signatory", "duplicate_of", "destination")


def checked(ticket: Ticket, action: Action, requires: tuple[str, ...], given: Inputs, now: datetime) -> Inputs:
    """Return the inputs with every text cleaned; raises Invalid that names every fault, in the order
    required."""
    cleaned = Inputs(**given)
    for name in TYPED:
        value = given.get(name)
        if isinstance(value, str):
            cleaned[name] = clean(value)  # type: ignore[literal-required]
    faults = [*missing(cleaned, requires), *too_long(cleaned), *bad_signature(ticket, cleaned, now)]
    faults += [*bad_outcome(cleaned, now), *bad_subject(ticket, cleaned)]
    if faults:
        raise Invalid(faults)
    return cleaned


def missing(given: Inputs, requires: tuple[str, ...]) -> Iterable[FieldError]:
    """Name each required input that is absent or empty."""
    for name in requires:
        if given.get(name) in (None, ""):
            yield FieldError(field=name, code=f"{name}_required")


def too_long(given: Inputs) -> Iterable[FieldError]:
    """Name each text beyond its length."""
    for name in TYPED:
        limit = MAX_CHARACTERS.get(name, MAX_SHORT_CHARACTERS)
        value = given.get(name)
        if isinstance(value, str) and len(value) > limit:
            yield FieldError(field=name, code="input_too_long", params={"limit": str(limit)})


def bad_signature(ticket: Ticket, given: Inputs, now: datetime) -> Iterable[FieldError]:
    """An answer is signed between the receipt and today, both days in Vietnam."""
    signed_on = given.get("signed_on")
    if signed_on is None:
        return
    if signed_on > local_date(now):
        yield FieldError(field="signed_on", code="signed_on_in_future")
    elif signed_on < local_date(ticket.received_at):
        yield FieldError(field="signed_on", code="signed_on_before_receipt")


def bad_outcome(given: Inputs, now: datetime) -> Iterable[FieldError]:
    """An answer that promises work says by when, and the day is not past; no other answer has such a day."""
    promised_on, outcome = given.get("promised_on"), given.get("outcome")
    if outcome == Outcome.PROMISED and promised_on is None:
        yield FieldError(field="promised_on", code="promised_on_required")
    elif outcome == Outcome.PROMISED and promised_on is not None and promised_on < local_date(now):
        yield FieldError(field="promised_on", code="promised_on_past")
    elif outcome not in {None, Outcome.PROMISED} and promised_on is not None:
        yield FieldError(field="promised_on", code="promised_on_not_promised")


def bad_subject(ticket: Ticket, given: Inputs) -> Iterable[FieldError]:
    """A ticket is not its own duplicate; a rating is 1 to 5."""
    if given.get("duplicate_of") == ticket.feedback_id:
        yield FieldError(field="duplicate_of", code="duplicate_of_itself")
    rating = given.get("rating")
    if rating is not None and not 1 <= rating <= BEST_RATING:
        yield FieldError(field="rating", code="rating_out_of_range")
