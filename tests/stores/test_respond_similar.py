"""Which tickets respond's store gives as perhaps the same trouble, over every backend: only those open to staff."""

from dataclasses import replace

import pytest

from hotline.facts import ClassificationState
from hotline.plumbing.backend import Backend
from services.respond.opening import open_records, open_store
from services.respond.store import RespondStore
from services.respond.ticket import Action, Ticket
from tests.respond.builders import SYSTEM, at, happen, new_ticket
from tests.stores.tickets import added, denounced, ids, judged, saved


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over an empty backend."""
    return await open_store(backend)


def like(when: str, *others: str) -> Ticket:
    """Return a ticket received at `when` whose classification names others."""
    return judged(when, similar=others)


async def test_those_named_and_those_that_name_it_are_found_once_each(store: RespondStore) -> None:
    await added(store, "f1", like("2026-11-18 08:00"))
    second = await added(store, "f2", like("2026-11-18 09:00", "f1", "f4"))
    third = await added(store, "f3", like("2026-11-18 10:00", "f1", "f2"))
    await added(store, "f4", like("2026-11-18 08:30", "f2"))
    first = await store.get("f1")
    assert first is not None
    assert ids(await store.similar(first, 9)) == ["f2", "f3"]
    assert ids(await store.similar(second, 9)) == ["f1", "f3", "f4"]
    assert ids(await store.similar(third, 9)) == ["f1", "f2"]


async def test_what_is_named_but_not_there_is_left_out(store: RespondStore) -> None:
    ticket = await added(store, "f1", like("2026-11-18 08:00", "gone", "f1"))
    assert await store.similar(ticket, 9) == []


async def test_at_most_so_many_are_read_the_newest_of_those_that_name_it(store: RespondStore) -> None:
    first = await added(store, "f1", like("2026-11-18 08:00", "g1", "g2", "g3"))
    for name in ("g1", "g2", "g3"):
        await added(store, name, like("2026-11-18 07:00"))
    for number in range(2, 7):
        await added(store, f"f{number}", like(f"2026-11-18 0{number}:00", "f1"))
    assert ids(await store.similar(first, 2)) == ["f5", "f6", "g1", "g2"]


async def restricted(store: RespondStore, ticket: Ticket) -> None:
    shut = replace(denounced("2026-11-18 09:00"), classification=ticket.classification)
    await saved(store, ticket, shut)


async def not_classified(store: RespondStore, ticket: Ticket) -> None:
    await saved(store, ticket, new_ticket(at("2026-11-18 09:00")))


async def erased(store: RespondStore, ticket: Ticket) -> None:
    await store.erase(ticket.feedback_id)


HIDING = {"restricted": restricted, "not classified yet": not_classified, "erased": erased}


@pytest.mark.parametrize("case", HIDING)
async def test_a_ticket_is_in_no_answer_once_it_is(store: RespondStore, case: str) -> None:
    first = await added(store, "f1", like("2026-11-18 08:00", "f2"))
    hidden = await added(store, "f2", like("2026-11-18 09:00", "f1", "f3"))
    third = await added(store, "f3", like("2026-11-18 10:00"))
    assert (ids(await store.similar(first, 9)), ids(await store.similar(third, 9))) == (["f2"], ["f2"])
    await HIDING[case](store, hidden)
    assert (await store.similar(first, 9), await store.similar(third, 9)) == ([], [])


async def test_a_newer_classification_takes_the_place_of_the_older(store: RespondStore) -> None:
    first = await added(store, "f1", like("2026-11-18 08:00"))
    other = await added(store, "f2", like("2026-11-18 08:00"))
    third = await added(store, "f3", like("2026-11-18 09:00", "f1"))
    said = third.classification
    assert isinstance(said, ClassificationState)
    newer = happen(
        third, [(Action.CLASSIFY, SYSTEM, "2026-11-18 10:00")], classification=replace(said, similar=("f2",))
    )
    await saved(store, third, newer)
    assert (await store.similar(first, 9), ids(await store.similar(other, 9))) == ([], ["f3"])


async def test_a_backup_brings_back_by_what_a_ticket_is_found(store: RespondStore, backend: Backend) -> None:
    records = await open_records(backend)
    first = await added(store, "f1", like("2026-11-18 08:00"))
    await added(store, "f2", like("2026-11-18 09:00", "f1"))
    kept = [record for record in await records.page("ticket", "f1", 9) if record.id == "f2"]
    await store.erase("f2")
    await records.put_back([replace(record, id="f3", body=record.body.replace(b'"f2"', b'"f3"')) for record in kept])
    assert ids(await store.similar(first, 9)) == ["f3"]
