"""What anybody without an API key may send: small bodies, no files, keys of their own, not too often."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from hotline.config import Settings, load_settings
from services.ingest.api import SMALL_BODY_BYTES
from tests.ingest.api_client import FEEDBACK, GOOD, PARTNER, faults, send
from tests.ingest.builders import PARTNER_KEY, SECRET, Desk
from tests.pages.client import PageClient

PER_MINUTE = 3
PDF = b"%PDF-1.7\n%%EOF\n"
ONE_FILE = {**GOOD, "attachments": [{"name": "don.pdf", "content": base64.b64encode(PDF).decode()}]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings under which one address sends three feedbacks a minute."""
    return load_settings(
        {
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": SECRET,
            "API_KEYS": f"partner:{PARTNER_KEY}",
            "SUBMISSIONS_PER_MINUTE": str(PER_MINUTE),
        }
    )


def padded(size: int) -> bytes:
    """Return a good body of exactly so many bytes."""
    raw = json.dumps(GOOD).encode()
    return raw + b" " * (size - len(raw))


async def test_without_a_key_a_body_of_one_mebibyte_is_taken_and_a_byte_more_is_not(
    api: TestClient[Any, Any], desk: Desk
) -> None:
    assert (await send(api, padded(SMALL_BODY_BYTES)))[0] == 201
    status, answer = await send(api, padded(SMALL_BODY_BYTES + 1))
    assert (status, faults(answer)) == (413, {("body", "too_much_without_key")})
    assert "API" in answer["errors"][0]["message"] and "1 MB" in answer["errors"][0]["message"]
    assert (await send(api, padded(SMALL_BODY_BYTES + 1), PARTNER))[0] == 201
    assert await desk.count("ingest_feedback") == 2


async def test_a_body_without_a_length_is_read_no_further_than_the_limit(api: TestClient[Any, Any]) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 64 * SMALL_BODY_BYTES:
            sent += 65536
            yield b" " * 65536

    response = await api.post(FEEDBACK, data=endless(), headers={"Content-Type": "application/json"})
    assert response.status == 413 and sent < 32 * SMALL_BODY_BYTES


async def test_files_by_the_api_need_a_key(api: TestClient[Any, Any], desk: Desk) -> None:
    status, answer = await send(api, ONE_FILE)
    assert (status, faults(answer)) == (413, {("attachments", "too_much_without_key")})
    assert await desk.count("ingest_feedback") == 0
    assert (await send(api, ONE_FILE, PARTNER))[0] == 201


@pytest.mark.parametrize("key", ["1", "a-key", "x" * 15])
async def test_a_short_key_is_refused_to_the_public_and_taken_from_a_partner(
    api: TestClient[Any, Any], desk: Desk, key: str
) -> None:
    status, answer = await send(api, GOOD, {"Idempotency-Key": key})
    assert (status, faults(answer)) == (422, {("Idempotency-Key", "idempotency_key_short")})
    assert "16" in answer["errors"][0]["message"] and "UUID" in answer["errors"][0]["message"]
    assert await desk.count("ingest_feedback") == 0
    assert (await send(api, GOOD, {"Idempotency-Key": key, **PARTNER}))[0] == 201
    assert (await send(api, GOOD, {"Idempotency-Key": key + "x" * 15}))[0] == 201


async def test_one_address_sends_so_many_a_minute_and_a_partner_as_many_as_it_likes(
    api: TestClient[Any, Any], desk: Desk
) -> None:
    assert [(await send(api, GOOD))[0] for _ in range(PER_MINUTE)] == [201] * PER_MINUTE
    response = await api.post(FEEDBACK, json=GOOD)
    assert (response.status, response.headers["Retry-After"]) == (429, "60")
    assert faults(await response.json(content_type=None)) == {("body", "too_many_sent")}
    assert await desk.count("ingest_feedback") == PER_MINUTE
    assert {(await send(api, GOOD, PARTNER))[0] for _ in range(2 * PER_MINUTE)} == {201}
    desk.clock.move(timedelta(seconds=20))
    assert [(await send(api, GOOD))[0] for _ in range(2)] == [201, 429]


async def test_the_form_sent_too_often_shows_what_was_typed_and_takes_it_a_minute_later(
    browser: PageClient, desk: Desk
) -> None:
    for _ in range(PER_MINUTE):
        await browser.get("/")
        await browser.submit("gui", text="Mất nước ba ngày")
    await browser.get("/")
    files = {"attachments": [("don.pdf", PDF, "application/pdf")]}
    page = await browser.submit("gui", text="Đường vào thôn bị sạt", files=files, status=429)
    assert page.errors == [
        "Nơi này vừa gửi quá nhiều phản ánh. Phản ánh này chưa được ghi nhận: hãy đợi một phút rồi gửi lại."
    ]
    assert page.value("text") == "Đường vào thôn bị sạt"
    assert not list(desk.intake.vault.folder.rglob("*"))
    desk.clock.move(timedelta(minutes=1))
    await browser.submit("gui")
    assert await desk.count("ingest_feedback") == PER_MINUTE + 1
