"""The turns an ordinary matter may take: declined, assigned anew, merged, refused, reopened within the rules."""

import pytest

from hotline.roles import Role
from tests.journeys.town import LEAD, LEAD_NAME, OTHER, Town, forms_on

pytestmark = pytest.mark.slow

ROAD = "Đường vào tổ 5 hỏng nặng, nhiều ổ gà, xe máy ngã nhiều lần."
AGAIN = "Đường vào tổ 5 hỏng nặng lắm rồi, xe máy ngã nhiều lần, đã gửi mà chưa thấy ai sửa."
OTHER_NAME = "UBND phường Hà Giang 2"


async def test_declined_then_assigned_elsewhere_on_the_same_promise(town: Town) -> None:
    await town.hire_everyone()
    await town.hire("canbo.ubnd", Role.AGENCY_STAFF, "Vàng Thị Mỷ", agency_id=OTHER)
    code = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    before = await town.state(code)
    assert before["agency"] == LEAD_NAME
    feedback_id = await town.feedback_id(code)
    await town.sign_in("canbo.ubnd")
    seen_as_implementer = await town.open(feedback_id)
    assert "decline" in forms_on(seen_as_implementer)

    await town.wait_until("2026-11-20 10:00")
    await town.sign_in("canbo")
    await town.open(feedback_id)
    page = await town.do("decline", status=422, note="")
    assert page.errors == ["Hãy ghi rõ lý do hoặc nội dung."]
    page = await town.do("decline", note="Đường này do UBND phường quản lý")
    assert page.path.startswith("/inbox")
    await town.open(feedback_id, status=404)
    assert (await town.state(code))["status"] == "received"

    await town.sign_in("dieuphoi")
    page = await town.open(feedback_id)
    assert "Đường này do UBND phường quản lý" in page.text and "Cơ quan này đã trả lại phiếu" in page.text
    await town.do("assign", agency=OTHER, note="UBND phường quản lý đường này")
    after = await town.state(code)
    assert after["agency"] == OTHER_NAME and after["status"] == "assigned"
    assert {name: after[name] for name in after if name.endswith("_due_at")} == {
        name: before[name] for name in before if name.endswith("_due_at")
    }
    assert "Đường này do UBND phường quản lý" not in (await town.follow(code)).text


async def test_merged_with_what_is_worked_on_already(town: Town) -> None:
    await town.hire_everyone()
    first = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    second = (await town.submit(text=AGAIN, place__commune="Hà Giang 2")).code
    first_id, second_id = await town.feedback_id(first), await town.feedback_id(second)
    await town.sign_in("dieuphoi")
    await town.open(second_id)
    page = await town.do("mark_duplicate", status=422, duplicate_of=second_id)
    assert page.errors == ["Một phiếu không thể trùng với chính nó. Hãy ghi mã của phiếu kia."]
    await town.do("mark_duplicate", duplicate_of=first_id)
    page = await town.follow(second)
    assert "Đã gộp với phản ánh trùng" in page.text and first_id not in page.html and ROAD not in page.text
    assert page.select("form#rut") and page.select("form#bo-sung")
    await town.wait_until("2026-12-31 09:00")
    await town.sign_in("thanhtra")
    broken = await town.browser.get("/inspector?muc=qua-han")
    assert first_id in broken.html and second_id not in broken.html


async def test_refused_with_the_reason_that_the_citizen_reads(town: Town) -> None:
    await town.hire_everyone()
    code = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    feedback_id = await town.feedback_id(code)
    await town.sign_in("canbo")
    await town.open(feedback_id)
    await town.do("decline", note="Đã có kết luận cuối cùng về đoạn đường này")
    await town.sign_in("dieuphoi")
    await town.open(feedback_id)
    reason = "Việc này đã được UBND tỉnh kết luận cuối cùng ngày 03/11, không xem xét lại."
    await town.do("refuse", note=reason)
    page = await town.follow(code)
    assert "Không thuộc diện giải quyết" in page.text and reason in page.text
    assert "Đã có kết luận cuối cùng về đoạn đường này" not in page.text


async def test_reopened_twice_and_not_a_third_time(town: Town) -> None:
    await town.hire_everyone()
    code = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    feedback_id = await town.feedback_id(code)
    for number in (1, 2, 3):
        await town.sign_in("lanhdao")
        page = await town.open(feedback_id)
        assert (f"(lần {number})" in page.text) is (number > 1)
        await town.do("draft", text=f"Đã vá đường lần {number}.", outcome="settled")
        await town.do("sign", number=f"{number}/KTHT", signatory="Nguyễn Văn Bình")
        page = await town.follow(code)
        assert f"Đã vá đường lần {number}." in page.text
        if number < 3:
            await town.browser.submit("xem-lai", reopen_reason=f"Mưa xong lại hỏng, lần {number}")
            await town.settle()
            state = await town.state(code)
            assert (state["status"], state["agency"]) == ("in_progress", LEAD_NAME)
    before = await town.state(code)
    page = await town.follow(code)
    if page.select("form#xem-lai"):
        await town.browser.submit("xem-lai", reopen_reason="Mưa xong lại hỏng, lần 3")
        await town.settle()
    assert await town.state(code) == before
    await town.sign_in("dieuphoi")
    page = await town.open(feedback_id)
    assert "reopen" not in forms_on(page) and LEAD not in page.text


async def test_guided_to_the_body_that_another_law_names(town: Town) -> None:
    await town.hire_everyone()
    code = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    await town.sign_in("dieuphoi")
    await town.open(await town.feedback_id(code))
    await town.do("redirect", destination="Ban Tiếp công dân tỉnh", note="Nộp đơn khiếu nại kèm quyết định.")
    page = await town.follow(code)
    assert "Ban Tiếp công dân tỉnh" in page.text and "Nộp đơn khiếu nại kèm quyết định." in page.text
