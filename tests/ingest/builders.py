"""What the tests of intake build with: constants, the clock, the desk, respond's states."""

import dataclasses
from datetime import UTC, datetime, timedelta

from aiohttp import web

from hotline.facts import Fact, FactKind, Producer, TicketState, fact_id_of
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus import Delivery
from hotline.web.service import Service
from services.ingest.actions import Intake
from services.ingest.documents import Feedback

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SECRET = "a secret of the tests, long enough to be taken"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PARTNER_KEY = "partner-key-0123456789"


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def move(self, step: timedelta) -> None:
        """Let time pass."""
        self.at += step


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """Everything of one test: backend, intake, service, application, clock."""

    backend: Backend
    intake: Intake
    service: Service
    app: web.Application
    clock: StandingClock

    async def facts(self) -> list[Fact]:
        """Return every fact of the log, opened, in its order."""
        batch: list[Delivery] = []
        log = self.backend.bus
        rows = await self.backend.database.read(
            lambda connection: connection.execute("select count(*) from bus_fact").fetchone()[0]
        )
        if rows:
            batch = await log.subscribe("tests").next_batch(10_000)
        return [log.open(delivery) for delivery in batch]

    async def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(
            await self.backend.database.read(
                lambda connection: connection.execute(f"select count(*) from {table}").fetchone()[0]
            )
        )


def ticket_of(feedback: Feedback, **changes: object) -> TicketState:
    """Return respond's state of a feedback, in progress at a commune unless changed."""
    state = TicketState(
        status="in_progress",
        restricted=False,
        acknowledgement_due_at=feedback.promise.acknowledgement_due_at,
        response_due_at=feedback.promise.response_due_at,
        field="Kiểm soát tham nhũng trong khu vực công",
        code="5.3",
        agency_id="ubnd-xa-00700",
        agency_name="UBND xã Ngọc Đường",
    )
    return dataclasses.replace(state, **changes)  # type: ignore[arg-type]


def ticket_fact(feedback_id: str, state: TicketState, *, seq: int, epoch: int = 0) -> Fact:
    """Return respond's fact with that state."""
    return Fact(
        fact_id=fact_id_of(Producer.RESPOND, feedback_id, epoch, seq),
        kind=FactKind.TICKET_CHANGED,
        feedback_id=feedback_id,
        producer=Producer.RESPOND,
        epoch=epoch,
        seq=seq,
        at=NOW,
        cause="changed",
        state=state,
    )
