"""How respond's tickets and accounts are stored, and what of a ticket goes onto the bus.

`state_of` is the only way out: it says what the citizen's page may show, and of a restricted ticket neither field,
code, agency nor answer. A stored document carries its `schema`; adding an optional field keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from hotline.facts import (
    Fact,
    FactKind,
    Producer,
    PublicAnswer,
    TicketState,
    fact_id_of,
)
from hotline.plumbing.failures import FactWaits
from hotline.taxonomy import load_taxonomy
from services.respond.accounts import Account, account_state
from services.respond.clocks import response_clock
from services.respond.rules import Rules
from services.respond.ticket import ANSWERED, ENDED, SCHEMA, Status, Ticket

AgencyName = Callable[[str], str]
TICKET_CAUSE = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTicket:
    """A ticket as it lies in the store."""

    schema: int
    ticket: Ticket


class UnknownSchema(FactWaits):
    """A stored document is newer than this release: it is never guessed at, and waits for the release that knows it."""


_TICKET = msgspec.json.Decoder(StoredTicket)
_ACCOUNT = msgspec.json.Decoder(Account)


def encode_ticket(ticket: Ticket) -> bytes:
    """Return the ticket as it is stored."""
    return msgspec.json.encode(StoredTicket(schema=SCHEMA, ticket=ticket))


def decode_ticket(stored: bytes) -> Ticket:
    """Return the stored ticket; raises UnknownSchema for one that a newer release wrote."""
    document = _TICKET.decode(stored)
    if document.schema > SCHEMA:
        raise UnknownSchema(f"ticket document of schema {document.schema}; this release knows {SCHEMA}")
    return document.ticket


def encode_account(account: Account) -> bytes:
    """Return the account as it is stored."""
    return msgspec.json.encode(account)


def decode_account(stored: bytes) -> Account:
    """Return the stored account."""
    return _ACCOUNT.decode(stored)


def state_of(ticket: Ticket, rules: Rules, now: datetime) -> TicketState:
    """Return what others may know of the ticket; of a restricted one only that it is in hand.

    The due instants are those that count: acknowledged by the first promise, answered by the newest with its pauses.
    """
    acknowledgement_due_at = ticket.promises[0].promise.acknowledgement_due_at
    response_due_at = response_clock(ticket, len(ticket.promises), rules.calendar, now).due_at
    acknowledged_at = ticket.acknowledgement.at if ticket.acknowledgement else None
    answered_at = ticket.answer.answered_at if ticket.answer else None
    if ticket.restricted:
        return TicketState(
            status=restricted_status(ticket.status),
            restricted=True,
            acknowledgement_due_at=acknowledgement_due_at,
            response_due_at=response_due_at,
            acknowledged_at=acknowledged_at,
            answered_at=answered_at,
        )
    is_in_review = ticket.status is Status.IN_REVIEW
    code = ticket.classification.code if ticket.classification else None
    answering = ticket.route.answers if ticket.route else None
    return TicketState(
        # A ticket that waits for a person to say what it is about looks like a restricted one, and the other way round.
        status=Status.RECEIVED if is_in_review else ticket.status,
        restricted=False,
        acknowledgement_due_at=acknowledgement_due_at,
        response_due_at=response_due_at,
        field=load_taxonomy().field_name(code) if code and not is_in_review else None,
        code=code,
        agency_id=answering,
        agency_name=rules.agency_name(answering) if answering else None,
        acknowledged_at=acknowledged_at,
        answered_at=answered_at,
        told_at=ticket.told_at,
        answer=public_answer(ticket, rules.agency_name) if ticket.status in ANSWERED else None,
        question=ticket.question if ticket.status is Status.AWAITING_CITIZEN else None,
        reason=public_reason(ticket) if ticket.status in ENDED else None,
    )


def public_reason(ticket: Ticket) -> str | None:
    """Return why a ticket goes no further here, with where the citizen is sent; None when nothing was said openly."""
    if ticket.is_reason_restricted:
        return None
    return "\n".join(words for words in (ticket.destination, ticket.reason) if words) or None


def restricted_status(status: Status) -> Status:
    """Return the one of two words that a restricted ticket shows: its real steps would tell too much."""
    return Status.ANSWERED if status in ANSWERED or status in ENDED else Status.RECEIVED


def public_answer(ticket: Ticket, agency_name: AgencyName) -> PublicAnswer | None:
    """Return the newest answer as the citizen reads it; none that was given while the ticket was restricted."""
    answer = ticket.answer
    if answer is None or answer.is_restricted:
        return None
    return PublicAnswer(
        text=answer.text,
        number=answer.number,
        signed_on=answer.signed_on,
        signatory=answer.signatory,
        agency_name=agency_name(answer.agency_id),
        outcome=answer.outcome,
        promised_on=answer.promised_on,
        files=answer.files,
    )


def fact_of(ticket: Ticket, rules: Rules, *, at: datetime) -> Fact:
    """Return the fact that says the ticket's state after its newest change; its open cause is the same for all."""
    return Fact(
        fact_id=fact_id_of(Producer.RESPOND, ticket.feedback_id, ticket.epoch, ticket.seq),
        kind=FactKind.TICKET_CHANGED,
        feedback_id=ticket.feedback_id,
        producer=Producer.RESPOND,
        epoch=ticket.epoch,
        seq=ticket.seq,
        at=at,
        cause=TICKET_CAUSE,
        state=state_of(ticket, rules, at),
    )


def account_fact(account: Account, *, cause: str, at: datetime) -> Fact:
    """Return the fact that tells every service of an account's newest state."""
    key = f"account:{account.account_id}"
    return Fact(
        fact_id=fact_id_of(Producer.RESPOND, key, account.epoch, account.seq),
        kind=FactKind.ACCOUNT_CHANGED,
        feedback_id=key,
        producer=Producer.RESPOND,
        epoch=account.epoch,
        seq=account.seq,
        at=at,
        cause=cause,
        state=account_state(account),
    )
