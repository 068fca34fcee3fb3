"""The ticker over a real database: what breaks on one ticket never stops the clocks of the others."""

import asyncio

from services.respond.actions import attend
from services.respond.ticker import tick
from tests.respond.office import Office


async def test_a_ticket_on_which_saving_breaks_stops_no_other_and_the_ticker_rests(office: Office) -> None:
    for feedback_id in ("f1", "f2", "f3"):
        await office.arrive(feedback_id)
    await office.desk.store.database.write(  # type: ignore[attr-defined]
        lambda connection: connection.execute(
            "create trigger broken before update on respond_ticket when old.feedback_id = 'f1'"
            " begin select raise(abort, 'this row cannot be written'); end"
        )
    )
    office.clock.now = office.clock.now.replace(year=2027)
    await asyncio.wait_for(tick(office.desk, office.clock), 20)
    assert [len((await office.ticket(known)).breaches) > 0 for known in ("f1", "f2", "f3")] == [False, True, True]
    assert await attend(office.desk, office.clock.now) == 0
