"""What classify's store counts to see the model drift, over every backend: by week of receipt and by codes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from hotline.plumbing.backend import Backend
from hotline.plumbing.sqlite import Database
from hotline.taxonomy import PetitionKind
from services.classify.documents import Classification
from services.classify.drift import Said, Week
from services.classify.opening import open_records, open_store
from services.classify.store import ClassifyStore
from tests.stores.classifications import A_MOMENT, classification, decided_by_lan, next_of, word

# In Vietnam the week of NOW, a Tuesday, began when it was still Sunday, 17:00, in Greenwich.
MONDAY = date(2026, 11, 23)
BEGIN = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
EVER = (date(2020, 1, 6), date(2030, 1, 7))
ROAD, HEALTH, POWER = "6.3#giao_thong", "6.1", "6.3#dien"


@pytest.fixture
async def store(backend: Backend) -> ClassifyStore:
    """classify's store over an empty backend."""
    return await open_store(backend)


def week(monday: date = MONDAY, **counts: int) -> Week:
    """Return a week of one feedback that the model was unsure of; `counts` replace any count."""
    said = {"feedbacks": 1, "sureness": 900, "needed_review": 1, "decided": 0, "corrected": 0}
    return Week(monday=monday, **said | counts)


async def put(store: ClassifyStore, first: Classification, *, decided: str | None = None, **state: object) -> None:
    """Store a feedback, with a person's decision for a code."""
    await store.add(first, ())
    if decided is not None:
        await store.save(decided_by_lan(first, code=decided, **state), ())


async def test_of_nothing_nothing_is_counted(store: ClassifyStore) -> None:
    await store.keep_ticket_word("f1", word(0, 1), None, ())
    assert (await store.weeks(*EVER), await store.said(*EVER)) == ([], [])


EDGES = {
    "the week's first instant": (BEGIN, MONDAY),
    "the moment before": (BEGIN - A_MOMENT, MONDAY - WEEK),
    "its last instant": (BEGIN + WEEK - A_MOMENT, MONDAY),
    "the next week's first": (BEGIN + WEEK, MONDAY + WEEK),
    "the first of a year, a Friday": (datetime(2027, 1, 1, 3, tzinfo=UTC), date(2026, 12, 28)),
}


@pytest.mark.parametrize("case", EDGES)
async def test_a_week_goes_from_monday_to_sunday_in_vietnam(store: ClassifyStore, case: str) -> None:
    received_at, monday = EDGES[case]
    await put(store, classification(received_at=received_at))
    assert await store.weeks(*EVER) == [week(monday)]


async def test_only_the_weeks_asked_for_are_counted_the_newest_first(store: ClassifyStore) -> None:
    for number in range(5):
        await put(store, classification(f"f{number}", received_at=BEGIN + number * WEEK), decided=HEALTH)
    first, last = MONDAY + WEEK, MONDAY + 3 * WEEK
    counted = {"decided": 1, "corrected": 1}
    assert await store.weeks(first, last) == [week(MONDAY + n * WEEK, **counted) for n in (3, 2, 1)]
    assert await store.said(first, last) == [Said(suggested=ROAD, decided=HEALTH, feedbacks=3)]


async def test_a_week_adds_up(store: ClassifyStore) -> None:
    await put(store, classification("sure", needs_review=False, confidence=0.9996))
    await put(store, classification("unsure", confidence=0.25))
    await put(store, classification("confirmed", confidence=0.5), decided=ROAD)
    await put(store, classification("another code", confidence=0.5), decided=HEALTH)
    await put(store, classification("another kind", confidence=0.5), decided=ROAD, petition_kind=PetitionKind.KHIEU_NAI)
    (only,) = await store.weeks(*EVER)
    assert only == week(feedbacks=5, sureness=2_750, needed_review=4, decided=3, corrected=2)
    assert (only.mean_confidence, only.review_rate, only.corrected_share) == (0.55, 0.8, 2 / 3)


async def test_a_correction_counts_once_by_what_was_said_last(store: ClassifyStore) -> None:
    document = classification()
    await store.add(document, ())
    for code in (HEALTH, POWER, ROAD):
        document = decided_by_lan(document, code=code)
        await store.save(document, ())
        assert await store.said(*EVER) == [Said(suggested=ROAD, decided=code, feedbacks=1)]
    assert await store.weeks(*EVER) == [week(decided=1, corrected=0)]


async def test_codes_are_counted_by_what_the_model_said_and_what_a_person_said(store: ClassifyStore) -> None:
    said = ((ROAD, HEALTH), (HEALTH, ROAD), (ROAD, ROAD), (ROAD, HEALTH), (POWER, ROAD))
    for number, (suggested, decided) in enumerate(said):
        await put(store, classification(f"f{number}", code=suggested), decided=decided)
    await put(store, classification("nobody decided"))
    assert await store.said(*EVER) == [
        Said(suggested=HEALTH, decided=ROAD, feedbacks=1),
        Said(suggested=POWER, decided=ROAD, feedbacks=1),
        Said(suggested=ROAD, decided=HEALTH, feedbacks=2),
        Said(suggested=ROAD, decided=ROAD, feedbacks=1),
    ]


async def test_a_restricted_feedback_is_counted_nowhere_from_the_moment_on(store: ClassifyStore) -> None:
    await put(store, classification("denunciation", restricted=True), decided="4.3", restricted=True)
    await put(store, classification("plain"), decided=HEALTH)
    closed = classification("closed later")
    await put(store, closed, decided=POWER)
    both = [Said(suggested=ROAD, decided=HEALTH, feedbacks=1), Said(suggested=ROAD, decided=POWER, feedbacks=1)]
    assert await store.said(*EVER) == both
    closed = next_of(decided_by_lan(closed, code=POWER), restricted=True)
    await store.keep_ticket_word("closed later", word(0, 1, restricted=True), closed, ())
    assert await store.said(*EVER) == both[:1]
    assert await store.weeks(*EVER) == [week(decided=1, corrected=1)]
    await store.save(next_of(closed, restricted=False), ())
    assert await store.said(*EVER) == both


async def test_an_erased_feedback_is_not_counted(store: ClassifyStore) -> None:
    await put(store, classification(), decided=HEALTH)
    await store.erase("f1")
    assert (await store.weeks(*EVER), await store.said(*EVER)) == ([], [])


async def test_what_a_backup_brought_back_is_counted(store: ClassifyStore, backend: Backend) -> None:
    await put(store, classification(), decided=HEALTH)
    records = await open_records(backend)
    (kept,) = await records.page("classification", "", 9)
    await records.put_back([replace(kept, id="f2", body=kept.body.replace(b'"f1"', b'"f2"'))])
    assert await store.weeks(*EVER) == [week(feedbacks=2, sureness=1_800, needed_review=2, decided=2, corrected=2)]


async def test_counting_in_the_embedded_file_reads_its_index_alone(sqlite_backend: Backend) -> None:
    store = await open_store(sqlite_backend)
    database = sqlite_backend.database
    assert isinstance(database, Database)
    # One reader, so that it can be listened to.
    database.readers = ThreadPoolExecutor(1)
    asked: list[str] = []
    await database.read(lambda connection: connection.set_trace_callback(asked.append))
    await store.weeks(*EVER)
    await store.said(*EVER)
    await database.read(lambda connection: connection.set_trace_callback(None))
    questions = [query for query in asked if "week" in query]
    assert len(questions) == 2
    for query in questions:
        plan = await database.read(lambda connection, q=query: connection.execute(f"explain query plan {q}").fetchall())
        assert "USING COVERING INDEX classify_drift (restricted=? AND week>? AND week<?)" in plan[0]["detail"]
