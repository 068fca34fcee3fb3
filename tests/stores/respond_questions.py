"""Asks respond's store everything that its protocol names, so that a test can look at how the database answers."""

from collections.abc import Awaitable, Callable
from typing import Any

from hotline.facts import Attachment
from services.respond.store import Page, RespondStore
from services.respond.ticket import Status
from tests.respond.builders import LEAD
from tests.stores.test_respond_accounts import account, closed
from tests.stores.tickets import NOON, added, drafted_with, judged, saved, told, worked_on


class Asked:
    """A store that keeps the names of what it was asked."""

    def __init__(self, store: RespondStore) -> None:
        self._store = store
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        self.names.add(name)
        method: Callable[..., Awaitable[Any]] = getattr(self._store, name)
        return method


async def ask_everything(store: RespondStore, file: Attachment) -> None:
    """Ask every question once at least, of a ticket that keeps the file; fails when the protocol has one more."""
    asked: Any = Asked(store)
    ticket = await added(asked, "f1", worked_on("2026-11-18 08:00"), facts=[told("f1", 1)])
    await saved(asked, ticket, drafted_with(ticket, "2026-11-18 09:00", file), facts=[told("f1", 2)])
    page = Page(offset=1, limit=2)
    for ask in (asked.for_desk, asked.restricted, asked.running, asked.broken):
        await ask(page)
    await asked.get("f1")
    await asked.for_agency(LEAD, frozenset(Status), page)
    await asked.for_agency(LEAD, frozenset({Status.ASSIGNED}), page)
    await asked.count_for_desk()
    await asked.count_for_agency(LEAD)
    await asked.similar(judged("2026-11-18 10:00", similar=("f1", "f2")), 9)
    await asked.duplicates_of("f1")
    await asked.all_received(NOON)
    await asked.needing_attention(NOON, 9)
    await asked.clocks_due(NOON, NOON - NOON)
    await asked.file_ids()
    await asked.is_erased("f1")
    await asked.release_files(await asked.erase("f1"))
    await asked.add_account(account("may.lo"), ())
    await asked.save_account(closed(account("may.lo")), ())
    await asked.account("a1")
    await asked.account_named("may.lo")
    await asked.accounts()
    assert asked.names == {name for name in vars(RespondStore) if not name.startswith("_")}
