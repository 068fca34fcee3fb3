"""Bodies for load, drill and demo: the development messages with invented senders, an API body for each number.

Called by the tools. Reads the packaged messages; the phone numbers and addresses are made up here and belong to nobody.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = ROOT / "services" / "classify" / "data" / "messages.jsonl"
COMMUNES = ("00694", "00691", "00700")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One development message, without its label."""

    id: str
    text: str
    channel: str


@cache
def load_messages() -> tuple[Message, ...]:
    """Return the development messages in the order of their file."""
    with MESSAGES.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Message(id=row["id"], text=row["text"], channel=row["channel"]) for row in rows)


def phone_of(number: int) -> str:
    """Return an invented mobile number, always the same one for a number."""
    return f"+84 91{number * 7919 % 10_000_000:07d}"


def commune_of(number: int) -> str:
    """Return the code of a commune for a number, in turn."""
    return COMMUNES[number % len(COMMUNES)]


def body_of(number: int, key: str) -> dict[str, object]:
    """Return the API body of the `number`-th request; `external_id` carries `key`, so the stores can be counted by it.

    One sender in three leaves a phone number, one in five an e-mail address.
    """
    messages: Sequence[Message] = load_messages()
    message = messages[number % len(messages)]
    reporter: dict[str, str] = {}
    if number % 3 == 0:
        reporter["phone"] = phone_of(number)
    if number % 5 == 0:
        reporter["email"] = f"nguoi.dan.{number}@example.com"
    body: dict[str, object] = {
        "channel": message.channel,
        "text": message.text,
        "place": {"commune_code": commune_of(number)},
        "external_id": key,
    }
    return body | ({"reporter": reporter} if reporter else {})
