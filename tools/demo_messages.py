"""Sends the development messages the way citizens' words come in: the public API, signed 1022 calls, box slips.

Called by `demo`. Senders, numbers, boxes and instants are invented here. What is typed on the website was received when
it was sent; calls and slips were received in the days before, so that some promises of the demo are already broken.
"""

import asyncio
import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from standardwebhooks.webhooks import Webhook

from tools.load import new_session
from tools.messages import Message, commune_of, phone_of
from tools.processes import WEBHOOK_SECRET

AT_ONCE = 8
HOURS_BACK = 9 * 24
BOXES = (("HT-00694-01", "Phường Hà Giang 1"), ("HT-00691-01", "Phường Hà Giang 2"), ("HT-00700-01", "Xã Ngọc Đường"))
VILLAGES = ("Tổ 1", "Tổ 4", "Tổ 7", "Thôn Tà Vải", "Thôn Nà Báu", "")
OPERATORS = ("tdv01", "tdv02", "tdv03")


class NotTaken(Exception):
    """The server refused a message of the demo."""


def hours_ago(number: int) -> timedelta:
    """Return how long before now the `number`-th message was received, spread evenly over the last days."""
    return timedelta(minutes=number * 7919 % (HOURS_BACK * 60))


def place_of(number: int) -> dict[str, str]:
    """Return an invented place in one of three communes."""
    detail = VILLAGES[number % len(VILLAGES)]
    return {"commune_code": commune_of(number)} | ({"detail": detail} if detail else {})


def web_body(number: int, message: Message) -> dict[str, object]:
    """Return what the website's form would send; half of the senders stay anonymous."""
    reporter = {"reporter": {"phone": phone_of(number)}} if number % 2 else {}
    return {"channel": "web", "text": message.text, "place": place_of(number), **reporter}


def call_body(number: int, message: Message, now: datetime) -> dict[str, object]:
    """Return what the 1022 switchboard would send after a call."""
    started_at = now - hours_ago(number)
    return {
        "call_id": f"demo-{message.id}",
        "caller_number": phone_of(number),
        "operator": OPERATORS[number % len(OPERATORS)],
        "started_at": started_at.isoformat(timespec="seconds"),
        "ended_at": (started_at + timedelta(minutes=4)).isoformat(timespec="seconds"),
        "note": message.text,
        "place": place_of(number),
    }


def signed_headers(raw: bytes, message_id: str, now: datetime) -> dict[str, str]:
    """Return the Standard Webhooks headers over exactly these bytes."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(message_id, now, raw.decode()),
    }


async def send_all(url: str, messages: Sequence[Message], advance: Callable[[int], object]) -> None:
    """Send web messages and calls, a few at a time, calling `advance(1)` after each; raises NotTaken."""
    waiting = asyncio.Semaphore(AT_ONCE)

    async def send(number: int, message: Message) -> None:
        async with waiting:
            await send_one(session, url, number, message)
            advance(1)

    async with new_session() as session, asyncio.TaskGroup() as group:
        for number, message in enumerate(messages):
            group.create_task(send(number, message))


async def send_one(session: aiohttp.ClientSession, url: str, number: int, message: Message) -> None:
    """Send one message on its channel; raises NotTaken."""
    now = datetime.now(UTC)
    if message.channel == "hotline":
        path, raw = "/api/v1/hotline/calls", json.dumps(call_body(number, message, now), ensure_ascii=False).encode()
        headers = signed_headers(raw, f"demo-{message.id}", now)
    else:
        path, raw = "/api/v1/feedback", json.dumps(web_body(number, message), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demonstration-{message.id}"}
    async with session.post(url + path, data=raw, headers=headers) as answer:
        if answer.status != 201:
            said = await answer.text()
            raise NotTaken(f"{message.id}: {answer.status} {said[:300]}")


def write_box_slips(path: Path, slips: Sequence[Message]) -> Path:
    """Write the slips of three boxes, opened on different days, as a clerk's CSV."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["STT", "Hòm thư", "Ngày mở", "Nội dung", "Tỉnh", "Xã/Phường"])
        for number, slip in enumerate(slips):
            which = number % len(BOXES)
            box, commune = BOXES[which]
            opened_at = (now - timedelta(days=2 * which + 1)).isoformat()
            rows.writerow([number + 1, box, opened_at, slip.text, "Tuyên Quang", commune])
    return path
