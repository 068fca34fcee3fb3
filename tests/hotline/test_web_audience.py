"""Who gets in: sessions expire, cannot be forged, can be revoked; each audience admits whom it names; API keys."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.roles import Role
from hotline.web.audience import ApiKeys, Audience, Sessions
from hotline.web.keys import SESSIONS
from tests.hotline.web_trial import SECRET, START, Clock, a_session, trial_app
from tests.pages.client import PageClient


def test_a_session_reads_back_as_it_was_issued() -> None:
    sessions = Sessions(SECRET)
    assert sessions.read(sessions.issue(a_session()), START) == a_session()


@pytest.mark.parametrize(
    ("after", "is_read"),
    [
        (timedelta(hours=7, minutes=59, seconds=59), True),
        (timedelta(hours=8), False),
        (timedelta(days=300), False),
    ],
)
def test_a_session_ends_at_its_expiry(after: timedelta, is_read: bool) -> None:
    sessions = Sessions(SECRET)
    assert (sessions.read(sessions.issue(a_session()), START + after) is not None) is is_read


@given(st.data())
def test_no_changed_cookie_is_read(data: st.DataObject) -> None:
    sessions = Sessions(SECRET)
    token = sessions.issue(a_session())
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[at]))
    # The last base64 letter of a signature has spare bits: changing only those changes nothing.
    forged = sessions.read(token[:at] + other + token[at + 1 :], START)
    assert forged in (None, a_session())


def test_a_cookie_of_another_secret_is_not_read() -> None:
    assert Sessions(SECRET).read(Sessions("another" + SECRET).issue(a_session()), START) is None


@pytest.mark.parametrize(
    ("before", "is_read"),
    [(timedelta(seconds=-1), True), (timedelta(0), True), (timedelta(seconds=1), False)],
)
def test_revocation_ends_what_was_issued_before_it(before: timedelta, is_read: bool) -> None:
    sessions = Sessions(SECRET)
    sessions.revoke("a1", START + before)
    sessions.revoke("a1", START - timedelta(days=9))
    assert (sessions.read(sessions.issue(a_session()), START) is not None) is is_read


def test_revoking_one_account_leaves_the_others() -> None:
    sessions = Sessions(SECRET)
    sessions.revoke("a1", START + timedelta(hours=1))
    assert sessions.read(sessions.issue(a_session(account_id="a2")), START) is not None


def test_a_session_with_naive_instants_is_refused() -> None:
    naive = datetime(2026, 11, 24, 7, 5)  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        Sessions(SECRET).issue(a_session(issued_at=naive))


@pytest.mark.parametrize(
    ("audience", "nobody", "staff", "inspector"),
    [
        (Audience.public(), True, True, True),
        (Audience.api(), True, True, True),
        (Audience.signed_in(), False, True, True),
        (Audience.roles(Role.INSPECTOR), False, False, True),
        (Audience.roles(Role.INSPECTOR, Role.AGENCY_STAFF), False, True, True),
    ],
)
def test_each_audience_admits_whom_it_names(audience: Audience, nobody: bool, staff: bool, inspector: bool) -> None:
    assert audience.admits(None) is nobody
    assert audience.admits(a_session(Role.AGENCY_STAFF)) is staff
    assert audience.admits(a_session(Role.INSPECTOR)) is inspector


def test_an_audience_of_no_role_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Audience.roles()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Bearer s1", "one"),
        ("bearer s2", "two"),
        ("Bearer  s2 ", "two"),
        ("Bearer s3", None),
        ("Bearer ", None),
        ("Basic s1", None),
        ("s1", None),
        ("", None),
        ("Bearer s1\udcff", None),
    ],
)
def test_an_api_key_names_its_client(header: str, name: str | None) -> None:
    assert ApiKeys({"one": "s1", "two": "s2", "unset": ""}).client(header) == name


async def test_a_stranger_is_sent_to_sign_in_and_back() -> None:
    async with PageClient(trial_app()) as browser:
        answer = await browser.get("/can-bo?trang=2", status=303, follow=False)
        assert answer.headers["Location"] == "/sign-in?next=/can-bo?trang%3D2"


async def test_a_stranger_may_not_post() -> None:
    async with PageClient(trial_app()) as browser:
        answer = await browser.post("/can-bo", {}, status=403)
        assert answer.heading == "Phiên làm việc đã hết hạn"


async def test_the_wrong_role_sees_what_a_missing_page_shows() -> None:
    async with PageClient(trial_app()) as browser:
        browser.sign_in(a_session(Role.AGENCY_STAFF))
        hidden = await browser.get("/thanh-tra", status=404)
        missing = await browser.get("/khong-co", status=404)
        assert hidden.heading == missing.heading == "Không tìm thấy trang"


async def test_the_right_role_gets_in_until_the_session_ends() -> None:
    clock = Clock()
    async with PageClient(trial_app(clock=clock)) as browser:
        browser.sign_in(a_session(Role.INSPECTOR))
        assert (await browser.get("/thanh-tra")).heading == "Đã nhận"
        clock.now += timedelta(hours=8)
        await browser.get("/thanh-tra", status=303, follow=False)


async def test_the_menu_shows_only_what_the_role_may_open() -> None:
    async with PageClient(trial_app()) as browser:
        assert not (await browser.get("/thu")).select(".site-nav a")
        browser.sign_in(a_session(Role.AGENCY_STAFF))
        assert [a.attributes["href"] for a in (await browser.get("/thu")).select(".site-nav a")] == ["/can-bo"]
        browser.sign_in(a_session(Role.INSPECTOR))
        assert not (await browser.get("/thu")).select(".site-nav a")


async def test_a_machine_needs_a_key_and_no_form_token() -> None:
    async with PageClient(trial_app()) as browser:
        refused = await browser.http.post("/api/v1/thu", json={})
        assert refused.status == 401
        assert refused.content_type == "application/problem+json"
        allowed = await browser.http.post("/api/v1/thu", headers={"Authorization": "Bearer s3cret-of-partner"})
        assert await allowed.json() == {"client": "partner"}


async def test_signing_in_opens_the_page_and_signing_out_closes_it() -> None:
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu")
        assert (await browser.submit("enter")).path == "/can-bo"
        await browser.get("/thu")
        await browser.submit("leave")
        await browser.get("/can-bo", status=303, follow=False)


async def test_a_revoked_session_is_signed_out_at_once() -> None:
    app = trial_app()
    async with PageClient(app) as browser:
        browser.sign_in(a_session())
        await browser.get("/can-bo")
        app[SESSIONS].revoke("a1", START + timedelta(seconds=1))
        await browser.get("/can-bo", status=303, follow=False)
