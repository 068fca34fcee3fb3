"""The JSON edge end to end on the real embedded backend."""

import asyncio
import base64
import io
import logging
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient
from PIL import Image

from hotline.facts import FactKind, FeedbackState, Outcome, PublicAnswer
from hotline.tracking import parse_tracking_code
from services.ingest import actions
from tests.ingest.api_client import FEEDBACK, GOOD, PARTNER, faults, send
from tests.ingest.builders import NOW, Desk, ticket_fact, ticket_of

pytestmark = pytest.mark.slow


async def test_a_text_and_a_channel_are_enough(api: TestClient[Any, Any], desk: Desk) -> None:
    status, answer = await send(api, GOOD)
    assert status == 201
    assert set(answer) == {
        "feedback_id", "tracking_code", "received_at", "acknowledgement_due_at", "response_due_at",
    }  # fmt: skip
    assert answer["received_at"] == "2026-11-24T10:00:00+07:00"
    assert answer["acknowledgement_due_at"] == "2026-11-25T10:00:00+07:00"
    assert answer["response_due_at"].endswith("T23:59:59+07:00")
    assert parse_tracking_code(answer["tracking_code"]) == answer["tracking_code"]
    facts = await desk.facts()
    assert [fact.kind for fact in facts] == [FactKind.FEEDBACK_RECEIVED]
    assert isinstance(facts[0].state, FeedbackState) and facts[0].state.text == GOOD["text"]


async def test_the_same_key_and_body_give_the_same_answer(api: TestClient[Any, Any], desk: Desk) -> None:
    key = {"Idempotency-Key": "a-key-of-16-chars"}
    first = await send(api, GOOD, key)
    desk.clock.move(timedelta(hours=2))
    second = await send(api, GOOD, key)
    assert first == second
    assert await desk.count("ingest_feedback") == 1
    assert len(await desk.facts()) == 1


async def test_fifty_requests_at_once_under_one_key_are_one_feedback(api: TestClient[Any, Any], desk: Desk) -> None:
    answers = await asyncio.gather(*(send(api, GOOD, {"Idempotency-Key": "k" * 16}) for _ in range(50)))
    assert {status for status, _ in answers} == {201}
    assert len({answer["tracking_code"] for _, answer in answers}) == 1
    assert await desk.count("ingest_feedback") == 1
    assert len(await desk.facts()) == 1


async def test_the_same_key_with_another_body_is_refused(api: TestClient[Any, Any], desk: Desk) -> None:
    key = {"Idempotency-Key": "a-key-of-16-chars"}
    await send(api, GOOD, key)
    status, answer = await send(api, {**GOOD, "text": "Việc khác"}, key)
    assert status == 409
    assert faults(answer) == {("Idempotency-Key", "idempotency_conflict")}
    assert await desk.count("ingest_feedback") == 1


async def test_keys_of_the_public_and_of_a_partner_never_meet(api: TestClient[Any, Any]) -> None:
    key = {"Idempotency-Key": "a-key-of-16-chars"}
    _, of_the_public = await send(api, GOOD, key)
    _, of_the_partner = await send(api, GOOD, {**key, **PARTNER})
    assert of_the_public["feedback_id"] != of_the_partner["feedback_id"]


async def test_a_partners_own_id_makes_its_retry_one_feedback(api: TestClient[Any, Any], desk: Desk) -> None:
    body = {**GOOD, "external_id": "A-17"}
    first, second = [await send(api, body, PARTNER) for _ in range(2)]
    assert first == second
    assert await desk.count("ingest_feedback") == 1


async def test_two_messages_without_a_key_are_two(api: TestClient[Any, Any], desk: Desk) -> None:
    await send(api, GOOD)
    await send(api, GOOD)
    assert await desk.count("ingest_feedback") == 2


# One row a bad input of the issue: what is sent, and the exact field and code that are said.
BAD = [
    ({}, {("channel", "channel_missing"), ("text", "text_empty")}),
    ({"channel": "web", "text": ""}, {("text", "text_empty")}),
    ({"channel": "web", "text": " \n\t\u200b "}, {("text", "text_empty")}),
    ({"channel": "web", "text": "?!… ---"}, {("text", "text_only_symbols")}),
    ({"channel": "web", "text": "đ" * 100_000}, {("text", "text_too_long")}),
    ({"channel": "web", "text": "Đường\x00hỏng"}, {("text", "nul_refused")}),
    ({"channel": "fax", "text": "Đường hỏng"}, {("channel", "channel_unknown")}),
    ({"channel": "web", "text": 7}, {("text", "value_not_text")}),
    ({**GOOD, "reporter": {"phone": "0912"}}, {("reporter.phone", "phone_invalid")}),
    ({**GOOD, "reporter": {"phone": "số tôi"}}, {("reporter.phone", "phone_invalid")}),
    ({**GOOD, "reporter": {"email": "a@b"}}, {("reporter.email", "email_invalid")}),
    ({**GOOD, "reporter": {"name": "x" * 201}}, {("reporter.name", "value_too_long")}),
    ({**GOOD, "reporter": "Lò Thị Mẩy"}, {("reporter", "value_not_object")}),
    ({**GOOD, "place": {"province": "Atlantis"}}, {("place.province", "place_province_unknown")}),
    ({**GOOD, "place": {"province": "Tuyên Quang", "commune": "Xã Không Có"}},
     {("place.commune", "place_commune_unknown")}),
    ({**GOOD, "place": {"commune_code": "99999"}}, {("place.commune", "place_commune_code_unknown")}),
    ({**GOOD, "place": {"commune": "Krông Nô"}}, {("place.commune", "place_commune_ambiguous")}),
    ({**GOOD, "place": {"detail": "thôn Nà Ngoan"}}, {("place.province", "place_province_missing")}),
    ({**GOOD, "received_at": "2026-11-20T08:00:00+07:00"}, {("received_at", "received_at_not_for_channel")}),
    ({**GOOD, "received_at": "hôm qua"}, {("received_at", "received_at_unreadable")}),
    ({**GOOD, "received_at": "2026-11-20T08:00:00"}, {("received_at", "received_at_without_zone")}),
    ({**GOOD, "external_id": "x" * 201}, {("external_id", "value_too_long")}),
    ({**GOOD, "txet": "x"}, {("txet", "field_unknown")}),
    ({**GOOD, "attachments": {}}, {("attachments", "value_not_list")}),
    ({**GOOD, "attachments": [{"name": "a.jpg"}]}, {("attachments[0].content", "value_missing")}),
    ({"channel": "web", "reporter": {"phone": "1", "email": "x"}, "place": {"province": "Atlantis"}, "z": 1},
     {("text", "text_empty"), ("reporter.phone", "phone_invalid"), ("reporter.email", "email_invalid"),
      ("place.province", "place_province_unknown"), ("z", "field_unknown")}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BAD)
async def test_bad_input_is_named_by_field_and_nothing_is_stored(
    api: TestClient[Any, Any], desk: Desk, body: object, expected: set[tuple[str, str]]
) -> None:
    status, answer = await send(api, body)
    assert status == 422
    assert faults(answer) == expected
    assert all(error["message"] for error in answer["errors"])
    assert await desk.count("ingest_feedback") == 0
    assert await desk.count("bus_fact") == 0
    assert not list(desk.backend.settings.files_dir.rglob("*"))


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "body_empty"),
        (b"{", 400, "body_not_json"),
        (b"[]", 400, "body_not_object"),
        (b'"text"', 400, "body_not_object"),
        ('{"channel":"web","text":"Đường hỏng"}'.encode("utf-16"), 400, "body_not_utf8"),
        (b'{"channel":"web","text":"\xd0\xdd\xf2ng"}', 400, "body_not_utf8"),
        (b"[" * 100_000, 400, "body_not_json"),
    ],
)
async def test_a_body_that_cannot_be_read_says_why(
    api: TestClient[Any, Any], raw: bytes, status: int, code: str
) -> None:
    answered, answer = await send(api, raw)
    assert (answered, faults(answer)) == (status, {("body", code)})


@pytest.mark.parametrize("escaped", [b"\\ud800", b"\\udfff x"])
async def test_half_a_surrogate_pair_is_refused_not_stored(
    api: TestClient[Any, Any], desk: Desk, escaped: bytes
) -> None:
    status, answer = await send(api, b'{"channel":"web","text":"a' + escaped + b'"}')
    assert status in {400, 422}
    assert answer["errors"]
    assert await desk.count("ingest_feedback") == 0


async def test_a_form_sent_as_form_is_told_to_be_json(api: TestClient[Any, Any]) -> None:
    response = await api.post(FEEDBACK, data=FormData({"text": "x"}))
    assert response.status == 415
    assert faults(await response.json(content_type=None)) == {("body", "body_not_json_type")}


@pytest.mark.parametrize("key", ["đ", "x" * 256])
async def test_a_strange_idempotency_key_is_refused(api: TestClient[Any, Any], key: str) -> None:
    status, answer = await send(api, GOOD, {"Idempotency-Key": key})
    assert (status, faults(answer)) == (422, {("Idempotency-Key", "idempotency_key_bad")})


async def test_html_and_script_are_kept_as_the_text_they_are(api: TestClient[Any, Any], desk: Desk) -> None:
    text = "<script>alert('x')</script> <b>Đường hỏng</b>"
    _, answer = await send(api, {**GOOD, "text": text})
    stored = await desk.intake.store.get(answer["feedback_id"])
    assert stored is not None and stored.text == text


async def test_combining_marks_are_composed(api: TestClient[Any, Any], desk: Desk) -> None:
    _, answer = await send(api, {**GOOD, "text": "Đươ\u0300ng ho\u0309ng"})
    stored = await desk.intake.store.get(answer["feedback_id"])
    assert stored is not None and stored.text == "Đường hỏng"


@pytest.mark.parametrize("channel", ["hotline", "box", "reception"])
async def test_other_channels_than_web_need_a_key(api: TestClient[Any, Any], desk: Desk, channel: str) -> None:
    status, answer = await send(api, {**GOOD, "channel": channel})
    assert (status, faults(answer)) == (403, {("channel", "channel_needs_key")})
    status, answer = await send(api, {"channel": channel, "text": " ", "reporter": {"phone": "12"}})
    assert status == 403
    said = {("channel", "channel_needs_key"), ("text", "text_empty"), ("reporter.phone", "phone_invalid")}
    assert faults(answer) == said
    status, _ = await send(api, {**GOOD, "channel": channel}, {"Authorization": "Bearer wrong"})
    assert status == 401
    status, _ = await send(api, {**GOOD, "channel": channel}, PARTNER)
    assert status == 201
    assert await desk.count("ingest_feedback") == 1


@pytest.mark.parametrize(
    ("received_at", "code"),
    [
        ("2026-11-24T10:05:01+07:00", "received_at_future"),
        ("2027-11-24T10:00:00+07:00", "received_at_future"),
        ("2025-11-24T09:59:59+07:00", "received_at_too_old"),
    ],
)
async def test_late_entered_paper_has_a_believable_instant(
    api: TestClient[Any, Any], received_at: str, code: str
) -> None:
    body = {"channel": "reception", "text": "Đường hỏng", "received_at": received_at}
    status, answer = await send(api, body, PARTNER)
    assert (status, faults(answer)) == (422, {("received_at", code)})


async def test_the_clocks_of_late_entered_paper_run_from_its_receipt(api: TestClient[Any, Any]) -> None:
    body = {"channel": "box", "text": "Đường hỏng", "received_at": "2026-11-20T08:00:00+07:00"}
    _, answer = await send(api, body, PARTNER)
    assert answer["received_at"] == "2026-11-20T08:00:00+07:00"
    assert answer["acknowledgement_due_at"] == "2026-11-21T08:00:00+07:00"


async def test_a_clock_a_little_fast_never_promises_into_the_future(api: TestClient[Any, Any]) -> None:
    body = {"channel": "box", "text": "Đường hỏng", "received_at": "2026-11-24T10:04:00+07:00"}
    _, answer = await send(api, body, PARTNER)
    assert answer["received_at"] == "2026-11-24T10:00:00+07:00"


async def test_a_place_is_found_by_old_and_undiacritised_names(api: TestClient[Any, Any], desk: Desk) -> None:
    _, answer = await send(api, {**GOOD, "place": {"province": "ha giang", "commune": "ngoc duong", "detail": "tổ 3"}})
    stored = await desk.intake.store.get(answer["feedback_id"])
    assert stored is not None and stored.place is not None
    assert (stored.place.province_code, stored.place.commune_code, stored.place.detail) == ("08", "00700", "tổ 3")


def picture() -> bytes:
    """Return a small JPEG that says in its EXIF where it was taken."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Phone of Lò Thị Mẩy"
    Image.new("RGB", (40, 30), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_a_photo_is_kept_without_its_metadata(api: TestClient[Any, Any], desk: Desk) -> None:
    content = base64.b64encode(picture()).decode()
    _, answer = await send(api, {**GOOD, "attachments": [{"name": "../anh.jpeg", "content": content}]}, PARTNER)
    stored = await desk.intake.store.get(answer["feedback_id"])
    assert stored is not None and len(stored.attachments) == 1
    kept = desk.intake.vault.path_of(stored.attachments[0].file_id).read_bytes()
    assert b"Phone of" in picture() and b"Phone of" not in kept
    assert not Image.open(io.BytesIO(kept)).getexif()
    assert stored.attachments[0].name == "anh.jpg"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("virus.jpg", b"MZ\x90\x00" + b"\x00" * 200, "file_disguised"),
        ("page.pdf", b"<html><script>alert(1)</script></html>", "file_disguised"),
        ("notes.docx", b"PK\x03\x04" + b"\x00" * 200, "file_type_refused"),
        ("empty.jpg", b"", "file_empty"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 100, "file_broken"),
        ("cut.pdf", b"%PDF-1.7 and no end", "file_broken"),
        ("live.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "file_heic"),
        ("big.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * (10 * 1024 * 1024), "file_too_large"),
    ],
)
async def test_disguised_and_broken_files_are_refused_whole(
    api: TestClient[Any, Any], desk: Desk, name: str, content: bytes, code: str
) -> None:
    sent = [{"name": name, "content": base64.b64encode(content).decode()}]
    status, answer = await send(api, {**GOOD, "attachments": sent}, PARTNER)
    assert (status, faults(answer)) == (422, {("attachments[0]", code)})
    assert await desk.count("ingest_feedback") == 0


async def test_a_file_that_is_not_base64_is_named(api: TestClient[Any, Any], desk: Desk) -> None:
    status, answer = await send(api, {**GOOD, "attachments": [{"name": "a.jpg", "content": "@@"}]}, PARTNER)
    assert (status, faults(answer)) == (422, {("attachments[0].content", "base64_invalid")})
    assert await desk.count("ingest_feedback") == 0


async def test_a_sixth_file_is_refused(api: TestClient[Any, Any]) -> None:
    content = base64.b64encode(picture()).decode()
    status, answer = await send(api, {**GOOD, "attachments": [{"name": "a.jpg", "content": content}] * 6}, PARTNER)
    assert (status, faults(answer)) == (422, {("attachments", "files_too_many")})


async def test_the_public_state_follows_the_ticket(api: TestClient[Any, Any], desk: Desk) -> None:
    _, receipt = await send(api, GOOD)
    path = f"{FEEDBACK}/{receipt['tracking_code']}"
    before = await (await api.get(path)).json()
    assert before == {
        "status": "received", "field": None, "agency": None, "answer": None,
        "acknowledgement_due_at": receipt["acknowledgement_due_at"], "response_due_at": receipt["response_due_at"],
    }  # fmt: skip
    feedback = await desk.intake.store.get(receipt["feedback_id"])
    assert feedback is not None
    answer = PublicAnswer(
        text="Đã san gạt xong.", number="12/UBND", signed_on=NOW.date(), signatory="Chủ tịch Vàng A",
        agency_name="UBND xã Ngọc Đường", outcome=Outcome.SETTLED,
    )  # fmt: skip
    answered = ticket_of(feedback, status="answered", answered_at=NOW, answer=answer)
    await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, answered, seq=3), now=NOW)
    after = await (await api.get(path)).json()
    assert (after["status"], after["agency"]) == ("answered", "UBND xã Ngọc Đường")
    assert after["answer"] == {
        "text": "Đã san gạt xong.", "number": "12/UBND", "signed_on": "2026-11-24", "signatory": "Chủ tịch Vàng A",
        "agency": "UBND xã Ngọc Đường", "outcome": "settled", "promised_on": None,
    }  # fmt: skip


async def test_a_restricted_feedback_shows_neither_field_nor_agency(api: TestClient[Any, Any], desk: Desk) -> None:
    _, receipt = await send(api, GOOD)
    feedback = await desk.intake.store.get(receipt["feedback_id"])
    assert feedback is not None
    hidden = ticket_of(feedback, restricted=True, status="assigned", question="Ông ấy tên gì?")
    await actions.apply_ticket_changed(desk.intake, ticket_fact(feedback.feedback_id, hidden, seq=1), now=NOW)
    said = await (await api.get(f"{FEEDBACK}/{receipt['tracking_code']}")).json()
    assert (said["status"], said["field"], said["agency"], said["answer"]) == ("in_progress", None, None, None)


async def test_an_unknown_code_is_not_found_and_guessing_is_slowed(api: TestClient[Any, Any], desk: Desk) -> None:
    _, receipt = await send(api, GOOD)
    statuses = [(await api.get(f"{FEEDBACK}/123456789012")).status for _ in range(20)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert (await api.get(f"{FEEDBACK}/{receipt['tracking_code']}")).status == 429
    desk.clock.move(timedelta(minutes=5))
    assert (await api.get(f"{FEEDBACK}/{receipt['tracking_code']}")).status == 200


async def test_what_was_erased_is_not_taken_in_again_under_its_key(api: TestClient[Any, Any], desk: Desk) -> None:
    key = {"Idempotency-Key": "a-key-of-16-chars"}
    _, receipt = await send(api, GOOD, key)
    assert await actions.erase(desk.intake, receipt["feedback_id"], now=NOW)
    status, _ = await send(api, GOOD, key)
    assert status == 410
    facts = await desk.facts()
    assert [fact.kind for fact in facts] == [FactKind.FEEDBACK_ERASED]


async def test_no_log_line_and_no_clear_field_of_a_fact_says_who_or_the_code(
    api: TestClient[Any, Any], desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {
        "channel": "web", "text": "Đường hỏng nặng", "reporter": {"name": "Lò Thị Mẩy", "phone": "0912345678",
        "email": "may@example.vn"},
    }  # fmt: skip
    _, receipt = await send(api, body)
    await api.get(f"{FEEDBACK}/{receipt['tracking_code']}")
    written = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name != "aiohttp.access"
    )
    rows = await desk.backend.database.read(
        lambda connection: [dict(row) for row in connection.execute("select * from bus_fact").fetchall()]
    )
    stored = await desk.backend.database.read(
        lambda connection: [dict(row) for row in connection.execute("select * from ingest_feedback").fetchall()]
    )
    for secret in ("Lò Thị Mẩy", "912345678", "may@example.vn", receipt["tracking_code"]):
        assert secret not in written
        assert secret not in str(rows)
    for secret in ("Lò Thị Mẩy", "912345678", "may@example.vn"):
        assert secret not in str(stored)
    assert "Đường hỏng nặng" not in str(rows) and "Đường hỏng nặng" not in written


async def test_while_the_store_is_away_the_answer_is_503_and_the_key_may_be_used_again(
    api: TestClient[Any, Any], desk: Desk
) -> None:
    await desk.backend.database.close()
    response = await api.post(FEEDBACK, json=GOOD, headers={"Idempotency-Key": "k" * 16})
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
