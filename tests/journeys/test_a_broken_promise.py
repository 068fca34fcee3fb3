"""Nobody acts: the clocks say so, once each, and the register keeps it, answered late or not at all."""

import csv
from io import StringIO

import pytest

from hotline.roles import Role
from tests.journeys.town import LEAD_NAME, Town, at, words_of

pytestmark = pytest.mark.slow

# Received on Thursday 12/02. Six working days: 13/02, then 23 to 27/02; Tết is from Saturday 14/02 to 22/02.
DUE = "ngày 27/02/2026"
ROAD = "Đường vào tổ 5 hỏng nặng, nhiều ổ gà, xe máy ngã nhiều lần."
LIGHT = "Đường tổ 7 sạt một bên, xe tải không đi được, đề nghị sửa."


async def test_nobody_acts_over_tet_and_the_register_says_who(town: Town) -> None:
    town.clock.now = at("2026-02-12 09:00")
    await town.hire_everyone()
    await town.hire("tonghop", Role.COORDINATOR, "Lê Thị Hợp")
    code = (await town.submit(text=ROAD, place__commune="Hà Giang 2")).code
    other = (await town.submit(text=LIGHT, place__commune="Hà Giang 2")).code
    for promised in (code, other):
        page = await town.follow(promised)
        assert "09:00 ngày 13/02/2026" in page.text and DUE in page.text
    await a_day_passes(town, code)
    await tet_passes(town)
    await the_answer_is_late(town, code)
    await the_register_keeps_it(town, code, other)


async def a_day_passes(town: Town, code: str) -> None:
    """At the due second nothing is late; a second later the desk is."""
    await town.wait_until("2026-02-13 09:00")
    await town.sign_in("thanhtra")
    assert "Không có việc nào quá hạn." in (await town.browser.get("/inspector?muc=qua-han")).text
    await town.wait_until("2026-02-13 09:01")
    page = await town.browser.get("/inspector?muc=qua-han")
    assert "Đã quá hạn: 2" in page.text and words_of(page, "tbody").count("Bộ phận tiếp nhận") == 2
    # Escalated at 08:00 of the second working day, not at night and not on a day off.
    await town.wait_until("2026-02-24 07:59")
    assert steps(await ticket_page(town, code)) == [WARNED, BROKEN]
    await town.wait_until("2026-02-24 08:01")
    assert steps(await ticket_page(town, code)) == [WARNED, BROKEN, ESCALATED]


async def tet_passes(town: Town) -> None:
    """The response is due at the end of the sixth working day; the ticker looks again and again and says it once."""
    await town.wait_until("2026-02-26 23:59")
    await town.sign_in("thanhtra")
    assert "Đã quá hạn: 2" in (await town.browser.get("/inspector?muc=qua-han")).text
    # The agency's own clock ends a working day before the citizen's.
    await town.wait_until("2026-02-27 23:59")
    await town.sign_in("thanhtra")
    assert "Đã quá hạn: 4" in (await town.browser.get("/inspector?muc=qua-han")).text
    for moment in ("2026-02-28 00:01", "2026-02-28 00:02", "2026-03-01 12:00", "2026-03-02 08:00", "2026-03-02 08:30"):
        await town.wait_until(moment)
    await town.sign_in("thanhtra")
    page = await town.browser.get("/inspector?muc=qua-han")
    # Two of the desk, two to the citizen and two of the agency itself.
    rows = [" ".join(row.text(separator=" ").split()) for row in page.select("tbody tr")]
    assert len(rows) == 6 and sum(LEAD_NAME in row for row in rows) == 4
    assert sum("vẫn chưa xong" in row for row in rows) == 6
    rates = await town.browser.get("/inspector?muc=ty-le")
    assert f"{LEAD_NAME} 0 % 0 0 2" in rates.text and "Bộ phận tiếp nhận 0 % 0 0 2" in rates.text


async def the_answer_is_late(town: Town, code: str) -> None:
    """Urged by the coordinator, acknowledged and answered on Monday 02/03."""
    feedback_id = await town.feedback_id(code)
    await town.sign_in("tonghop")
    await town.open(feedback_id)
    await town.do("urge", note="Đã quá hạn ba ngày, đề nghị trả lời trong hôm nay.")
    await town.wait_until("2026-03-02 14:00")
    await town.sign_in("lanhdao")
    page = await town.open(feedback_id)
    assert "đề nghị trả lời trong hôm nay" in page.text
    await town.do("draft", text="Đã vá đường ngày 02/03.", outcome="settled")
    await town.do("sign", number="9/KTHT", signatory="Nguyễn Văn Bình")
    page = await town.follow(code)
    assert "Đã vá đường ngày 02/03." in page.text and DUE not in page.text.split("Nội dung bạn đã gửi")[0]


async def the_register_keeps_it(town: Town, code: str, other: str) -> None:
    """Late stays late; what is still open counts against the rate."""
    await town.wait_until("2026-03-10 09:00")
    await town.sign_in("thanhtra")
    page = await town.browser.get("/inspector?muc=qua-han")
    rows = [" ".join(row.text(separator=" ").split()) for row in page.select("tbody tr")]
    assert len(rows) == 6
    assert sum("xong 14:00 ngày 02/03/2026" in row for row in rows) == 3
    assert sum("vẫn chưa xong" in row for row in rows) == 3
    rates = await town.browser.get("/inspector?muc=ty-le")
    assert f"{LEAD_NAME} 0 % 0 1 1" in rates.text
    told = csv.DictReader(StringIO((await town.browser.get("/inspector/export.csv")).html.removeprefix("\ufeff")))
    sheet = {row["Mã phiếu"]: row for row in told}
    late = sheet[await town.feedback_id(code)]
    assert late["Trả lời lúc"] == "2026-03-02 14:00"
    # From 23:59:59 of 27/02 to 14:00 of 02/03: the 63rd hour had begun.
    assert late["Trả lời muộn (giờ)"] == "63"
    assert late["Hạn bị quá"].count(";") == 2
    still = sheet[await town.feedback_id(other)]
    assert (still["Trả lời lúc"], still["Trạng thái"]) == ("", "Đã chuyển cơ quan xử lý")
    assert int(still["Trả lời muộn (giờ)"]) == 10 * 24 + 9 + 1
    running = await town.browser.get("/inspector")
    assert "Hạn đang tính: 1" in running.text


WARNED, BROKEN, ESCALATED = (
    "Nhắc sắp đến hạn: Báo đã tiếp nhận",
    "Quá hạn: Báo đã tiếp nhận",
    "Báo lên cấp trên vì quá hạn: Báo đã tiếp nhận",
)


async def ticket_page(town: Town, code: str) -> list[str]:
    """Return the titles of a ticket's timeline, oldest first."""
    await town.sign_in("thanhtra")
    page = await town.open(await town.feedback_id(code))
    return [node.text(strip=True) for node in reversed(page.select(".timeline__title"))]


def steps(titles: list[str]) -> list[str]:
    """Return what of a timeline is about the acknowledgement's clock."""
    return [title for title in titles if title.endswith(": Báo đã tiếp nhận")]
