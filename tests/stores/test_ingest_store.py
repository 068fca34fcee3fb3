"""ingest's store keeps its promises over every backend: feedbacks, their facts, their files, erasure and lists."""

import asyncio
from datetime import timedelta, timezone

import pytest
from msgspec.structs import replace

from hotline.facts import Attachment, Outcome, PublicAnswer
from hotline.plumbing.backend import Backend
from hotline.plumbing.files import NoSuchFile, Vault
from services.ingest.documents import Feedback, Reporter
from services.ingest.opening import open_store
from services.ingest.store import Added, Conflict, FeedbackStore, FileIsGone, TrackingCodeTaken, Waiting, WasErased
from tests.ingest.builders import NOW
from tests.stores.feedbacks import (
    EMAIL,
    MINUTE,
    NAME,
    PDF,
    PHONE,
    batch,
    erased,
    feedback,
    followed_up,
    ids,
    notice,
    on_the_bus,
    received,
    rows,
    shown,
    stored_bytes,
)

VN = timezone(timedelta(hours=7))
A_MOMENT = timedelta(microseconds=1)
ANSWER = PublicAnswer(
    text="Đã sửa.",
    number="12/UBND",
    signed_on=NOW.date(),
    signatory="Lò Văn A",
    agency_name="UBND xã Ngọc Đường",
    outcome=Outcome.SETTLED,
)


@pytest.fixture
async def store(backend: Backend) -> FeedbackStore:
    """ingest's store over an empty backend."""
    return await open_store(backend)


@pytest.fixture
def vault(backend: Backend) -> Vault:
    """The citizens' files."""
    return backend.vault("feedback")


async def a_file(vault: Vault, content: bytes = PDF) -> Attachment:
    return await vault.keep("don.pdf", content, field="attachments")


async def lost(store: FeedbackStore, file: Attachment) -> None:
    """Let a kept file go, as when the only feedback with it was erased."""
    await store.release_files([file.file_id])


async def is_kept(vault: Vault, file: Attachment) -> bool:
    try:
        await vault.chunks(file.file_id)
    except NoSuchFile:
        return False
    return True


async def stored(store: FeedbackStore, *feedbacks: Feedback) -> None:
    for one in feedbacks:
        assert (await store.add(one, ())).is_new


async def test_of_nothing_nothing_is_known(store: FeedbackStore, backend: Backend) -> None:
    assert await store.get("f1") is None
    assert await store.by_tracking_code("123456789012") is None
    assert await store.earlier_calls(PHONE, 9) == await store.to_tell_by_phone(9) == []
    assert await store.without_ticket_since(NOW, 9) == []
    assert await store.waiting_for_ticket() == Waiting(count=0, oldest_at=None)
    assert await store.file_ids() == await store.erase("f1", ()) == frozenset()
    assert await store.import_progress("b1") is None
    assert await store.recent_batches(9) == await store.notices_to_send(NOW, 9) == []
    assert await store.count_notices_to_send() == 0
    assert await on_the_bus(backend) == []


async def test_feedback_facts_and_notices_are_stored_together(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    assert await store.add(first, [received(first)], [notice(first)]) == Added(feedback=first, is_new=True)
    assert await store.get(first.feedback_id) == await store.by_tracking_code(first.tracking_code) == first
    assert await store.notices_to_send(NOW, 9) == [notice(first)]
    assert await on_the_bus(backend) == [received(first)]


async def test_a_slip_of_a_batch_gets_its_notices_too(store: FeedbackStore) -> None:
    slip = feedback()
    await store.add_chunk(rows(slip), batch(1, 1))
    saved = await store.save(slip, [], [notice(slip)])
    assert await store.notices_to_send(NOW, 9) == [notice(slip)]
    assert await store.get(slip.feedback_id) == saved


async def test_a_repeat_gets_what_was_stored_first_and_stores_nothing(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    again = replace(first, text="Khác.", tracking_code="999999999999")
    for repeat in (first, again):
        await store.add(first, [received(first)], [notice(first)])
        added = await store.add(repeat, [received(repeat)], [notice(repeat, "other")])
        assert added == Added(feedback=first, is_new=False)
    assert await store.by_tracking_code("999999999999") is None
    assert await store.count_notices_to_send() == 1
    assert await on_the_bus(backend) == [received(first)]


async def test_who_sent_it_comes_back_and_is_nowhere_in_the_database(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    await store.add(first, [received(first)], [notice(first)])
    saved = await store.save(shown(first), [], [notice(first, "answered")])
    assert saved.reporter == Reporter(name=NAME, phone=PHONE, email=EMAIL)
    assert await store.get(first.feedback_id) == saved
    found = await stored_bytes(backend)
    assert first.text.encode() in found
    assert [secret for secret in (NAME, PHONE, PHONE[3:], EMAIL, "may@") if secret.encode() in found] == []


async def test_of_the_same_message_many_times_at_once_one_is_new(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    added = await asyncio.gather(*(store.add(first, [received(first)], [notice(first)]) for _ in range(6)))
    assert [one.feedback for one in added] == [first] * 6
    assert [one.is_new for one in added].count(True) == 1
    assert await store.count_notices_to_send() == 1
    assert await on_the_bus(backend) == [received(first)]


async def test_of_many_versions_at_once_one_is_stored(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    await store.add(first, ())
    second, fact = followed_up(first)
    saves = [store.save(second, [fact], [notice(first, f"{n}")] if n % 2 else []) for n in range(6)]
    outcomes = await asyncio.gather(*saves, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 5 + ["Feedback"]
    assert await on_the_bus(backend) == [fact]


async def test_a_repeat_gets_what_became_of_the_first(store: FeedbackStore) -> None:
    first = feedback()
    await store.add(first, ())
    saved = await store.save(shown(first), ())
    assert await store.add(first, ()) == Added(feedback=saved, is_new=False)


async def test_a_tracking_code_is_given_once(store: FeedbackStore, backend: Backend) -> None:
    first = feedback("1")
    second = replace(feedback("2"), tracking_code=first.tracking_code)
    await store.add(first, [received(first)])
    with pytest.raises(TrackingCodeTaken):
        await store.add(second, [received(second)], [notice(second)])
    assert await store.get(second.feedback_id) is None
    assert await store.by_tracking_code(first.tracking_code) == first
    assert await store.count_notices_to_send() == 0
    assert await on_the_bus(backend) == [received(first)]


async def test_a_feedback_whose_file_is_gone_is_not_taken(store: FeedbackStore, vault: Vault, backend: Backend) -> None:
    kept, gone = await a_file(vault), await a_file(vault, PDF + b"%%EOF")
    await lost(store, gone)
    first = feedback(files=[kept, gone])
    with pytest.raises(FileIsGone):
        await store.add(first, [received(first)], [notice(first)])
    assert await store.get(first.feedback_id) is None
    assert await store.count_notices_to_send() == 0
    assert await store.file_ids() == frozenset()
    assert await on_the_bus(backend) == []
    await a_file(vault, PDF + b"%%EOF")
    assert (await store.add(first, [received(first)])).is_new


async def test_a_version_follows_the_other_with_its_facts(store: FeedbackStore, backend: Backend) -> None:
    first = feedback()
    await store.add(first, [received(first)])
    second, fact = followed_up(first)
    saved = await store.save(second, [fact], [notice(first, "a"), notice(first, "b")])
    assert saved == replace(second, version=2) == await store.get(first.feedback_id)
    assert await store.count_notices_to_send() == 2
    third, last = followed_up(saved)
    assert (await store.save(third, [last])).version == 3
    assert await on_the_bus(backend) == [received(first), fact, last]


@pytest.mark.parametrize("version", [0, 2])
async def test_what_was_decided_from_another_version_is_refused_whole(
    store: FeedbackStore, backend: Backend, version: int
) -> None:
    first = feedback()
    await store.add(first, ())
    second, fact = followed_up(first)
    for notices in ([], [notice(first)]):
        with pytest.raises(Conflict):
            await store.save(replace(second, version=version), [fact], notices)
    assert await store.get(first.feedback_id) == first
    assert await store.count_notices_to_send() == 0
    assert await on_the_bus(backend) == []


async def test_what_is_not_there_cannot_be_saved(store: FeedbackStore, backend: Backend) -> None:
    for notices in ([], [notice(feedback())]):
        with pytest.raises(Conflict):
            await store.save(feedback(), [received(feedback())], notices)
    assert await store.get(feedback().feedback_id) is None
    assert await on_the_bus(backend) == []


async def test_an_erasure_leaves_nothing_but_the_fact_that_says_so(store: FeedbackStore, backend: Backend) -> None:
    first, other = feedback("1"), feedback("2")
    for one in (first, other):
        await store.add(one, [received(one)], [notice(one)])
    await store.erase(first.feedback_id, [erased(first)])
    assert await store.get(first.feedback_id) is None
    assert await store.by_tracking_code(first.tracking_code) is None
    assert ids(await store.notices_to_send(NOW, 9)) == ids(await store.without_ticket_since(NOW + MINUTE, 9))
    assert await store.get(other.feedback_id) == other
    assert await on_the_bus(backend) == [received(other), erased(first)]


async def test_what_is_erased_is_neither_erased_again_nor_taken_in_again(
    store: FeedbackStore, vault: Vault, backend: Backend
) -> None:
    first = feedback(files=[await a_file(vault)])
    await store.add(first, ())
    await store.erase(first.feedback_id, [erased(first)])
    assert await store.erase(first.feedback_id, [erased(replace(first, seq=7))]) == frozenset()
    for files in ((), first.attachments):
        with pytest.raises(WasErased):
            await store.add(replace(first, attachments=files), [received(first)], [notice(first)])
    await lost(store, first.attachments[0])
    with pytest.raises(WasErased):
        await store.add(first, [received(first)])
    with pytest.raises(Conflict):
        await store.save(first, [received(first)])
    progress = await store.add_chunk(rows(first), batch(1, 1))
    assert (progress.accepted, progress.known) == (0, 1)
    assert await store.get(first.feedback_id) is None
    assert await store.count_notices_to_send() == 0
    assert await on_the_bus(backend) == [erased(first)]


async def test_an_erasure_names_the_files_that_no_other_feedback_keeps(store: FeedbackStore, vault: Vault) -> None:
    alone, shared = await a_file(vault), await a_file(vault, PDF + b"%%EOF")
    first, second = feedback("1", files=[alone, shared, shared]), feedback("2", files=[shared])
    await stored(store, first, second)
    assert await store.file_ids() == {alone.file_id, shared.file_id}
    assert await store.erase(first.feedback_id, ()) == {alone.file_id}
    assert await store.file_ids() == {shared.file_id}
    assert await store.erase(second.feedback_id, ()) == {shared.file_id}


async def test_only_files_that_nothing_refers_to_are_released(store: FeedbackStore, vault: Vault) -> None:
    alone, shared = await a_file(vault), await a_file(vault, PDF + b"%%EOF")
    await stored(store, feedback(files=[shared]))
    for _ in range(2):
        await store.release_files([alone.file_id, shared.file_id, "0" * 64])
        assert [await is_kept(vault, file) for file in (alone, shared)] == [False, True]
    await store.release_files(())


async def test_a_file_named_anew_between_erasure_and_release_stays(store: FeedbackStore, vault: Vault) -> None:
    file = await a_file(vault)
    await stored(store, feedback("1", files=[file]))
    released = await store.erase(feedback("1").feedback_id, ())
    await stored(store, feedback("2", files=[file]))
    await store.release_files(released)
    assert released == {file.file_id} and await is_kept(vault, file)


async def test_earlier_calls_are_the_number_s_own_newest_first(store: FeedbackStore) -> None:
    ages = {"old": 3, "new": 1, "middle": 2}
    known = [feedback(key, at=NOW - age * MINUTE) for key, age in ages.items()]
    await stored(store, *known, feedback("other", phone="+84987654321"), feedback("nobody", phone=""))
    assert await store.earlier_calls(PHONE, 9) == []
    for one in known:
        await store.save(shown(one), ())
    assert [one.text for one in await store.earlier_calls(PHONE, 9)] == [
        "Mất nước new.",
        "Mất nước middle.",
        "Mất nước old.",
    ]
    assert [one.text for one in await store.earlier_calls(PHONE, 1)] == ["Mất nước new."]
    assert all(one.reporter and one.reporter.phone == PHONE for one in await store.earlier_calls(PHONE, 9))


@pytest.mark.parametrize("changes", [{"restricted": True}, {"code": None, "field": None}])
async def test_an_earlier_call_that_may_be_a_denunciation_is_not_listed(
    store: FeedbackStore, changes: dict[str, object]
) -> None:
    first = feedback()
    await stored(store, first)
    open_book = await store.save(shown(first), ())
    assert ids(await store.earlier_calls(PHONE, 9)) == [first.feedback_id]
    await store.save(shown(open_book, **changes), ())
    assert await store.earlier_calls(PHONE, 9) == []


async def test_who_waits_longest_to_be_told_by_telephone_comes_first(store: FeedbackStore) -> None:
    answered = {"late": NOW + 2 * MINUTE, "first": NOW, "then": NOW + A_MOMENT}
    await stored(store, *(replace(feedback(key), reachable_by=("phone",)) for key in answered))
    await stored(store, replace(feedback("by page"), reachable_by=("page", "phone")))
    assert await store.to_tell_by_phone(9) == []
    for key, at in answered.items():
        known = await store.get(feedback(key).feedback_id)
        assert known is not None
        await store.save(shown(known, status="answered", answered_at=at.astimezone(VN), answer=ANSWER), ())
    assert ids(await store.to_tell_by_phone(9)) == [feedback(key).feedback_id for key in ("first", "then", "late")]
    told = (await store.to_tell_by_phone(1))[0]
    await store.save(shown(told, status="closed", answered_at=NOW, answer=ANSWER, told_at=NOW), ())
    assert ids(await store.to_tell_by_phone(1)) == [feedback("then").feedback_id]


async def test_what_waits_for_a_ticket_is_listed_oldest_first_and_counted(store: FeedbackStore) -> None:
    recorded = {"new": NOW, "old": NOW - 2 * MINUTE, "almost": NOW - A_MOMENT}
    known = {key: feedback(key, at=at.astimezone(VN)) for key, at in recorded.items()}
    await stored(store, *known.values())
    assert ids(await store.without_ticket_since(NOW, 9)) == [known[key].feedback_id for key in ("old", "almost")]
    assert ids(await store.without_ticket_since(NOW, 1)) == [known["old"].feedback_id]
    assert await store.waiting_for_ticket() == Waiting(count=3, oldest_at=NOW - 2 * MINUTE)
    await store.save(shown(known["old"], restricted=True), ())
    assert ids(await store.without_ticket_since(NOW + MINUTE, 9)) == [
        known[key].feedback_id for key in ("almost", "new")
    ]
    assert await store.waiting_for_ticket() == Waiting(count=2, oldest_at=NOW - A_MOMENT)
