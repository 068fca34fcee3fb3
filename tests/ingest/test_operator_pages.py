"""The operator's pages: calls typed in, batches, answers to tell, contacts; nothing restricted on any of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hotline.facts import FollowUpKind, Outcome, PublicAnswer
from hotline.roles import Role, Session
from services.ingest import actions
from services.ingest.documents import Feedback
from tests.ingest.builders import NOW, Desk, ticket_fact, ticket_of
from tests.pages.client import PageClient

pytestmark = pytest.mark.slow

MakeSession = Callable[[Role], Session]
ANSWER = PublicAnswer(
    text="Nước đã có lại từ sáng 25/11.",
    number="15/CN",
    signed_on=NOW.date(),
    signatory="Giám đốc Hoàng B",
    agency_name="Công ty cấp nước",
    outcome=Outcome.SETTLED,
)


@pytest.fixture
def operator(browser: PageClient, session: MakeSession) -> PageClient:
    """Return the browser, signed in as an operator."""
    browser.sign_in(session(Role.OPERATOR))
    return browser


async def call(operator: PageClient, desk: Desk, **fields: str) -> Feedback:
    """Type a call in and return what was stored."""
    await operator.get("/operator/call")
    page = await operator.submit("call", button="save", **fields)
    code = page.select(".code-number")[0].text(strip=True).replace(" ", "")
    feedback = await desk.intake.store.by_tracking_code(code)
    assert feedback is not None
    return feedback


async def change(desk: Desk, feedback: Feedback, *, seq: int = 1, **changes: object) -> None:
    """Let respond say a newer state."""
    fact = ticket_fact(feedback.feedback_id, ticket_of(feedback, **changes), seq=seq)
    await actions.apply_ticket_changed(desk.intake, fact, now=desk.clock())


@pytest.mark.parametrize("path", ["/operator/call", "/operator/import", "/operator/tell", "/operator/contact/x"])
@pytest.mark.parametrize("role", [Role.AGENCY_STAFF, Role.AGENCY_HEAD, Role.INSPECTOR, Role.COORDINATOR, Role.ADMIN])
async def test_to_any_other_role_the_pages_do_not_exist(
    browser: PageClient, session: MakeSession, path: str, role: Role
) -> None:
    browser.sign_in(session(role))
    await browser.get(path, status=404)


async def test_a_call_is_typed_in_and_the_code_read_out(operator: PageClient, desk: Desk) -> None:
    feedback = await call(operator, desk, text="Mất nước ba ngày.", reporter__phone="0912 345 678")
    assert (feedback.channel, feedback.entered_by) == ("hotline", "account-operator")
    assert feedback.reporter is not None and feedback.reporter.phone == "+84912345678"
    assert feedback.reachable_by == ("phone",)
    assert "Chưa báo tiếp nhận" in operator.page.text


async def test_who_leaves_no_number_is_reached_by_the_page(operator: PageClient, desk: Desk) -> None:
    feedback = await call(operator, desk, text="Mất nước ba ngày.")
    assert feedback.reachable_by == ("page",)


async def test_acknowledging_in_the_same_call_needs_what_was_said(operator: PageClient, desk: Desk) -> None:
    await operator.get("/operator/call")
    page = await operator.submit("call", button="save", status=422, text="Mất nước.", acknowledged="yes", said="")
    assert page.errors == ["Hãy ghi đã nói gì với người gọi, hoặc bỏ dấu ở ô trên."]
    await operator.submit("call", button="save", said="Đã tiếp nhận, trả lời trước 02/12.")
    (fact,) = await desk.facts()
    stored = await desk.intake.store.get(fact.feedback_id)
    assert stored is not None and stored.acknowledged_in_call is not None
    assert stored.acknowledged_in_call.by == "account-operator"
    assert stored.acknowledged_in_call.said == "Đã tiếp nhận, trả lời trước 02/12."


async def test_the_number_is_looked_up_first_and_the_form_keeps_what_was_typed(
    operator: PageClient, desk: Desk
) -> None:
    feedback = await call(operator, desk, text="Mất nước ba ngày.", reporter__phone="0912345678")
    await change(desk, feedback)
    await operator.get("/operator/call")
    page = await operator.submit("call", button="look_up", reporter__phone="+84 912 345 678", text="Gọi lại")
    assert "Mất nước ba ngày." in page.text and "Đang xử lý" in page.text
    assert page.value("text") == "Gọi lại"
    assert await desk.count("ingest_feedback") == 1


async def test_the_first_button_looks_the_number_up_so_that_enter_does(operator: PageClient) -> None:
    page = await operator.get("/operator/call")
    assert page.select("form#call button")[0].attributes["value"] == "look_up"
    inputs = page.select("form#call input:not([type=hidden])")
    assert inputs[0].attributes["name"] == "reporter.phone"


@pytest.mark.parametrize("is_classified", [True, False])
async def test_restricted_and_not_yet_judged_messages_are_never_among_earlier_calls(
    operator: PageClient, desk: Desk, is_classified: bool
) -> None:
    feedback = await call(operator, desk, text="Ông A nhận tiền.", reporter__phone="0912345678")
    if is_classified:
        await change(desk, feedback, restricted=True)
    await operator.get("/operator/call")
    page = await operator.submit("call", button="look_up", reporter__phone="0912345678")
    assert "Ông A nhận tiền" not in page.text
    assert "chưa có phản ánh nào được phép hiện" in page.text


async def test_an_answer_is_told_by_telephone_and_recorded_once(operator: PageClient, desk: Desk) -> None:
    feedback = await call(operator, desk, text="Mất nước.", reporter__phone="0912345678", reporter__name="Mẩy")
    await change(desk, feedback, status="answered", answered_at=NOW, answer=ANSWER)
    page = await operator.get("/operator/tell")
    assert "0912 345 678" in page.text and "Nước đã có lại" in page.text
    form = f"tell-form-{feedback.feedback_id}"
    page = await operator.submit(form, status=422, said=" ")
    assert page.errors
    page = await operator.submit(form, said="Đã đọc câu trả lời.")
    assert "Không còn ai chờ được báo." in page.text
    stored = await desk.intake.store.get(feedback.feedback_id)
    assert stored is not None and [item.kind for item in stored.follow_ups] == [FollowUpKind.ANSWER_TOLD]


async def test_a_newer_answer_is_told_again(operator: PageClient, desk: Desk) -> None:
    feedback = await call(operator, desk, text="Mất nước.", reporter__phone="0912345678")
    await change(desk, feedback, status="answered", answered_at=NOW, answer=ANSWER)
    await operator.get("/operator/tell")
    await operator.submit(f"tell-form-{feedback.feedback_id}", said="Đã đọc.")
    newer = replace(ANSWER, text="Trả lời bổ sung.")
    await change(desk, feedback, seq=2, status="answered", answered_at=NOW + timedelta(days=1), answer=newer)
    assert "Trả lời bổ sung." in (await operator.get("/operator/tell")).text


async def test_restricted_answers_and_people_with_a_page_are_not_on_the_list(operator: PageClient, desk: Desk) -> None:
    hidden = await call(operator, desk, text="Ông A nhận tiền.", reporter__phone="0912345678")
    await change(desk, hidden, restricted=True, status="answered", answered_at=NOW, answer=ANSWER)
    assert "Không còn ai" in (await operator.get("/operator/tell")).text


async def test_the_desk_sees_the_contact_but_not_of_what_is_restricted(operator: PageClient, desk: Desk) -> None:
    feedback = await call(operator, desk, text="Mất nước.", reporter__phone="0912345678", reporter__name="Mẩy")
    path = f"/operator/contact/{feedback.feedback_id}"
    await operator.get(path, status=404)
    await change(desk, feedback)
    page = await operator.get(path)
    assert "0912 345 678" in page.text and "Mẩy" in page.text
    await change(desk, feedback, seq=2, restricted=True)
    await operator.get(path, status=404)


async def test_a_batch_is_uploaded_and_its_faulty_rows_are_named(operator: PageClient, desk: Desk) -> None:
    await operator.get("/operator/import")
    content = "nội dung,màu\nMất nước,đỏ\n,xanh\n".encode()
    page = await operator.submit(
        "import", box="Hòm 1", opened_at="23/11/2026 08:00", files={"file": [("phieu.csv", content, "text/csv")]}
    )
    assert page.heading == "Kết quả nhập phiếu"
    assert "Cột không dùng đến: màu" in page.text
    assert "Chưa có nội dung." in page.text
    assert await desk.count("ingest_feedback") == 1
    assert "phieu.csv" in (await operator.get("/operator/import")).text


@pytest.mark.parametrize(
    ("fields", "name", "content", "error"),
    [
        ({}, "", b"", "Chưa chọn tệp."),
        ({"opened_at": "hôm qua"}, "a.csv", b"text\nx", "Không đọc được lúc mở hòm thư."),
        ({}, "a.csv", b"\xe9\xe8 xx", "Bảng mã của tệp không phải Unicode."),
    ],
)
async def test_an_upload_that_cannot_be_read_keeps_the_form(
    operator: PageClient, desk: Desk, fields: dict[str, str], name: str, content: bytes, error: str
) -> None:
    await operator.get("/operator/import")
    files = {"file": [(name, content, "text/csv")]} if name else {}
    page = await operator.submit("import", status=422, box="Hòm 7", files=files, **fields)
    assert page.errors[0].startswith(error)
    assert page.value("box") == "Hòm 7"
    assert await desk.count("ingest_batch") == 0
