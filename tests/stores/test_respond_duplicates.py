"""Which tickets respond's store gives as the duplicates that wait for one, over every backend."""

from dataclasses import replace

import pytest

from hotline.plumbing.backend import Backend
from services.respond.opening import open_records, open_store
from services.respond.store import RespondStore
from services.respond.ticket import SYSTEM, Action, Ticket
from tests.respond.builders import SCREENER, TRIAGE, happen
from tests.stores.tickets import added, ids, judged, saved


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over an empty backend."""
    return await open_store(backend)


def merged(into: str = "f0") -> Ticket:
    """Return a ticket that an officer merged with another."""
    return happen(judged("2026-11-18 08:00"), [(Action.MARK_DUPLICATE, TRIAGE, "2026-11-18 09:00")], duplicate_of=into)


async def test_those_merged_with_it_are_found_by_id_and_no_others(store: RespondStore) -> None:
    for name, into in {"f3": "f0", "f1": "f0", "f2": "f3"}.items():
        await added(store, name, merged(into))
    await added(store, "f0", judged("2026-11-18 07:00"))
    assert {name: ids(await store.duplicates_of(name)) for name in ("f0", "f3", "f2", "f9")} == {
        "f0": ["f1", "f3"],
        "f3": ["f2"],
        "f2": [],
        "f9": [],
    }


async def test_they_are_found_although_the_other_is_gone(store: RespondStore) -> None:
    await added(store, "f0", judged("2026-11-18 07:00"))
    await added(store, "f1", merged())
    await store.erase("f0")
    assert ids(await store.duplicates_of("f0")) == ["f1"]


NO_MORE = {
    "answered by the other's answer": (Action.CARRY_ANSWER, SYSTEM),
    "given back": (Action.RESTORE, SYSTEM),
    "restricted": (Action.RESTRICT, TRIAGE),
}


@pytest.mark.parametrize("case", NO_MORE)
async def test_one_waits_no_more_once_it_is(store: RespondStore, case: str) -> None:
    waiting = await added(store, "f1", merged())
    action, who = NO_MORE[case]
    await saved(store, waiting, happen(waiting, [(action, who, "2026-11-19 10:00")]))
    assert await store.duplicates_of("f0") == []


async def test_one_erased_waits_no_more(store: RespondStore) -> None:
    await added(store, "f1", merged())
    await store.erase("f1")
    assert await store.duplicates_of("f0") == []


async def test_one_that_waits_and_is_returned_by_a_screener_does_not_wait_again(store: RespondStore) -> None:
    waiting = await added(store, "f1", merged())
    back = [(Action.RESTRICT, TRIAGE, "2026-11-18 10:00"), (Action.RETURN_TO_DESK, SCREENER, "2026-11-18 11:00")]
    await saved(store, waiting, happen(waiting, back))
    assert await store.duplicates_of("f0") == []


async def test_a_backup_brings_back_for_what_a_ticket_waits(store: RespondStore, backend: Backend) -> None:
    records = await open_records(backend)
    await added(store, "f1", merged())
    (kept,) = await records.page("ticket", "", 9)
    await store.erase("f1")
    await records.put_back([replace(kept, id="f2", body=kept.body.replace(b'"f1"', b'"f2"'))])
    assert ids(await store.duplicates_of("f0")) == ["f2"]
