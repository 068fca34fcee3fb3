"""What is wrong is named all at once, what was typed is kept, and of two people at once one is told."""

import pytest

from hotline.roles import Role
from services.respond.ticket import Action, Status
from tests.respond.builders import at
from tests.respond.office import Office

pytestmark = pytest.mark.slow

LEAD = "phong-kinh-te-xa-00691"


async def test_every_fault_is_named_and_the_words_are_kept(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    page = await office.do("draft", status=422, text="Đã làm xong", promised_on="31/02/2026")
    assert page.errors == [
        "Không có ngày “31/02/2026”. Hãy ghi như 24/11/2026.",
        "Hãy chọn kết quả: đã giải quyết, hẹn ngày làm xong, hoặc không giải quyết được.",
    ]
    assert page.value("draft.text") == "Đã làm xong"
    assert page.value("draft.promised_on") == "31/02/2026"
    assert page.select("details.action[open] form#do-draft")
    assert (await office.ticket()).draft is None


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"outcome": "promised"}, "Hãy ghi ngày hẹn làm xong."),
        ({"outcome": "promised", "promised_on": "17/11/2026"}, "Ngày hẹn đã qua. Hãy chọn hôm nay hoặc một ngày sau."),
        (
            {"outcome": "settled", "promised_on": "20.11.2026"},
            "Chỉ ghi ngày hẹn khi kết quả là hẹn ngày làm xong. Hãy bỏ ngày này hoặc đổi kết quả.",
        ),
        ({"outcome": "settled", "promised_on": "mai"}, "Không có ngày “mai”. Hãy ghi như 24/11/2026."),
    ],
)
async def test_a_day_is_read_as_people_write_it(office: Office, typed: dict[str, str], error: str) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    page = await office.do("draft", status=422, text="Sẽ làm", **typed)
    assert page.errors == [error]


@pytest.mark.parametrize("typed", ["5/12/2026", "05-12-2026", "2026-12-05", " 05.12.2026 "])
async def test_each_way_to_write_a_day_is_the_same_day(office: Office, typed: str) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Sẽ làm", outcome="promised", promised_on=typed)
    draft = (await office.ticket()).draft
    assert draft is not None and draft.promised_on is not None and draft.promised_on.isoformat() == "2026-12-05"


async def test_two_people_at_once_the_second_is_told_and_loses_nothing(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    first = await office.open()
    form = {
        "csrf_token": first.value("csrf_token"),
        "version": first.value("version"),
        "draft.text": "Bản của người thứ hai",
        "draft.outcome": "settled",
    }
    await office.do("draft", text="Bản của người thứ nhất", outcome="settled")
    page = await office.browser.post("/tickets/f1/draft", form, status=409)
    assert page.errors[0].startswith("Phiếu vừa thay đổi trong lúc anh/chị viết")
    assert "Bản của người thứ nhất" in page.text
    assert page.value("draft.text") == "Bản của người thứ hai"
    await office.do("draft", text="Bản chung", outcome="settled")
    draft = (await office.ticket()).draft
    assert draft is not None and draft.text == "Bản chung"


async def test_words_for_an_action_that_is_gone_are_shown_to_be_copied(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    first = await office.open()
    form = {
        "csrf_token": first.value("csrf_token"),
        "version": first.value("version"),
        "ask_citizen.question": "Nhà ở tổ mấy?",
    }
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    await office.do("sign", number="1/KT", signatory="Bình")
    page = await office.browser.post("/tickets/f1/ask_citizen", form, status=409)
    assert "Nhà ở tổ mấy?" in page.text
    assert (await office.ticket()).status is Status.ANSWERED


async def test_what_is_not_allowed_says_why(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    page = await office.open()
    form = {"csrf_token": page.value("csrf_token"), "version": page.value("version")}
    page = await office.browser.post("/tickets/f1/submit", form, status=409)
    assert page.errors == ["Phiếu đã sang bước khác nên không còn thao tác này. Hãy tải lại trang."]


async def test_an_unknown_action_is_no_page(office: Office) -> None:
    await office.arrive()
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open()
    form = {"csrf_token": page.value("csrf_token"), "version": page.value("version")}
    await office.browser.post("/tickets/f1/explode", form, status=404)


async def test_decomposed_words_are_kept_composed(office: Office) -> None:
    await office.arrive()
    office.sign_in(Role.INSPECTOR)
    await office.open()
    await office.do("note", note="Đa\u0303 go\u0323i")
    last = (await office.ticket()).history[-1]
    assert (last.action, last.note) == (Action.NOTE, "Đã gọi")


async def test_the_page_is_in_english_too_but_what_is_said_to_citizens_is_vietnamese(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.OPERATOR)
    await office.open()
    await office.browser.submit("/language", button="en")
    page = await office.open()
    assert page.heading == "Feedback received at 08:00 on 18/11/2026"
    assert page.value("acknowledge.said").startswith("Phản ánh của anh/chị đã được tiếp nhận.")


async def test_a_signature_before_the_receipt_or_in_the_future_is_refused(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.clock.now = at("2026-11-20 08:00")
    office.sign_in(Role.AGENCY_HEAD, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Đã vá đường.", outcome="settled")
    for day in ("17/11/2026", "21/11/2026"):
        page = await office.do("sign", status=422, number="1/KT", signatory="Bình", signed_on=day)
        assert len(page.errors) == 1
        assert page.value("sign.signed_on") == day


async def test_a_reload_after_a_fault_leads_back_to_the_ticket(office: Office) -> None:
    await office.arrive()
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.browser.get("/tickets/f1/assign")
    assert page.path == "/tickets/f1"
