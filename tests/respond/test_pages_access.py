"""Who sees which ticket and which page; what one may not see looks as if it did not exist."""

import pytest

from hotline.roles import Role
from services.respond.ticket import Status
from tests.respond.office import Office, actions_on

pytestmark = pytest.mark.slow

LEAD = "phong-kinh-te-xa-00691"
STRANGER = "so-y-te-tq"
SECRET_WORDS = "Nguyễn Văn Tham"

OPENS = {
    Role.OPERATOR: {"/desk"},
    Role.TRIAGE_OFFICER: {"/desk"},
    Role.AGENCY_STAFF: {"/inbox"},
    Role.AGENCY_HEAD: {"/inbox"},
    Role.INSPECTOR: {"/inspector", "/inspector/export.csv", "/inspector/restricted"},
    Role.COORDINATOR: {"/inspector", "/inspector/export.csv"},
    Role.ADMIN: set(),
}
PAGES = ("/desk", "/inbox", "/inspector", "/inspector/export.csv", "/inspector/restricted")


def sign_in(office: Office, role: Role, **changes: object) -> None:
    agency_id = LEAD if role in {Role.AGENCY_STAFF, Role.AGENCY_HEAD} else None
    office.sign_in(role, agency_id=agency_id, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_opens_its_own_lists_and_no_other(office: Office, role: Role) -> None:
    sign_in(office, role)
    for path in PAGES:
        await office.browser.get(path, status=200 if path in OPENS[role] else 404)


@pytest.mark.parametrize("role", list(Role))
async def test_an_open_ticket_is_seen_by_all_who_work_on_it(office: Office, role: Role) -> None:
    await office.arrive(code="6.3#giao_thong")
    sign_in(office, role)
    await office.open(status=404 if role is Role.ADMIN else 200)


async def test_another_agency_sees_neither_ticket_nor_row(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_HEAD, agency_id=STRANGER)
    await office.open(status=404)
    assert "tổ 5" not in (await office.browser.get("/inbox")).text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INSPECTOR])
async def test_a_restricted_ticket_looks_like_none(office: Office, role: Role) -> None:
    await office.restrict()
    sign_in(office, role)
    there = await office.open("f1", status=404)
    nowhere = await office.open("no-such-ticket", status=404)
    assert without_request_id(there.text) == without_request_id(nowhere.text)
    for path in OPENS[role]:
        found = await office.browser.get(path)
        assert SECRET_WORDS not in found.html and "f1" not in found.text.split()


@pytest.mark.parametrize("role", [Role.TRIAGE_OFFICER, Role.AGENCY_STAFF, Role.COORDINATOR])
async def test_acting_on_a_restricted_ticket_looks_like_none_too(office: Office, role: Role) -> None:
    await office.restrict()
    before = await office.ticket()
    sign_in(office, role)
    page = await office.browser.get("/account")
    form = {"csrf_token": page.value("csrf_token"), "version": str(before.version), "note.note": "x"}
    await office.browser.post("/tickets/f1/note", form, status=404)
    assert await office.ticket() == before


async def test_the_inspector_sees_it_but_not_when_named_in_it(office: Office) -> None:
    await office.restrict()
    office.sign_in(Role.INSPECTOR, name="Trần Thị Sen")
    assert "Nội dung cần bảo mật" in (await office.open()).text
    assert SECRET_WORDS in (await office.browser.get("/inspector/restricted")).text
    office.sign_in(Role.INSPECTOR, name="NGUYEN VAN THAM")
    await office.open(status=404)
    for path in ("/inspector", "/inspector/restricted", "/inspector/export.csv"):
        found = await office.browser.get(path)
        assert SECRET_WORDS not in found.html and "f1" not in found.html.replace(",", " ").split()


async def test_the_screener_confirms_and_hands_it_over(office: Office) -> None:
    await office.restrict()
    office.sign_in(Role.TRIAGE_OFFICER, is_screener=True)
    assert SECRET_WORDS in (await office.browser.get("/inspector/restricted")).text
    page = await office.open()
    assert page.select('a[href="/review/f1"]')
    assert {"confirm_restricted", "return_to_desk", "acknowledge"} <= actions_on(page)
    assert "redirect" not in actions_on(page)
    page = await office.do("confirm_restricted")
    assert {"redirect", "record_answer"} <= actions_on(page)
    page = await office.do("redirect", destination="Thanh tra tỉnh", note="Đã chuyển theo Luật Tố cáo")
    assert (await office.ticket()).status is Status.REDIRECTED


async def test_a_returned_ticket_does_not_tell_the_desk_what_was_said_meanwhile(office: Office) -> None:
    await office.restrict(text="Tố cáo: loa phường ồn")
    office.sign_in(Role.TRIAGE_OFFICER, is_screener=True)
    await office.open()
    await office.do("note", note="nghi ông tổ trưởng")
    await office.do("return_to_desk", note="không phải tố cáo")
    office.sign_in(Role.OPERATOR)
    page = await office.open()
    for word in ("nghi ông tổ trưởng", "không phải tố cáo", "bảo mật,", "Người sàng lọc", "Sàng lọc"):
        assert word not in page.text
    office.sign_in(Role.INSPECTOR)
    assert "nghi ông tổ trưởng" in (await office.open()).text


async def test_whoever_restricts_loses_sight_of_it_at_once(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    page = await office.do("restrict", note="có nêu tên cán bộ nhận tiền")
    assert page.path.startswith("/inbox")
    await office.open(status=404)
    assert (await office.ticket()).restricted


async def test_a_draft_is_not_shown_to_the_desk_or_the_coordinator(office: Office) -> None:
    await office.arrive(code="6.3#giao_thong")
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    await office.open()
    await office.do("draft", text="Bản nháp chưa ai ký", outcome="settled")
    for role in (Role.OPERATOR, Role.COORDINATOR):
        office.sign_in(role)
        assert "Bản nháp chưa ai ký" not in (await office.open()).text


async def test_nobody_signed_in_is_sent_to_sign_in(office: Office) -> None:
    await office.arrive()
    page = await office.browser.get("/tickets/f1")
    assert page.path.startswith("/sign-in")


def without_request_id(text: str) -> str:
    """Leave out the one word that differs between any two error pages."""
    return text.split("Mã sự cố")[0]
