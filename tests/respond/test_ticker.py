"""The ticker over a real database: what breaks, on one ticket or for a while, never stops the clocks of the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hotline.facts import Fact
from hotline.plumbing.sqlite import Database
from hotline.roles import Role
from services.respond import actions, ticker
from services.respond.actions import SAVE_ATTEMPTS, Desk, act, attend, renew_promises
from services.respond.store import Attention, Conflict, RespondStore
from services.respond.ticker import Ticker, have_renewed, tick
from services.respond.ticket import Action, Ticket
from tests.respond.builders import session
from tests.respond.office import Office

NEW_DAY_OFF = date(2026, 11, 20)
WITH_NEW_DAY_OFF = "the calendar with a new day off"
NAMES = ("f1", "f2", "f3")


async def test_a_ticket_on_which_saving_breaks_stops_no_other_and_the_ticker_rests(office: Office) -> None:
    for feedback_id in NAMES:
        await office.arrive(feedback_id)
    await office.desk.store.database.write(  # type: ignore[attr-defined]
        lambda connection: connection.execute(
            "create trigger broken before update on respond_ticket when old.feedback_id = 'f1'"
            " begin select raise(abort, 'this row cannot be written'); end"
        )
    )
    office.clock.now = office.clock.now.replace(year=2027)
    await asyncio.wait_for(tick(office.desk, office.clock), 20)
    assert [len((await office.ticket(known)).breaches) > 0 for known in NAMES] == [False, True, True]
    assert await attend(office.desk, office.clock.now) == 0


class Overtaken:
    """A store in which somebody else saves the ticket just before, the first `times`; the rest is the real store's."""

    def __init__(self, store: RespondStore, times: int) -> None:
        self._store = store
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def save(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """Save, perhaps too late."""
        if self.times:
            self.times -= 1
            stored = await self._store.get(ticket.feedback_id)
            assert stored is not None
            await self._store.save(replace(stored, version=stored.version + 1), attention, ())
        await self._store.save(ticket, attention, facts)


def restarted(office: Office, store: Any = None) -> Desk:
    """Return respond as it starts again after the calendar got another day off."""
    old = office.desk.rules.calendar
    calendar = replace(old, days_off=old.days_off | {NEW_DAY_OFF}, version=WITH_NEW_DAY_OFF)
    return replace(office.desk, rules=replace(office.desk.rules, calendar=calendar), store=store or office.desk.store)


async def wait_in_review(office: Office) -> None:
    """Let tickets arrive whose earliest due instant is the promised answer's, which a day off moves."""
    for name in NAMES:
        ticket = await office.arrive(name, needs_review=True)
        told = {"how": "phone", "said": "Đã tiếp nhận"}
        await act(office.desk, session(Role.OPERATOR), ticket, Action.ACKNOWLEDGE, office.clock.now, **told)  # type: ignore[arg-type]


async def calendars(office: Office) -> list[str]:
    """Return on which calendars the running promises were counted."""
    return [(await office.ticket(name)).promise.calendar for name in NAMES]


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as it is so."""

    async def look() -> None:
        while not await is_so():  # noqa: ASYNC110 - the loop tells nobody
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 20)


class TestPromisesRenewed:
    """After a change of the calendar every running promise is counted on it, once, whatever comes in between."""

    async def test_every_running_promise_is_renewed_though_renewing_moves_it_in_the_list(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await wait_in_review(office)
        monkeypatch.setattr(actions, "ATTENTION_BATCH", 1)
        desk = restarted(office)
        assert [await renew_promises(desk, office.clock.now) for _ in range(2)] == [3, 0]
        assert await calendars(office) == [WITH_NEW_DAY_OFF] * 3

    async def test_who_is_overtaken_decides_again(self, office: Office) -> None:
        await wait_in_review(office)
        desk = restarted(office, Overtaken(office.desk.store, SAVE_ATTEMPTS - 1))
        assert await renew_promises(desk, office.clock.now) == 3
        assert await calendars(office) == [WITH_NEW_DAY_OFF] * 3

    async def test_who_is_overtaken_each_time_begins_again_and_goes_on_where_it_was(self, office: Office) -> None:
        await wait_in_review(office)
        desk = restarted(office, Overtaken(office.desk.store, SAVE_ATTEMPTS))
        with pytest.raises(Conflict):
            await renew_promises(desk, office.clock.now)
        assert await have_renewed(desk, office.clock)
        assert await calendars(office) == [WITH_NEW_DAY_OFF] * 3

    async def test_several_tickers_at_once_renew_each_promise_once(self, office: Office) -> None:
        await wait_in_review(office)
        desk = restarted(office)
        assert sum(await asyncio.gather(*(renew_promises(desk, office.clock.now) for _ in range(4)))) == 3
        for name in NAMES:
            renewals = [entry for entry in (await office.ticket(name)).history if entry.action is Action.RENEW]
            assert len(renewals) == 1

    async def test_a_store_that_is_away_at_the_start_is_waited_for(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await wait_in_review(office)
        database = office.desk.store.database  # type: ignore[attr-defined]
        monkeypatch.setattr(ticker, "PERIOD_S", 0.01)
        loop = Ticker(restarted(office), office.clock)
        await rename(database, "respond_ticket", "away")
        running = asyncio.create_task(loop.run())

        async def is_waiting() -> bool:
            return loop.trouble is not None

        async def is_done() -> bool:
            return await calendars(office) == [WITH_NEW_DAY_OFF] * 3

        try:
            await until(is_waiting)
            await rename(database, "away", "respond_ticket")
            await until(is_done)
        finally:
            running.cancel()


async def rename(database: Database, before: str, after: str) -> None:
    """Take a table away, or bring it back."""
    await database.write(lambda connection: connection.execute(f"alter table {before} rename to {after}"))
