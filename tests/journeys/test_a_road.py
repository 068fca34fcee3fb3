"""The ordinary way: a citizen reports a broken road, everyone does their part in time, the register says so."""

import csv
from io import StringIO

import pytest

from tests.journeys.town import LEAD_NAME, Town, code_on, forms_on

pytestmark = pytest.mark.slow

WORDS = "Duong vao to 5 hong nang, nhieu o ga, xe may nga nhieu lan. Mong som duoc sua."
QUESTION = "Đoạn nào của tổ 5, gần nhà văn hóa không?"
ANSWER = "Đã vá 200 m đường tổ 5 ngày 23/11."


async def test_a_road_from_the_form_to_the_register(town: Town, photo: bytes) -> None:
    await town.hire_everyone()
    code, feedback_id = await citizen_reports(town, photo)
    await desk_acknowledges(town, feedback_id)
    await triage_confirms(town, feedback_id)
    await staff_asks(town, feedback_id)
    await citizen_answers(town, code)
    await staff_and_head_answer(town, feedback_id)
    await desk_tells(town, feedback_id)
    await citizen_reads_and_rates(town, code)
    await inspector_sees_it_kept(town, feedback_id)


async def citizen_reports(town: Town, photo: bytes) -> tuple[str, str]:
    """On a phone, without diacritics, with a photo and a number."""
    citizen = town.citizen()
    await citizen.get("/")
    page = await citizen.submit(
        "gui",
        text=WORDS,
        place__commune="phuong ha giang 2",
        place__detail="to 5",
        reporter__phone="0912 345 678",
        files={"attachments": [("duong.jpg", photo, "image/jpeg")]},
    )
    assert page.heading == "Đã tiếp nhận phản ánh"
    # Wednesday 08:00: the next day at 08:00; six working days on is Friday week, as 24/11 is a day off.
    assert "08:00 ngày 19/11/2026" in page.text and "ngày 27/11/2026" in page.text
    code = code_on(page)
    await town.settle()
    page = await town.follow(code)
    assert "Đã chuyển cơ quan xử lý" in page.text and LEAD_NAME in page.text
    assert "Cung ứng dịch vụ công" in page.text and "6.3" not in page.text
    return code, await town.feedback_id(code)


async def desk_acknowledges(town: Town, feedback_id: str) -> None:
    """The operator calls within the day; the sentence to say is ready."""
    await town.wait_until("2026-11-18 10:00")
    page = await town.sign_in("tongdai")
    assert page.path == "/desk" and "Báo tiếp nhận" in page.text and WORDS[:60] in page.text
    contact = await town.browser.get(f"/operator/contact/{feedback_id}")
    assert "0912 345 678" in contact.text
    page = await town.open(feedback_id)
    assert "phường Hà Giang 2" in page.text.replace("Phường", "phường") and "Tệp 1 (image/jpeg" in page.text
    said = f"Phản ánh của anh/chị đã được tiếp nhận. Nơi trả lời là {LEAD_NAME}, chậm nhất ngày 27/11/2026."
    assert page.value("acknowledge.said") == said
    await town.do("acknowledge", how="phone")
    assert "0912" not in (await town.browser.get("/desk")).text


async def triage_confirms(town: Town, feedback_id: str) -> None:
    """Somebody looks at what the machine made of it and confirms."""
    await town.sign_in("dieuphoi")
    page = await town.browser.get(f"/review/{feedback_id}")
    assert WORDS in page.text and "Phản ánh, kiến nghị" in page.text
    await town.browser.submit("verdict")
    await town.settle()
    page = await town.open(feedback_id)
    assert "Cán bộ đã xác nhận" in page.text and "Đã chuyển cơ quan xử lý" in page.text


async def staff_asks(town: Town, feedback_id: str) -> None:
    """The agency takes it up, sees photo and words but no number, and asks."""
    await town.wait_until("2026-11-19 08:30")
    inbox = await town.sign_in("canbo")
    assert inbox.heading == f"Việc của {LEAD_NAME}" and "Cần làm (1)" in inbox.text
    page = await town.open(feedback_id)
    assert "0912" not in page.html and "912345678" not in page.html
    link = next(str(a.attributes["href"]) for a in page.select("a") if "/files/" in str(a.attributes.get("href")))
    photo = await town.browser.http.get(link)
    assert photo.status == 200 and photo.content_type == "image/jpeg"
    assert "chụp tại nhà riêng".encode() not in await photo.read()
    await town.browser.get(f"/operator/contact/{feedback_id}", status=404)
    await town.open(feedback_id)
    await town.do("start")
    page = await town.do("ask_citizen", question=QUESTION)
    assert "Đang hỏi người dân" in page.text


async def citizen_answers(town: Town, code: str) -> None:
    """The question stands on the citizen's page, with a box for the answer."""
    await town.wait_until("2026-11-19 19:00")
    page = await town.follow(code)
    assert "Cơ quan cần bạn cho biết thêm" in page.text and QUESTION in page.text
    page = await town.browser.submit("bo-sung", information="Gan nha van hoa, cho khuc cua")
    assert "Đã ghi thêm thông tin của bạn." in page.text
    await town.settle()
    assert QUESTION not in (await town.follow(code)).text


async def staff_and_head_answer(town: Town, feedback_id: str) -> None:
    """Drafted, returned by the head, drafted again, signed."""
    await town.wait_until("2026-11-20 09:00")
    await town.sign_in("canbo")
    page = await town.open(feedback_id)
    assert "Gan nha van hoa" in page.text
    await town.do("draft", text="Đã vá đường.", outcome="settled")
    page = await town.do("submit")
    assert "sign" not in forms_on(page)

    inbox = await town.sign_in("lanhdao")
    assert "Chờ lãnh đạo ký: 1" in inbox.text
    await town.open(feedback_id)
    await town.do("send_back", note="ghi rõ đoạn đường và ngày làm")

    await town.wait_until("2026-11-23 09:00")
    await town.sign_in("canbo")
    page = await town.open(feedback_id)
    assert "ghi rõ đoạn đường và ngày làm" in page.text and page.value("draft.text") == "Đã vá đường."
    await town.do("draft", text=ANSWER, outcome="settled")
    await town.do("submit")

    await town.sign_in("lanhdao")
    page = await town.open(feedback_id)
    assert page.value("sign.signatory") == "Nguyễn Văn Bình"
    page = await town.do("sign", number="12/KTHT-TL", signed_on="23/11/2026")
    assert "Số 12/KTHT-TL, ngày 23/11/2026, Nguyễn Văn Bình" in page.text


async def desk_tells(town: Town, feedback_id: str) -> None:
    """Whoever wrote on the website reads the answer there; the desk may call as well."""
    await town.sign_in("tongdai")
    assert "Không còn ai chờ được báo." in (await town.browser.get("/operator/tell")).text
    await town.open(feedback_id)
    page = await town.do("tell", said="Đã đọc câu trả lời qua điện thoại, bà con cảm ơn.")
    assert "tell" not in forms_on(page)


async def citizen_reads_and_rates(town: Town, code: str) -> None:
    """The answer, who signed it, and five stars."""
    await town.wait_until("2026-11-25 20:00")
    page = await town.follow(code)
    assert ANSWER in page.text and "12/KTHT-TL" in page.text and "Ký ngày 23/11/2026, Nguyễn Văn Bình" in page.text
    assert LEAD_NAME in page.text and "ghi rõ đoạn đường" not in page.text and "bà con cảm ơn" not in page.text
    page = await town.browser.submit("danh-gia", rating="5", comment="Lam nhanh, cam on")
    assert "Cảm ơn bạn đã đánh giá." in page.text
    await town.settle()
    state = await town.state(code)
    assert state["status"] == "answered" and state["answer"]["text"] == ANSWER  # type: ignore[index]


async def inspector_sees_it_kept(town: Town, feedback_id: str) -> None:
    """In time, on the page and in the sheet; the sheet has neither words nor number."""
    page = await town.sign_in("thanhtra")
    assert page.path == "/inspector" and "Không có hạn nào đang tính." in page.text
    assert "Không có việc nào quá hạn." in (await town.browser.get("/inspector?muc=qua-han")).text
    rates = await town.browser.get("/inspector?muc=ty-le")
    assert f"{LEAD_NAME} 100 % 1 0 0" in " ".join(rates.text.split())
    sheet = (await town.browser.get("/inspector/export.csv")).html
    assert WORDS not in sheet and "912345678" not in sheet
    (row,) = csv.DictReader(StringIO(sheet.removeprefix("\ufeff")))
    assert row["Mã phiếu"] == feedback_id and row["Trạng thái"] == "Đã trả lời"
    assert (row["Báo tiếp nhận lúc"], row["Trả lời lúc"]) == ("2026-11-18 10:00", "2026-11-23 09:00")
    assert (row["Trả lời muộn (giờ)"], row["Hạn bị quá"]) == ("", "")
    assert row["Người báo tiếp nhận"] == "Lù Thị Mai"
    page = await town.open(feedback_id)
    assert "5 trên 5" in page.text
