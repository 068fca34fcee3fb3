"""Two citizens report one hole in the road: one is merged with the other, and neither is forgotten."""

import pytest

from tests.journeys.town import LEAD_NAME, Receipt, Town, words_of

pytestmark = pytest.mark.slow

MINE = "Đường vào tổ 5 hỏng nặng, ổ gà ngay trước cổng nhà tôi sơn màu huyết dụ."
YOURS = "Đường vào tổ 5 hỏng nặng lắm rồi, xe máy ngã nhiều lần, mong sửa sớm."
ANSWER = "Đã vá xong đoạn đường vào tổ 5 ngày 20/11."
WAITS = "đang được xử lý chung với một phản ánh khác về cùng việc"


async def two_reports(town: Town) -> tuple[Receipt, Receipt]:
    """Let two citizens report the same, an hour apart, and an officer merge the second with the first."""
    await town.hire_everyone()
    first = await town.submit(text=MINE, place__commune="Hà Giang 2", reporter__phone="0912345678")
    await town.wait_until("2026-11-18 09:00")
    second = await town.submit(text=YOURS, place__commune="Hà Giang 2", reporter__email="sua@example.vn")
    await town.sign_in("dieuphoi")
    page = await town.open(await town.feedback_id(second.code))
    assert "nguyên văn câu trả lời của phiếu kia được gửi thêm cho 1 người dân" in page.text
    await town.do("mark_duplicate", duplicate_of=await town.feedback_id(first.code))
    page = await town.follow(second.code)
    assert WAITS in page.text and MINE not in page.text and "Hạn trả lời" in page.text
    return first, second


async def test_the_answer_to_the_first_arrives_on_the_page_of_the_second(town: Town) -> None:
    first, second = await two_reports(town)
    await town.wait_until("2026-11-20 10:00")
    await town.sign_in("lanhdao")
    page = await town.open(await town.feedback_id(first.code))
    assert "gửi nguyên văn cho thêm 1 người dân có phản ánh gộp vào phiếu này" in page.text
    await town.do("draft", text=ANSWER, outcome="settled")
    await town.do("sign", number="1/KTHT", signatory="Nguyễn Văn Bình")

    for code in (first.code, second.code):
        page = await town.follow(code)
        assert ANSWER in page.text and "1/KTHT" in page.text and LEAD_NAME in page.text
    for secret in (MINE, "0912345678", first.code, await town.feedback_id(first.code)):
        assert secret not in page.html
    state = await town.state(second.code)
    assert (state["status"], state["agency"]) == ("answered", LEAD_NAME)
    told = await town.query(
        "select count(*) from ingest_notice where feedback_id = ? and kind = 'answered'",
        await town.feedback_id(second.code),
    )
    assert told == [(1,)]

    page = await town.follow(second.code)
    await town.browser.submit("xem-lai", reopen_reason="Đoạn trước nhà tôi chưa vá")
    await town.settle()
    assert [(await town.state(code))["status"] for code in (first.code, second.code)] == ["answered", "in_progress"]
    await town.sign_in("thanhtra")
    broken = await town.browser.get("/inspector?muc=qua-han")
    assert await town.feedback_id(second.code) not in broken.html


async def test_when_the_first_is_withdrawn_the_second_is_back_at_the_desk(town: Town) -> None:
    first, second = await two_reports(town)
    promised = (await town.state(second.code))["response_due_at"]
    await town.follow(first.code)
    await town.browser.submit("rut", withdraw_reason="")
    await town.settle()
    state = await town.state(second.code)
    assert (state["status"], state["response_due_at"]) == ("received", promised)
    assert WAITS not in (await town.follow(second.code)).text
    await town.sign_in("dieuphoi")
    assert await town.feedback_id(second.code) in (await town.browser.get("/desk")).html
    page = await town.open(await town.feedback_id(second.code))
    assert "cần xem riêng phiếu này" in page.text
    # Nobody works on it before somebody has looked: then its clock warns and breaks as if it had never been merged.
    await town.wait_until("2026-12-01 09:00")
    await town.sign_in("thanhtra")
    broken = await town.browser.get("/inspector?muc=qua-han")
    assert await town.feedback_id(second.code) in broken.html


async def test_when_the_first_becomes_a_denunciation_nobody_can_tell(town: Town) -> None:
    first, second = await two_reports(town)
    await town.sign_in("dieuphoi")
    await town.open(await town.feedback_id(first.code))
    await town.do("restrict", note="có tên người bị tố cáo")
    page = await town.open(await town.feedback_id(second.code))
    happened = words_of(page, ".timeline")
    assert "cần xem riêng phiếu này" in happened and "bảo mật" not in happened
    assert not page.select(f'a[href$="/tickets/{await town.feedback_id(first.code)}"]')
    assert (await town.state(second.code))["status"] == "received"
