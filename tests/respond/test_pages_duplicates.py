"""What officers read of merged tickets before they merge or answer, and what the forms refuse."""

import pytest

from hotline.roles import Role
from services.respond.ticket import Status
from tests.pages.client import Page
from tests.respond.office import Office

LEAD = "phong-kinh-te-xa-00691"
MERGE = "nguyên văn câu trả lời của phiếu kia được gửi thêm cho {n} người dân"
ANSWER = "Câu trả lời này được gửi nguyên văn cho thêm {n} người dân"
WAITING = "Số phiếu gộp vào phiếu này, chờ chung câu trả lời: {n}"


async def merge(office: Office, **into: str) -> None:
    """Merge tickets with others on their pages, and let respond read what it said."""
    office.sign_in(Role.TRIAGE_OFFICER)
    for feedback_id, other in into.items():
        await office.open(feedback_id)
        await office.do("mark_duplicate", duplicate_of=other)
    await office.settle()


async def arrive(office: Office, count: int) -> None:
    """Let so many feedbacks come to one agency, f1 and on."""
    for number in range(1, count + 1):
        await office.arrive(f"f{number}")


async def answer(office: Office) -> None:
    """Let the agency's head answer f1, and let respond read what it said."""
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open("f1")
    await office.do("draft", text="Đã vá xong đoạn tổ 5.", outcome="settled")
    await office.do("sign", number="1/KT", signatory="Bình")
    await office.settle()


def form_text(page: Page, action: str) -> str:
    """Return the words of one action's panel."""
    (panel,) = [node for node in page.select("details.action") if node.css_first(f"#do-{action}")]
    return " ".join(panel.text(separator=" ").split())


async def test_who_merges_reads_to_how_many_the_answer_goes(office: Office) -> None:
    await arrive(office, 4)
    await merge(office, f3="f2", f4="f3")
    assert MERGE.format(n=1) in form_text(await office.open("f1"), "mark-duplicate")
    assert MERGE.format(n=3) in form_text(await office.open("f2"), "mark-duplicate")


async def test_who_drafts_or_signs_reads_to_how_many_it_goes(office: Office) -> None:
    await arrive(office, 3)
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    assert ANSWER[:20] not in (await office.open("f1")).text
    await merge(office, f2="f1", f3="f2")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    page = await office.open("f1")
    assert WAITING.format(n=2) in page.text
    assert ANSWER.format(n=2) in form_text(page, "draft")
    page = await office.do("draft", text="Đã vá.", outcome="settled")
    assert ANSWER.format(n=2) in form_text(page, "sign")
    page = await office.do("sign", number="1/KT", signatory="Bình")
    await office.settle()
    assert ANSWER[:20] not in (await office.open("f1")).text


async def test_who_signs_a_page_that_told_of_fewer_citizens_is_asked_to_read_again(office: Office) -> None:
    await arrive(office, 2)
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open("f1")
    read = await office.do("draft", text="Đã vá xong cho nhà ông A.", outcome="settled")
    seen = {"version": read.value("version"), "waiting": "0", "sign.number": "1/KT", "sign.signatory": "Bình"}
    await merge(office, f2="f1")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    form = {"csrf_token": (await office.open("f1")).value("csrf_token"), **seen}
    page = await office.browser.post("/tickets/f1/sign", form, status=409)
    assert ANSWER.format(n=1) in form_text(page, "sign")
    assert (await office.ticket("f1")).answers == ()


async def test_whoever_records_the_paper_answer_reads_it_too(office: Office) -> None:
    await office.arrive("f1", needs_review=True)
    await office.arrive("f2")
    await merge(office, f2="f1")
    await office.open("f1")
    page = await office.do("assign", agency="dien-luc-tq", note="điện lực làm")
    assert ANSWER.format(n=1) in form_text(page, "record-answer")


async def test_in_english_too(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open("f1")
    await office.browser.submit("/language", button="en")
    page = await office.open("f1")
    assert "This answer goes word for word to more citizens, 1 in all" in form_text(page, "draft")


async def test_the_answer_stands_on_the_page_of_both_with_a_link_to_the_other(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    await answer(office)
    page = await office.open("f2")
    assert "Đã vá xong đoạn tổ 5." in page.text and page.select('a[href="/tickets/f1"]')
    assert "Người dân nhận chung câu trả lời của phiếu: f1" in page.text


@pytest.mark.parametrize("gone", ["restricted", "erased"])
async def test_there_is_no_link_to_what_is_not_there_for_the_reader(office: Office, gone: str) -> None:
    """The same page whichever it was."""
    await arrive(office, 2)
    await merge(office, f2="f1")
    await answer(office)
    if gone == "erased":
        await office.desk.store.erase("f1")
    else:
        office.sign_in(Role.TRIAGE_OFFICER)
        await office.open("f1")
        await office.do("restrict", note="có thể là tố cáo")
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open("f2")
    assert not page.select('a[href="/tickets/f1"]')
    assert (await office.ticket("f2")).status is Status.ANSWERED


async def test_what_ended_without_an_answer_has_none_to_wait_for(office: Office) -> None:
    await office.arrive("f1", needs_review=True)
    await office.arrive("f2")
    office.sign_in(Role.TRIAGE_OFFICER)
    await office.open("f1")
    await office.do("refuse", note="đã có kết luận cuối cùng")
    await office.open("f2")
    page = await office.do("mark_duplicate", status=422, duplicate_of="f1")
    assert page.errors == [
        (
            "Phiếu kia đã kết thúc mà không có câu trả lời, nên người gửi phiếu này cũng sẽ không nhận được. "
            "Hãy chọn phiếu khác, hoặc xử lý riêng phiếu này."
        )
    ]


async def test_two_tickets_do_not_wait_for_each_other(office: Office) -> None:
    await arrive(office, 3)
    await merge(office, f2="f1", f3="f2")
    await office.open("f1")
    for other in ("f2", "f3"):
        page = await office.do("mark_duplicate", status=422, duplicate_of=other)
        assert page.errors == ["Phiếu kia đang chờ câu trả lời của chính phiếu này. Hãy chọn phiếu khác."]
