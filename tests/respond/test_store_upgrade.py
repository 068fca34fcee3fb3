"""A database of an earlier release answers what this release asks of it as soon as this one has opened it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.plumbing.migrations import migrate
from hotline.plumbing.sqlite import Database
from services.respond.actions import attention_of
from services.respond.columns import columns_of
from services.respond.documents import encode_ticket
from services.respond.opening import open_store
from services.respond.store import ClocksDue
from services.respond.store_sqlite_tables import MIGRATIONS
from services.respond.ticket import Action, Ticket
from tests.respond.builders import (
    CALENDAR,
    RECEIVED_AT,
    TRIAGE,
    answered,
    assigned,
    at,
    attend,
    happen,
    in_progress,
    new_ticket,
)
from tests.respond.office import SECRET

NEW_COLUMNS = {"acknowledgement_due_at", "response_due_at", "is_late", "duplicate_of"}
FOUR_HOURS = timedelta(hours=4)


async def insert_as_before(database: Database, feedback_id: str, ticket: Ticket) -> None:
    """Store a ticket as the first release did."""
    columns = columns_of(ticket, attention_of(ticket, RECEIVED_AT, CALENDAR))
    values = {
        "feedback_id": feedback_id,
        "version": 1,
        "doc": encode_ticket(ticket),
        **{name: value for name, value in columns.items() if name not in NEW_COLUMNS},
    }
    statement = f"insert into respond_ticket ({', '.join(values)}) values ({', '.join('?' * len(values))})"
    await database.write(lambda connection: connection.execute(statement, tuple(values.values())))


async def test_the_clocks_of_an_earlier_release_are_counted(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})
    async with open_backend(settings) as backend:
        assert isinstance(backend.database, Database)
        await migrate(backend.database, "respond", MIGRATIONS[:1])
        for feedback_id, ticket in {
            "new": new_ticket(),
            "late": attend(assigned(new_ticket()), "2026-11-19 09:00"),
            "answered": answered(in_progress(new_ticket()), "2026-11-18 11:00"),
        }.items():
            await insert_as_before(backend.database, feedback_id, ticket)
        store = await open_store(backend)
        due = {
            when: await store.clocks_due(at(when), FOUR_HOURS)
            for when in ("2026-11-18 08:00", "2026-11-19 07:00", "2026-11-27 23:00")
        }
    # Received on 18/11 at 08:00: told within a day, answered by the end of 27/11.
    assert due == {
        "2026-11-18 08:00": ClocksDue(acknowledgement=0, response=0, late=1),
        "2026-11-19 07:00": ClocksDue(acknowledgement=2, response=0, late=1),
        "2026-11-27 23:00": ClocksDue(acknowledgement=0, response=2, late=1),
    }


async def test_the_duplicates_of_an_earlier_release_are_found(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})
    merged = happen(new_ticket(), [(Action.MARK_DUPLICATE, TRIAGE, "2026-11-18 09:00")])
    restored = happen(merged, [(Action.RESTORE, TRIAGE, "2026-11-18 10:00")])
    async with open_backend(settings) as backend:
        assert isinstance(backend.database, Database)
        await migrate(backend.database, "respond", MIGRATIONS[:1])
        for feedback_id, ticket in {"f1": merged, "f2": restored, "f3": new_ticket()}.items():
            await insert_as_before(backend.database, feedback_id, replace(ticket, feedback_id=feedback_id))
        store = await open_store(backend)
        assert [ticket.feedback_id for ticket in await store.duplicates_of("f0")] == ["f1"]
