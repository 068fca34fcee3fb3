"""What MongoDB alone must prove of ingest's store: two writers in every order, deaths on the way, and no scan."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from hotline.facts import Attachment
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile
from hotline.plumbing.mongo import MongoDatabase
from services.ingest.documents import Batch
from services.ingest.store import Conflict, FeedbackStore, FileIsGone, WasErased
from services.ingest.store_mongo import MongoFeedbackStore, open_store
from tests.ingest.builders import NOW
from tests.stores.feedbacks import (
    MINUTE,
    PDF,
    PHONE,
    batch,
    erased,
    feedback,
    followed_up,
    notice,
    on_the_bus,
    received,
    rows,
)
from tests.stores.meanwhile import Meanwhile
from tests.stores.watching import Plans, assert_no_collection_scan

pytestmark = pytest.mark.live

ONE, TWO, THREE = feedback("1"), feedback("2"), feedback("3")
SECOND, SAID = followed_up(ONE)
# A repeat comes with a code of its own.
AGAIN = replace(ONE, tracking_code="999999999999")
MOST_COMMANDS = 7
Write = Callable[[MongoFeedbackStore], Awaitable[object]]


@pytest.fixture
async def store(mongodb_backend: Backend) -> MongoFeedbackStore:
    """ingest's store, whose commands a test can hold up."""
    return await open_store(mongodb_backend)


@pytest.fixture
async def elsewhere(
    other_mongo: MongoDatabase, store: MongoFeedbackStore, mongodb_backend: Backend
) -> MongoFeedbackStore:
    """The same store in another process."""
    return await open_store(dataclasses.replace(mongodb_backend, database=other_mongo))


async def a_file(store: MongoFeedbackStore) -> Attachment:
    return await store.vault.keep("don.pdf", PDF, field="attachments")


async def is_kept(store: MongoFeedbackStore, file: Attachment) -> bool:
    try:
        await store.vault.chunks(file.file_id)
    except NoSuchFile:
        return False
    return True


async def erased_whole(store: MongoFeedbackStore) -> None:
    """Do what `actions.erase` does."""
    await store.release_files(await store.erase(ONE.feedback_id, [erased(ONE)]))


async def add_with_file(store: MongoFeedbackStore) -> None:
    file = await a_file(store)
    await store.add(replace(AGAIN, attachments=(file,)), [received(ONE)], [notice(ONE)])


async def send(store: MongoFeedbackStore) -> None:
    """Do what the postman does."""
    for waiting in await store.notices_to_send(NOW, 9):
        if await store.claim_notice(waiting.notice_id, now=NOW, until=NOW + MINUTE):
            await store.put_off_notice(waiting.notice_id, until=NOW)
            await store.save_notice(replace(waiting, sent_at=NOW))


WRITES: dict[str, Write] = {
    "add": lambda store: store.add(AGAIN, [received(ONE)], [notice(ONE)]),
    "add with file": add_with_file,
    "add_chunk": lambda store: store.add_chunk(rows(ONE), batch(1, 1)),
    "save": lambda store: store.save(SECOND, [SAID]),
    "save with notice": lambda store: store.save(SECOND, [SAID], [notice(ONE, "other")]),
    "notices": send,
}


async def dying_at(number: int, meanwhile: Meanwhile, write: Awaitable[object]) -> bool:
    """Let the writer die at its `number`-th command, which still arrives; says whether it sent so many."""
    writing = asyncio.ensure_future(write)

    async def die() -> None:
        writing.cancel()

    meanwhile.before(number, die)
    await asyncio.gather(writing, return_exceptions=True)
    await meanwhile.all_arrived()
    is_dead = meanwhile.has_happened
    meanwhile.forget()
    assert is_dead or writing.exception() is None
    return is_dead


@pytest.mark.parametrize("what", WRITES)
async def test_an_erasure_before_any_command_of_a_write_leaves_nothing_but_its_fact(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, mongodb_backend: Backend, meanwhile: Meanwhile, what: str
) -> None:
    for number in range(1, MOST_COMMANDS + 1):
        for collection in (store.feedbacks, store.erased, store.batches.batches):
            await collection.delete_many({})
        await elsewhere.add(ONE, (), [notice(ONE)])
        meanwhile.before(number, lambda: erased_whole(elsewhere))
        try:
            await WRITES[what](store)
        except (Conflict, WasErased, FileIsGone):
            assert meanwhile.has_happened
        if not meanwhile.has_happened:
            # The write took fewer commands: the erasure comes after it.
            meanwhile.forget()
            await erased_whole(elsewhere)
        assert await elsewhere.feedbacks.count({}) == 0
        with pytest.raises(WasErased):
            await elsewhere.add(ONE, ())
    assert {fact.fact_id for fact in await on_the_bus(mongodb_backend)} == {erased(ONE).fact_id}


@pytest.mark.parametrize("what", WRITES)
async def test_a_write_before_any_command_of_an_erasure_leaves_nothing(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile, what: str
) -> None:
    for number in range(1, MOST_COMMANDS + 1):
        for collection in (store.feedbacks, store.erased, store.batches.batches):
            await collection.delete_many({})
        await elsewhere.add(ONE, (), [notice(ONE)])
        outcomes: list[object] = []

        async def write_elsewhere(outcomes: list[object] = outcomes) -> None:
            outcomes.extend(await asyncio.gather(WRITES[what](elsewhere), return_exceptions=True))

        meanwhile.before(number, write_elsewhere)
        await erased_whole(store)
        meanwhile.forget()
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception) and not is_refusal(outcome)]
        assert await elsewhere.feedbacks.count({}) == 0


def is_refusal(outcome: Exception) -> bool:
    return isinstance(outcome, Conflict | WasErased | FileIsGone)


@pytest.mark.parametrize("number", range(1, MOST_COMMANDS + 2))
async def test_a_file_erased_with_another_feedback_at_any_moment_is_never_missing(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile, number: int
) -> None:
    file = await a_file(elsewhere)
    await elsewhere.add(replace(ONE, attachments=(file,)), ())
    second = replace(TWO, attachments=(file,))
    meanwhile.before(number, lambda: erased_whole(elsewhere))
    try:
        await store.add(second, [received(second)])
    except FileIsGone:
        assert await elsewhere.get(second.feedback_id) is None
        file = await a_file(store)
        await store.add(second, [received(second)])
    assert await elsewhere.get(second.feedback_id) == second
    assert await is_kept(elsewhere, file)


@pytest.mark.parametrize("number", range(1, 2 * MOST_COMMANDS + 1))
async def test_a_file_named_in_another_feedback_at_any_moment_of_an_erasure_is_never_missing(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile, number: int
) -> None:
    file = await a_file(elsewhere)
    await elsewhere.add(replace(ONE, attachments=(file,)), ())
    second = replace(TWO, attachments=(file,))

    async def keep_and_add() -> None:
        await a_file(elsewhere)
        await elsewhere.add(second, [received(second)])

    meanwhile.before(number, keep_and_add)
    await erased_whole(store)
    assert await elsewhere.get(ONE.feedback_id) is None
    if not meanwhile.has_happened:
        await keep_and_add()
    assert await elsewhere.get(second.feedback_id) == second
    assert await is_kept(elsewhere, file)


@pytest.mark.parametrize("what", ["add", "add with file"])
async def test_whenever_a_writer_dies_the_same_said_again_is_stored_once(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, mongodb_backend: Backend, meanwhile: Meanwhile, what: str
) -> None:
    number, is_dead = 0, True
    while is_dead:
        await store.feedbacks.delete_many({})
        number += 1
        is_dead = await dying_at(number, meanwhile, WRITES[what](store))
        await WRITES[what](elsewhere)
        assert await elsewhere.feedbacks.count({}) == await elsewhere.count_notices_to_send() == 1
        stored = await elsewhere.feedbacks.find_one({"_id": ONE.feedback_id})
        assert stored is not None and len(stored["pending"]) == 1
    assert number > 2


@pytest.mark.parametrize("by", ["the next start", "who lives on"])
async def test_whenever_an_erasure_dies_it_is_finished_and_told_once(
    by: str,
    store: MongoFeedbackStore,
    elsewhere: MongoFeedbackStore,
    mongodb_backend: Backend,
    meanwhile: Meanwhile,
) -> None:
    number, is_dead = 0, True
    while is_dead:
        number += 1
        known = replace(feedback(f"dying {number}"), attachments=(await a_file(elsewhere),))
        await elsewhere.add(known, ())
        is_dead = await dying_at(number, meanwhile, store.erase(known.feedback_id, [erased(known)]))
        if by == "the next start":
            await open_store(dataclasses.replace(mongodb_backend, database=elsewhere.mongo))
        else:
            await elsewhere.finish_erasures()
        if number > 1:
            assert await elsewhere.get(known.feedback_id) is None
        await elsewhere.erase(known.feedback_id, [erased(known)])
        facts = [fact for fact in await on_the_bus(mongodb_backend) if fact.feedback_id == known.feedback_id]
        assert facts == [erased(known)]
    assert number > 3


@pytest.mark.parametrize("has_progress", [False, True])
async def test_whenever_an_import_is_killed_it_goes_on_and_counts_each_slip_once(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, mongodb_backend: Backend, meanwhile: Meanwhile,
    has_progress: bool,
) -> None:  # fmt: skip
    number, is_dead = 0, True
    while is_dead:
        number += 1
        name = f"batch {number}"
        slips = [feedback(f"{name}, {row}") for row in range(4)]
        if has_progress:
            await elsewhere.add_chunk(rows(*slips[:2]), batch(4, 2, name=name))
        progress = await elsewhere.import_progress(name) or batch(4, 0, name=name)
        write = store.add_chunk(rows(*slips[progress.done :]), replace(progress, done=4))
        is_dead = await dying_at(number, meanwhile, write)
        done = await goes_on(elsewhere, name, rows(*slips))
        assert (done.done, done.accepted, done.known) == (4, 4, 0)
        again = await elsewhere.add_chunk(rows(*slips), batch(4, 4, name=name, at=NOW + 9 * MINUTE))
        assert (again.accepted, again.known) == (0, 4)
        told = {slip.feedback_id for slip in slips}
        assert len([fact for fact in await on_the_bus(mongodb_backend) if fact.feedback_id in told]) == 4
    assert number > 3


async def goes_on(store: MongoFeedbackStore, name: str, slips: list[object]) -> Batch:
    """Do what `import_sheet` does after a kill: begin where the progress says, anew when there is none."""
    progress = await store.import_progress(name) or batch(4, 0, name=name, at=NOW + MINUTE)
    if progress.is_finished:
        return progress
    return await store.add_chunk(slips[progress.done :], replace(progress, done=4))  # type: ignore[arg-type]


async def test_what_a_dying_repeat_left_of_erased_feedback_is_removed_when_it_would_be_offered_again(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile
) -> None:
    await elsewhere.add(ONE, ())
    writing = asyncio.ensure_future(store.add(ONE, [received(ONE)]))

    async def erase_and_let_it_die_after_its_insert() -> None:
        await elsewhere.erase(ONE.feedback_id, [erased(ONE)])

        async def die() -> None:
            writing.cancel()

        meanwhile.before(1, die)

    meanwhile.before(2, erase_and_let_it_die_after_its_insert)
    with pytest.raises(asyncio.CancelledError):
        await writing
    await meanwhile.all_arrived()
    assert await elsewhere.feedbacks.count({}) == 1
    assert await elsewhere.without_ticket_since(NOW + MINUTE, 9) == []
    assert await elsewhere.feedbacks.count({}) == 0


@pytest.mark.parametrize("number", [1, 2])
async def test_a_claim_at_any_moment_of_a_save_is_kept_beside_its_new_notices(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile, number: int
) -> None:
    await elsewhere.add(ONE, (), [notice(ONE)])
    claim = {"now": NOW, "until": NOW + MINUTE}
    meanwhile.before(number, lambda: elsewhere.claim_notice(notice(ONE).notice_id, **claim))
    await store.save(SECOND, [SAID], [notice(ONE, "other")])
    assert meanwhile.has_happened
    assert await elsewhere.notices_to_send(NOW, 9) == [notice(ONE, "other")]
    assert not await elsewhere.claim_notice(notice(ONE).notice_id, **claim)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_save_at_any_moment_of_a_claim_is_kept_beside_it(
    store: MongoFeedbackStore, elsewhere: MongoFeedbackStore, meanwhile: Meanwhile, number: int
) -> None:
    await elsewhere.add(ONE, (), [notice(ONE)])
    meanwhile.before(number, lambda: elsewhere.save(SECOND, [SAID], [notice(ONE, "other")]))
    assert await store.claim_notice(notice(ONE).notice_id, now=NOW, until=NOW + MINUTE)
    assert meanwhile.has_happened
    assert await elsewhere.notices_to_send(NOW, 9) == [notice(ONE, "other")]


EVERY_QUESTION: dict[str, Callable[[FeedbackStore], Awaitable[object]]] = {
    "add": lambda store: store.add(TWO, [received(TWO)], [notice(TWO)]),
    "get": lambda store: store.get(ONE.feedback_id),
    "by_tracking_code": lambda store: store.by_tracking_code(ONE.tracking_code),
    "save": lambda store: store.save(SECOND, [SAID], [notice(ONE, "other")]),
    "add_chunk": lambda store: store.add_chunk(rows(ONE, THREE), batch(2, 2)),
    "earlier_calls": lambda store: store.earlier_calls(PHONE, 2),
    "to_tell_by_phone": lambda store: store.to_tell_by_phone(2),
    "without_ticket_since": lambda store: store.without_ticket_since(NOW + MINUTE, 2),
    "waiting_for_ticket": lambda store: store.waiting_for_ticket(),
    "file_ids": lambda store: store.file_ids(),
    "finish_erasures": lambda store: store.finish_erasures(),
    "release_files": lambda store: store.release_files(["0" * 64]),
    "import_progress": lambda store: store.import_progress("b1"),
    "recent_batches": lambda store: store.recent_batches(2),
    "notices_to_send": lambda store: store.notices_to_send(NOW, 2),
    "claim_notice": lambda store: store.claim_notice(notice(TWO).notice_id, now=NOW, until=NOW + MINUTE),
    "put_off_notice": lambda store: store.put_off_notice(notice(TWO).notice_id, until=NOW),
    "count_notices_to_send": lambda store: store.count_notices_to_send(),
    "save_notice": lambda store: store.save_notice(replace(notice(TWO), sent_at=NOW)),
    "erase": lambda store: store.erase(ONE.feedback_id, [erased(ONE)]),
}


async def test_no_question_reads_a_whole_collection(
    store: MongoFeedbackStore, mongodb_backend: Backend, plans: Plans
) -> None:
    questions = {name for name, value in vars(FeedbackStore).items() if callable(value) and not name.startswith("_")}
    assert questions == set(EVERY_QUESTION)
    file = await a_file(store)
    plans.forget()
    await store.add(replace(ONE, attachments=(file,)), ())
    for ask in EVERY_QUESTION.values():
        await ask(store)
    await store.release_files([file.file_id])
    await assert_no_collection_scan(mongodb_backend, plans)
