"""The lists of desk and agencies: urgent first, then the earliest due; overdue said in words; in pages."""

from hotline.facts import Attachment, Channel
from hotline.file_links import read_file_link
from hotline.roles import Role
from tests.pages.client import Page
from tests.respond.builders import at
from tests.respond.office import SECRET, Office

LEAD = "phong-kinh-te-xa-00691"


def words_on(page: Page) -> list[str]:
    """Return the first words of each ticket in a list, in its order."""
    return [node.text(strip=True) for node in page.select(".row-link")]


async def test_the_desk_takes_urgent_ones_first_then_the_earliest_due(office: Office) -> None:
    await office.arrive("f1", "Việc thứ nhất", code="6.3#giao_thong")
    office.clock.now = at("2026-11-18 09:00")
    await office.arrive("f2", "Việc thứ hai", code="6.3#giao_thong")
    await office.arrive("f3", "Việc khẩn", code="6.3#dien", urgent=True)
    office.sign_in(Role.OPERATOR)
    page = await office.browser.get("/desk")
    assert words_on(page) == ["Việc khẩn", "Việc thứ nhất", "Việc thứ hai"]
    assert "còn 23 giờ" in page.text


async def test_a_ticket_in_review_stays_on_the_desk_until_it_is_assigned(office: Office) -> None:
    await office.arrive("f1", "Việc chưa rõ", needs_review=True)
    office.sign_in(Role.OPERATOR)
    await office.open()
    await office.do("acknowledge", how="phone")
    page = await office.browser.get("/desk")
    assert words_on(page) == ["Việc chưa rõ"]
    assert "Đã báo 08:00 ngày 18/11/2026 Phân công cơ quan" in page.text


async def test_a_long_list_comes_in_pages(office: Office) -> None:
    for number in range(27):
        await office.arrive(f"f{number}", f"Việc số {number}", code="6.3#giao_thong")
    office.sign_in(Role.OPERATOR)
    first = await office.browser.get("/desk")
    assert len(words_on(first)) == 25 and "Trang 1 / 2" in first.text
    second = await office.browser.get("/desk?muc=can-lam&trang=2")
    assert len(words_on(second)) == 2
    assert not set(words_on(first)) & set(words_on(second))
    assert len(words_on(await office.browser.get("/desk?muc=dang-giai-quyet&trang=2"))) == 2
    assert words_on(await office.browser.get("/desk?muc=x&trang=-1")) == words_on(first)
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    assert len(words_on(await office.browser.get("/inbox?trang=2"))) == 2
    office.sign_in(Role.INSPECTOR)
    assert len(words_on(await office.browser.get("/inspector?trang=2"))) == 2


async def test_overdue_is_said_in_words(office: Office) -> None:
    await office.arrive("f1", "Việc cũ", code="6.3#giao_thong")
    await office.wait_until("2026-11-30 09:00")
    await office.arrive("f2", "Việc mới", code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    page = await office.browser.get("/inbox")
    assert words_on(page) == ["Việc cũ", "Việc mới"]
    assert "23:59 ngày 26/11/2026 ⚠ quá hạn 2 ngày làm việc Hạn của cơ quan" in page.text
    assert "còn 5 ngày làm việc" in page.text


async def test_a_kept_promise_is_the_answering_agencys_on_the_ticket_too(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    page = await office.do("sign", number="1/KT", signatory="Bình")
    assert "Trả lời người dân Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 2" in page.text


async def test_only_screeners_are_shown_the_way_to_restricted_tickets(office: Office) -> None:
    for is_screener in (False, True):
        office.sign_in(Role.TRIAGE_OFFICER, is_screener=is_screener)
        page = await office.browser.get("/desk")
        assert bool(page.select('a[href="/inspector/restricted"]')) is is_screener


async def test_files_are_offered_by_signed_links_without_their_names(office: Office) -> None:
    photo = Attachment(file_id="a" * 64, media_type="image/jpeg", size_bytes=2048, name="nha-ba-Mai.jpg")
    await office.receive(channel=Channel.WEB, attachments=(photo,))
    await office.classify(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    page = await office.open()
    assert "Tệp 1 (image/jpeg, 2 KB)" in page.text and "Mai" not in page.html
    (link,) = page.select('a[href^="/files/"]')
    signed = str(link.attributes["href"]).removeprefix("/files/")
    assert read_file_link(SECRET, signed, now=office.clock.now) == ("a" * 64, "image/jpeg")
