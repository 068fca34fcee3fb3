"""1022 calls: the switchboard's signed message, once however often it is sent; then one that an operator types."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.journeys.town import LEAD_NAME, WARD, Town, code_on, forms_on
from tools.processes import WEBHOOK_SECRET

pytestmark = pytest.mark.slow

NUMBER = "0987 654 321"
FIRST = "Rác ở chợ Phương Thiện ba ngày không ai thu gom, bốc mùi hôi thối."
SECOND = "Mất nước sinh hoạt ở tổ 7 từ hôm qua, gọi công ty nước không ai nghe máy."
CALL = {
    "call_id": "tong-dai-1022-000417",
    "caller_number": NUMBER,
    "operator": "tdv01",
    "started_at": "2026-11-18T07:50:00+07:00",
    "ended_at": "2026-11-18T07:54:00+07:00",
    "note": FIRST,
    "place": {"province": "Tuyên Quang", "commune": WARD},
}


async def test_a_call_twice_then_another_from_the_same_number_told_by_telephone(town: Town) -> None:
    await town.hire_everyone()
    first_code = await switchboard_sends_twice(town)
    second_code = await operator_types_the_next_call(town, first_code)
    await agency_answers(town, second_code)
    await desk_tells(town, second_code)


async def switchboard_sends_twice(town: Town) -> str:
    """Unsigned or changed it is refused; signed it is taken once."""
    status, _ = await send(town, CALL, secret="whsec_" + "a2hvbmctcGhhaS1raG9hLWN1YS10b25nLWRhaQ==")
    assert status == 401
    status, receipt = await send(town, CALL)
    assert status == 201
    await town.settle()
    assert await send(town, CALL) == (201, receipt)
    assert (await send(town, {**CALL, "note": "Nội dung khác hẳn"}))[0] == 409
    await town.settle()
    assert await town.query("select count(*) from ingest_feedback") == [(1,)]
    # Its clocks run from when the call began.
    assert receipt["received_at"] == "2026-11-18T07:50:00+07:00"
    assert receipt["acknowledgement_due_at"] == "2026-11-19T07:50:00+07:00"
    assert receipt["response_due_at"].startswith("2026-11-27T")
    assert (await town.state(receipt["tracking_code"]))["agency"] == LEAD_NAME
    return receipt["tracking_code"]


async def operator_types_the_next_call(town: Town, first_code: str) -> str:
    """The number first: what it said before is shown; what the caller was told on the line acknowledges."""
    await town.sign_in("tongdai")
    await town.browser.get("/operator/call")
    page = await town.browser.submit("call", button="look_up", reporter__phone="+84987654321")
    assert FIRST in page.text and spoken(first_code) in page.text and "Đã chuyển cơ quan xử lý" in page.text
    page = await town.browser.submit(
        "call",
        button="save",
        text=SECOND,
        place__commune="Ha Giang 2",
        acknowledged="yes",
        said="Đã tiếp nhận, phường trả lời trước hết ngày 27/11.",
    )
    assert page.heading == "Đã ghi cuộc gọi" and "Đã ghi nhận việc báo tiếp nhận trong cuộc gọi." in page.text
    code = code_on(page)
    await town.settle()
    # Only the first still waits for somebody to acknowledge it.
    desk = await town.browser.get("/desk")
    assert (
        "Cần báo tiếp nhận hoặc phân công: 1" in desk.text and FIRST[:40] in desk.text and SECOND[:40] not in desk.text
    )
    page = await town.open(await town.feedback_id(code))
    assert "Nói ngay trong cuộc gọi · Lù Thị Mai" in page.text and "phường trả lời trước hết ngày 27/11" in page.text
    return code


async def agency_answers(town: Town, code: str) -> None:
    """The head may draft and sign alone; the response clock runs on until the caller has been told."""
    await town.wait_until("2026-11-19 07:00")
    await town.sign_in("lanhdao")
    await town.open(await town.feedback_id(code))
    await town.do("draft", text="Nước có lại lúc 6 giờ sáng 19/11 sau khi thay máy bơm.", outcome="settled")
    await town.do("sign", number="15/KTHT", signatory="Nguyễn Văn Bình")


async def desk_tells(town: Town, code: str) -> None:
    """Who left only a number has no answer before somebody called."""
    await town.sign_in("tongdai")
    page = await town.browser.get("/desk?muc=bao-ket-qua")
    assert "Cần gọi báo kết quả (1)" in page.text
    page = await town.browser.get("/operator/tell")
    assert "0987 654 321" in page.text and "Nước có lại lúc 6 giờ" in page.text and SECOND[:40] in page.text
    feedback_id = await town.feedback_id(code)
    page = await town.browser.submit(f"tell-form-{feedback_id}", status=422, said="")
    assert len(page.errors) == 1
    await town.wait_until("2026-11-20 08:00")
    await town.sign_in("tongdai")
    await town.browser.get("/operator/tell")
    await town.browser.submit(f"tell-form-{feedback_id}", said="Đã đọc toàn văn câu trả lời, bà con đã rõ.")
    await town.settle()
    assert "Không còn ai chờ được báo." in (await town.browser.get("/operator/tell")).text
    page = await town.open(feedback_id)
    assert "08:00 ngày 20/11/2026" in page.text and "tell" not in forms_on(page)
    sheet = await registered(town)
    assert f"{feedback_id},2026-11-18" in sheet and "2026-11-20 08:00" in sheet


async def registered(town: Town) -> str:
    """Return the register as the inspector takes it away."""
    await town.sign_in("thanhtra")
    return (await town.browser.get("/inspector/export.csv")).html


async def send(town: Town, call: dict[str, object], secret: str = WEBHOOK_SECRET) -> tuple[int, dict[str, str]]:
    """Send a call as the switchboard does, signed by its own clock."""
    raw = json.dumps(call, ensure_ascii=False)
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(call["call_id"]),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(str(call["call_id"]), now, raw),
    }
    response = await town.browser.http.post("/api/v1/hotline/calls", data=raw.encode(), headers=headers)
    return response.status, await response.json(content_type=None)


def spoken(code: str) -> str:
    """Return a tracking code in threes, as pages show it."""
    return " ".join(code[i : i + 3] for i in range(0, 12, 3))
