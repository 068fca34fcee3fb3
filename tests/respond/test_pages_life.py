"""The whole life of a ticket by clicks, as desk, agency and head do it, and the turns it can take."""

import pytest

from hotline.roles import Role
from services.respond.ticket import Action, ClockKind, Status
from tests.respond.builders import at
from tests.respond.office import Office, actions_on

LEAD = "phong-kinh-te-xa-00691"
OTHER = "ubnd-xa-00691"
LEAD_NAME = "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 2"


async def test_a_ticket_is_acknowledged_taken_up_asked_about_drafted_sent_back_and_signed(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.OPERATOR)
    assert "Báo đã tiếp nhận" in (await office.browser.get("/desk")).text
    page = await office.open()
    assert page.value("acknowledge.said") == (
        f"Phản ánh của anh/chị đã được tiếp nhận. Nơi trả lời là {LEAD_NAME}, chậm nhất ngày 27/11/2026."
    )
    page = await office.do("acknowledge", how="phone")
    assert "Đã ghi: Đã báo người dân là đã tiếp nhận." in page.text
    assert "Không còn phiếu nào cần báo tiếp nhận hay phân công." in (await office.browser.get("/desk")).text

    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    inbox = await office.browser.get("/inbox")
    assert "Cần làm (1)" in inbox.text and "Đã chuyển cơ quan xử lý" in inbox.text
    await office.open()
    await office.do("start")
    page = await office.do("ask_citizen", question="Đoạn nào của tổ 5, gần nhà văn hóa không?")
    assert "Đang hỏi người dân" in page.text
    assert "Chờ người dân (1)" in (await office.browser.get("/inbox")).text
    await office.open()
    await office.do("resume", note="đã đi xem tận nơi")
    await office.do("draft", text="Đã vá đường ngày 20/11.", outcome="settled")
    page = await office.do("submit")
    assert "Chờ lãnh đạo ký" in page.text
    assert "sign" not in actions_on(page)

    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD, name="Nguyễn Văn Bình")
    assert "Chờ lãnh đạo ký: 1" in (await office.browser.get("/inbox")).text
    await office.open()
    await office.do("send_back", note="ghi rõ đoạn đường")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    page = await office.open()
    assert "ghi rõ đoạn đường" in page.text
    assert page.value("draft.text") == "Đã vá đường ngày 20/11."
    await office.do("draft", text="Đã vá 200 m đường tổ 5 ngày 20/11.", outcome="settled")
    await office.do("submit")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD, name="Nguyễn Văn Bình")
    page = await office.open()
    assert page.value("sign.signatory") == "Nguyễn Văn Bình"
    page = await office.do("sign", number="12/KTHT", signed_on="18/11/2026")
    assert "Số 12/KTHT, ngày 18/11/2026, Nguyễn Văn Bình" in page.text
    assert "Đã vá 200 m đường tổ 5 ngày 20/11." in page.text
    ticket = await office.ticket()
    assert ticket.status is Status.ANSWERED
    assert "Đã xong (1)" in (await office.browser.get("/inbox?muc=da-xong")).text


async def test_an_agency_declines_and_the_desk_assigns_again_on_the_same_promise(office: Office) -> None:
    promised = (await office.arrive(code="6.3#giao_thong")).promise
    office.clock.now = at("2026-11-19 09:00")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    page = await office.do("decline", note="Đường này do UBND phường quản lý")
    assert page.path.startswith("/inbox") and "Đã ghi" in page.text
    await office.open(status=404)

    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open()
    assert "Đường này do UBND phường quản lý" in page.text
    assert "Cơ quan này đã trả lại phiếu" in page.text
    page = await office.do("assign", status=422, agency=OTHER)
    assert page.errors == ["Anh/chị chọn cơ quan khác với quy định phân công. Hãy ghi lý do."]
    page = await office.do("assign", agency=OTHER, note="UBND phường quản lý đường")
    ticket = await office.ticket()
    assert ticket.status is Status.ASSIGNED
    assert ticket.route is not None and ticket.route.agency_id == OTHER
    assert ticket.promise == promised
    assert [turn.agency_id for turn in ticket.assignments] == [LEAD, OTHER]


async def test_choosing_what_the_rules_say_keeps_the_rule_with_its_source(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong", needs_review=True)
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open()
    assert page.value("assign.agency") == LEAD
    assert f"Theo quy định phân công: {LEAD_NAME}" in page.text
    await office.do("assign")
    ticket = await office.ticket()
    assert ticket.route is not None and ticket.route.rule.startswith("hg-6.3")


async def test_a_phone_only_citizen_is_told_by_the_desk(office: Office) -> None:
    await office.receive(channel="hotline", reachable_by=("phone",))
    await office.classify(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    await office.do("sign", number="1/KT", signatory="Bình")
    office.sign_in(Role.OPERATOR)
    assert "Cần gọi báo kết quả (1)" in (await office.browser.get("/desk?muc=bao-ket-qua")).text
    await office.open()
    await office.do("tell", said="đã đọc trả lời qua điện thoại")
    assert "Không còn ai cần gọi báo kết quả." in (await office.browser.get("/desk?muc=bao-ket-qua")).text


async def test_refused_restored_marked_urgent_merged(office: Office) -> None:
    await office.arrive("f0", code="6.3#giao_thong")
    await office.arrive("f1", code="6.3#giao_thong", needs_review=True)
    office.sign_in(Role.TRIAGE_OFFICER)
    await office.open()
    page = await office.do("refuse", note="Đã có kết luận cuối cùng")
    assert "Lý do kết thúc mà không trả lời" in page.text
    await office.do("restore", note="bấm nhầm")
    await office.do("mark_urgent", note="hố sâu giữa đường")
    await office.open()
    assert (await office.ticket()).urgent
    page = await office.do("mark_duplicate", status=422, duplicate_of="f9")
    assert page.errors == ["Không có phiếu mang mã này. Hãy kiểm tra lại mã."]
    page = await office.do("mark_duplicate", duplicate_of="f0")
    assert (await office.ticket()).duplicate_of == "f0"
    assert page.select('a[href="/tickets/f0"]')


async def test_a_body_without_accounts_is_answered_for_by_the_desk(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong", needs_review=True)
    office.sign_in(Role.TRIAGE_OFFICER)
    await office.open()
    await office.do("assign", agency="dien-luc-tq", note="điện lực làm")
    page = await office.do(
        "record_answer",
        text="Đã đóng điện.",
        outcome="promised",
        promised_on="2026-12-15",
        number="77/ĐL",
        signed_on="18-11-2026",
        signatory="Giám đốc Điện lực",
        note="công văn giấy",
    )
    assert "Công ty Điện lực Tuyên Quang" in page.text and "15/12/2026" in page.text
    await office.do("reopen", note="mất điện lại")
    assert (await office.ticket()).times_reopened == 1


async def test_an_agency_with_accounts_is_not_answered_for(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.TRIAGE_OFFICER)
    assert "record_answer" not in actions_on(await office.open())


async def test_reopened_by_the_inspector_on_a_further_promise(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    await office.do("sign", number="1/KT", signatory="Bình")
    office.sign_in(Role.INSPECTOR)
    await office.open()
    page = await office.do("reopen", note="dân báo chưa làm")
    assert "Trả lời người dân ( lần 2 )" in page.text or "Trả lời người dân (lần 2)" in page.text
    assert len((await office.ticket()).promises) == 2


@pytest.mark.parametrize("action", [Action.CLASSIFY, Action.BREACH, Action.WITHDRAW, Action.RATE])
async def test_what_only_citizen_or_system_do_nobody_can_click(office: Office, action: Action) -> None:
    await office.arrive()
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open()
    assert action not in actions_on(page)
    form = {"csrf_token": page.value("csrf_token"), "version": page.value("version")}
    refused = await office.browser.post(f"/tickets/f1/{action}", form, status=403)
    assert refused.errors == ["Thao tác này không thuộc phần việc của anh/chị."]


async def test_every_history_entry_is_told_in_plain_words(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    await office.wait_until("2026-11-20 09:00")
    office.sign_in(Role.INSPECTOR)
    page = await office.open()
    told = " ".join(node.text(separator=" ") for node in page.select(".timeline"))
    assert f"Phân công cơ quan xử lý: {LEAD_NAME}" in told
    assert "Quá hạn: Báo đã tiếp nhận" in told
    assert ClockKind.ACKNOWLEDGEMENT not in told
