"""respond's store keeps the same promises over both backends: versions, facts with their ticket, instants, counts."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hotline.plumbing.backend import Backend
from services.respond.opening import RELAYED, open_store
from services.respond.store import Attention, ClocksDue, Conflict, Page, RespondStore
from tests.respond.builders import at, attend, new_ticket
from tests.stores.tickets import (
    NOON,
    acknowledged,
    added,
    answered_late,
    ids,
    judged,
    named,
    next_of,
    one_of_each_kind,
    saved,
    told,
)
from tests.stores.watching import carried

DAY = timedelta(days=1)
HANOI = timezone(timedelta(hours=7))


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over each backend, empty."""
    return await open_store(backend)


class TestVersions:
    """Of two who decide on the same version one is told to decide again."""

    async def test_what_was_added_is_read_as_it_was(self, store: RespondStore) -> None:
        for name, ticket in one_of_each_kind().items():
            assert await store.get(name) is None
            stored = await added(store, name, ticket)
            assert await store.get(name) == stored

    async def test_a_feedback_has_one_ticket(self, store: RespondStore) -> None:
        first = await added(store, "f1", judged("2026-11-18 08:00"))
        with pytest.raises(Conflict):
            await added(store, "f1", judged("2026-11-18 09:00"))
        assert await store.get("f1") == first

    async def test_a_save_is_the_next_version_or_a_conflict(self, store: RespondStore) -> None:
        first = await added(store, "f1", judged("2026-11-18 08:00"))
        second = await saved(store, first, acknowledged(first, "2026-11-18 09:00"))
        assert await store.get("f1") == second
        for stale in (first, next_of(second, first)):
            with pytest.raises(Conflict):
                await saved(store, stale, first)
        assert await store.get("f1") == second

    async def test_what_was_never_added_cannot_be_saved(self, store: RespondStore) -> None:
        with pytest.raises(Conflict):
            await saved(store, judged("2026-11-18 08:00"), judged("2026-11-18 08:00"))
        assert await store.get("f1") is None

    async def test_of_many_at_once_one_adds_and_one_saves(self, store: RespondStore) -> None:
        tickets = [judged(f"2026-11-18 08:{minute:02}") for minute in range(8)]
        outcomes = await asyncio.gather(*(added(store, "f1", t) for t in tickets), return_exceptions=True)
        (first,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        assert await store.get("f1") == first
        outcomes = await asyncio.gather(*(saved(store, first, t) for t in tickets), return_exceptions=True)
        (second,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        assert await store.get("f1") == second
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == len(tickets) - 1


class TestFacts:
    """A fact is on the bus exactly when what it tells is stored."""

    async def test_facts_come_with_their_ticket_in_their_order(self, store: RespondStore, backend: Backend) -> None:
        first = await added(store, "f1", judged("2026-11-18 08:00"), facts=[told("f1", 1)])
        second = await saved(store, first, first, facts=[told("f1", 2), told("f1", 3)])
        await saved(store, second, second)
        assert await carried(backend, "respond", RELAYED) == [told("f1", seq) for seq in (1, 2, 3)]

    async def test_what_is_refused_tells_nothing(self, store: RespondStore, backend: Backend) -> None:
        first = await added(store, "f1", judged("2026-11-18 08:00"))
        for refused in (added(store, "f1", first, facts=[told("f1", 1)]), saved(store, next_of(first, first), first)):
            with pytest.raises(Conflict):
                await refused
        assert await carried(backend, "respond", RELAYED) == []


class TestInstants:
    """Whatever the offset they are written in, instants are compared as instants."""

    async def test_offsets_change_no_order(self, store: RespondStore) -> None:
        in_utc = datetime(2026, 11, 18, 1, 30, tzinfo=UTC)
        earlier, later = in_utc - timedelta(minutes=1), in_utc + timedelta(minutes=1)
        for name, instant in {
            "second": in_utc,
            "first": earlier.astimezone(HANOI),
            "third": later.astimezone(timezone(timedelta(hours=-9))),
        }.items():
            ticket = named(name, new_ticket(instant))
            due = Attention(
                next_attention_at=instant, next_due_at=instant, acknowledgement_due_at=instant, response_due_at=instant
            )
            await store.add(ticket, due, ())
        since, now = in_utc.astimezone(HANOI), earlier.astimezone(HANOI)
        assert ids(await store.running(Page())) == ["first", "second", "third"]
        assert ids(await store.all_received(since)) == ["second", "third"]
        assert ids(await store.needing_attention(since, 9)) == ["first", "second"]
        assert await store.clocks_due(now, timedelta(minutes=1)) == ClocksDue(acknowledgement=2, response=2, late=0)

    async def test_the_ticker_takes_what_has_waited_longest_and_no_more_than_asked(self, store: RespondStore) -> None:
        for minute in (3, 1, 2):
            ticket = named(f"f{minute}", new_ticket())
            await store.add(ticket, Attention(next_attention_at=NOON + timedelta(minutes=minute), next_due_at=None), ())
        await store.add(named("never", new_ticket()), Attention(next_attention_at=None, next_due_at=None), ())
        waiting = {
            minute: ids(await store.needing_attention(NOON + timedelta(minutes=minute), 9)) for minute in (0, 1, 2, 60)
        }
        assert waiting == {0: [], 1: ["f1"], 2: ["f1", "f2"], 60: ["f1", "f2", "f3"]}
        assert ids(await store.needing_attention(NOON + DAY, 2)) == ["f1", "f2"]
        first = await store.get("f1")
        assert first is not None
        await store.save(next_of(first, first), Attention(next_attention_at=None, next_due_at=None), ())
        assert ids(await store.needing_attention(NOON + DAY, 9)) == ["f2", "f3"]

    async def test_an_instant_without_a_time_zone_is_refused(self, store: RespondStore) -> None:
        naive = datetime(2026, 11, 18, 8, 0)  # noqa: DTZ001 - it is the one that must be refused
        for question in (store.all_received(naive), store.needing_attention(naive, 1), store.clocks_due(naive, DAY)):
            with pytest.raises(ValueError, match="time zone"):
                await question
        with pytest.raises(ValueError, match="time zone"):
            await store.add(named("f1", new_ticket()), Attention(next_attention_at=naive, next_due_at=None), ())
        assert await store.get("f1") is None


class TestClocksDue:
    """What soon runs out, and what is late: counts for whoever is to be warned, without any ticket in them."""

    async def test_only_clocks_that_run_and_run_out_in_time_are_counted(self, store: RespondStore) -> None:
        for name, ticket in one_of_each_kind().items():
            await added(store, name, ticket)
        await added(store, "late", attend(judged("2026-11-17 08:00"), NOON))
        asked = ("2026-11-18 12:00", "2026-11-19 08:00", "2026-11-27 23:00", "2026-11-28 23:59")
        due = {when: await store.clocks_due(at(when), DAY) for when in asked}
        assert due == {
            # All that came on 18/11 before noon and has not been acknowledged is due within a day of noon.
            "2026-11-18 12:00": ClocksDue(acknowledgement=7, response=0, late=1),
            "2026-11-19 08:00": ClocksDue(acknowledgement=3, response=0, late=1),
            "2026-11-27 23:00": ClocksDue(acknowledgement=0, response=9, late=1),
            "2026-11-28 23:59": ClocksDue(acknowledgement=0, response=0, late=1),
        }

    async def test_a_clock_that_has_stopped_is_counted_no_more(self, store: RespondStore) -> None:
        ticket = await added(store, "f1", attend(judged("2026-11-17 08:00"), NOON))
        response_due = at("2026-11-26 23:00")
        assert await store.clocks_due(response_due, DAY) == ClocksDue(acknowledgement=0, response=1, late=1)
        await saved(store, ticket, answered_late(ticket, "2026-11-18"))
        assert await store.clocks_due(response_due, DAY) == ClocksDue(acknowledgement=0, response=0, late=0)
