"""Forms: the CSRF token, encodings, sizes, files; what was typed is kept when the page is shown again."""

import unicodedata
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.web.forms import decode_field
from tests.hotline.web_trial import Trial, a_session, trial_app
from tests.pages.client import PageClient

DECOMPOSED = unicodedata.normalize("NFD", "Đường")


@pytest.mark.parametrize(
    ("raw", "text", "code"),
    [
        ("Đường hỏng".encode(), "Đường hỏng", None),
        (DECOMPOSED.encode(), DECOMPOSED, None),
        (b"duong hong wa", "duong hong wa", None),
        (b"", "", None),
        (b"\xd0\xfd?ng", "\ufffd\ufffd?ng", "text_not_utf8"),
        ("café".encode("latin-1"), "caf\ufffd", "text_not_utf8"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", "text_not_utf8"),
        (b"a\0b", "ab", "text_has_nul"),
        (b"a\0\xff", "a\ufffd", "text_not_utf8"),
    ],
)
def test_a_field_is_utf8_without_nul(raw: bytes, text: str, code: str | None) -> None:
    assert decode_field(raw) == (text, code)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_comes_back_as_typed(text: str) -> None:
    assert decode_field(text.encode()) == (text, None)


async def test_a_good_multipart_form_is_read_whole() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        page = await browser.submit(
            "thu",
            text="Đường hỏng\nnặng",
            reporter__phone="0912 345 678",
            province="02",
            by="phone",
            anonymous="yes",
            files={"papers": [("ảnh 1.jpg", b"x" * 300_000, "image/jpeg"), ("b.txt", b"", "text/plain")]},
        )
        assert page.path == "/thu/xong"
    form = trial.forms[0]
    assert form.get("text") == "Đường hỏng\r\nnặng"
    assert (form.get("reporter.phone"), form.get("province"), form.all("by")) == ("0912 345 678", "02", ("phone",))
    assert form.get("anonymous") == "yes"
    assert form.files == {"papers": (("ảnh 1.jpg", "image/jpeg", 300_000), ("b.txt", "text/plain", 0))}
    assert "csrf_token" not in form.values


async def test_an_urlencoded_form_is_read_and_absent_fields_are_empty() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        await browser.submit("plain")
    assert trial.forms[0].values == {"version": ("3",)}
    assert trial.forms[0].get("text") == ""
    assert trial.forms[0].all("text") == ()


async def test_a_refused_file_joins_the_errors_and_the_rest_is_kept() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        page = await browser.submit(
            "thu",
            text="Giữ lại",
            province="01",
            files={"papers": [("a.txt", b"BAD" * 90_000, "text/plain")]},
            status=422,
        )
        assert page.errors == [
            "Nội dung có ký tự điều khiển không hiện ra được. Hãy kiểm tra lại nội dung rồi gửi lại."
        ]
        assert (page.value("text"), page.value("province")) == ("Giữ lại", "01")
        assert page.select("#f-papers")[0].attributes["aria-invalid"] == "true"
        assert page.select(".error-summary a")[0].attributes["href"] == "#f-papers"
        assert page.select("title")[0].text().startswith("Lỗi: ")


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"caf%E9", "text_not_utf8"), (b"caf\xe9", "text_not_utf8"), (b"a%00b", "text_has_nul")],
)
async def test_bad_bytes_in_an_urlencoded_form_are_named(raw: bytes, code: str) -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        token = browser.page.value("csrf_token").encode()
        answer = await browser.http.post(
            "/thu",
            data=b"csrf_token=" + token + b"&text=" + raw,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status == 422
    assert [(e.field, e.code) for e in trial.forms[0].errors] == [("text", code)]


async def test_latin1_and_nul_in_a_multipart_form_are_named() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        token = browser.page.value("csrf_token").encode()
        await _post_parts(browser, [(b"csrf_token", token), (b"text", b"caf\xe9"), (b"reporter.phone", b"09\0")])
    assert [(e.field, e.code) for e in trial.forms[0].errors] == [
        ("text", "text_not_utf8"),
        ("reporter.phone", "text_has_nul"),
    ]


async def test_a_field_of_five_megabytes_is_cut_and_named() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        token = browser.page.value("csrf_token").encode()
        await _post_parts(browser, [(b"csrf_token", token), (b"text", "ă".encode() * (5 * 1024 * 1024 // 2))])
    assert [(e.field, e.code, e.params) for e in trial.forms[0].errors] == [
        ("text", "field_too_long", {"limit_kb": "64"})
    ]
    assert len(trial.forms[0].get("text")) == 32 * 1024


async def test_a_body_over_the_limit_is_a_413_page() -> None:
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu")
        page = await browser.submit("thu", files={"papers": [("a", b"x" * 9 * 1024 * 1024, "image/png")]}, status=413)
        assert page.heading == "Nội dung gửi quá lớn"
        urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await browser.http.post("/thu", data=BytesIO(b"text=" + b"x" * 2 * 1024 * 1024), headers=urlencoded)
        assert answer.status == 413


async def test_too_many_fields_are_refused() -> None:
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu")
        fields = {f"n{n}": "1" for n in range(600)} | {"csrf_token": browser.page.value("csrf_token")}
        page = await browser.post("/thu", fields, status=400)
        assert page.heading == "Không đọc được biểu mẫu"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"no boundary in here"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x"),
        ("application/json", b"{}"),
        ("text/plain", b"text=a"),
        ("application/octet-stream", b""),
    ],
)
async def test_what_is_no_form_is_a_page_that_says_so(content_type: str, body: bytes) -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        answer = await browser.http.post("/thu", data=body, headers={"Content-Type": content_type})
        assert answer.status in (400, 403)
        assert "<h1>Không " in await answer.text()
    assert not trial.forms


async def test_a_form_cut_off_in_the_middle_reaches_no_decision() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        token = browser.page.value("csrf_token").encode()
        body = _parts([(b"csrf_token", token), (b"text", b"Duong hong")])[:-20]
        answer = await browser.http.post("/thu", data=body, headers=_MULTIPART)
        assert answer.status == 400
    assert not trial.forms


async def test_a_form_without_our_token_is_refused() -> None:
    trial = Trial()
    async with PageClient(trial_app(trial)) as browser:
        await browser.get("/thu")
        for token in ("", "0" * 64, browser.page.value("csrf_token")[:-1]):
            page = await browser.post("/thu", {"csrf_token": token, "text": "a"}, status=403)
            assert page.heading == "Không nhận được biểu mẫu"
        await _post_parts(browser, [(b"text", b"first"), (b"csrf_token", b"late")], status=403)
    assert not trial.forms


async def test_a_token_of_another_browser_is_refused() -> None:
    app = trial_app()
    async with PageClient(app) as browser:
        await browser.get("/thu")
        stolen = browser.page.value("csrf_token")
        browser.sign_out()
        await browser.get("/thu")
        assert browser.page.value("csrf_token") != stolen
        await browser.post("/thu", {"csrf_token": stolen}, status=403)


async def test_a_token_from_before_sign_in_is_refused_after_it() -> None:
    async with PageClient(trial_app()) as browser:
        await browser.get("/thu")
        before = browser.page.value("csrf_token")
        browser.sign_in(a_session())
        await browser.post("/thu", {"csrf_token": before}, status=403)


async def test_a_form_that_the_browser_calls_cross_site_is_refused() -> None:
    async with PageClient(trial_app(), headers={"Sec-Fetch-Site": "cross-site"}) as browser:
        await browser.get("/thu")
        await browser.submit("plain", status=403)


_MULTIPART = {"Content-Type": "multipart/form-data; boundary=limit"}


def _parts(parts: list[tuple[bytes, bytes]]) -> bytes:
    lines = [
        b'--limit\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in parts
    ]
    return b"".join(lines) + b"--limit--\r\n"


async def _post_parts(browser: PageClient, parts: list[tuple[bytes, bytes]], *, status: int = 422) -> None:
    answer = await browser.http.post("/thu", data=BytesIO(_parts(parts)), headers=_MULTIPART)
    assert answer.status == status
