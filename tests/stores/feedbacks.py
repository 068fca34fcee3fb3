"""What the tests of ingest's store are built from: feedbacks as the product makes them, and what is told of them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import bson
from msgspec.structs import replace

from hotline.config import sqlite_path
from hotline.facts import Attachment, Channel, Fact, FactKind
from hotline.places import load_gazetteer
from hotline.plumbing.backend import Backend
from hotline.plumbing.mongo import MongoDatabase
from hotline.promises import load_policies
from hotline.working_days import load_calendar
from services.ingest.documents import Batch, Feedback, Notice, erasure_of, fact_of
from services.ingest.feedback import Draft, Rules, accept
from services.ingest.identity import from_key
from services.ingest.opening import RELAYED
from tests.ingest.builders import NOW, SECRET, ticket_of
from tests.stores.watching import carried

NAME, PHONE, EMAIL = "Lò Thị Mẩy", "+84912345678", "may@example.vn"
MINUTE = timedelta(minutes=1)
PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
RULES = Rules(
    secret=SECRET.encode(),
    locality="ha-giang-2023",
    policies=load_policies(),
    calendar=load_calendar("ha-giang-2023"),
    gazetteer=load_gazetteer,
)


def feedback(key: str = "1", *, at: datetime = NOW, files: Sequence[Attachment] = (), phone: str = PHONE) -> Feedback:
    """Return what ingest makes of a message under a key: always the same id and code."""
    draft = Draft(
        channel=Channel.WEB,
        text=f"Mất nước {key}.",
        name=NAME,
        phone=phone,
        email=EMAIL,
        attachments=tuple(files),
        origin=from_key("t", key),
    )
    return accept(draft, now=at, rules=RULES, entropy=hashlib.sha256(key.encode()).digest())


def shown(known: Feedback, **changes: object) -> Feedback:
    """Return a feedback as it is once respond has opened a ticket."""
    return replace(known, ticket=ticket_of(known, **changes))


def received(known: Feedback) -> Fact:
    """Return the fact of its receipt."""
    return fact_of(known, FactKind.FEEDBACK_RECEIVED, cause="received:web", at=known.recorded_at)


def followed_up(known: Feedback) -> tuple[Feedback, Fact]:
    """Return a feedback on which something was said later, with its fact."""
    after = replace(known, seq=known.seq + 1)
    return after, fact_of(after, FactKind.FEEDBACK_FOLLOWED_UP, cause="added", at=NOW)


def erased(known: Feedback) -> Fact:
    """Return the fact of its erasure."""
    return erasure_of(known, at=NOW)


def notice(known: Feedback, cause: str = "received", *, at: datetime = NOW, kind: str = "received") -> Notice:
    """Return a notice about a feedback."""
    notice_id = hashlib.sha256(f"{known.feedback_id}{cause}{kind}".encode()).hexdigest()[:32]
    return Notice(
        notice_id=notice_id,
        feedback_id=known.feedback_id,
        cause=cause,
        kind=kind,
        recipient="email",
        subject="Đã nhận phản ánh",
        body="Chúng tôi đã nhận.",
        message_id=f"<{notice_id}@hotline>",
        created_at=at,
    )


def batch(total: int, done: int, *, name: str = "b1", at: datetime = NOW) -> Batch:
    """Return how far a batch is with the chunk that is stored next."""
    return Batch(batch_id=name, file_name="phieu.xlsx", started_at=at, entered_by="lan", total=total, done=done)


def rows(*feedbacks: Feedback) -> list[tuple[Feedback, Fact]]:
    """Return feedbacks as a chunk of a batch."""
    return [(one, received(one)) for one in feedbacks]


def ids(documents: Sequence[Feedback | Notice]) -> list[str]:
    """Return what documents are of, in their order."""
    return [document.feedback_id for document in documents]


async def stored_bytes(backend: Backend) -> bytes:
    """Return all that the backend's database holds, as somebody finds it who has the disk and no key."""
    if isinstance(backend.database, MongoDatabase):
        names = (*RELAYED, "ingest_batch")
        return b"".join(
            [bson.encode(one) for name in names async for one in backend.database.collection(name).each({})]
        )
    path = sqlite_path(backend.settings.store_url)
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


async def on_the_bus(backend: Backend) -> list[Fact]:
    """Let ingest's facts reach the bus and return all that are there."""
    return await carried(backend, "ingest", RELAYED)
