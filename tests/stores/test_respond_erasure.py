"""What is erased stays erased in respond's store, and an answer's file lives exactly as long as a ticket keeps it."""

import pytest
from msgspec import structs

from hotline.facts import Attachment, Erased, FactKind, Producer, fact_id_of
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import FileVault, NoSuchFile, Vault
from hotline.plumbing.files_gridfs import GridVault
from services.respond.actions import Desk
from services.respond.consumer import handler
from services.respond.opening import RELAYED, open_store
from services.respond.rules import load_rules
from services.respond.store import Conflict, FileIsGone, Page, RespondStore
from services.respond.ticket import Action, Status
from tests.contract.facts_for_tests import judged as judged_state
from tests.contract.facts_for_tests import received
from tests.respond.builders import TRIAGE, attend, happen
from tests.stores.tickets import (
    LETTER,
    NOON,
    added,
    answered_with,
    drafted_with,
    ids,
    judged,
    saved,
    told,
    worked_on,
)
from tests.stores.watching import carried

WHEN = "2026-11-18 08:00"


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over each backend, empty."""
    return await open_store(backend)


@pytest.fixture
def vault(backend: Backend) -> Vault:
    """Where the answers' files are kept."""
    return backend.vault("answers")


async def letter(vault: Vault, number: int = 1) -> Attachment:
    """Keep a letter as an officer's form does; the same number is the same letter."""
    return await vault.keep("tra loi.pdf", LETTER + b"%d" % number, field="draft.files")


async def is_kept(vault: Vault, file: Attachment) -> bool:
    """Say whether a file can still be fetched."""
    try:
        await vault.chunks(file.file_id)
    except NoSuchFile:
        return False
    return True


async def lose(vault: Vault, file: Attachment) -> None:
    """Lose a file whatever refers to it, as a restore without the newest files does."""

    async def in_no_document(_: str) -> bool:
        return False

    if isinstance(vault, FileVault):
        vault.unlink(file.file_id)
    else:
        assert isinstance(vault, GridVault)
        await vault.release([file.file_id], in_no_document)


class TestErased:
    """Nothing of an erased feedback is in any list, and nothing that comes late brings it back."""

    async def test_it_is_nowhere_and_the_others_are_where_they_were(self, store: RespondStore) -> None:
        for name in ("f1", "f2"):
            await added(store, name, attend(worked_on(WHEN), "2026-12-30 08:00"))
        assert await store.erase("f1") == frozenset()
        assert (await store.get("f1"), await store.is_erased("f1"), await store.is_erased("f2")) == (None, True, False)
        later = NOON.replace(year=2028)
        asked = [store.running(Page()), store.broken(Page()), store.all_received(NOON.replace(year=2020))]
        asked += [store.needing_attention(later, 9), store.for_agency("dien-luc-tp", frozenset(Status), Page())]
        assert [ids(await found) for found in asked] == [["f2"]] * len(asked)
        assert await store.count_for_agency("dien-luc-tp") == {Status.IN_PROGRESS: 1}
        assert (await store.clocks_due(NOON, later - NOON)).late == 1

    async def test_it_can_be_neither_added_nor_saved_again(self, store: RespondStore, backend: Backend) -> None:
        first = await added(store, "f1", judged(WHEN), facts=[told("f1", 1)])
        await store.erase("f1")
        with pytest.raises(Conflict):
            await saved(store, first, first, facts=[told("f1", 2)])
        for _ in range(2):
            with pytest.raises(Conflict):
                await added(store, "f1", judged(WHEN), facts=[told("f1", 3)])
            await store.erase("f1")
        assert (await store.get("f1"), await store.is_erased("f1")) == (None, True)
        assert await carried(backend, "respond", RELAYED) == []

    async def test_the_mark_may_come_before_anything_else(self, store: RespondStore) -> None:
        await store.erase("f1")
        with pytest.raises(Conflict):
            await added(store, "f1", judged(WHEN))
        assert await store.get("f1") is None

    async def test_late_facts_of_it_change_nothing(self, store: RespondStore, backend: Backend) -> None:
        desk = Desk(store=store, rules=load_rules("ha-giang-2023"), vault=backend.vault("answers"))
        handle = handler(desk, lambda: NOON)
        of_classify = structs.replace(
            received("f1"),
            fact_id=fact_id_of(Producer.CLASSIFY, "f1", 0, 1),
            kind=FactKind.FEEDBACK_CLASSIFIED,
            producer=Producer.CLASSIFY,
            state=judged_state(),
        )
        erased = structs.replace(received("f1", seq=3), kind=FactKind.FEEDBACK_ERASED, state=Erased(erased_at=NOON))
        for fact in (received("f1"), erased, of_classify, received("f1", seq=2), erased, received("f1")):
            await handle(fact)
        assert (await store.get("f1"), await store.is_erased("f1")) == (None, True)
        assert await carried(backend, "respond", RELAYED) == []


class TestFiles:
    """A file is kept while a draft or an answer refers to it, and no ticket ever refers to one that is gone."""

    async def test_what_drafts_and_answers_refer_to_is_named(self, store: RespondStore, vault: Vault) -> None:
        first, second = await letter(vault, 1), await letter(vault, 2)
        ticket = await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", first))
        await added(store, "f2", worked_on(WHEN))
        assert await store.file_ids() == {first.file_id}
        ticket = await saved(store, ticket, drafted_with(ticket, "2026-11-18 09:10", first, second))
        assert await store.file_ids() == {first.file_id, second.file_id}
        ticket = await saved(store, ticket, drafted_with(ticket, "2026-11-18 09:20", second))
        assert await store.file_ids() == {second.file_id}
        answered = answered_with(ticket, "2026-11-18 09:30", second)
        ticket = await saved(store, ticket, answered)
        assert await store.file_ids() == {second.file_id}

    async def test_a_draft_taken_away_keeps_no_file(self, store: RespondStore, vault: Vault) -> None:
        ticket = await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", await letter(vault)))
        await saved(store, ticket, happen(ticket, [(Action.RESTRICT, TRIAGE, "2026-11-18 10:00")]))
        assert await store.file_ids() == frozenset()

    async def test_an_erased_tickets_files_are_named_until_they_are_gone(
        self, store: RespondStore, vault: Vault
    ) -> None:
        """Whoever dies between the two and says the erasure again removes them then."""
        file = await letter(vault)
        await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", file))
        assert [await store.erase("f1") for _ in range(2)] == [{file.file_id}] * 2
        assert await store.file_ids() == frozenset()
        assert await is_kept(vault, file)
        await store.release_files({file.file_id})
        assert not await is_kept(vault, file)
        assert await store.erase("f1") == frozenset()
        await store.release_files({file.file_id})

    async def test_a_file_that_two_tickets_keep_outlives_the_first(self, store: RespondStore, vault: Vault) -> None:
        file = await letter(vault)
        for name in ("f1", "f2"):
            await added(store, name, drafted_with(worked_on(WHEN), "2026-11-18 09:00", file))
        assert await store.erase("f1") == frozenset()
        await store.release_files({file.file_id})
        assert await is_kept(vault, file)
        assert await store.erase("f2") == {file.file_id}
        assert await store.erase("f1") == frozenset()
        await store.release_files({file.file_id})
        assert not await is_kept(vault, file)

    async def test_a_file_attached_between_an_erasure_and_its_removal_stays(
        self, store: RespondStore, vault: Vault
    ) -> None:
        file, other = await letter(vault), await added(store, "f2", worked_on(WHEN))
        await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", file))
        released = await store.erase("f1")
        await saved(store, other, drafted_with(other, "2026-11-18 09:00", file))
        await store.release_files(released)
        assert await is_kept(vault, file)
        assert await store.file_ids() == {file.file_id}

    async def test_a_file_erased_before_it_was_attached_must_be_sent_again(
        self, store: RespondStore, vault: Vault, backend: Backend
    ) -> None:
        file, other = await letter(vault), await added(store, "f2", worked_on(WHEN))
        await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", file))
        await store.release_files(await store.erase("f1"))
        drafted = drafted_with(other, "2026-11-18 09:00", file)
        for refused in (
            saved(store, other, drafted, facts=[told("f2", 1)]),
            added(store, "f3", drafted, facts=[told("f3", 1)]),
        ):
            with pytest.raises(FileIsGone):
                await refused
        assert (await store.get("f2"), await store.get("f3"), await store.file_ids()) == (other, None, frozenset())
        assert await carried(backend, "respond", RELAYED) == []
        assert await letter(vault) == file
        assert await saved(store, other, drafted) == await store.get("f2")
        assert await is_kept(vault, file)

    async def test_a_ticket_whose_file_was_lost_is_still_worked_on(self, store: RespondStore, vault: Vault) -> None:
        file = await letter(vault)
        ticket = await added(store, "f1", drafted_with(worked_on(WHEN), "2026-11-18 09:00", file))
        await lose(vault, file)
        assert await saved(store, ticket, answered_with(ticket, "2026-11-18 09:10", file)) == await store.get("f1")

    async def test_a_stale_version_attaches_nothing(self, store: RespondStore, vault: Vault) -> None:
        file, first = await letter(vault), await added(store, "f1", worked_on(WHEN))
        second = await saved(store, first, first)
        with pytest.raises(Conflict):
            await saved(store, first, drafted_with(first, "2026-11-18 09:00", file))
        assert (await store.get("f1"), await store.file_ids()) == (second, frozenset())
