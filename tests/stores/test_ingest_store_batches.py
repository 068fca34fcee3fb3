"""ingest's store over every backend: batches of slips, and notices that are sent at most once."""

import asyncio

import pytest
from msgspec.structs import replace

from hotline.plumbing.backend import Backend
from services.ingest.opening import open_store
from services.ingest.store import FeedbackStore, TrackingCodeTaken
from tests.ingest.builders import NOW
from tests.stores.feedbacks import MINUTE, batch, feedback, ids, notice, on_the_bus, received, rows

ONE, TWO, THREE = feedback("1"), feedback("2"), feedback("3")


@pytest.fixture
async def store(backend: Backend) -> FeedbackStore:
    """ingest's store over an empty backend."""
    return await open_store(backend)


async def test_a_chunk_is_stored_with_its_facts_and_counted_on_top(store: FeedbackStore, backend: Backend) -> None:
    await store.add(TWO, [received(TWO)])
    first = await store.add_chunk(rows(ONE, TWO), batch(3, 2))
    assert (first.done, first.accepted, first.known) == (2, 1, 1)
    assert await store.import_progress("b1") == first
    last = await store.add_chunk(rows(THREE), replace(first, done=3))
    assert (last.done, last.accepted, last.known, last.is_finished) == (3, 2, 1, True)
    assert await store.import_progress("b1") == last
    assert [await store.get(one.feedback_id) for one in (ONE, TWO, THREE)] == [ONE, TWO, THREE]
    assert sorted(ids(await on_the_bus(backend))) == sorted(ids([ONE, TWO, THREE]))


async def test_a_chunk_of_faults_alone_moves_the_progress(store: FeedbackStore) -> None:
    progress = await store.add_chunk([], batch(2, 2))
    assert progress == batch(2, 2) == await store.import_progress("b1")


async def test_of_the_same_slip_twice_in_a_batch_the_first_is_stored(store: FeedbackStore, backend: Backend) -> None:
    again = replace(ONE, tracking_code=TWO.tracking_code)
    first = await store.add_chunk(rows(ONE, again), batch(3, 2))
    assert (first.accepted, first.known) == (1, 1)
    last = await store.add_chunk(rows(again), replace(first, done=3))
    assert (last.accepted, last.known) == (1, 2)
    assert await store.get(ONE.feedback_id) == ONE
    assert await on_the_bus(backend) == [received(ONE)]


async def test_the_same_file_again_adds_nothing(store: FeedbackStore, backend: Backend) -> None:
    for run, (accepted, known) in enumerate([(3, 0), (0, 3), (0, 3)]):
        progress = batch(3, 2, at=NOW + run * MINUTE)
        progress = await store.add_chunk(rows(ONE, TWO), progress)
        progress = await store.add_chunk(rows(THREE), replace(progress, done=3))
        assert (progress.accepted, progress.known) == (accepted, known)
    assert len(await on_the_bus(backend)) == 3


async def test_another_batch_with_the_same_slips_adds_nothing(store: FeedbackStore) -> None:
    await store.add_chunk(rows(ONE), batch(1, 1))
    progress = await store.add_chunk(rows(ONE, TWO), batch(2, 2, name="b2"))
    assert (progress.accepted, progress.known) == (1, 1)


async def test_a_chunk_with_a_taken_code_is_said_again_with_another_and_counts_as_if_it_had_come_once(
    store: FeedbackStore, backend: Backend
) -> None:
    other = feedback("other")
    await store.add(other, [received(other)])
    taken = replace(TWO, tracking_code=other.tracking_code)
    with pytest.raises(TrackingCodeTaken):
        await store.add_chunk(rows(ONE, taken, THREE, other), batch(4, 4))
    assert await store.import_progress("b1") is None
    progress = await store.add_chunk(rows(ONE, TWO, THREE, other), batch(4, 4))
    assert (progress.done, progress.accepted, progress.known) == (4, 3, 1)
    assert await store.by_tracking_code(other.tracking_code) == other
    assert await store.get(TWO.feedback_id) == TWO
    assert sorted(ids(await on_the_bus(backend))) == sorted(ids([other, ONE, TWO, THREE]))
    again = await store.add_chunk(rows(ONE, TWO, THREE, other), batch(4, 4, at=NOW + MINUTE))
    assert (again.accepted, again.known) == (0, 4)


async def test_the_newest_batches_come_first(store: FeedbackStore) -> None:
    for age, name in enumerate(["new", "middle", "old"]):
        await store.add_chunk([], batch(1, 1, name=name, at=NOW - age * MINUTE))
    assert [one.batch_id for one in await store.recent_batches(9)] == ["new", "middle", "old"]
    assert [one.batch_id for one in await store.recent_batches(2)] == ["new", "middle"]
    await store.add_chunk([], batch(1, 1, name="old", at=NOW + MINUTE))
    assert [one.batch_id for one in await store.recent_batches(9)] == ["new", "middle", "old"]


async def test_a_notice_that_is_there_is_left_as_it_is(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE)])
    another = replace(notice(ONE), notice_id="another", body="Khác.")
    saved = await store.save(ONE, (), [another, notice(ONE, "answered"), replace(another, kind="other")])
    assert [one.body for one in await store.notices_to_send(NOW, 9)].count("Khác.") == 1
    assert await store.count_notices_to_send() == 3
    await store.save(saved, (), [another])
    assert await store.count_notices_to_send() == 3


async def test_a_feedback_has_one_notice_of_a_name_however_often_it_is_given_at_once(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE), notice(ONE)])
    assert await store.notices_to_send(NOW, 9) == [notice(ONE)]


async def test_the_oldest_notices_come_first_whosesoever_they_are(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE, "a", at=NOW), notice(ONE, "d", at=NOW + 3 * MINUTE)])
    await store.add(TWO, (), [notice(TWO, "b", at=NOW + MINUTE), notice(TWO, "c", at=NOW + 2 * MINUTE)])
    await store.add(THREE, ())
    for limit in (1, 2, 3, 4, 9):
        found = await store.notices_to_send(NOW, limit)
        assert [one.cause for one in found] == ["a", "b", "c", "d"][:limit]
    assert await store.count_notices_to_send() == 4


async def test_one_of_many_callers_claims_a_notice(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE), notice(ONE, "other", at=NOW + MINUTE)])
    name = notice(ONE).notice_id
    claims = await asyncio.gather(*(store.claim_notice(name, now=NOW, until=NOW + MINUTE) for _ in range(4)))
    assert sorted(claims) == [False, False, False, True]
    assert [one.cause for one in await store.notices_to_send(NOW, 9)] == ["other"]
    assert [one.cause for one in await store.notices_to_send(NOW, 1)] == ["other"]
    assert await store.count_notices_to_send() == 2
    assert not await store.claim_notice("unknown", now=NOW, until=NOW + MINUTE)


async def test_a_claim_runs_out_to_the_microsecond(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE)])
    name, ends = notice(ONE).notice_id, NOW + MINUTE
    assert await store.claim_notice(name, now=NOW, until=ends)
    before = ends - MINUTE / 60_000_000
    assert not await store.claim_notice(name, now=before, until=ends + MINUTE)
    assert await store.notices_to_send(before, 9) == []
    assert await store.notices_to_send(ends, 9) == [notice(ONE)]
    assert await store.claim_notice(name, now=ends, until=ends + MINUTE)


async def test_a_notice_put_off_waits_until_then(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE)])
    name = notice(ONE).notice_id
    await store.claim_notice(name, now=NOW, until=NOW + 10 * MINUTE)
    await store.put_off_notice(name, until=NOW + 2 * MINUTE)
    assert await store.notices_to_send(NOW + MINUTE, 9) == []
    assert not await store.claim_notice(name, now=NOW + MINUTE, until=NOW + 9 * MINUTE)
    assert await store.claim_notice(name, now=NOW + 2 * MINUTE, until=NOW + 9 * MINUTE)
    await store.put_off_notice("unknown", until=NOW)


@pytest.mark.parametrize("how", [{"sent_at": NOW}, {"given_up_at": NOW, "given_up_because": "stale"}])
async def test_a_notice_that_is_done_with_is_neither_listed_nor_claimed_nor_counted(
    store: FeedbackStore, how: dict[str, object]
) -> None:
    await store.add(ONE, (), [notice(ONE), notice(ONE, "other", at=NOW + MINUTE)])
    done = replace(notice(ONE), **how)  # type: ignore[arg-type]
    await store.save_notice(done)
    await store.save_notice(replace(done, notice_id="unknown"))
    later = NOW + 9 * MINUTE
    assert [one.cause for one in await store.notices_to_send(later, 9)] == ["other"]
    assert not await store.claim_notice(done.notice_id, now=later, until=later + MINUTE)
    assert await store.count_notices_to_send() == 1
    await store.save(ONE, (), [notice(ONE)])
    assert await store.count_notices_to_send() == 1
    await store.save_notice(replace(notice(ONE, "other"), sent_at=NOW))
    assert await store.notices_to_send(later, 9) == [] and await store.count_notices_to_send() == 0


async def test_notices_change_no_feedback(store: FeedbackStore) -> None:
    await store.add(ONE, (), [notice(ONE)])
    await store.claim_notice(notice(ONE).notice_id, now=NOW, until=NOW + MINUTE)
    await store.save_notice(replace(notice(ONE), sent_at=NOW))
    assert await store.get(ONE.feedback_id) == ONE
    assert (await store.save(ONE, ())).version == 2
