"""respond's store in MongoDB: one document a ticket, its lists' columns and its waiting facts in it; one an account.

An erased feedback's mark is what is left of its own document, so that one write erases and leaves it, nothing can be
inserted beside it, and no version of before can be saved over it: there is no order of two writes to die between.
"""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile
from hotline.plumbing.files_gridfs import GridVault
from hotline.plumbing.instants import sortable
from hotline.plumbing.migrations_mongo import migrate
from hotline.plumbing.mongo import AlreadyThere, Index, MongoDatabase, Sort
from hotline.plumbing.outbox import PENDING_INDEX, more_pending, new_outbox
from hotline.plumbing.restores import epoch_of
from hotline.plumbing.seal import Sealer
from services.respond.accounts import Account
from services.respond.columns import agencies_of, columns_of, counted, files_of, open_others, similar_of, username_key
from services.respond.documents import decode_account, decode_ticket, encode_account, encode_ticket
from services.respond.store import Attention, ClocksDue, Conflict, FileIsGone, Page, UsernameTaken
from services.respond.ticket import Status, Ticket

TICKETS, ACCOUNTS = "respond_ticket", "respond_account"

AT_DESK = {"is_at_desk": True, "restricted": False}
RESTRICTED = {"restricted": True, "is_received": True}
RUNNING = {"is_unanswered": True, "is_received": True}
LATE = {"is_late": True}
# Text is greater than no text: what a planner must see to take an index of those alone that have the instant.
BROKEN = {"broken_at": {"$gt": ""}}
HAS_FILES = {"files": {"$exists": True}}
IN_HAND_ORDER = (("urgent", -1), ("next_due_at", 1), ("_id", 1))
RESTRICTED_ORDER = (("is_screened", 1), ("next_due_at", 1), ("_id", 1))
RUNNING_ORDER = (("next_due_at", 1), ("_id", 1))
BROKEN_ORDER = (("broken_at", -1), ("_id", 1))
RECEIVED_ORDER = (("received_at", 1), ("_id", 1))
LATEST_ORDER = (("received_at", -1), ("_id", 1))
ATTENTION_ORDER = (("next_attention_at", 1), ("_id", 1))


def index_of_part(name: str, part: Mapping[str, Any], order: Sort) -> Index:
    """Return the index of a list: of its own tickets alone, in its order."""
    return Index(name=name, keys=(*((field, 1) for field in part), *order), only_where=part)


TICKET_INDEXES = (
    PENDING_INDEX,
    index_of_part("desk", AT_DESK, IN_HAND_ORDER),
    index_of_part("restricted", RESTRICTED, RESTRICTED_ORDER),
    index_of_part("running", RUNNING, RUNNING_ORDER),
    index_of_part("late", LATE, ()),
    Index(name="inbox", keys=(("agencies", 1), ("status", 1), *IN_HAND_ORDER)),
    # Read backwards: not every server finds a range in a falling index.
    Index(name="broken", keys=(("broken_at", 1), ("_id", -1)), only_where=BROKEN),
    Index(name="received", keys=RECEIVED_ORDER),
    Index(name="similar", keys=(("similar", 1), ("received_at", 1), ("_id", -1))),
    Index(name="attention", keys=ATTENTION_ORDER, only_where={"next_attention_at": {"$gt": ""}}),
    Index(name="acknowledgement_due", keys=(("acknowledgement_due_at", 1),), is_sparse=True),
    Index(name="response_due", keys=(("response_due_at", 1),), is_sparse=True),
    Index(name="duplicates", keys=(("duplicate_of", 1),), is_sparse=True),
    Index(name="files", keys=(("files", 1),), is_sparse=True),
    Index(name="files_to_go", keys=(("files_to_go", 1),), is_sparse=True),
)
ACCOUNT_INDEXES = (PENDING_INDEX, Index(name="username", keys=(("username", 1),), is_unique=True))

# All that is left of an erased ticket: the mark, and until they are gone the files that no other ticket may keep.
GRAVE = [
    {
        "$replaceWith": {
            "_id": "$_id",
            "is_erased": True,
            "files_to_go": {"$ifNull": ["$files", {"$ifNull": ["$files_to_go", []]}]},
        }
    }
]


class MongoRespondStore:
    """The `RespondStore` over MongoDB; make it with `open_store`."""

    epoch = 0

    def __init__(self, mongo: MongoDatabase, sealer: Sealer, vault: GridVault) -> None:
        self.mongo = mongo
        self.sealer = sealer
        self.vault = vault
        self.tickets = mongo.collection(TICKETS)
        self.accounts_kept = mongo.collection(ACCOUNTS)

    async def get(self, feedback_id: str) -> Ticket | None:
        """See `RespondStore`."""
        found = await self.tickets.find_one({"_id": feedback_id}, fields=["doc"])
        return decode_ticket(found["doc"]) if found and "doc" in found else None

    async def add(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        fields, outbox = fields_of(ticket, attention), new_outbox(facts, self.sealer)
        async with self._holding(ticket, files_of(ticket)):
            try:
                await self.tickets.insert_one({"_id": ticket.feedback_id, **there(fields), **outbox})
            except AlreadyThere as error:
                raise Conflict(ticket.feedback_id) from error
        self._told(facts)

    async def save(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        query = {"_id": ticket.feedback_id, "version": ticket.version - 1}
        change = {**set_to(fields_of(ticket, attention)), **more_pending(facts, self.sealer)}
        async with self._holding(ticket, await self._new_files(ticket)):
            if not await self.tickets.update_one(query, change):
                raise Conflict(ticket.feedback_id)
        self._told(facts)

    async def _new_files(self, ticket: Ticket) -> frozenset[str]:
        """Return the files that the stored version does not refer to; raises Conflict when it is another version."""
        files = files_of(ticket)
        if not files:
            return files
        found = await self.tickets.find_one({"_id": ticket.feedback_id}, fields=["version", "files"])
        if found is None or found.get("version") != ticket.version - 1:
            raise Conflict(ticket.feedback_id)
        return files.difference(found.get("files", ()))

    @contextlib.asynccontextmanager
    async def _holding(self, ticket: Ticket, file_ids: Collection[str]) -> AsyncIterator[None]:
        """Let none of the files go while the block refers to them; raises FileIsGone."""
        try:
            async with self.vault.holding(file_ids) if file_ids else contextlib.nullcontext():
                yield
        except NoSuchFile as error:
            raise FileIsGone(ticket.feedback_id) from error

    def _told(self, facts: Sequence[Fact]) -> None:
        if facts:
            self.mongo.wake_relay()

    async def for_desk(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(AT_DESK, IN_HAND_ORDER, page)

    async def count_for_desk(self) -> int:
        """See `RespondStore`."""
        return await self.tickets.count(AT_DESK)

    async def for_agency(self, agency_id: str, statuses: frozenset[Status], page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        query = {"agencies": agency_id, "status": {"$in": sorted(statuses)}}
        return await self._page(query, IN_HAND_ORDER, page)

    async def count_for_agency(self, agency_id: str) -> Mapping[Status, int]:
        """See `RespondStore`."""
        by_status = {"$group": {"_id": "$status", "count": {"$sum": 1}}}
        found = await self.tickets.aggregate([{"$match": {"agencies": agency_id}}, by_status])
        return counted({group["_id"]: group["count"] for group in found})

    async def restricted(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(RESTRICTED, RESTRICTED_ORDER, page)

    async def running(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(RUNNING, RUNNING_ORDER, page)

    async def broken(self, page: Page) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._page(BROKEN, BROKEN_ORDER, page)

    async def all_received(self, since: datetime) -> list[Ticket]:
        """See `RespondStore`."""
        return await self._tickets({"received_at": {"$gte": sortable(since)}}, RECEIVED_ORDER)

    async def similar(self, ticket: Ticket, limit: int) -> list[Ticket]:
        """See `RespondStore`."""
        named = list(ticket.classification.similar[:limit]) if ticket.classification else []
        found = await self._named(named) if named else []
        found += await self._tickets({"similar": ticket.feedback_id}, LATEST_ORDER, limit=limit)
        return open_others(ticket, found)

    async def _named(self, ids: Sequence[str]) -> list[Ticket]:
        found = await self.tickets.find({"_id": {"$in": list(ids)}}, fields=["doc"])
        return [decode_ticket(stored["doc"]) for stored in found if "doc" in stored]

    async def duplicates_of(self, feedback_id: str) -> list[Ticket]:
        """See `RespondStore`."""
        found = await self.tickets.find({"duplicate_of": feedback_id}, fields=["doc"])
        return sorted((decode_ticket(stored["doc"]) for stored in found), key=lambda ticket: ticket.feedback_id)

    async def needing_attention(self, now: datetime, limit: int) -> list[Ticket]:
        """See `RespondStore`."""
        query = {"next_attention_at": {"$gt": "", "$lte": sortable(now)}}
        return await self._tickets(query, ATTENTION_ORDER, limit=limit)

    async def clocks_due(self, now: datetime, within: timedelta) -> ClocksDue:
        """See `RespondStore`."""
        soon = {"$gte": sortable(now), "$lte": sortable(now + within)}
        return ClocksDue(
            acknowledgement=await self.tickets.count({"acknowledgement_due_at": soon}),
            response=await self.tickets.count({"response_due_at": soon}),
            late=await self.tickets.count(LATE),
        )

    async def _page(self, query: Mapping[str, Any], order: Sort, page: Page) -> list[Ticket]:
        if not page.limit:
            return []
        return await self._tickets(query, order, skip=page.offset, limit=page.limit)

    async def _tickets(self, query: Mapping[str, Any], order: Sort, *, skip: int = 0, limit: int = 0) -> list[Ticket]:
        found = await self.tickets.find(query, sort=order, skip=skip, limit=limit, fields=["doc"])
        return [decode_ticket(stored["doc"]) for stored in found]

    async def file_ids(self) -> frozenset[str]:
        """See `RespondStore`."""
        return frozenset(
            [file_id async for stored in self.tickets.each(HAS_FILES, fields=["files"]) for file_id in stored["files"]]
        )

    async def erase(self, feedback_id: str) -> frozenset[str]:
        """See `RespondStore`; what was told of it is the broker's to forget in its time."""
        grave = await self._bury(feedback_id)
        held = frozenset(grave["files_to_go"])
        kept = [file_id for file_id in held if await self._is_kept(file_id)]
        if kept:
            await self.tickets.update_one({"_id": feedback_id}, {"$pullAll": {"files_to_go": kept}})
        return held.difference(kept)

    async def _bury(self, feedback_id: str) -> Mapping[str, Any]:
        """Leave of the feedback's document, or where there was none, the mark alone; returns it."""
        try:
            grave = await self.tickets.find_one_and_update({"_id": feedback_id}, GRAVE, upsert=True)
        except AlreadyThere:
            # Somebody inserted it in between: now it is there.
            grave = await self.tickets.find_one_and_update({"_id": feedback_id}, GRAVE)
        assert grave is not None
        return grave

    async def release_files(self, file_ids: Collection[str]) -> None:
        """See `RespondStore`; a file that is being attached just now is left to the sweep."""
        if not file_ids:
            return
        await self.vault.release(file_ids, self._is_kept)
        gone = sorted(file_ids)
        await self.tickets.update_many({"files_to_go": {"$in": gone}}, {"$pullAll": {"files_to_go": gone}})

    async def _is_kept(self, file_id: str) -> bool:
        return await self.tickets.find_one({"files": file_id}, fields=["_id"]) is not None

    async def is_erased(self, feedback_id: str) -> bool:
        """See `RespondStore`."""
        found = await self.tickets.find_one({"_id": feedback_id}, fields=["is_erased"])
        return bool(found and found.get("is_erased"))

    async def account(self, account_id: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account({"_id": account_id})

    async def account_named(self, username: str) -> Account | None:
        """See `RespondStore`."""
        return await self._account({"username": username_key(username)})

    async def _account(self, query: Mapping[str, Any]) -> Account | None:
        found = await self.accounts_kept.find_one(query, fields=["doc"])
        return decode_account(found["doc"]) if found else None

    async def accounts(self) -> list[Account]:
        """See `RespondStore`."""
        found = await self.accounts_kept.find({"username": {"$gt": ""}}, sort=[("username", 1)], fields=["doc"])
        return [decode_account(stored["doc"]) for stored in found]

    async def add_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        outbox = new_outbox(facts, self.sealer)
        with name_taken(account):
            await self.accounts_kept.insert_one({"_id": account.account_id, **account_fields(account), **outbox})
        self._told(facts)

    async def save_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """See `RespondStore`."""
        query = {"_id": account.account_id, "version": account.version - 1}
        change = {"$set": account_fields(account), **more_pending(facts, self.sealer)}
        with name_taken(account):
            if not await self.accounts_kept.update_one(query, change):
                raise Conflict(account.account_id)
        self._told(facts)


async def open_store(backend: Backend) -> MongoRespondStore:
    """Make respond's indexes where they are missing and return the store; raises SchemaTooNew."""
    vault = backend.vault("answers")
    assert isinstance(backend.database, MongoDatabase) and isinstance(vault, GridVault)
    await migrate(backend.database, "respond", ())
    await backend.database.ensure_indexes(TICKETS, TICKET_INDEXES)
    await backend.database.ensure_indexes(ACCOUNTS, ACCOUNT_INDEXES)
    store = MongoRespondStore(backend.database, backend.sealer, vault)
    store.epoch = await epoch_of(backend, "respond")
    return store


def fields_of(ticket: Ticket, attention: Attention) -> dict[str, Any]:
    """Return what is stored of a ticket: itself, its version, and what lists ask for; None is what it has not."""
    return {
        "doc": encode_ticket(ticket),
        "version": ticket.version,
        "agencies": list(agencies_of(ticket)),
        "similar": list(similar_of(ticket)),
        "files": sorted(files_of(ticket)) or None,
        **columns_of(ticket, attention),
    }


def there(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that there are: a sparse index holds no others."""
    return {name: value for name, value in fields.items() if value is not None}


def set_to(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operators that make a document have these fields, and not those that are None."""
    missing = {name: "" for name, value in fields.items() if value is None}
    return {"$set": there(fields), **({"$unset": missing} if missing else {})}


def account_fields(account: Account) -> dict[str, Any]:
    """Return what is stored of an account; its user name in the case in which names are compared."""
    return {
        "doc": encode_account(account),
        "version": account.version,
        "username": username_key(account.username),
    }


@contextlib.contextmanager
def name_taken(account: Account) -> Iterator[None]:
    """Say that the user name is taken where an index says that a document is there already."""
    try:
        yield
    except AlreadyThere as error:
        raise UsernameTaken(account.username) from error
