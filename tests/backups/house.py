"""Three services over one backend with all they do, but pages and a model: what backups are taken of and put back to.

Facts are handed to the real handlers one by one when a test says `settle`; the clock stands until it is moved.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import structs

from hotline.facts import Attachment, Channel, ClassificationState, Fact, FeedbackState, Outcome
from hotline.plumbing.backend import Backend
from hotline.plumbing.bus import Delivery
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.records import Record, pages_of
from hotline.plumbing.relay import Relay
from hotline.roles import Role, Session
from hotline.working_days import local_date
from services.backup import Taken, take_backup
from services.classify import actions as classify_actions
from services.classify import consumer as classify_consumer
from services.classify import opening as classify_opening
from services.classify.store import ClassifyStore
from services.ingest import actions as intake_actions
from services.ingest import consumer as intake_consumer
from services.ingest import opening as ingest_opening
from services.ingest.app import open_intake
from services.ingest.documents import Feedback
from services.ingest.feedback import Draft
from services.ingest.identity import from_key
from services.parts import SERVICES, open_parts
from services.reconcile import Reconciled, reconcile
from services.respond import actions as desk_actions
from services.respond import consumer as desk_consumer
from services.respond import opening as respond_opening
from services.respond.account_actions import create_account
from services.respond.accounts import Account
from services.respond.opening import open_desk
from services.respond.ticket import Action, Ticket
from services.restore import Restored, restore_backup
from tests.contract.facts_for_tests import judged
from tests.respond.builders import at

START = at("2026-11-18 08:00").astimezone(UTC)
PASSWORD = "nước chảy đá mòn 1022"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n"
DENOUNCED = "tố cáo"
RELAYED = {
    "ingest": ingest_opening.RELAYED,
    "classify": classify_opening.RELAYED,
    "respond": respond_opening.RELAYED,
}

Handle = Callable[[Fact], Awaitable[None]]


class Cut(Exception):
    """The power went out."""


def nothing(what: str, count: int) -> None:
    """Hear of progress and go on."""


@dataclass(slots=True)
class Cutter:
    """Hears of progress, and cuts the work off at a step."""

    at_step: int
    steps: int = 0

    def __call__(self, what: str, count: int) -> None:
        self.steps += 1
        if self.steps == self.at_step:
            raise Cut(what)


@dataclass(slots=True)
class Clock:
    """A clock that moves only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, minutes: int = 1) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)


async def judge(text: str, now: datetime) -> ClassificationState:
    """Judge as a model that is sure does; it takes some words for a denunciation."""
    if DENOUNCED in text:
        return judged(code="4.1", restricted=True, needs_review=True, decided_at=now)
    return judged(decided_at=now)


def session(role: Role, *, agency_id: str | None = None) -> Session:
    """Return somebody who is signed in; a triage officer screens too."""
    return Session(
        account_id=f"a-{role}", username=str(role), full_name="Hoàng Văn Nam", role=role, agency_id=agency_id,
        is_screener=role is Role.TRIAGE_OFFICER, issued_at=START, expires_at=START + timedelta(days=99),
    )  # fmt: skip


TRIAGE = session(Role.TRIAGE_OFFICER)


@dataclass(slots=True, kw_only=True)
class House:
    """The services over one backend. `open` them after a restore, as a start of hotline does."""

    backend: Backend
    clock: Clock
    intake: intake_actions.Intake = field(init=False)
    judgements: ClassifyStore = field(init=False)
    desk: desk_actions.Desk = field(init=False)

    async def open(self) -> "House":
        """Open the services' stores."""
        self.intake = await open_intake(self.backend)
        self.judgements = await classify_opening.open_store(self.backend)
        self.desk = await open_desk(self.backend)
        return self

    async def submit(self, key: str, *, text: str = "Đường có ổ gà", files: tuple[Attachment, ...] = ()) -> Feedback:
        """Take a feedback in under a key, from somebody with an e-mail address and a telephone."""
        draft = Draft(
            channel=Channel.WEB, text=f"{text} {key}", name="Lò Thị Mẩy", phone="0912345678", email="may@example.vn",
            attachments=files, origin=from_key("t", key),
        )  # fmt: skip
        return (await intake_actions.submit(self.intake, draft, now=self.clock())).feedback

    async def keep(self, owner: str, content: bytes) -> Attachment:
        """Keep a file."""
        return await self.backend.vault(owner).keep("don.pdf", PDF + content, field="attachments")

    async def add(self, feedback: Feedback, words: str) -> None:
        """Let the citizen say more."""
        self.clock.move()
        await intake_actions.add_information(self.intake, feedback.tracking_code, words, now=self.clock())

    async def erase(self, feedback: Feedback) -> None:
        """Erase a feedback, as `hotline erase` does."""
        assert await intake_actions.erase(self.intake, feedback.feedback_id, now=self.clock())

    async def correct(self, feedback: Feedback, code: str) -> None:
        """Let a reviewer say what a feedback is about; it becomes a label."""
        self.clock.move()
        known = await self.judgements.get(feedback.feedback_id)
        assert known is not None
        verdict = classify_actions.Verdict(
            version=known.version, code=code, second=None, petition_kind=known.state.petition_kind,
            restricted=known.state.restricted, urgent=False,
        )  # fmt: skip
        await classify_actions.decide(self.judgements, feedback.feedback_id, verdict, TRIAGE, self.clock())

    async def act(self, feedback: Feedback, who: Session, action: Action, **inputs: Any) -> Ticket:
        """Do something to a ticket."""
        self.clock.move()
        return await desk_actions.act(self.desk, who, await self.ticket(feedback), action, self.clock(), **inputs)

    async def answer(self, feedback: Feedback, *files: Attachment) -> None:
        """Let the agency to which a ticket went by itself answer it."""
        if (await self.ticket(feedback)).acknowledgement is None:
            await self.act(feedback, TRIAGE, Action.ACKNOWLEDGE, how="phone", said="Đã nhận")
        route = (await self.ticket(feedback)).route
        assert route is not None
        staff, head = (session(role, agency_id=route.answers) for role in (Role.AGENCY_STAFF, Role.AGENCY_HEAD))
        await self.act(feedback, staff, Action.START)
        await self.act(feedback, staff, Action.DRAFT, text="Đã sửa.", outcome=Outcome.SETTLED, files=files)
        today = local_date(self.clock())
        await self.act(feedback, head, Action.SIGN, number="12/UBND", signed_on=today, signatory="Lò Văn A")

    async def hire(self, username: str) -> Account:
        """Make an account."""
        return await create_account(
            self.desk.store, self.desk.rules.directory, username=username, full_name="Lù Thị Mai",
            role=Role.OPERATOR, password=PASSWORD, now=self.clock(),
        )  # fmt: skip

    async def ticket(self, feedback: Feedback) -> Ticket:
        """Return a ticket as it is stored."""
        found = await self.desk.store.get(feedback.feedback_id)
        assert found is not None
        return found

    async def settle(self) -> None:
        """Hand every fact to every service until none is left."""
        handlers: dict[str, tuple[Handle, frozenset[Any]]] = {
            "ingest": (intake_consumer.handler(self.intake, self.clock), intake_consumer.KINDS),
            "classify": (classify_consumer.handler(self.judgements, judge, self.clock), classify_consumer.KINDS),
            "respond": (desk_consumer.handler(self.desk, self.clock), desk_consumer.KINDS),
        }
        while await self.carry() or any([await self.backend.bus.lag(group) for group in handlers]):
            for group, (handle, kinds) in handlers.items():
                await self.read(group, handle, kinds)

    async def carry(self) -> int:
        """Carry what waits in documents to the bus; returns how many held something."""
        database, carried = self.backend.database, 0
        if isinstance(database, MongoDatabase):
            for service, collections in RELAYED.items():
                relay = Relay(database, self.backend.bus, service, collections, self.clock)
                carried += sum([await relay.carry(collection) for collection in relay.collections])
        return carried

    async def read(self, group: str, handle: Handle, kinds: frozenset[Any]) -> None:
        """Let one service read what it has not read."""
        bus = self.backend.bus
        reading = bus.subscribe(group)
        while await bus.lag(group):
            batch = await reading.next_batch(64)
            for fact in map(bus.open, batch):
                if fact.kind in kinds:
                    await handle(fact)
            await reading.ack(batch)
        await reading.close()

    async def backup(self, folder: Path, report: Callable[[str, int], None] = nothing) -> Taken:
        """Take a backup, as `hotline backup` does."""
        return await take_backup(self.backend, folder, report)

    async def restore(self, folder: Path, *names: str, report: Callable[[str, int], None] = nothing) -> Restored:
        """Restore, as `hotline restore` does; opens the services afterwards."""
        restored = await restore_backup(self.backend, folder, names or SERVICES, report)
        await self.open()
        return restored

    async def reconcile(self) -> Reconciled:
        """Reconcile, as `hotline reconcile` does."""
        return await reconcile(self.backend, nothing)

    async def everything(self) -> dict[str, list[Record]]:
        """Return all that the stores hold, whatever epoch its facts are counted under."""
        return {
            name: [
                store.with_epoch(record, 0)
                for kind in store.kinds
                async for page in pages_of(store, kind)
                for record in page
            ]
            for name, store in (await open_parts(self.backend)).items()
        }

    async def files(self, owner: str) -> dict[str, bytes]:
        """Return the files that documents refer to, by their ids."""
        ids = await (self.desk if owner == "answers" else self.intake).store.file_ids()
        vault = self.backend.vault(owner)
        return {file_id: b"".join([piece async for piece in await vault.chunks(file_id)]) for file_id in ids}

    async def facts(self) -> list[Delivery]:
        """Return every fact on the bus."""
        reading = self.backend.bus.subscribe_all(START - timedelta(days=99))
        found: list[Delivery] = []
        while batch := await reading.backlog(500):
            found += batch
        await reading.close()
        return found


async def live(house: House) -> dict[str, Feedback]:
    """Let one feedback of each kind come and be worked on; returns them by what is peculiar to each."""
    photo, letter = await house.keep("feedback", b"photo"), await house.keep("answers", b"letter")
    known = {
        "answered": await house.submit("1", files=(photo,)),
        "denounced": await house.submit("2", text=DENOUNCED),
        "erased": await house.submit("3"),
        "new": await house.submit("4"),
        "corrected": await house.submit("5"),
    }
    await house.hire("lan")
    await house.settle()
    await house.correct(known["corrected"], "7.1")
    await house.add(known["answered"], "ở tổ 5")
    await house.settle()
    await house.answer(known["answered"], letter)
    await house.erase(known["erased"])
    await house.settle()
    await send_one_notice(house)
    return known


async def send_one_notice(house: House) -> None:
    """Keep of the oldest notice that it was sent."""
    oldest, *_ = await house.intake.store.notices_to_send(house.clock(), 1)
    await house.intake.store.save_notice(structs.replace(oldest, sent_at=house.clock()))


def words_of(state: FeedbackState) -> list[str]:
    """Return all that a citizen said."""
    return [state.text, *(one.text for one in state.follow_ups)]
