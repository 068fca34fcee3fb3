"""What a mail server's answer to one letter does to that notice, and that it holds up no other (RFC 5321, 4.2.1)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.ingest import actions
from services.ingest.documents import Feedback, Notice, decode_notice
from services.ingest.notify import AT_ONCE, TRY_AGAIN_AFTER, Postman
from tests.ingest.builders import NOW, Desk, ticket_fact, ticket_of
from tests.ingest.test_actions import DRAFT, taken

pytestmark = pytest.mark.slow

BUSY, UNKNOWN, REFUSED = b"450 4.2.1 busy", b"550 5.1.1 no such mailbox", b"554 5.7.1 no"


@dataclass(slots=True)
class MailServer:
    """What a mail server without SMTPUTF8 answers to each recipient and sender, and what it took and was asked."""

    url: str = ""
    to: Mapping[str, bytes] = field(default_factory=dict)
    sender: bytes = b"250 ok"
    content: Mapping[str, bytes] = field(default_factory=dict)
    hangs_up_on: str = ""
    asked: list[str] = field(default_factory=list)
    took: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it says goodbye or is hung up on."""
        writer.write(b"220 ready\r\n")
        recipient = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            answer = b"250 ok"
            if verb == b"MAIL":
                answer = self.sender
            elif verb == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
                self.asked.append(recipient)
                answer = self.to.get(recipient, b"250 ok")
                if recipient == self.hangs_up_on:
                    break
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                answer = self.content.get(recipient, b"250 ok")
                self.took += [recipient] if answer == b"250 ok" else []
            elif verb == b"QUIT":
                answer = b"221 bye"
            writer.write(answer + b"\r\n")
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()


@contextlib.asynccontextmanager
async def listening(server: MailServer) -> AsyncIterator[MailServer]:
    """Let a mail server listen."""
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as socket:
        server.url = f"smtp://127.0.0.1:{socket.sockets[0].getsockname()[1]}"
        yield server


def postman(desk: Desk, server: MailServer) -> Postman:
    """Return the deliverer of notices."""
    return Postman(store=desk.intake.store, smtp_url=server.url, sender="1022@example.vn", clock=desk.clock)


async def sent_by(desk: Desk, *addresses: str) -> list[Feedback]:
    """Let a feedback of each address arrive, one notice each, in this order."""
    return [await taken(desk, replace(DRAFT, email=address, origin=None)) for address in addresses]


async def notices(desk: Desk) -> list[Notice]:
    """Return every notice as stored."""
    rows = await desk.backend.database.read(
        lambda connection: connection.execute("select doc from ingest_notice order by rowid").fetchall()
    )
    return [decode_notice(row["doc"]) for row in rows]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (MailServer(to={"bad@example.vn": UNKNOWN}), "recipient_550"),
        (MailServer(content={"bad@example.vn": REFUSED}), "content_554"),
    ],
)
async def test_a_letter_refused_for_good_is_given_up_with_the_reason_and_the_next_is_sent(
    desk: Desk, server: MailServer, reason: str
) -> None:
    await sent_by(desk, "bad@example.vn", "good@example.vn")
    async with listening(server):
        assert await postman(desk, server).deliver_waiting() == 1
    assert server.took == ["good@example.vn"]
    assert [(notice.given_up_because, notice.sent_at is not None) for notice in await notices(desk)] == [
        (reason, False),
        (None, True),
    ]
    assert await desk.intake.store.notices_to_send(desk.clock(), 9) == []


async def test_an_address_kept_before_the_rule_that_the_server_cannot_take_is_given_up(desk: Desk) -> None:
    (feedback,) = await sent_by(desk, "good@example.vn")
    (notice,) = await desk.intake.store.notices_to_send(desk.clock(), 9)
    assert feedback.reporter is not None
    reporter = replace(feedback.reporter, email="nguyễn@gmail.com")
    old = replace(feedback, feedback_id="older", tracking_code="202600000000", reporter=reporter)
    before = notice.created_at - timedelta(hours=1)
    await desk.intake.store.add(old, (), (replace(notice, notice_id="older", feedback_id="older", created_at=before),))
    async with listening(MailServer()) as server:
        assert await postman(desk, server).deliver_waiting() == 1
    assert server.took == ["good@example.vn"]
    assert [notice.given_up_because for notice in await notices(desk)] == [None, "address_unsupported"]


@pytest.mark.parametrize(
    "server",
    [MailServer(to={"busy@example.vn": BUSY}), MailServer(content={"busy@example.vn": b"451 4.3.0 later"})],
)
async def test_a_letter_refused_for_now_waits_its_time_and_the_next_is_sent(desk: Desk, server: MailServer) -> None:
    await sent_by(desk, "busy@example.vn", "good@example.vn")
    async with listening(server):
        man = postman(desk, server)
        assert [await man.deliver_waiting() for _ in range(3)] == [1, 0, 0]
        assert server.took == ["good@example.vn"] and server.asked.count("busy@example.vn") == 1
        server.to = server.content = {}
        desk.clock.move(TRY_AGAIN_AFTER)
        assert await man.deliver_waiting() == 1
    assert server.took == ["good@example.vn", "busy@example.vn"]


async def test_as_many_as_are_sent_at_once_may_wait_and_those_behind_still_go(desk: Desk) -> None:
    waiting = [f"busy{number}@example.vn" for number in range(AT_ONCE)]
    await sent_by(desk, *waiting)
    desk.clock.move(timedelta(seconds=1))
    behind = replace(DRAFT, email="good@example.vn", origin=None)
    await taken(desk, behind)
    async with listening(MailServer(to=dict.fromkeys(waiting, BUSY))) as server:
        man = postman(desk, server)
        assert [await man.deliver_waiting() for _ in range(2)] == [0, 1]
    assert server.took == ["good@example.vn"]


async def test_a_sender_that_is_refused_is_a_setting_to_mend_and_gives_nothing_up(desk: Desk) -> None:
    await sent_by(desk, "good@example.vn")
    async with listening(MailServer(sender=UNKNOWN)) as server:
        man = postman(desk, server)
        assert await man.deliver_waiting() == 0
        server.sender = b"250 ok"
        desk.clock.move(TRY_AGAIN_AFTER)
        assert await man.deliver_waiting() == 1


async def test_a_broken_connection_stops_the_round_and_gives_nothing_up(desk: Desk) -> None:
    await sent_by(desk, "first@example.vn", "second@example.vn")
    async with listening(MailServer(hangs_up_on="first@example.vn")) as server:
        with pytest.raises(OSError, match="closed"):
            await postman(desk, server).deliver_waiting()
        assert server.asked == ["first@example.vn"]
        server.hangs_up_on = ""
        assert await postman(desk, server).deliver_waiting() == 2


async def test_a_notice_that_goes_stale_says_so(desk: Desk) -> None:
    await sent_by(desk, "busy@example.vn")
    async with listening(MailServer(to={"busy@example.vn": BUSY})) as server:
        man = postman(desk, server)
        await man.deliver_waiting()
        desk.clock.move(timedelta(days=3, seconds=1))
        assert await man.deliver_waiting() == 0
    assert [notice.given_up_because for notice in await notices(desk)] == ["stale"]


async def test_what_was_written_before_a_restriction_is_not_sent_after_it_but_the_receipt_is(desk: Desk) -> None:
    (feedback,) = await sent_by(desk, "may@example.vn")
    states = (
        ticket_of(feedback, status="assigned", acknowledged_at=NOW),
        ticket_of(
            feedback, status="received", restricted=True, field=None, code=None, agency_id=None, agency_name=None
        ),
    )
    for seq, state in enumerate(states, start=1):
        await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, state, seq=seq), now=NOW)
    async with listening(MailServer()) as server:
        assert await postman(desk, server).deliver_waiting() == 1
    told = {notice.kind: notice.given_up_because or "sent" for notice in await notices(desk)}
    assert told == {"received": "sent", "acknowledged": "restricted"}
