"""What MongoDB alone must prove of classify's store: two writers in every order, deaths on the way, and no scan."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

import pytest

from hotline.plumbing.backend import Backend
from hotline.plumbing.mongo import MongoDatabase
from services.classify.actions import classify, follow_ticket
from services.classify.documents import Classification
from services.classify.likeness import keys_of, signature_of
from services.classify.store import ClassifyStore, Conflict
from services.classify.store_mongo import MongoClassifyStore, open_store
from tests.classify.test_review_actions import judging
from tests.classify.test_ticket_word import ticket
from tests.contract.facts_for_tests import received
from tests.stores.classifications import (
    A_MOMENT,
    NOW,
    WORDS,
    classification,
    decided_by_lan,
    facts_on_the_bus,
    label,
    next_of,
    told,
    word,
)
from tests.stores.meanwhile import Meanwhile
from tests.stores.watching import Plans, assert_no_collection_scan

pytestmark = pytest.mark.live

FIRST, SECOND = classification(), next_of(classification())
Write = Callable[[MongoClassifyStore], Awaitable[None]]


@pytest.fixture
async def store(mongodb_backend: Backend) -> MongoClassifyStore:
    """classify's store, whose commands a test can hold up."""
    return await open_store(mongodb_backend)


@pytest.fixture
def elsewhere(other_mongo: MongoDatabase, store: MongoClassifyStore) -> MongoClassifyStore:
    """The same store in another process."""
    return MongoClassifyStore(other_mongo, store.sealer)


async def nothing(store: MongoClassifyStore) -> None:
    """Nothing is stored."""


async def a_word(store: MongoClassifyStore) -> None:
    await store.keep_ticket_word("f1", word(0, 1), None, ())


async def a_document(store: MongoClassifyStore) -> None:
    await store.add(FIRST, ())


WRITES: dict[str, tuple[Write, Write]] = {
    "add": (nothing, lambda store: store.add(FIRST, told(FIRST))),
    "add in the knowledge of a word": (a_word, lambda store: store.add(FIRST, told(FIRST), word(0, 1))),
    "save": (a_document, lambda store: store.save(SECOND, told(SECOND), label())),
    "first word": (nothing, lambda store: store.keep_ticket_word("f1", word(0, 2), None, ())),
    "next word": (a_word, lambda store: store.keep_ticket_word("f1", word(0, 2), None, ())),
    "word with document": (
        a_document,
        lambda store: store.keep_ticket_word("f1", word(0, 2), SECOND, told(SECOND)),
    ),
}
MOST_COMMANDS = 4
THE_MARK_ALONE = {"_id": "f1", "is_erased": True}


@pytest.mark.parametrize("number", range(1, MOST_COMMANDS + 1))
@pytest.mark.parametrize("what", WRITES)
async def test_an_erasure_before_any_command_of_a_write_leaves_nothing(
    store: MongoClassifyStore, elsewhere: MongoClassifyStore, meanwhile: Meanwhile, what: str, number: int
) -> None:
    prepare, write = WRITES[what]
    await prepare(store)
    meanwhile.before(number, lambda: elsewhere.erase("f1"))
    try:
        await write(store)
    except Conflict:
        assert meanwhile.has_happened
    if not meanwhile.has_happened:
        # The write took fewer commands: the erasure comes after it.
        await elsewhere.erase("f1")
    assert await elsewhere.documents.find({}) == [THE_MARK_ALONE]


@pytest.mark.parametrize("number", range(1, MOST_COMMANDS))
@pytest.mark.parametrize("what", WRITES)
async def test_a_write_before_any_command_of_an_erasure_leaves_nothing(
    store: MongoClassifyStore, elsewhere: MongoClassifyStore, meanwhile: Meanwhile, what: str, number: int
) -> None:
    prepare, write = WRITES[what]
    await prepare(store)
    meanwhile.before(number, lambda: write(elsewhere))
    await store.erase("f1")
    assert await elsewhere.documents.find({}) == [THE_MARK_ALONE]


async def test_an_erasure_of_what_is_inserted_just_then_takes_that(
    store: MongoClassifyStore, elsewhere: MongoClassifyStore
) -> None:
    for number in range(10):
        name = f"f{number}"
        adding = elsewhere.add(classification(name), told(classification(name)))
        await asyncio.gather(store.erase(name), adding, return_exceptions=True)
        assert await store.documents.find({"_id": name}) == [{"_id": name, "is_erased": True}]


RIVALS: dict[str, tuple[Write, Write, Write]] = {
    "two first documents": (nothing, WRITES["add"][1], WRITES["add"][1]),
    "first document, first word": (nothing, WRITES["add"][1], WRITES["first word"][1]),
    "first word, first document": (nothing, WRITES["first word"][1], WRITES["add"][1]),
    "two saves": (a_document, WRITES["save"][1], WRITES["save"][1]),
    "save, word with document": (a_document, WRITES["save"][1], WRITES["word with document"][1]),
    "word with document, save": (a_document, WRITES["word with document"][1], WRITES["save"][1]),
    "two words": (a_word, WRITES["next word"][1], WRITES["next word"][1]),
}


@pytest.mark.parametrize("number", range(1, MOST_COMMANDS))
@pytest.mark.parametrize("who", RIVALS)
async def test_of_two_writers_one_is_told_to_load_again_and_no_fact_of_it_goes_out(
    store: MongoClassifyStore,
    elsewhere: MongoClassifyStore,
    mongodb_backend: Backend,
    meanwhile: Meanwhile,
    who: str,
    number: int,
) -> None:
    prepare, write, other = RIVALS[who]
    await prepare(store)
    meanwhile.before(number, lambda: other(elsewhere))
    try:
        await write(store)
    except Conflict:
        assert meanwhile.has_happened
    document = await elsewhere.get("f1")
    facts = await facts_on_the_bus(mongodb_backend)
    assert [fact.seq for fact in facts] == told_until(document, was_told=prepare is not a_document)


def told_until(document: Classification | None, *, was_told: bool) -> list[int]:
    """Return the numbers of the facts that a document of this age has told; the first only if it was told at all."""
    return list(range(1 if was_told else 2, document.seq + 1)) if document is not None else []


@pytest.mark.parametrize("number", range(1, MOST_COMMANDS))
async def test_a_restriction_said_while_another_process_classifies_closes_the_document(
    store: MongoClassifyStore, elsewhere: MongoClassifyStore, meanwhile: Meanwhile, number: int
) -> None:
    meanwhile.before(number, lambda: classify(elsewhere, judging(), received("f1"), NOW))
    await follow_ticket(store, ticket(1, restricted=True), NOW)
    document = await classify(elsewhere, judging(), received("f1"), NOW)
    assert document is not None and document.state.restricted


async def find_alike(store: ClassifyStore) -> None:
    like = replace(classification("f9"), signature=signature_of(WORDS))
    await store.add(like, ())
    assert await store.alike(keys_of(like), since=NOW, until=NOW + A_MOMENT, per_key=3) == [like]


EVERY_QUESTION: dict[str, Callable[[ClassifyStore], Awaitable[object]]] = {
    "add": lambda store: store.add(classification("f2"), told(classification("f2"))),
    "get": lambda store: store.get("f1"),
    "save": lambda store: store.save(
        decided_by_lan(classification("f2")), told(decided_by_lan(classification("f2"))), label("f2")
    ),
    "keep_ticket_word": lambda store: store.keep_ticket_word("f3", word(0, 1), None, ()),
    "ticket_word": lambda store: store.ticket_word("f3"),
    "to_review": lambda store: both(store.to_review, limit=2, offset=1),
    "count_to_review": lambda store: both(store.count_to_review),
    "decided": lambda store: both(store.decided, limit=2),
    "labels": lambda store: store.labels(),
    "weeks": lambda store: store.weeks(date(2026, 11, 2), date(2026, 11, 23)),
    "said": lambda store: store.said(date(2026, 11, 2), date(2026, 11, 23)),
    "alike": find_alike,
    "forget_likeness": lambda store: store.forget_likeness(NOW + A_MOMENT, 3),
    "is_erased": lambda store: store.is_erased("f1"),
    "erase": lambda store: store.erase("f1"),
}


async def both(ask: Callable[..., Awaitable[object]], **options: int) -> None:
    """Ask with the restricted and without."""
    await ask(include_restricted=True, **options)
    await ask(include_restricted=False, **options)


async def test_no_question_reads_a_whole_collection(
    store: MongoClassifyStore, mongodb_backend: Backend, plans: Plans
) -> None:
    questions = {name for name, value in vars(ClassifyStore).items() if callable(value) and not name.startswith("_")}
    assert questions == set(EVERY_QUESTION)
    await store.add(FIRST, ())
    plans.forget()
    for ask in EVERY_QUESTION.values():
        await ask(store)
    with_word = decided_by_lan(decided_by_lan(classification("f3")))
    await store.add(classification("f3"), (), word(0, 1))
    await store.save(decided_by_lan(classification("f3")), ())
    await store.keep_ticket_word("f3", word(0, 2), with_word, told(with_word))
    await facts_on_the_bus(mongodb_backend)
    await assert_no_collection_scan(mongodb_backend, plans)
