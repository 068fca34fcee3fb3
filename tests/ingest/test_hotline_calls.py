"""The 1022 switchboard's signed calls, end to end on the real embedded backend."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from standardwebhooks.webhooks import Webhook

from tests.ingest.api_client import CALLS, faults, send
from tests.ingest.builders import WEBHOOK_SECRET, Desk

CALL = {
    "call_id": "1022-7781",
    "caller_number": "0912345678",
    "operator": "tdv-3",
    "started_at": "2026-11-24T09:50:00+07:00",
    "ended_at": "2026-11-24T09:54:00+07:00",
    "note": "Bà con báo mất nước ba ngày.",
}


def signed(raw: bytes, *, at: datetime | None = None, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """Return the Standard Webhooks headers of a body."""
    sent_at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", sent_at, raw.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }


async def send_call(api: TestClient[Any, Any], body: object) -> tuple[int, dict[str, Any]]:
    """Send a signed call."""
    raw = json.dumps(body).encode()
    return await send(api, raw, signed(raw), path=CALLS)


async def test_a_signed_call_is_taken_once(api: TestClient[Any, Any], desk: Desk) -> None:
    status, first = await send_call(api, CALL)
    assert status == 201
    assert first["received_at"] == "2026-11-24T09:50:00+07:00"
    assert (await send_call(api, CALL))[1] == first
    stored = await desk.intake.store.get(first["feedback_id"])
    assert stored is not None and stored.reporter is not None
    assert (stored.reporter.phone, stored.reachable_by) == ("+84912345678", ("phone",))
    assert await desk.count("ingest_feedback") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "msg_1", "webhook-timestamp": "nan", "webhook-signature": "v1,x"},
        {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"},
        {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "no comma"},
        signed(json.dumps(CALL).encode(), secret="whsec_" + base64.b64encode(b"x" * 24).decode()),
        signed(json.dumps(CALL).encode(), at=datetime.now(UTC) - timedelta(minutes=6)),
        signed(json.dumps({**CALL, "call_id": "other"}).encode()),
    ],
)
async def test_a_call_without_a_fitting_fresh_signature_is_refused(
    api: TestClient[Any, Any], desk: Desk, headers: dict[str, str]
) -> None:
    status, _ = await send(api, CALL, headers, path=CALLS)
    assert status == 401
    assert await desk.count("ingest_feedback") == 0


async def test_a_withheld_number_loses_no_call(api: TestClient[Any, Any]) -> None:
    assert (await send_call(api, {**CALL, "caller_number": "anonymous"}))[0] == 201


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"call_id": ""}, {("call_id", "call_id_missing")}),
        ({"started_at": None}, {("started_at", "value_missing")}),
        ({"started_at": "2027-01-01T00:00:00+07:00", "ended_at": None}, {("started_at", "received_at_future")}),
        ({"ended_at": "2026-11-24T09:00:00+07:00"}, {("ended_at", "call_ends_before_start")}),
        ({"caller_number": "12"}, {("caller_number", "phone_invalid")}),
        ({"note": ""}, {("note", "text_empty")}),
        ({"note": "", "call_id": None, "caller_number": "x"},
         {("note", "text_empty"), ("call_id", "call_id_missing"), ("caller_number", "phone_invalid")}),
    ],
)  # fmt: skip
async def test_a_faulty_call_is_named_in_the_switchboards_words(
    api: TestClient[Any, Any], changes: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    status, answer = await send_call(api, {**CALL, **changes})
    assert (status, faults(answer)) == (422, expected)


async def test_the_same_call_id_with_other_words_is_refused(api: TestClient[Any, Any]) -> None:
    await send_call(api, CALL)
    status, answer = await send_call(api, {**CALL, "note": "Nội dung khác"})
    assert (status, faults(answer)) == (409, {("call_id", "idempotency_conflict")})
