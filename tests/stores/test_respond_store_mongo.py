"""What MongoDB alone must prove of respond's store: two writers in every order, deaths on the way, and no scan."""

import asyncio
from typing import Any

import pytest

from hotline.facts import Attachment
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile
from hotline.plumbing.files_gridfs import GridVault
from hotline.plumbing.mongo import MongoDatabase
from services.respond.opening import RELAYED
from services.respond.store import Conflict, FileIsGone
from services.respond.store_mongo import MongoRespondStore, open_store
from services.respond.ticket import Ticket
from tests.stores.meanwhile import Meanwhile
from tests.stores.respond_questions import ask_everything
from tests.stores.tickets import LETTER, added, drafted_with, judged, next_of, saved, told, worked_on
from tests.stores.watching import Plans, assert_no_collection_scan, carried

pytestmark = pytest.mark.live

WHEN = "2026-11-18 08:00"
MOST_COMMANDS = 8
GRAVE = {"_id": "f1", "is_erased": True, "files_to_go": []}


@pytest.fixture
async def store(mongodb_backend: Backend) -> MongoRespondStore:
    """respond's store, whose commands a test can hold up."""
    return await open_store(mongodb_backend)


@pytest.fixture
def elsewhere(other_mongo: MongoDatabase, store: MongoRespondStore) -> MongoRespondStore:
    """The same store in another process."""
    return MongoRespondStore(other_mongo, store.sealer, GridVault(other_mongo, "answers"))


async def letter(store: MongoRespondStore) -> Attachment:
    """Keep the letter, as an officer's form does."""
    return await store.vault.keep("tra loi.pdf", LETTER, field="draft.files")


async def can_be_fetched(store: MongoRespondStore, file: Attachment) -> bool:
    """Say whether a file is kept."""
    try:
        await store.vault.chunks(file.file_id)
    except NoSuchFile:
        return False
    return True


def drafted(ticket: Ticket, *files: Attachment) -> Ticket:
    """Draft an answer with files."""
    return drafted_with(ticket, "2026-11-18 09:00", *files)


async def forgotten(store: MongoRespondStore, feedback_id: str) -> None:
    """Do what the consumer does when a feedback was erased."""
    await store.release_files(await store.erase(feedback_id))


class TestErasure:
    """An erasure and a write, in every order."""

    @pytest.mark.parametrize("number", range(1, MOST_COMMANDS))
    @pytest.mark.parametrize("what", ["add", "save", "save with a file"])
    async def test_an_erasure_before_any_command_of_a_write_leaves_the_mark_alone(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, what: str, number: int
    ) -> None:
        file, first = await letter(store), worked_on(WHEN)
        if what != "add":
            first = await added(store, "f1", first)
        after = drafted(first, file) if what == "save with a file" else first
        meanwhile.before(number, lambda: elsewhere.erase("f1"))
        try:
            await (added(store, "f1", after) if what == "add" else saved(store, first, after))
        except Conflict:
            assert meanwhile.has_happened
        if not meanwhile.has_happened:
            # The write took fewer commands: the erasure comes after it.
            await elsewhere.erase("f1")
        await elsewhere.release_files({file.file_id})
        assert await elsewhere.tickets.find_one({"_id": "f1"}) == GRAVE

    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_a_write_before_any_command_of_an_erasure_leaves_the_mark_alone(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, number: int
    ) -> None:
        first, file = await added(store, "f1", worked_on(WHEN)), await letter(store)
        outcomes: list[Any] = []

        async def save() -> None:
            outcomes.extend(await asyncio.gather(saved(elsewhere, first, drafted(first, file)), return_exceptions=True))

        meanwhile.before(number, save)
        await forgotten(store, "f1")
        if number > 1:
            assert [type(outcome) for outcome in outcomes] in ([], [Conflict])
        assert await elsewhere.tickets.find_one({"_id": "f1"}) == GRAVE
        assert await can_be_fetched(store, file) == (not outcomes or isinstance(outcomes[0], Conflict))

    async def test_what_waited_to_be_told_of_it_is_told_no_more(
        self, store: MongoRespondStore, mongodb_backend: Backend
    ) -> None:
        first = await added(store, "f1", judged(WHEN), facts=[told("f1", 1)])
        await saved(store, first, first, facts=[told("f1", 2)])
        await added(store, "f2", judged(WHEN), facts=[told("f2", 1)])
        await store.erase("f1")
        assert await carried(mongodb_backend, "respond", RELAYED) == [told("f2", 1)]
        assert await store.tickets.find_one({"_id": "f1"}) == GRAVE

    @pytest.mark.parametrize("number", range(1, 16))
    async def test_who_dies_on_the_way_and_begins_again_arrives(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, number: int
    ) -> None:
        file = await letter(store)
        await added(store, "f1", drafted(worked_on(WHEN), file))
        erasing = asyncio.ensure_future(forgotten(store, "f1"))

        async def die() -> None:
            erasing.cancel()

        meanwhile.before(number, die)
        await asyncio.gather(erasing, return_exceptions=True)
        await forgotten(elsewhere, "f1")
        assert await elsewhere.tickets.find_one({"_id": "f1"}) == GRAVE
        assert not await can_be_fetched(elsewhere, file)


class TestFiles:
    """One process erases a file with a ticket while another attaches the same: it stays or the other is told."""

    @pytest.mark.parametrize("number", range(1, MOST_COMMANDS))
    async def test_an_erasure_before_any_command_of_attaching(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, number: int
    ) -> None:
        file = await letter(store)
        await added(store, "f1", drafted(worked_on(WHEN), file))
        other = await added(store, "f2", worked_on(WHEN))
        meanwhile.before(number, lambda: forgotten(elsewhere, "f1"))
        try:
            await saved(store, other, drafted(other, file))
        except FileIsGone:
            assert await store.get("f2") == other
            assert not await can_be_fetched(store, file)
        else:
            assert await can_be_fetched(store, file)
            assert await store.file_ids() >= {file.file_id}

    @pytest.mark.parametrize("number", range(1, 16))
    async def test_attaching_before_any_command_of_an_erasure(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, number: int
    ) -> None:
        file = await letter(store)
        await added(store, "f1", drafted(worked_on(WHEN), file))
        other = await added(store, "f2", worked_on(WHEN))
        outcomes: list[Any] = []

        async def attach() -> None:
            outcomes.extend(await asyncio.gather(saved(elsewhere, other, drafted(other, file)), return_exceptions=True))

        meanwhile.before(number, attach)
        await forgotten(store, "f1")
        is_attached = any(isinstance(outcome, Ticket) for outcome in outcomes)
        assert is_attached or all(isinstance(outcome, FileIsGone) for outcome in outcomes)
        assert await can_be_fetched(store, file) == is_attached
        assert await store.file_ids() == ({file.file_id} if is_attached else frozenset())

    async def test_a_refused_save_lets_its_file_go_at_once(
        self, store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile
    ) -> None:
        file, first = await letter(store), await added(store, "f1", worked_on(WHEN))
        meanwhile.before(3, lambda: saved(elsewhere, first, first))
        with pytest.raises(Conflict):
            await saved(store, first, drafted(first, file))
        assert meanwhile.has_happened
        await store.release_files({file.file_id})
        assert not await can_be_fetched(store, file)


async def test_no_question_reads_a_whole_collection(
    store: MongoRespondStore, mongodb_backend: Backend, plans: Plans
) -> None:
    file = await letter(store)
    plans.forget()
    await ask_everything(store, file)
    await assert_no_collection_scan(mongodb_backend, plans)


async def test_versions_are_counted_in_the_query_of_the_change_itself(
    store: MongoRespondStore, elsewhere: MongoRespondStore, meanwhile: Meanwhile, mongodb_backend: Backend
) -> None:
    first = await added(store, "f1", judged(WHEN))
    meanwhile.before(1, lambda: saved(elsewhere, first, first, facts=[told("f1", 1)]))
    with pytest.raises(Conflict):
        await saved(store, first, first, facts=[told("f1", 2)])
    assert await store.get("f1") == next_of(first, first)
    assert await carried(mongodb_backend, "respond", RELAYED) == [told("f1", 1)]
