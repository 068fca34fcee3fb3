"""Signing in and out, one's own password, and the administrator's list of accounts."""

from datetime import timedelta

import pytest

from hotline.roles import Role
from hotline.web.audience import SESSION_COOKIE
from hotline.web.keys import SESSIONS
from services.respond.account_actions import close_account, create_account
from tests.pages.client import Page
from tests.respond.office import Office

pytestmark = pytest.mark.slow

PASSWORD = "nước chảy đá mòn 1022"
NEW = "có công mài sắt 2026"
WRONG = "Tên đăng nhập hoặc mật khẩu không đúng. Hãy kiểm tra lại, hoặc nhờ quản trị cấp mật khẩu mới."
AGENCY = "ubnd-xa-00691"


async def hire(office: Office, username: str = "lan", role: Role = Role.OPERATOR, **changes: str) -> str:
    """Make an account and return its id."""
    account = await create_account(
        office.desk.store,
        office.desk.rules.directory,
        username=username,
        full_name="Lò Thị Lan",
        role=role,
        password=PASSWORD,
        now=office.clock(),
        **changes,  # type: ignore[arg-type]
    )
    return account.account_id


async def sign_in(
    office: Office, username: str = "lan", password: str = PASSWORD, *, status: int = 200, after: str = ""
) -> Page:
    """Sign in on the page."""
    await office.browser.get(f"/sign-in?next={after}" if after else "/sign-in")
    return await office.browser.submit("sign-in", username=username, password=password, status=status)


def cookie(office: Office) -> str:
    """Return the session cookie that the browser holds."""
    return next(morsel.value for morsel in office.browser.http.session.cookie_jar if morsel.key == SESSION_COOKIE)


@pytest.mark.parametrize(
    ("role", "agency_id", "home"),
    [
        (Role.OPERATOR, "", "/desk"),
        (Role.TRIAGE_OFFICER, "", "/desk"),
        (Role.AGENCY_STAFF, AGENCY, "/inbox"),
        (Role.AGENCY_HEAD, AGENCY, "/inbox"),
        (Role.INSPECTOR, "", "/inspector"),
        (Role.COORDINATOR, "", "/inspector"),
        (Role.ADMIN, "", "/admin/accounts"),
    ],
)
async def test_everyone_begins_where_their_work_is(office: Office, role: Role, agency_id: str, home: str) -> None:
    await hire(office, role=role, **({"agency_id": agency_id} if agency_id else {}))
    page = await sign_in(office, username=" LAN ")
    assert page.path == home and "Lò Thị Lan" in page.text


async def test_a_wrong_password_an_unknown_name_and_a_closed_account_look_the_same(office: Office) -> None:
    await hire(office)
    closed = await hire(office, "cuong")
    await close_account(office.desk.store, closed, by="", now=office.clock())
    for username, password in (("lan", "mật khẩu khác hẳn"), ("khong-co", PASSWORD), ("cuong", PASSWORD), ("", "")):
        page = await sign_in(office, username, password, status=422)
        assert page.errors == [WRONG]
        assert page.value("username") == username and PASSWORD not in page.html
    await office.browser.get("/desk", follow=False, status=303)


async def test_too_many_tries_wait_and_the_name_typed_otherwise_does_not_help(office: Office) -> None:
    await hire(office)
    for number in range(8):
        await sign_in(office, "LAN" if number % 2 else "lan", f"sai lần thứ {number}", status=422)
    for number in range(3):
        await sign_in(office, "lan", f"lại sai lần thứ {number}", status=429)
    page = await sign_in(office, status=429)
    assert page.errors == ["Đã thử quá nhiều lần. Hãy chờ vài phút rồi thử lại."]
    office.clock.now += timedelta(minutes=1)
    assert (await sign_in(office)).path == "/desk"


async def test_a_name_that_strangers_guess_at_is_not_locked_for_whom_it_belongs_to(office: Office) -> None:
    await hire(office)
    for number in range(8):
        await sign_in(office, "lan", f"sai lần thứ {number}", status=422)
    assert (await sign_in(office)).path == "/desk"
    await sign_in(office, "lan", "vẫn là người lạ đoán", status=429)


async def test_one_address_may_not_try_many_names(office: Office) -> None:
    await hire(office)
    for number in range(20):
        await sign_in(office, f"ten-{number}", "không biết", status=422)
    await sign_in(office, status=429)


@pytest.mark.parametrize("after", ["/desk?muc=da-xong", "/account"])
async def test_on_to_where_one_wanted_to_go(office: Office, after: str) -> None:
    await hire(office)
    asked = await office.browser.get(after)
    assert asked.heading == "Đăng nhập dành cho cán bộ"
    page = await office.browser.submit("sign-in", username="lan", password=PASSWORD)
    assert page.path == after


@pytest.mark.parametrize(
    "after",
    ["https://example.vn/", "//example.vn/desk", "/\\example.vn", "javascript:alert(1)", "%2F%2Fexample.vn", "desk"],
)
async def test_never_on_to_another_site(office: Office, after: str) -> None:
    await hire(office)
    page = await sign_in(office, after=after)
    assert page.path == "/desk"


async def test_signed_out_means_out(office: Office) -> None:
    await hire(office)
    await sign_in(office)
    page = await office.browser.submit("/sign-out")
    assert page.path == "/sign-in"
    page = await office.browser.get("/desk")
    assert page.heading == "Đăng nhập dành cho cán bộ"


async def test_a_session_ends_by_itself(office: Office) -> None:
    await hire(office)
    await sign_in(office)
    office.clock.now += timedelta(hours=8)
    assert (await office.browser.get("/desk")).heading == "Đăng nhập dành cho cán bộ"


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"old_password": "không phải mật khẩu này"}, ["Mật khẩu hiện tại không đúng."]),
        ({"new_password_again": "khác một chữ thôi"}, ["Hai lần nhập mật khẩu mới không giống nhau. Hãy nhập lại."]),
        (
            {"new_password": "ngắn", "new_password_again": "ngắn"},
            ["Mật khẩu cần ít nhất 12 ký tự. Hãy dùng một câu dễ nhớ."],
        ),
        (
            {"new_password": "lanlanlanlanlan1", "new_password_again": "lanlanlanlanlan1"},
            ["Mật khẩu này dễ đoán. Hãy chọn một câu khác, không chứa tên đăng nhập."],
        ),
    ],
)
async def test_a_bad_change_of_password_says_why_and_changes_nothing(
    office: Office, typed: dict[str, str], errors: list[str]
) -> None:
    await hire(office)
    await sign_in(office)
    await office.browser.get("/account")
    good = {"old_password": PASSWORD, "new_password": NEW, "new_password_again": NEW}
    page = await office.browser.submit("password", status=422, **(good | typed))
    assert page.errors == errors and NEW not in page.html
    assert (await sign_in(office)).path == "/desk"


async def test_changing_the_password_ends_the_other_sessions_and_not_this_one(office: Office) -> None:
    await hire(office)
    await sign_in(office)
    elsewhere = cookie(office)
    office.clock.now += timedelta(minutes=5)
    await sign_in(office)
    office.clock.now += timedelta(minutes=5)
    await office.browser.get("/account")
    page = await office.browser.submit("password", old_password=PASSWORD, new_password=NEW, new_password_again=NEW)
    assert "Đã đổi mật khẩu. Các lần đăng nhập khác đã kết thúc." in page.text
    assert (await office.browser.get("/desk")).path == "/desk"
    assert office.app[SESSIONS].read(elsewhere, office.clock()) is None
    office.browser.sign_out()
    await sign_in(office, status=422)
    assert (await sign_in(office, password=NEW)).path == "/desk"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_the_list_of_accounts_does_not_exist_but_for_administrators(office: Office, role: Role) -> None:
    office.sign_in(role, agency_id=AGENCY if role in {Role.AGENCY_STAFF, Role.AGENCY_HEAD} else None)
    await office.browser.get("/admin/accounts", status=404)
    token = (await office.browser.get("/account")).value("csrf_token")
    await office.browser.post("/admin/accounts", {"csrf_token": token}, status=404)
    await office.browser.post("/admin/accounts/x/close", {"csrf_token": token}, status=404)


async def new_account(office: Office, *, status: int = 200, **typed: str) -> Page:
    """Fill the administrator's form in."""
    await office.browser.get("/admin/accounts")
    given = {"username": "may", "full_name": "Lò Thị Mẩy", "role": "operator"}
    return await office.browser.submit("new-account", status=status, **(given | typed))


async def test_a_new_account_signs_in_with_the_password_shown_once(office: Office) -> None:
    office.sign_in(Role.ADMIN)
    page = await new_account(office, username="may.ubnd", role="agency_staff", agency_id=AGENCY)
    password = page.select("code.secret")[0].text(strip=True)
    assert "Mật khẩu của may.ubnd" in page.text and len(password) == 20
    assert password not in (await office.browser.get("/admin/accounts")).html
    office.browser.sign_out()
    assert (await sign_in(office, "may.ubnd", password)).path == "/inbox"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"username": "Tên có dấu"}, "Tên đăng nhập gồm 3 đến 50 chữ không dấu"),
        ({"full_name": " "}, "Hãy ghi đủ họ và tên như trên giấy tờ."),
        ({"role": ""}, "Hãy chọn vai trò."),
        ({"role": "agency_staff"}, "Vai trò này phải thuộc một cơ quan. Hãy chọn cơ quan."),
        ({"agency_id": AGENCY}, "Vai trò này không thuộc cơ quan xử lý nào. Hãy bỏ chọn cơ quan."),
        ({"is_screener": "yes"}, "Chỉ cán bộ điều phối hoặc thanh tra được làm người sàng lọc."),
        ({"username": "admin"}, "Tên đăng nhập này đã có người dùng. Hãy chọn tên khác."),
    ],
)
async def test_a_faulty_new_account_says_why_and_is_not_made(office: Office, typed: dict[str, str], error: str) -> None:
    office.sign_in(Role.ADMIN)
    before = len(await office.desk.store.accounts())
    page = await new_account(office, status=422, **typed)
    assert [said for said in page.errors if said.startswith(error)]
    assert page.value("full_name") == typed.get("full_name", "Lò Thị Mẩy")
    assert not page.select("code.secret")
    assert len(await office.desk.store.accounts()) == before


async def test_closed_at_once_opened_again_and_given_a_new_password(office: Office) -> None:
    account_id = await hire(office)
    await sign_in(office)
    theirs = cookie(office)
    office.clock.now += timedelta(minutes=1)
    office.sign_in(Role.ADMIN)
    await office.browser.get("/admin/accounts")
    page = await office.browser.submit(f"close-{account_id}")
    assert "Đã khóa" in page.text
    assert office.app[SESSIONS].read(theirs, office.clock()) is None
    page = await office.browser.submit(f"open-{account_id}")
    assert office.app[SESSIONS].read(theirs, office.clock()) is None
    page = await office.browser.submit(f"reset-{account_id}")
    password = page.select("code.secret")[0].text(strip=True)
    office.browser.sign_out()
    await sign_in(office, status=422)
    office.clock.now += timedelta(minutes=1)
    assert (await sign_in(office, password=password)).path == "/desk"


async def test_nobody_closes_their_own_account(office: Office) -> None:
    await hire(office, role=Role.ADMIN)
    await sign_in(office)
    account_id = next(a.account_id for a in await office.desk.store.accounts() if a.username == "lan")
    page = await office.browser.submit(f"close-{account_id}", status=422)
    assert page.errors == ["Không thể tự khóa tài khoản của mình. Hãy nhờ quản trị khác."]
    assert (await office.browser.get("/admin/accounts")).path == "/admin/accounts"


async def test_an_account_that_is_not_there_cannot_be_changed(office: Office) -> None:
    office.sign_in(Role.ADMIN)
    token = (await office.browser.get("/admin/accounts")).value("csrf_token")
    for verb in ("close", "open", "reset"):
        await office.browser.post(f"/admin/accounts/khong-co/{verb}", {"csrf_token": token}, status=404)
