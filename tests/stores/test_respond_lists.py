"""The lists of respond hold the same tickets in the same order over both backends, restricted ones where they may."""

import pytest

from hotline.plumbing.backend import Backend
from services.respond.opening import open_store
from services.respond.store import Page, RespondStore
from services.respond.ticket import Action, Status
from tests.respond.builders import (
    IMPLEMENTER,
    LEAD,
    OTHER_ROUTE,
    STRANGER,
    TRIAGE,
    at,
    attend,
    happen,
    new_ticket,
)
from tests.stores.tickets import (
    NOON,
    acknowledged,
    added,
    answered_late,
    denounced,
    ids,
    judged,
    one_of_each_kind,
    saved,
    worked_on,
)


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over each backend, empty."""
    return await open_store(backend)


@pytest.fixture
async def full_store(store: RespondStore) -> RespondStore:
    """The store with one ticket of each kind, stored in an order that no list has."""
    for name, ticket in sorted(one_of_each_kind().items(), key=lambda item: item[0][::-1]):
        await added(store, name, ticket)
    return store


IN_HAND = frozenset({Status.ASSIGNED, Status.IN_PROGRESS})
ANY = frozenset(Status)
RECEIVED_IN_ORDER = [
    "redirected", "answered", "denounced and screened", "denounced", "unclassified", "worked on", "assigned, not told",
    "new at 08", "in review", "new at 10", "urgent at 11",
]  # fmt: skip
LISTS = {
    "the desk's: urgent first, then the earliest due; nothing restricted or not classified yet": (
        lambda store, page: store.for_desk(page),
        ["urgent at 11", "assigned, not told", "new at 08", "new at 10", "in review"],
    ),
    "the lead agency's": (
        lambda store, page: store.for_agency(LEAD, ANY, page),
        ["assigned, not told", "worked on", "answered"],
    ),
    "an implementing agency's": (
        lambda store, page: store.for_agency(IMPLEMENTER, ANY, page),
        ["assigned, not told", "worked on", "answered"],
    ),
    "an agency's in one status": (
        lambda store, page: store.for_agency(LEAD, frozenset({Status.IN_PROGRESS}), page),
        ["worked on"],
    ),
    "another agency's": (lambda store, page: store.for_agency(STRANGER, ANY, page), []),
    "the screeners': still to be screened first": (
        lambda store, page: store.restricted(page),
        ["denounced", "unclassified", "denounced and screened"],
    ),
    "the inspector's of what runs, restricted ones included": (
        lambda store, page: store.running(page),
        [
            "denounced and screened", "denounced", "unclassified", "assigned, not told", "new at 08", "new at 10",
            "urgent at 11", "worked on", "in review",
        ],
    ),
}  # fmt: skip


class TestLists:
    """Who sees what, and in which order; `access` decides the same for single tickets."""

    @pytest.mark.parametrize("which", LISTS)
    async def test_a_list_holds_its_tickets_in_its_order(self, full_store: RespondStore, which: str) -> None:
        ask, expected = LISTS[which]
        assert ids(await ask(full_store, Page())) == expected

    @pytest.mark.parametrize("which", LISTS)
    async def test_a_list_is_the_same_page_by_page(self, full_store: RespondStore, which: str) -> None:
        ask, expected = LISTS[which]
        pages = [ids(await ask(full_store, Page(offset=offset, limit=2))) for offset in range(0, 12, 2)]
        assert [name for page in pages for name in page] == expected
        assert await ask(full_store, Page(limit=0)) == await ask(full_store, Page(offset=12)) == []

    async def test_what_sorts_alike_stands_in_the_order_of_its_ids(self, store: RespondStore) -> None:
        names = [f"f{number}" for number in range(7)]
        for name in reversed(names):
            await added(store, name, acknowledged(attend(judged("2026-11-17 08:00"), NOON), "2026-11-18 12:30"))
            await added(store, f"secret {name}", denounced("2026-11-17 08:00"))
            await added(store, f"agency {name}", worked_on("2026-11-17 08:00"))
        lists = {
            "f": [store.for_desk, store.broken],
            "secret f": [store.restricted],
            "agency f": [lambda page: store.for_agency(LEAD, IN_HAND, page)],
        }
        for prefix, asked in lists.items():
            expected = [f"{prefix}{name[1:]}" for name in names]
            for ask in asked:
                assert [ids(await ask(Page(offset=n, limit=1))) for n in range(7)] == [[name] for name in expected]

    async def test_counts_are_those_of_the_lists(self, full_store: RespondStore) -> None:
        assert await full_store.count_for_desk() == len(await full_store.for_desk(Page())) == 5
        expected = {Status.ASSIGNED: 1, Status.IN_PROGRESS: 1, Status.ANSWERED: 1}
        assert await full_store.count_for_agency(LEAD) == expected
        assert await full_store.count_for_agency(IMPLEMENTER) == expected
        assert await full_store.count_for_agency(STRANGER) == {}

    async def test_what_was_received_since_an_instant(self, full_store: RespondStore) -> None:
        received = {
            since: ids(await full_store.all_received(at(since)))
            for since in ("2026-11-16 07:00", "2026-11-16 07:01", "2026-11-18 11:00", "2026-11-18 11:01")
        }
        assert received == {
            "2026-11-16 07:00": RECEIVED_IN_ORDER,
            "2026-11-16 07:01": RECEIVED_IN_ORDER[1:],
            "2026-11-18 11:00": ["urgent at 11"],
            "2026-11-18 11:01": [],
        }

    async def test_a_ticket_moves_between_lists_as_it_changes(self, store: RespondStore) -> None:
        ticket = await added(store, "f1", new_ticket(at("2026-11-18 08:00")))

        async def where() -> set[str]:
            asked = {
                "desk": await store.for_desk(Page()),
                "screeners": await store.restricted(Page()),
                "lead": await store.for_agency(LEAD, IN_HAND, Page()),
                "other": await store.for_agency(STRANGER, IN_HAND, Page()),
                "running": await store.running(Page()),
            }
            return {name for name, found in asked.items() if found}

        moves = {
            "classified": ({"desk", "running"}, lambda _: judged("2026-11-18 08:00")),
            "told": ({"desk", "running"}, lambda t: acknowledged(t, "2026-11-18 08:10")),
            "assigned": (
                {"lead", "running"},
                lambda t: happen(t, [(Action.ASSIGN, TRIAGE, "2026-11-18 08:20")]),
            ),
            "reassigned": (
                {"other", "running"},
                lambda t: happen(t, [(Action.REASSIGN, TRIAGE, "2026-11-18 08:30")], route=OTHER_ROUTE),
            ),
            "restricted": (
                {"screeners", "running"},
                lambda t: happen(t, [(Action.RESTRICT, TRIAGE, "2026-11-18 08:40")]),
            ),
        }
        assert await where() == {"screeners", "running"}
        for move, (expected, made) in moves.items():
            ticket = await saved(store, ticket, made(ticket))
            assert (move, await where()) == (move, expected)
        assert await store.count_for_desk() == 0
        assert await store.count_for_agency(LEAD) == await store.count_for_agency(STRANGER) == {}

    async def test_the_newest_breach_comes_first_whatever_became_of_the_ticket(self, store: RespondStore) -> None:
        early = await added(store, "early", attend(judged("2026-11-18 08:00"), "2026-11-19 09:00"))
        await added(store, "secret", attend(denounced("2026-11-18 09:00"), "2026-11-19 10:00"))
        await added(store, "kept", judged("2026-11-18 09:00"))
        assert ids(await store.broken(Page())) == ["secret", "early"]
        answered = answered_late(early, "2026-11-19")
        early = await saved(store, early, answered)
        assert ids(await store.broken(Page())) == ["secret", "early"]
        again = happen(answered, [(Action.REOPEN, TRIAGE, "2026-11-20 08:00")])
        await saved(store, early, attend(again, "2026-12-30 08:00"))
        assert ids(await store.broken(Page())) == ["early", "secret"]
