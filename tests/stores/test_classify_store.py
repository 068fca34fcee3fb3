"""classify's store keeps its promises over every backend: the same questions, the same answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from hotline.plumbing.backend import Backend
from services.classify.documents import Classification
from services.classify.opening import open_store
from services.classify.store import ClassifyStore, Conflict
from services.classify.ticket_word import TicketWord
from tests.stores.classifications import (
    A_MOMENT,
    NOW,
    SECOND,
    classification,
    decided_by_lan,
    facts_on_the_bus,
    label,
    next_of,
    told,
    word,
)

VN = timezone(timedelta(hours=7))


@pytest.fixture
async def store(backend: Backend) -> ClassifyStore:
    """classify's store over an empty backend."""
    return await open_store(backend)


async def stored(store: ClassifyStore, *documents: Classification) -> None:
    for document in documents:
        await store.add(document, ())


def ids(documents: list[Classification]) -> list[str]:
    return [document.feedback_id for document in documents]


async def test_of_an_unknown_feedback_nothing_is_known(store: ClassifyStore) -> None:
    assert await store.get("f1") is None
    assert await store.ticket_word("f1") is None
    assert not await store.is_erased("f1")
    assert await store.to_review(include_restricted=True, limit=9) == []
    assert await store.count_to_review(include_restricted=True) == 0
    assert await store.decided(include_restricted=True, limit=9) == []
    assert await store.labels() == []


async def test_document_and_facts_are_stored_together(store: ClassifyStore, backend: Backend) -> None:
    first = classification()
    await store.add(first, told(first))
    second = next_of(first, urgent=True)
    await store.save(second, told(second))
    assert await store.get("f1") == second
    assert await facts_on_the_bus(backend) == [*told(first), *told(second)]


async def test_opening_the_store_again_changes_nothing(store: ClassifyStore, backend: Backend) -> None:
    await stored(store, classification())
    assert await (await open_store(backend)).get("f1") == classification()


async def test_a_second_first_document_is_refused(store: ClassifyStore, backend: Backend) -> None:
    first, other = classification(), classification(urgent=True)
    await store.add(first, told(first))
    with pytest.raises(Conflict):
        await store.add(other, told(other))
    assert await store.get("f1") == first
    assert await facts_on_the_bus(backend) == list(told(first))


KNOWLEDGE: dict[str, tuple[TicketWord | None, TicketWord | None, bool]] = {
    "of no word, and there is none": (None, None, True),
    "of the word that is kept": (word(0, 2), word(0, 2), True),
    "of the word as another time zone says it": (
        word(0, 2),
        replace(word(0, 2), at=word(0, 2).at.astimezone(VN)),
        True,
    ),
    "of no word, but one is kept": (word(0, 2), None, False),
    "of a word that is not kept": (None, word(0, 2), False),
    "of an older word": (word(0, 2), word(0, 1), False),
    "of a newer word": (word(0, 1), word(0, 2), False),
}


@pytest.mark.parametrize("case", KNOWLEDGE)
async def test_a_first_document_is_made_in_the_knowledge(store: ClassifyStore, backend: Backend, case: str) -> None:
    kept, known, is_taken = KNOWLEDGE[case]
    if kept is not None:
        await store.keep_ticket_word("f1", kept, None, ())
    first = classification()
    if is_taken:
        await store.add(first, told(first), known)
    else:
        with pytest.raises(Conflict):
            await store.add(first, told(first), known)
    assert await store.get("f1") == (first if is_taken else None)
    assert await facts_on_the_bus(backend) == (list(told(first)) if is_taken else [])
    assert await store.ticket_word("f1") == kept


async def prepare_nothing(store: ClassifyStore) -> None:
    """Nothing is stored."""


async def prepare_a_word(store: ClassifyStore) -> None:
    await store.keep_ticket_word("f1", word(0, 1), None, ())


async def prepare_version_two(store: ClassifyStore) -> None:
    await store.add(classification(), ())
    await store.save(next_of(classification()), ())


async def prepare_erased(store: ClassifyStore) -> None:
    await prepare_version_two(store)
    await store.erase("f1")


STALE: dict[str, tuple[Callable[[ClassifyStore], Awaitable[None]], int]] = {
    "no document": (prepare_nothing, 1),
    "no document, next version": (prepare_nothing, 2),
    "a word alone": (prepare_a_word, 1),
    "a version back": (prepare_version_two, 1),
    "the same version": (prepare_version_two, 2),
    "a version left out": (prepare_version_two, 4),
    "erased since it was loaded": (prepare_erased, 3),
}


@pytest.mark.parametrize("by", ["save", "keep_ticket_word"])
@pytest.mark.parametrize("case", STALE)
async def test_only_the_next_version_is_saved(store: ClassifyStore, backend: Backend, case: str, by: str) -> None:
    prepare, version = STALE[case]
    await prepare(store)
    before, before_word = await store.get("f1"), await store.ticket_word("f1")
    stale = replace(classification(urgent=True), version=version)
    if by == "save":
        with pytest.raises(Conflict):
            await store.save(stale, told(stale), label())
    elif prepare is prepare_erased:
        await store.keep_ticket_word("f1", word(0, 9), stale, told(stale))
    else:
        with pytest.raises(Conflict):
            await store.keep_ticket_word("f1", word(0, 9), stale, told(stale))
    assert (await store.get("f1"), await store.ticket_word("f1")) == (before, before_word)
    assert await store.labels() == []
    assert await facts_on_the_bus(backend) == []


async def outcomes(*calls: Awaitable[None]) -> list[str]:
    done = await asyncio.gather(*calls, return_exceptions=True)
    return sorted(type(outcome).__name__ for outcome in done)


async def test_of_two_at_once_one_is_taken(store: ClassifyStore, backend: Backend) -> None:
    first = classification()
    once = ["Conflict", "Conflict", "NoneType"]
    assert await outcomes(*(store.add(first, told(first)) for _ in range(3))) == once
    assert await outcomes(*(store.save(next_of(first), told(next_of(first))) for _ in range(3))) == once
    assert await outcomes(*(store.keep_ticket_word("f1", word(0, 1), None, ()) for _ in range(3))) == once
    assert await outcomes(*(store.keep_ticket_word("f2", word(0, 1), None, ()) for _ in range(3))) == once
    assert await facts_on_the_bus(backend) == [*told(first), *told(next_of(first))]


async def test_a_word_is_kept_before_and_after_the_classification(store: ClassifyStore, backend: Backend) -> None:
    await store.keep_ticket_word("f1", word(0, 1), None, ())
    assert (await store.get("f1"), await store.ticket_word("f1")) == (None, word(0, 1))
    first = classification()
    await store.add(first, told(first), word(0, 1))
    await store.keep_ticket_word("f1", word(0, 2), None, ())
    assert (await store.get("f1"), await store.ticket_word("f1")) == (first, word(0, 2))
    closed = next_of(first, restricted=True)
    await store.keep_ticket_word("f1", word(0, 3, restricted=True), closed, told(closed))
    assert (await store.get("f1"), await store.ticket_word("f1")) == (closed, word(0, 3, restricted=True))
    assert await facts_on_the_bus(backend) == [*told(first), *told(closed)]
    await store.save(next_of(closed), ())


@pytest.mark.parametrize("had_a_word", [True, False])
async def test_a_word_on_what_was_unclassified_is_not_kept_once_it_is_classified(
    store: ClassifyStore, had_a_word: bool
) -> None:
    before = word(0, 1) if had_a_word else None
    if before is not None:
        await store.keep_ticket_word("f1", before, None, (), is_unclassified=True)
    await store.add(classification(), (), before)
    with pytest.raises(Conflict):
        await store.keep_ticket_word("f1", word(0, 2, restricted=True), None, (), is_unclassified=True)
    assert (await store.get("f1"), await store.ticket_word("f1")) == (classification(), before)


async def test_a_word_alone_is_in_no_list(store: ClassifyStore) -> None:
    await store.keep_ticket_word("f1", word(0, 1), None, ())
    assert await store.to_review(include_restricted=True, limit=9) == []
    assert await store.count_to_review(include_restricted=True) == 0
    assert await store.decided(include_restricted=True, limit=9) == []


ORDERS = [((0, 5), True), ((1, 1), True), ((0, 4), False), ((0, 3), False)]


@pytest.mark.parametrize(("order", "is_newer"), [*ORDERS, ((1, 0), True)])
@pytest.mark.parametrize("has_document", [True, False])
async def test_only_a_newer_word_is_kept(
    store: ClassifyStore, order: tuple[int, int], is_newer: bool, has_document: bool
) -> None:
    await stored(store, classification())
    await store.keep_ticket_word("f1", word(0, 4), None, ())
    said, changed = word(*order, restricted=True), next_of(classification(), restricted=True)
    document = changed if has_document else None
    if is_newer:
        await store.keep_ticket_word("f1", said, document, ())
    else:
        with pytest.raises(Conflict):
            await store.keep_ticket_word("f1", said, document, ())
    assert await store.ticket_word("f1") == (said if is_newer else word(0, 4))
    assert await store.get("f1") == (changed if is_newer and has_document else classification())


async def test_an_older_epoch_is_older_whatever_its_count(store: ClassifyStore) -> None:
    await store.keep_ticket_word("f1", word(1, 1), None, ())
    with pytest.raises(Conflict):
        await store.keep_ticket_word("f1", word(0, 9), None, ())
    assert await store.ticket_word("f1") == word(1, 1)


async def test_erasing_leaves_the_mark_alone(store: ClassifyStore) -> None:
    await stored(store, classification(), classification("f2"))
    await store.keep_ticket_word("f1", word(0, 1), None, ())
    await store.save(decided_by_lan(classification()), (), label())
    for _ in range(2):
        await store.erase("f1")
        assert (await store.get("f1"), await store.ticket_word("f1")) == (None, None)
        assert await store.labels() == []
        assert await store.decided(include_restricted=True, limit=9) == []
        assert (await store.is_erased("f1"), await store.is_erased("f2")) == (True, False)
    assert ids(await store.to_review(include_restricted=True, limit=9)) == ["f2"]


@pytest.mark.parametrize("was_known", [True, False])
async def test_late_news_does_not_bring_erased_feedback_back(
    store: ClassifyStore, backend: Backend, was_known: bool
) -> None:
    if was_known:
        await stored(store, classification())
        await store.keep_ticket_word("f1", word(0, 1), None, ())
    await store.erase("f1")
    for known in (None, word(0, 1)):
        with pytest.raises(Conflict):
            await store.add(classification(), told(classification()), known)
    await store.keep_ticket_word("f1", word(0, 2), None, ())
    assert (await store.get("f1"), await store.ticket_word("f1")) == (None, None)
    assert await store.count_to_review(include_restricted=True) == 0
    assert await facts_on_the_bus(backend) == []


# In the order of the list. Times differ by less than a millisecond, and one is told in another time zone.
QUEUE = (
    classification("denunciation-urgent", restricted=True, urgent=True, received_at=NOW + SECOND),
    classification("denunciation-1", restricted=True),
    classification("denunciation-2", restricted=True),
    classification("urgent", urgent=True, received_at=NOW + 9 * SECOND),
    classification("first", received_at=NOW - A_MOMENT),
    classification("in-vietnam", received_at=NOW.astimezone(VN)),
    classification("second", received_at=NOW + A_MOMENT),
    classification("third", received_at=NOW + SECOND),
)


async def test_the_queue_is_in_order_and_in_parts(store: ClassifyStore) -> None:
    await stored(store, *reversed(QUEUE), classification("sure", needs_review=False))
    assert await store.to_review(include_restricted=True, limit=99) == list(QUEUE)
    assert await store.to_review(include_restricted=False, limit=99) == list(QUEUE[3:])
    assert await store.to_review(include_restricted=True, limit=3, offset=2) == list(QUEUE[2:5])
    assert await store.to_review(include_restricted=False, limit=2, offset=4) == list(QUEUE[7:])
    assert await store.to_review(include_restricted=True, limit=3, offset=8) == []
    assert await store.count_to_review(include_restricted=True) == 8
    assert await store.count_to_review(include_restricted=False) == 5


async def test_what_was_decided_waits_no_more(store: ClassifyStore) -> None:
    await stored(store, *QUEUE)
    await store.save(decided_by_lan(QUEUE[3]), ())
    assert ids(await store.to_review(include_restricted=False, limit=2)) == ["first", "in-vietnam"]
    assert await store.count_to_review(include_restricted=False) == 4


@pytest.fixture
async def four_decided(store: ClassifyStore) -> None:
    """Decisions of which the newest is restricted, two are of one instant, and one is told in another time zone."""
    moments: dict[str, datetime] = {
        "b": NOW, "c": NOW.astimezone(VN), "a": NOW - A_MOMENT, "restricted": NOW + A_MOMENT,
    }  # fmt: skip
    await stored(store, classification("undecided"))
    for name, at in moments.items():
        first = classification(name)
        await store.add(first, ())
        await store.save(decided_by_lan(first, at, restricted=name == "restricted"), ())


@pytest.mark.usefixtures("four_decided")
async def test_the_decided_are_listed_newest_first(store: ClassifyStore) -> None:
    assert ids(await store.decided(include_restricted=True, limit=9)) == ["restricted", "b", "c", "a"]
    assert ids(await store.decided(include_restricted=False, limit=9)) == ["b", "c", "a"]
    assert ids(await store.decided(include_restricted=True, limit=2)) == ["restricted", "b"]


@pytest.mark.usefixtures("four_decided")
async def test_the_last_decision_counts(store: ClassifyStore) -> None:
    known = await store.get("a")
    assert known is not None
    await store.save(decided_by_lan(known, NOW + SECOND), ())
    assert ids(await store.decided(include_restricted=True, limit=9)) == ["a", "restricted", "b", "c"]


async def with_labels(store: ClassifyStore, *moments: datetime, feedback_id: str = "f1") -> Classification:
    """Store a document that was decided at each of these moments."""
    document = classification(feedback_id)
    await store.add(document, ())
    for number, at in enumerate(moments):
        document = decided_by_lan(document, at)
        await store.save(document, (), label(feedback_id, at, code=f"7.{number}"))
    return document


async def test_labels_come_oldest_first_then_by_feedback(store: ClassifyStore) -> None:
    await with_labels(store, NOW, NOW + A_MOMENT, feedback_id="f2")
    await with_labels(store, NOW.astimezone(VN), feedback_id="f3")
    await with_labels(store, NOW, NOW - A_MOMENT, feedback_id="f1")
    said = [(found.feedback_id, found.at) for found in await store.labels()]
    assert said == [("f1", NOW - A_MOMENT), ("f1", NOW), ("f2", NOW), ("f3", NOW), ("f2", NOW + A_MOMENT)]
    assert (await store.labels())[1] == label("f1", NOW, code="7.0")


async def test_a_label_of_the_same_instant_replaces_the_other(store: ClassifyStore) -> None:
    await with_labels(store, NOW, NOW.astimezone(VN))
    assert await store.labels() == [label(at=NOW, code="7.1")]


async def test_labels_stay_when_more_is_saved(store: ClassifyStore) -> None:
    document = await with_labels(store, NOW)
    await store.save(next_of(document), ())
    assert await store.labels() == [label(at=NOW, code="7.0")]


@pytest.mark.parametrize("by", ["a person", "respond's word"])
async def test_a_restricted_feedback_has_no_labels_and_gets_none(store: ClassifyStore, by: str) -> None:
    document = await with_labels(store, NOW, NOW + SECOND)
    closed = next_of(document, restricted=True)
    if by == "a person":
        await store.save(closed, (), label(at=NOW + 2 * SECOND))
    else:
        await store.keep_ticket_word("f1", word(0, 1, restricted=True), closed, ())
    assert await store.labels() == []
    opened = next_of(closed, restricted=False)
    await store.save(opened, (), label(at=NOW + 3 * SECOND))
    assert await store.labels() == [label(at=NOW + 3 * SECOND)]


async def test_an_instant_without_a_time_zone_is_refused(store: ClassifyStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.add(classification(received_at=NOW.replace(tzinfo=None)), ())
