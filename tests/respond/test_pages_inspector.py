"""The inspector's tabs and the register: running and broken promises, rates with every count, and a safe CSV."""

import csv
from io import StringIO

from hotline.facts import Channel
from hotline.roles import Role
from tests.pages.client import Page
from tests.respond.office import Office

LEAD = "phong-kinh-te-xa-00691"
LEAD_NAME = "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 2"


def rows_of(page: Page) -> list[dict[str, str]]:
    """Read the register as a spreadsheet does."""
    assert page.html.startswith("\ufeff")
    return list(csv.DictReader(StringIO(page.html.removeprefix("\ufeff"))))


async def answer(office: Office, feedback_id: str) -> None:
    """Let the lead answer."""
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open(feedback_id)
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    await office.do("sign", number="1/KT", signatory="Bình")


async def test_a_broken_promise_is_on_the_register_with_who_held_it_and_how_late(office: Office) -> None:
    await office.arrive("f1", code="6.3#giao_thong")
    await office.wait_until("2026-11-28 00:05")
    office.sign_in(Role.INSPECTOR)
    page = await office.browser.get("/inspector?muc=qua-han")
    assert "Đã quá hạn: 3" in page.text
    assert f"Trả lời người dân đến hạn 23:59 ngày 27/11/2026 {LEAD_NAME} quá hạn 5 phút vẫn chưa xong" in page.text
    assert "Báo đã tiếp nhận đến hạn 08:00 ngày 19/11/2026 Bộ phận tiếp nhận" in page.text
    assert "hệ thống phát hiện muộn, 00:05 ngày 28/11/2026" in page.text
    only_desk = await office.browser.get(f"/inspector?muc=qua-han&co-quan={LEAD}")
    assert "Đã quá hạn: 2" in only_desk.text


async def test_the_pile_that_is_open_and_overdue_counts_against_the_rate(office: Office) -> None:
    for feedback_id in ("f1", "f2", "f3"):
        await office.arrive(feedback_id, code="6.3#giao_thong")
    await answer(office, "f1")
    await office.wait_until("2026-11-30 09:00")
    await answer(office, "f2")
    office.sign_in(Role.COORDINATOR)
    page = await office.browser.get("/inspector?muc=ty-le")
    assert f"{LEAD_NAME} 33 % 1 1 1" in page.text


async def test_running_promises_are_listed_by_their_due_instant(office: Office) -> None:
    await office.arrive("f1", "Việc đến sau", code="6.3#giao_thong")
    await office.wait_until("2026-11-18 20:00")
    await office.arrive("f2", "Việc khẩn", code="6.3#giao_thong", urgent=True)
    await office.arrive("f3", "Việc cuối", code="5.1")
    office.sign_in(Role.INSPECTOR)
    page = await office.browser.get("/inspector")
    words = [node.text(strip=True) for node in page.select(".row-link")]
    assert words == ["Việc khẩn", "Việc đến sau", "Việc cuối"]
    page = await office.browser.get("/inspector?co-quan=van-phong-xa-00691")
    assert [node.text(strip=True) for node in page.select(".row-link")] == ["Việc cuối"]


async def test_the_register_has_no_words_of_citizens_and_no_way_to_reach_them(office: Office) -> None:
    await office.receive("f1", "Gọi tôi 0912345678, nhà bà Mai", channel=Channel.HOTLINE)
    await office.classify("f1", code="6.3#giao_thong")
    office.sign_in(Role.OPERATOR, name="=Tổng đài viên")
    await office.open("f1")
    await office.do("acknowledge", how="phone", said="đã nói với bà Mai")
    office.sign_in(Role.INSPECTOR)
    page = await office.browser.get("/inspector/export.csv")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in page.headers["Content-Disposition"]
    assert "0912345678" not in page.html and "Mai" not in page.html
    assert rows_of(page) == [
        {
            "Mã phiếu": "f1",
            "Tiếp nhận": "2026-11-18 08:00",
            "Kênh": "Tổng đài 1022",
            "Lĩnh vực": "Cung ứng dịch vụ công",
            "Chỉ số": "6.3#giao_thong",
            "Cơ quan": LEAD_NAME,
            "Trạng thái": "Đã chuyển cơ quan xử lý",
            "Hạn báo tiếp nhận": "2026-11-19 08:00",
            "Báo tiếp nhận lúc": "2026-11-18 08:00",
            "Hạn trả lời": "2026-11-27 23:59",
            "Trả lời lúc": "",
            "Trả lời muộn (giờ)": "",
            "Hạn bị quá": "",
            "Người báo tiếp nhận": "a-operator",
        }
    ]


async def test_restricted_rows_are_for_inspectors_and_say_neither_field_nor_code_nor_agency(office: Office) -> None:
    await office.restrict("f1")
    office.sign_in(Role.COORDINATOR)
    assert rows_of(await office.browser.get("/inspector/export.csv")) == []
    office.sign_in(Role.INSPECTOR)
    (row,) = rows_of(await office.browser.get("/inspector/export.csv"))
    assert row["Mã phiếu"] == "f1"
    assert [row[column] for column in ("Lĩnh vực", "Chỉ số", "Cơ quan")] == ["", "", ""]


async def test_a_day_that_cannot_be_read_is_named(office: Office) -> None:
    office.sign_in(Role.INSPECTOR)
    page = await office.browser.get("/inspector?muc=ty-le&tu=31/02/2026", status=422)
    assert page.errors == ["Không có ngày “31/02/2026”. Hãy ghi như 24/11/2026."]
    await office.browser.get("/inspector/export.csv?tu=hom-nay", status=422)


async def test_what_was_received_before_the_day_is_left_out(office: Office) -> None:
    await office.arrive("f1")
    office.sign_in(Role.INSPECTOR)
    assert len(rows_of(await office.browser.get("/inspector/export.csv?tu=2026-11-18"))) == 1
    assert rows_of(await office.browser.get("/inspector/export.csv?tu=19/11/2026")) == []
