"""Which messages classify says are alike, over every backend: never a restricted one, however it became that."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from hotline.facts import ClassificationState, Erased, Fact, FactKind, FeedbackState
from hotline.places import Place
from hotline.plumbing.backend import Backend
from hotline.plumbing.migrations import migrate
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.records import Record
from hotline.plumbing.sqlite import Database
from services.classify.actions import decide
from services.classify.alike import alike, forget
from services.classify.documents import Classification
from services.classify.likeness import KEPT_FOR, PER_KEY, WINDOW, keys_of, signature_of
from services.classify.opening import open_records, open_store
from services.classify.store import ClassifyStore
from services.classify.store_sqlite import INSERT, MIGRATIONS, columns_of
from services.classify.store_sqlite_likeness import documents_alike, keep_keys
from tests.classify.test_review_actions import reviewer, verdict, with_more_words
from tests.classify.test_ticket_word import SUSPICIOUS, ticket
from tests.contract.facts_for_tests import RECEIVED_AT, received
from tests.stores.classifications import NOW, Arrive, classification, facts_on_the_bus, next_of
from tools.bench_similar import steps_of

HERE = Place(province_code="08", province_name="Tuyên Quang", commune_code="00691", commune_name="Phường Hà Giang 2")
WORDS = "Đường trước cổng trường tiểu học Nguyễn Du có ổ gà rất sâu, xe máy hay ngã"
PLAIN = "duong truoc cong truong tieu hoc nguyen du co o ga sau lam, xe may nga"
OTHER = "Bãi rác đầu chợ Đồng Tâm bốc mùi hôi thối"
SECOND = timedelta(seconds=1)


@pytest.fixture
async def store(backend: Backend) -> ClassifyStore:
    """classify's store over an empty backend."""
    return await open_store(backend)


def told_of(feedback_id: str, text: str = WORDS) -> Fact:
    """Return the receipt of a message about a place."""
    fact = received(feedback_id, text=text)
    assert isinstance(fact.state, FeedbackState)
    return structs.replace(fact, state=structs.replace(fact.state, place=HERE))


def of(feedback_id: str, fact: Fact) -> Fact:
    """Return the same fact of another feedback."""
    return structs.replace(fact, feedback_id=feedback_id, fact_id=fact.fact_id.replace("f1", feedback_id))


async def known(store: ClassifyStore, feedback_id: str) -> Classification:
    document = await store.get(feedback_id)
    assert document is not None
    return document


async def said_of(backend: Backend, feedback_id: str) -> tuple[str, ...]:
    """Return what the newest fact of a feedback says it is like."""
    states = [fact.state for fact in await facts_on_the_bus(backend) if fact.feedback_id == feedback_id]
    assert isinstance(states[-1], ClassificationState)
    return states[-1].similar


async def test_a_message_is_told_with_those_before_that_are_like_it(
    store: ClassifyStore, arrive: Arrive, backend: Backend
) -> None:
    for fact in (told_of("f1"), told_of("f2", OTHER), told_of("f3", PLAIN)):
        await arrive(fact)
    assert [await said_of(backend, name) for name in ("f1", "f2", "f3")] == [(), (), ("f1",)]
    assert [other.feedback_id for other in await alike(store, await known(store, "f1"))] == ["f3"]


async def restricted_on_its_page(store: ClassifyStore, arrive: Arrive) -> None:
    await arrive(of("f1", ticket(1, restricted=True)))


async def restricted_at_the_review_desk(store: ClassifyStore, arrive: Arrive) -> None:
    seen = await known(store, "f1")
    await decide(store, "f1", verdict(seen, restricted=True), reviewer(), NOW)


async def suspected_after_more_words(store: ClassifyStore, arrive: Arrive) -> None:
    await arrive(with_more_words(told_of("f1"), SUSPICIOUS, 2))


async def erased(store: ClassifyStore, arrive: Arrive) -> None:
    await arrive(structs.replace(told_of("f1"), kind=FactKind.FEEDBACK_ERASED, state=Erased(erased_at=NOW)))


async def about_something_else(store: ClassifyStore, arrive: Arrive) -> None:
    more = " ".join(f"chuyện khác hẳn số{number} việc{number} lời{number}" for number in range(30))
    await arrive(with_more_words(told_of("f1"), more, 2))


HIDING: dict[str, Callable[[ClassifyStore, Arrive], Awaitable[None]]] = {
    "restricted on the ticket's page": restricted_on_its_page,
    "restricted at the review desk": restricted_at_the_review_desk,
    "suspected after more words": suspected_after_more_words,
    "erased": erased,
    "other words since": about_something_else,
}


@pytest.mark.parametrize("case", HIDING)
async def test_a_message_is_like_none_and_none_is_like_it_once_it_is(
    store: ClassifyStore, arrive: Arrive, backend: Backend, case: str
) -> None:
    await arrive(told_of("f0"))
    await arrive(told_of("f1"))
    await arrive(told_of("f2"))
    assert set(await said_of(backend, "f2")) == {"f0", "f1"}
    await HIDING[case](store, arrive)
    await arrive(told_of("f3"))
    assert set(await said_of(backend, "f3")) == {"f0", "f2"}
    for name in ("f0", "f2"):
        assert "f1" not in {other.feedback_id for other in await alike(store, await known(store, name))}
    hidden = await store.get("f1")
    if hidden is not None:
        assert await alike(store, hidden) == [] and await said_of(backend, "f1") == ()


@pytest.mark.parametrize("case", ["suspected by its words", "restricted before it came"])
async def test_a_message_that_was_never_open_is_like_none(
    store: ClassifyStore, arrive: Arrive, backend: Backend, case: str
) -> None:
    words = f"{WORDS}. {SUSPICIOUS}" if case == "suspected by its words" else WORDS
    if case == "restricted before it came":
        await arrive(of("f1", ticket(1, restricted=True)))
    for fact in (told_of("f1", words), told_of("f2", words.removesuffix(SUSPICIOUS))):
        await arrive(fact)
    assert (await known(store, "f1")).state.restricted
    assert [await said_of(backend, name) for name in ("f1", "f2")] == [(), ()]


async def test_a_message_that_a_screener_returned_is_found_again(
    store: ClassifyStore, arrive: Arrive, backend: Backend
) -> None:
    for fact in (told_of("f1"), of("f1", ticket(1, restricted=True)), told_of("f2")):
        await arrive(fact)
    await arrive(of("f1", ticket(2, restricted=False, minutes=10)))
    assert await said_of(backend, "f1") == ("f2",)
    assert [other.feedback_id for other in await alike(store, await known(store, "f2"))] == ["f1"]


def like(feedback_id: str, seconds: float = 0) -> Classification:
    """Return a message with the same words as all others."""
    document = classification(feedback_id, received_at=RECEIVED_AT + seconds * SECOND)
    return replace(document, text=WORDS, commune_code="00691", signature=signature_of(WORDS))


async def found(store: ClassifyStore, since: float, until: float, per_key: int = PER_KEY) -> list[str]:
    keys = keys_of(like("f1"))
    span = {"since": RECEIVED_AT + since * SECOND, "until": RECEIVED_AT + until * SECOND}
    return [document.feedback_id for document in await store.alike(keys, **span, per_key=per_key)]


async def test_the_span_holds_its_beginning_and_not_its_end_and_the_newest_come_first(store: ClassifyStore) -> None:
    for feedback_id, seconds in (("f4", 0.5), ("f1", 1), ("f3", 1), ("f2", 2.25)):
        await store.add(like(feedback_id, seconds), ())
    assert await found(store, 0, 9) == ["f2", "f1", "f3", "f4"]
    assert await found(store, 1, 2.25) == ["f1", "f3"]
    assert await found(store, 0.5, 2.5) == ["f2", "f1", "f3", "f4"]
    assert await found(store, 3, 9) == [] == await found(store, 0.6, 0.9)


async def test_what_is_saved_again_is_found_once(store: ClassifyStore) -> None:
    first = like("f1")
    await store.add(first, ())
    await store.save(next_of(first, urgent=True), ())
    assert await found(store, 0, 9) == ["f1"]


async def test_a_backup_brings_back_by_what_a_message_is_found(store: ClassifyStore, backend: Backend) -> None:
    records = await open_records(backend)
    await store.add(like("f1"), ())
    kept: Sequence[Record] = await records.page("classification", "", 9)
    await store.erase("f1")
    assert await found(store, 0, 9) == []
    await records.put_back([replace(record, id="f2", body=record.body.replace(b'"f1"', b'"f2"')) for record in kept])
    assert await found(store, 0, 9) == ["f2"]


async def rows_left(backend: Backend) -> int:
    """Return how many entries are kept to find messages by."""
    if isinstance(backend.database, MongoDatabase):
        documents = await backend.database.collection("classify_classification").find({})
        return sum(len(document.get("likeness", ())) for document in documents)
    assert isinstance(backend.database, Database)
    query = "select count(*) from classify_likeness"
    return await backend.database.read(lambda connection: int(connection.execute(query).fetchone()[0]))


async def test_what_is_too_old_for_anything_new_to_be_like_it_is_found_no_more(
    store: ClassifyStore, backend: Backend
) -> None:
    for feedback_id, seconds in (("f1", 0), ("f2", 1), ("f3", 5)):
        await store.add(like(feedback_id, seconds), ())
    await forget(store, RECEIVED_AT + KEPT_FOR + 3 * SECOND)
    assert await found(store, 0, 9) == ["f3"]
    assert await rows_left(backend) == len(keys_of(like("f3")))
    assert [(await known(store, name)).text for name in ("f1", "f2")] == [WORDS] * 2
    assert await store.forget_likeness(RECEIVED_AT, 1) == 0


@pytest.mark.parametrize("case", ["restricted on the ticket's page", "restricted at the review desk", "erased"])
async def test_nothing_of_its_words_is_left_to_find_it_by(
    store: ClassifyStore, arrive: Arrive, backend: Backend, case: str
) -> None:
    await arrive(told_of("f1"))
    assert await rows_left(backend) == len(keys_of(await known(store, "f1")))
    await HIDING[case](store, arrive)
    assert await rows_left(backend) == 0


async def test_the_work_for_a_message_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    """Counted in the database's own steps: of a crowd of like messages, and of an archive of others."""
    database = await Database.open(tmp_path / "archive.db")
    await migrate(database, "classify", MIGRATIONS)
    steps = {}
    for size in (300, 3_000):
        await database.write(partial(fill, size=size))
        steps[size] = await database.read(steps_of_a_look)
    await database.close()
    assert steps[3_000] <= steps[300] * 1.1, steps


def fill(connection: sqlite3.Connection, size: int) -> None:
    """Make the archive as large: every third message has the words looked for, the others are all different."""
    stored = int(connection.execute("select count(*) from classify_classification").fetchone()[0])
    for number in range(stored, size):
        document = like(f"m{number:05}", number)
        if number % 3:
            text = " ".join(f"t{number * 7 + place}x" for place in range(20))
            document = replace(document, text=text, signature=signature_of(text))
        keep_keys(connection, document)
        connection.execute(
            f"insert into classify_classification {INSERT}",
            columns_of(document),
        )


def steps_of_a_look(connection: sqlite3.Connection) -> int:
    """Return how many steps the database takes to look up what is like a message."""
    keys, since, until = keys_of(like("new")), RECEIVED_AT - WINDOW, RECEIVED_AT + WINDOW
    count = steps_of(connection, lambda: documents_alike(connection, keys, since, until, PER_KEY))
    assert count
    return count
