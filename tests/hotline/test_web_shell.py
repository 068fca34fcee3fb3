"""The shell: route tables refused at start, error pages, headers, log line, health, static files, languages."""

import logging
from pathlib import Path

import pytest

from hotline.web.audience import Audience
from hotline.web.messages import BadMessages, MissingMessage, load_messages
from hotline.web.shell import BadRoutes, Service, build_app
from hotline.web.standing import safe_next
from tests.hotline.web_trial import HERE, Clock, Trial, TrialSettings, a_route, a_service, a_session, trial_app
from tests.pages.client import PageClient

PUBLIC = Audience.public()


def _built(*services: Service) -> None:
    build_app(services, TrialSettings(), Clock())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("respond", "/gui"),
        ("ingest", "/inbox"),
        ("classify", "/"),
        ("respond", "/nowhere"),
        ("trial", "/healthz"),
        ("trial", "/desk/1"),
        ("ingest", "/reviewers"),
    ],
)
def test_a_path_of_another_service_is_refused(name: str, path: str) -> None:
    with pytest.raises(BadRoutes, match=path):
        _built(a_service((a_route("GET", path, Trial().show, PUBLIC, "x"),), name=name))


@pytest.mark.parametrize(
    ("name", "path"),
    [("ingest", "/"), ("ingest", "/tra-cuu/{code}"), ("classify", "/review"), ("respond", "/tickets/{id}/answer")],
)
def test_a_service_may_serve_its_own_paths(name: str, path: str) -> None:
    _built(a_service((a_route("GET", path, Trial().show, PUBLIC, "x"),), name=name))


def test_all_faults_of_the_route_tables_are_told_at_once() -> None:
    show = Trial().show
    routes = (
        a_route("GET", "/thu", show, PUBLIC, "one"),
        a_route("GET", "/thu", show, PUBLIC, "two"),
        a_route("GET", "/khac", show, PUBLIC, "one"),
    )
    with pytest.raises(BadRoutes, match=r"already taken by trial.*'one' already stands for /thu"):
        _built(a_service(routes))


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/khong-co", 404, "Không tìm thấy trang"),
        ("/thu/plain", 405, "Thao tác không dùng được ở trang này"),
        ("/thu/loi", 500, "Hệ thống đang có lỗi"),
        ("/thu/sai", 422, "Có nội dung cần sửa"),
    ],
)
async def test_failures_are_pages_in_vietnamese_and_english(path: str, status: int, heading: str) -> None:
    async with PageClient(trial_app()) as browser:
        page = await browser.get(path, status=status)
        assert page.heading == heading
        await browser.get("/thu")
        await browser.submit("/language", button="en")
        english = await browser.get(path, status=status)
        assert english.heading != heading
        assert english.select("html")[0].attributes["lang"] == "en"


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/api/v1/khong-co", 404, "Không tìm thấy trang"),
        ("/api/v1/thu/loi", 500, "Hệ thống đang có lỗi"),
        ("/api/v1/thu", 405, "Thao tác không dùng được ở trang này"),
    ],
)
async def test_failures_of_the_api_are_problem_documents(path: str, status: int, title: str) -> None:
    async with PageClient(trial_app()) as browser:
        answer = await browser.http.get(path)
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        document = await answer.json()
        assert (document["status"], document["title"]) == (status, title)
        assert document["request_id"] == answer.headers["X-Request-Id"]
        assert document["detail"] not in {"", document["title"]}


async def test_invalid_input_of_the_api_names_every_fault() -> None:
    async with PageClient(trial_app()) as browser:
        document = await (await browser.http.get("/api/v1/thu/sai")).json()
        assert document["errors"] == [
            {
                "field": "text",
                "code": "field_too_long",
                "message": "Nội dung dài quá 64 KB nên đã bị cắt. Hãy rút ngắn rồi gửi lại.",
            }
        ]


@pytest.mark.parametrize("path", ["/thu", "/khong-co", "/thu/loi", "/can-bo", "/api/khong-co", "/healthz"])
async def test_what_a_browser_shows_may_load_nothing_foreign_and_not_be_framed(path: str) -> None:
    async with PageClient(trial_app(settings=TrialSettings(public_url="https://1022.example.vn"))) as browser:
        headers = (await browser.http.get(path, allow_redirects=False)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/thu", "/khong-co", "/thu/loi", "/can-bo", "/api/v1/thu/loi", "/healthz"])
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    async with PageClient(trial_app(settings=TrialSettings(public_url="https://1022.example.vn"))) as browser:
        headers = (await browser.http.get(path, allow_redirects=False)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" in headers


@pytest.mark.parametrize(("url", "is_secure"), [("http://localhost:8080", False), ("https://1022.example.vn", True)])
async def test_cookies_are_http_only_and_secure_on_https(url: str, is_secure: bool) -> None:
    async with PageClient(trial_app(settings=TrialSettings(public_url=url))) as browser:
        cookie = (await browser.http.get("/thu")).cookies["hotline_form"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert bool(cookie["secure"]) is is_secure


async def test_the_log_names_the_route_and_no_word_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hotline")
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu?ma=123456789012")
        await browser.get("/thu/loi?ma=123456789012", status=500)
        await browser.get("/tra-cuu/123456789012", status=404)
    lines = [record.__dict__["fields"] for record in caplog.records if record.getMessage() == "request"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("trial.form", 200),
        ("trial.fail", 500),
        ("no route", 404),
    ]
    assert "123456789012" not in str([record.__dict__ for record in caplog.records if record.name == "hotline"])


async def test_health_and_readiness() -> None:
    async def broken() -> bool:
        raise OSError("disk")

    async def waiting() -> bool:
        return False

    well = a_service((), name="well")
    app = build_app(
        (well, a_service((), name="a", ready=broken), a_service((), name="b", ready=waiting)), TrialSettings(), Clock()
    )
    async with PageClient(app) as browser:
        assert (await browser.http.get("/healthz")).status == 200
        answer = await browser.http.get("/readyz")
        assert answer.status == 503
        assert await answer.json() == {"ready": False, "waiting_for": ["a", "b"], "unreachable": {}}
    async with PageClient(trial_app()) as browser:
        assert (await browser.http.get("/readyz")).status == 200


@pytest.mark.parametrize(
    ("unreachable", "ready", "pages"),
    [({}, 200, 200), ({"bus": "no broker"}, 503, 200), ({"store": "no disk", "bus": "no broker"}, 503, 503)],
)
async def test_readiness_names_what_does_not_answer_and_people_are_answered_while_the_store_does(
    unreachable: dict[str, str], ready: int, pages: int
) -> None:
    async def troubles() -> dict[str, str]:
        return unreachable

    app = build_app((a_service((), name="well"),), TrialSettings(), Clock(), troubles=troubles)
    async with PageClient(app) as browser:
        assert (await browser.http.get("/healthz")).status == 200
        assert (await browser.http.get("/readyz/pages")).status == pages
        answer = await browser.http.get("/readyz")
        assert answer.status == ready
        assert (await answer.json())["unreachable"] == unreachable


async def test_static_files_are_named_by_content_and_kept_a_year() -> None:
    async with PageClient(trial_app()) as browser:
        page = await browser.get("/thu")
        for node in [*page.select("link[href^='/static']"), *page.select("script")]:
            address = node.attributes.get("href") or node.attributes.get("src") or ""
            answer = await browser.http.get(address)
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
        assert (await browser.http.get("/static/hotline.css")).status == 404
        assert (await browser.http.head("/thu")).status == 200


async def test_the_language_is_kept_and_the_reader_comes_back() -> None:
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu/xong?trang=2")
        page = await browser.submit("/language", button="en")
        assert page.path == "/thu/xong?trang=2"
        assert "overdue by 3 hours" in page.text
        page = await browser.submit("/language", button="vi")
        assert "quá hạn 3 giờ" in page.text


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/inbox?trang=2", "/inbox?trang=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: b", "/"),
        ("", "/"),
    ],
)
def test_only_a_path_of_ours_is_gone_on_to(target: str, safe: str) -> None:
    assert safe_next(target) == safe


async def test_a_signed_in_reader_sees_name_and_role() -> None:
    async with PageClient(trial_app()) as browser:
        browser.sign_in(a_session())
        page = await browser.get("/can-bo")
        assert "Nguyễn Thị Hoa Cán bộ cơ quan xử lý" in page.text


def test_messages_stand_in_both_languages_with_the_same_places(tmp_path: Path) -> None:
    (tmp_path / "messages_vi.toml").write_text('[a]\nonly_vi = "x"\nplaces = "{n} ngày"\n[site]\nskip = "khác"\n')
    (tmp_path / "messages_en.toml").write_text('[a]\nplaces = "{m} days"\n[b]\nonly_en = "y"\n')
    with pytest.raises(BadMessages) as told:
        load_messages([tmp_path])
    for fault in ("a.only_vi has no English", "b.only_en has no Vietnamese", "a.places has different", "site.skip"):
        assert fault in str(told.value)


def test_a_missing_message_or_place_raises() -> None:
    messages = load_messages([HERE])
    assert messages.message("vi", "errors.field_too_long", {"limit_kb": 64}).startswith("Nội dung dài quá 64 KB")
    for key, params in (("no.such.key", {}), ("errors.field_too_long", {})):
        with pytest.raises(MissingMessage):
            messages.message("vi", key, params)
    with pytest.raises(MissingMessage):
        messages.message("fr", "site.name")
