"""A whole respond over a real database, with its pages and people, for the tests of the pages."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from hotline.facts import (
    Channel,
    Fact,
    FactKind,
    FeedbackState,
    Producer,
    State,
    fact_id_of,
)
from hotline.places import Place
from hotline.plumbing.bus import Bus
from hotline.promises import promise
from hotline.roles import Role, Session
from hotline.taxonomy import PetitionKind
from services.respond.actions import Desk, apply_fact, attend
from services.respond.consumer import GROUP, handler
from services.respond.ticket import Ticket
from tests.contract.facts_for_tests import judged
from tests.pages.client import Page, PageClient
from tests.respond.builders import at

START = at("2026-11-18 08:00")  # Wednesday; six working days later is Friday 27/11, as 24/11 is a day off
WORDS = "Đường vào tổ 5 hỏng nặng, xe máy ngã nhiều lần"
WARD = Place(
    province_code="08",
    province_name="Tuyên Quang",
    commune_code="00691",
    commune_name="Phường Hà Giang 2",
    detail="tổ 5",
)
SECRET = "a secret of at least thirty-two characters"


@dataclass(slots=True)
class StandingClock:
    """A clock that moves only when it is set."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True, kw_only=True)
class Office:
    """Everything a test of the pages needs."""

    desk: Desk
    app: web.Application
    bus: Bus
    clock: StandingClock
    browser: PageClient
    sent: dict[tuple[Producer, str], int] = field(default_factory=dict)

    async def receive(self, feedback_id: str = "f1", text: str = WORDS, **changes: Any) -> None:
        """Let a feedback arrive now; `changes` replace what it says."""
        rules, now = self.desk.rules, self.clock.now
        policy = rules.policies.choose(rules.locality, "web")
        said: dict[str, Any] = {"channel": Channel.WEB, "place": WARD, "reachable_by": ("page", "phone")}
        told = promise(now, policy, rules.calendar)
        state = FeedbackState(text=text, received_at=now, promise=told, **{**said, **changes})
        await self.tell(feedback_id, FactKind.FEEDBACK_RECEIVED, Producer.INGEST, state)

    async def classify(self, feedback_id: str = "f1", code: str = "6.3#giao_thong", **changes: Any) -> None:
        """Let a classification of it arrive now; `changes` replace what it says."""
        state = judged(**({"code": code, "decided_at": self.clock.now} | changes))
        await self.tell(feedback_id, FactKind.FEEDBACK_CLASSIFIED, Producer.CLASSIFY, state)

    async def tell(self, feedback_id: str, kind: FactKind, producer: Producer, state: State) -> None:
        """Let a fact arrive as the consumer hands it over."""
        seq = self.sent[producer, feedback_id] = self.sent.get((producer, feedback_id), -1) + 1
        fact = Fact(
            fact_id=fact_id_of(producer, feedback_id, 0, seq),
            kind=kind,
            feedback_id=feedback_id,
            producer=producer,
            epoch=0,
            seq=seq,
            at=self.clock.now,
            cause="test",
            state=state,
        )
        await apply_fact(self.desk, fact, self.clock.now)

    async def arrive(self, feedback_id: str = "f1", text: str = WORDS, **classification: Any) -> Ticket:
        """Let a feedback and its classification arrive; return the ticket."""
        await self.receive(feedback_id, text)
        await self.classify(feedback_id, **classification)
        return await self.ticket(feedback_id)

    async def restrict(self, feedback_id: str = "f1", text: str = "Tố cáo ông Nguyễn Văn Tham nhận tiền") -> Ticket:
        """Let a suspected denunciation arrive."""
        return await self.arrive(feedback_id, text, code="4.1", petition_kind=PetitionKind.TO_CAO, restricted=True)

    async def ticket(self, feedback_id: str = "f1") -> Ticket:
        """Return the ticket as it is stored."""
        found = await self.desk.store.get(feedback_id)
        assert found is not None
        return found

    async def settle(self) -> list[Fact]:
        """Let respond read its own facts as its loop does, until none is left; return those that there were."""
        handle, subscription = handler(self.desk, self.clock), self.bus.subscribe(GROUP)
        read: list[Fact] = []
        while await self.bus.lag(GROUP):
            batch = await subscription.next_batch(64)
            read += [self.bus.open(delivery) for delivery in batch]
            for fact in read[-len(batch) :]:
                await handle(fact)
            await subscription.ack(batch)
        await subscription.close()
        return read

    async def wait_until(self, when: str) -> None:
        """Set the clock and let the ticker do what is due."""
        self.clock.now = at(when)
        await attend(self.desk, self.clock.now)

    def sign_in(self, role: Role, *, agency_id: str | None = None, is_screener: bool = False, name: str = "") -> None:
        """Go on as another person."""
        session = Session(
            account_id=f"a-{role}",
            username=str(role),
            full_name=name or "Lò Thị Mẩy",
            role=role,
            agency_id=agency_id,
            is_screener=is_screener,
            issued_at=START - timedelta(hours=1),
            expires_at=START + timedelta(days=365),
        )
        self.browser.sign_in(session)

    async def open(self, feedback_id: str = "f1", *, status: int = 200) -> Page:
        """Open a ticket's page."""
        return await self.browser.get(f"/tickets/{feedback_id}", status=status)

    async def do(self, action: str, *, status: int = 200, **typed: str) -> Page:
        """Fill in and send the form of an action on the page shown."""
        fields = {f"{action}__{name}": value for name, value in typed.items()}
        return await self.browser.submit(f"do-{action.replace('_', '-')}", status=status, **fields)


def actions_on(page: Page) -> set[str]:
    """Return the actions that a ticket's page offers."""
    return {str(form.attributes.get("action")).rsplit("/", 1)[-1] for form in page.select("form[id^=do-]")}
