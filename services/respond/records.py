"""How respond's tickets, accounts and erasures stand in a backup: the same whichever database they lie in.

Pure. A ticket is kept with the instants it is listed by, so that a restore needs no rules and moves no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from hotline.plumbing.records import ERASED, Record
from services.respond.columns import NEVER
from services.respond.documents import decode_account, decode_ticket, encode_account, encode_ticket
from services.respond.store import Attention
from services.respond.ticket import Ticket

ACCOUNT, TICKET = "account", "ticket"
KINDS: tuple[str, ...] = (ACCOUNT, TICKET, ERASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketBody:
    """A stored ticket and when somebody must look at it."""

    doc: msgspec.Raw
    attention: Attention


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBody:
    """A stored account."""

    doc: msgspec.Raw


_ENCODER = msgspec.json.Encoder()
_TICKET = msgspec.json.Decoder(TicketBody)
_ACCOUNT = msgspec.json.Decoder(AccountBody)


def ticket_record(feedback_id: str, doc: bytes, attention: Attention) -> Record:
    """Write a stored ticket down."""
    return Record(
        kind=TICKET, id=feedback_id, body=_ENCODER.encode(TicketBody(doc=msgspec.Raw(doc), attention=attention))
    )


def account_record(account_id: str, doc: bytes) -> Record:
    """Write a stored account down."""
    return Record(kind=ACCOUNT, id=account_id, body=_ENCODER.encode(AccountBody(doc=msgspec.Raw(doc))))


def read_ticket(record: Record) -> TicketBody:
    """Read a ticket's record."""
    return _TICKET.decode(record.body)


def read_account(record: Record) -> AccountBody:
    """Read an account's record."""
    return _ACCOUNT.decode(record.body)


def ticket_of(record: Record) -> Ticket:
    """Return the ticket of a record; raises UnknownSchema."""
    return decode_ticket(bytes(read_ticket(record).doc))


def instant(stored: str | None) -> datetime | None:
    """Read an instant as `columns.stamp` wrote it."""
    return datetime.fromisoformat(stored) if stored else None


def attention_of(stored: Mapping[str, Any]) -> Attention:
    """Read out of the columns of a stored ticket when it must be looked at; what is not there is not due."""
    next_due_at = stored.get("next_due_at")
    return Attention(
        next_attention_at=instant(stored.get("next_attention_at")),
        next_due_at=None if next_due_at == NEVER else instant(next_due_at),
        acknowledgement_due_at=instant(stored.get("acknowledgement_due_at")),
        response_due_at=instant(stored.get("response_due_at")),
    )


def with_epoch(record: Record, epoch: int) -> Record:
    """Return the record with its facts counted under `epoch`."""
    if record.kind == TICKET:
        body = read_ticket(record)
        ticket = replace(decode_ticket(bytes(body.doc)), epoch=epoch)
        return ticket_record(record.id, encode_ticket(ticket), body.attention)
    if record.kind == ACCOUNT:
        account = replace(decode_account(bytes(read_account(record).doc)), epoch=epoch)
        return account_record(record.id, encode_account(account))
    return record
