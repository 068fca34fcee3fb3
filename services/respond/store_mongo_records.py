"""respond's collections as a backup reads and writes them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from hotline.plumbing.outbox import new_outbox
from hotline.plumbing.records import ERASED, Record
from hotline.plumbing.seal import Sealer
from services.respond.documents import decode_account
from services.respond.records import (
    ACCOUNT,
    KINDS,
    TICKET,
    account_record,
    attention_of,
    read_account,
    read_ticket,
    ticket_of,
    ticket_record,
    with_epoch,
)
from services.respond.store import RespondStore
from services.respond.store_mongo import MongoRespondStore, account_fields, fields_of, there

Stored = dict[str, Any]

# An erased ticket's mark is its own document.
ONLY: Mapping[str, Stored] = {ACCOUNT: {}, TICKET: {"is_erased": None}, ERASED: {"is_erased": True}}


class MongoRespondRecords:
    """See `Records`."""

    kinds: tuple[str, ...] = KINDS

    def __init__(self, store: MongoRespondStore) -> None:
        self.store = store

    async def page(self, kind: str, after: str, limit: int) -> list[Record]:
        """See `Records`."""
        collection = self.store.accounts_kept if kind == ACCOUNT else self.store.tickets
        found = await collection.by_id(after, limit, ONLY[kind])
        return [READ[kind](stored) for stored in found]

    async def put_back(self, records: Sequence[Record]) -> None:
        """See `Records`."""
        accounts = [record for record in records if record.kind == ACCOUNT]
        tickets = [record for record in records if record.kind != ACCOUNT]
        sealer = self.store.sealer
        await self.store.accounts_kept.insert_each([account_stored(record, sealer) for record in accounts])
        await self.store.tickets.insert_each([ticket_stored(record, sealer) for record in tickets])

    def with_epoch(self, record: Record, epoch: int) -> Record:
        """See `Records`."""
        return with_epoch(record, epoch)

    async def file_ids(self) -> Collection[str]:
        """See `Records`."""
        return await self.store.file_ids()


def ticket_stored(record: Record, sealer: Sealer) -> Stored:
    """Return a ticket, or the mark of an erased one, as it is stored."""
    if record.kind == ERASED:
        return {"_id": record.id, "is_erased": True, "files_to_go": []}
    body, ticket = read_ticket(record), ticket_of(record)
    fields = there(fields_of(ticket, body.attention))
    return {"_id": record.id, **fields, "doc": bytes(body.doc), **new_outbox((), sealer)}


def account_stored(record: Record, sealer: Sealer) -> Stored:
    """Return an account as it is stored."""
    doc = bytes(read_account(record).doc)
    return {"_id": record.id, **account_fields(decode_account(doc)), "doc": doc, **new_outbox((), sealer)}


READ: Mapping[str, Callable[[Stored], Record]] = {
    ACCOUNT: lambda stored: account_record(stored["_id"], stored["doc"]),
    TICKET: lambda stored: ticket_record(stored["_id"], stored["doc"], attention_of(stored)),
    ERASED: lambda stored: Record(kind=ERASED, id=stored["_id"]),
}


def open_records(store: RespondStore) -> MongoRespondRecords:
    """Return an open store as a backup sees it."""
    assert isinstance(store, MongoRespondStore)
    return MongoRespondRecords(store)
