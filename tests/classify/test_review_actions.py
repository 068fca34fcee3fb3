"""What classify does with facts and verdicts, over the real embedded backend; the judge says what the test tells it."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hotline.errors import Invalid
from hotline.facts import ClassificationState, Fact, FactKind, FeedbackState, FollowUp, FollowUpKind
from hotline.plumbing.bus_sqlite import SqliteLog, open_log
from hotline.plumbing.migrations import migrate
from hotline.plumbing.seal import Sealer
from hotline.plumbing.sqlite import Database
from hotline.roles import Role, Session
from hotline.taxonomy import PetitionKind
from services.classify.actions import Gone, Verdict, classify, decide, find_for_reviewer
from services.classify.consumer import handler
from services.classify.documents import Classification
from services.classify.store import Conflict
from services.classify.store_sqlite import MIGRATIONS, SqliteClassifyStore
from tests.contract.facts_for_tests import judged, received

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


async def store_over(database: Database) -> SqliteClassifyStore:
    log = await open_log(database, Sealer({"test": "a secret only for tests"}))
    await migrate(database, "classify", MIGRATIONS)
    return SqliteClassifyStore(database, log)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    database = await Database.open(tmp_path / "hotline.db")
    yield await open_log(database, Sealer({"test": "a secret only for tests"}))
    await database.close()


@pytest.fixture
async def store(log: SqliteLog) -> SqliteClassifyStore:
    return await store_over(log.database)


def judgement(**changes: object) -> ClassificationState:
    unsure = {"confidence": 0.3, "needs_review": True, "decided_at": NOW, "reasons": ("ổ gà",), "model_version": "test"}
    return judged(**(unsure | changes))


def judging(**changes: object) -> Callable[[str, datetime], Awaitable[ClassificationState]]:
    async def judge(text: str, now: datetime) -> ClassificationState:
        suspicious = "phong bì" in text
        why = ("restricted",) if suspicious else ("unsure",)
        return judgement(**{"restricted": suspicious, "needs_review": True, "review_reasons": why} | changes)

    return judge


def reviewer(*, is_screener: bool = False) -> Session:
    return Session(
        account_id="a1", username="lan", full_name="Nguyễn Thị Lan", role=Role.TRIAGE_OFFICER, agency_id=None,
        is_screener=is_screener, issued_at=NOW, expires_at=NOW + timedelta(hours=8),
    )  # fmt: skip


def verdict(document: Classification, **changes: object) -> Verdict:
    said = Verdict(
        version=document.version, code="7.1", second=None, petition_kind=PetitionKind.PHAN_ANH_KIEN_NGHI,
        restricted=False, urgent=False,
    )  # fmt: skip
    return replace(said, **changes)  # type: ignore[arg-type]


def with_more_words(fact: Fact, words: str, seq: int) -> Fact:
    state = fact.state
    assert isinstance(state, FeedbackState)
    added = FollowUp(at=NOW, kind=FollowUpKind.ADDED, text=words, by="citizen")
    more = received(fact.feedback_id, seq=seq)
    follow_ups = (*state.follow_ups, added)
    return structs.replace(
        more, kind=FactKind.FEEDBACK_FOLLOWED_UP, state=structs.replace(state, follow_ups=follow_ups)
    )


async def causes(log: SqliteLog) -> list[str]:
    if not await log.lag("test"):
        return []
    return [delivery.envelope.cause for delivery in await log.subscribe("test").next_batch(100)]


async def test_new_words_are_judged_and_told_in_one_write(store: SqliteClassifyStore, log: SqliteLog) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert await store.get("f1") == document
    assert await causes(log) == ["judged"]


async def test_a_repeat_and_an_older_fact_change_nothing(store: SqliteClassifyStore, log: SqliteLog) -> None:
    newest = await classify(store, judging(), received("f1", seq=5), NOW)
    assert await classify(store, judging(), received("f1", seq=5), NOW) == newest
    assert await classify(store, judging(), received("f1", seq=2), NOW) == newest
    assert await causes(log) == ["judged"]


async def test_a_restored_producers_epoch_wins_over_any_count(store: SqliteClassifyStore) -> None:
    await classify(store, judging(), received("f1", seq=9), NOW)
    document = await classify(store, judging(), received("f1", seq=1, epoch=1), NOW)
    assert document is not None
    assert document.source_order == (1, 1)


async def test_every_order_of_a_feedbacks_facts_ends_the_same(tmp_path: Path) -> None:
    first = received("f1")
    second = with_more_words(first, "Xe máy ngã hôm qua", 2)
    third = with_more_words(second, "Nghe nói phải có phong bì mới sửa", 3)
    ends = set()
    orders = dict.fromkeys(itertools.permutations([first, second, third, first, third]))
    assert len(orders) == 30
    for number, order in enumerate(orders):
        database = await Database.open(tmp_path / f"{number}.db")
        store = await store_over(database)
        for fact in order:
            await classify(store, judging(), fact, NOW)
        document = await store.get("f1")
        assert document is not None
        ends.add((document.text, document.source_order, document.state.restricted))
        await database.close()
    assert len(ends) == 1


async def test_more_words_never_undo_a_persons_decision_but_reopen_on_suspicion(store: SqliteClassifyStore) -> None:
    fact = received("f1")
    document = await classify(store, judging(), fact, NOW)
    assert document is not None
    await decide(store, "f1", verdict(document), reviewer(), NOW)
    harmless = await classify(store, judging(), with_more_words(fact, "Trời mưa thì ngập", 2), NOW)
    assert harmless is not None
    assert (harmless.state.code, harmless.state.needs_review) == ("7.1", False)
    assert harmless.state.review_reasons == ()
    suspicious = await classify(store, judging(), with_more_words(fact, "Cán bộ đòi phong bì", 3), NOW)
    assert suspicious is not None
    assert (suspicious.state.code, suspicious.state.restricted, suspicious.state.needs_review) == ("7.1", True, True)
    assert suspicious.state.review_reasons == ("restricted",)


async def test_a_suspicion_that_more_words_do_not_bear_out_is_kept_and_told(store: SqliteClassifyStore) -> None:
    fact = received("f1", text="Cán bộ đòi phong bì")
    await classify(store, judging(restricted=True, review_reasons=("restricted",)), fact, NOW)
    more = with_more_words(fact, "Trời mưa thì ngập", 2)
    later = await classify(store, judging(restricted=False, review_reasons=("unsure",)), more, NOW)
    assert later is not None
    assert (later.state.restricted, later.state.needs_review) == (True, True)
    assert later.state.review_reasons == ("unsure", "restricted")


async def test_a_correction_is_a_label_and_a_fact(store: SqliteClassifyStore, log: SqliteLog) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    await decide(store, "f1", verdict(document), reviewer(), NOW)
    (label,) = await store.labels()
    assert (label.code, label.was_correct, label.model_version) == ("7.1", False, "test")
    assert await causes(log) == ["judged", "judged"]
    assert await store.count_to_review(include_restricted=True) == 0


async def test_a_label_names_nobody(store: SqliteClassifyStore) -> None:
    said = "Ông Nguyễn Văn Thành, sđt 0912 000 123, CCCD 002199001234, xe 29A-123.45: đường Trần Phú có ổ gà"
    document = await classify(store, judging(), received("f1", text=said), NOW)
    assert document is not None
    await decide(store, "f1", verdict(document), reviewer(), NOW)
    (label,) = await store.labels()
    assert label.text == ("Ông [tên], sđt [số điện thoại], CCCD [số căn cước], xe [biển số xe]: đường Trần Phú có ổ gà")
    kept = await store.get("f1")
    assert kept is not None and kept.text == said


async def test_a_confirmation_is_told_as_one(store: SqliteClassifyStore, log: SqliteLog) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    await decide(store, "f1", verdict(document, code="6.3#giao_thong"), reviewer(), NOW)
    assert await causes(log) == ["judged", "judged"]
    assert [label.was_correct for label in await store.labels()] == [True]


async def test_a_denunciation_never_becomes_a_label(store: SqliteClassifyStore) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    said = await decide(store, "f1", verdict(document), reviewer(is_screener=True), NOW)
    assert len(await store.labels()) == 1
    later = verdict(said, restricted=True, petition_kind=PetitionKind.TO_CAO)
    await decide(store, "f1", later, reviewer(is_screener=True), NOW + timedelta(minutes=1))
    assert await store.labels() == []


async def test_restricted_feedback_does_not_exist_for_others_than_screeners(store: SqliteClassifyStore) -> None:
    await classify(store, judging(), received("f1", text="Anh địa chính đòi phong bì"), NOW)
    with pytest.raises(Gone):
        await find_for_reviewer(store, "f1", reviewer())
    assert await store.to_review(include_restricted=False, limit=10) == []
    assert await store.count_to_review(include_restricted=False) == 0
    assert (await find_for_reviewer(store, "f1", reviewer(is_screener=True))).state.restricted
    assert len(await store.to_review(include_restricted=True, limit=10)) == 1


async def test_two_reviewers_at_once_do_not_overwrite_each_other(store: SqliteClassifyStore) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    await decide(store, "f1", verdict(document), reviewer(), NOW)
    with pytest.raises(Conflict):
        await decide(store, "f1", verdict(document, code="7.2"), reviewer(), NOW)


async def test_all_faults_of_a_verdict_are_named_at_once(store: SqliteClassifyStore) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    with pytest.raises(Invalid) as refused:
        await decide(store, "f1", verdict(document, code="9.9", second="9.8"), reviewer(), NOW)
    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("code", "code_unknown"),
        ("second", "code_unknown"),
    ]


async def test_who_takes_the_second_code_for_the_first_leaves_no_second(store: SqliteClassifyStore) -> None:
    document = await classify(store, judging(second="7.1"), received("f1"), NOW)
    assert document is not None
    decided = await decide(store, "f1", verdict(document, code="7.1", second="7.1"), reviewer(), NOW)
    assert (decided.state.code, decided.state.second) == ("7.1", None)


async def test_erased_feedback_does_not_come_back(store: SqliteClassifyStore) -> None:
    document = await classify(store, judging(), received("f1"), NOW)
    assert document is not None
    await decide(store, "f1", verdict(document), reviewer(), NOW)
    handle = handler(store, judging(), lambda: NOW)
    await store.erase("f1")
    await handle(received("f1"))
    assert await store.get("f1") is None
    assert await store.labels() == []


async def test_the_queue_puts_restricted_and_urgent_first_then_the_oldest(store: SqliteClassifyStore) -> None:
    async def add(name: str, minutes: int, **changes: object) -> None:
        fact = received(name)
        state = fact.state
        assert isinstance(state, FeedbackState)
        older = structs.replace(state, received_at=state.received_at - timedelta(minutes=minutes))
        await classify(store, judging(**changes), structs.replace(fact, state=older), NOW)

    await add("young", 1)
    await add("old", 60)
    await add("urgent", 5, urgent=True)
    await add("restricted", 2, restricted=True)
    queue = await store.to_review(include_restricted=True, limit=10)
    assert [document.feedback_id for document in queue] == ["restricted", "urgent", "old", "young"]


async def test_the_log_says_of_no_feedback_what_it_is_about(
    store: SqliteClassifyStore, caplog: pytest.LogCaptureFixture
) -> None:
    handle = handler(store, judging(), lambda: NOW)
    with caplog.at_level("INFO"):
        await handle(received("f1"))
        await handle(received("f2", text="Anh địa chính đòi phong bì"))
    told = [sorted(record.__dict__["fields"]) for record in caplog.records if record.getMessage() == "classified"]
    assert told == [["feedback_id", "model_version", "needs_review"]] * 2


async def test_erasing_leaves_no_fact_but_the_erasure_and_no_word_in_any_file(
    store: SqliteClassifyStore, log: SqliteLog
) -> None:
    await classify(store, judging(), received("f1", text="Xe tải chở cát chạy đêm"), NOW)
    assert await log.lag("test") == 1
    await store.erase("f1")
    assert await log.lag("test") == 0
    files = log.database.path.parent.glob(f"{log.database.path.name}*")
    assert not any("Xe tải chở cát".encode() in file.read_bytes() for file in files)
