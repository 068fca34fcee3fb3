"""The page client itself: it must fail on bad pages, and send forms as a browser would."""

import unicodedata

import pytest
from aiohttp import web

from tests.pages.checks import faults_of
from tests.pages.client import PageClient, PageFault

GOOD = '<!DOCTYPE html><html lang="vi"><head><title>Trang</title></head><body><h1>Trang</h1>{}</body></html>'


def test_a_good_page_has_no_fault() -> None:
    token = '<input type="hidden" name="csrf_token" value="x">'
    body = f'<form method="post">{token}<label for="a">A</label><input id="a" name="a"></form>'
    assert faults_of(GOOD.format(body), frozenset()) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<h1>Hai</h1>", "2 h1"),
        ('<input name="q">', "no label for input 'q'"),
        ('<label for="x"></label><textarea id="x" name="q"></textarea>', "no label for textarea"),
        ('<select name="s"></select>', "no label for select"),
        ('<form method="post"></form>', "does not start with csrf_token"),
        (
            '<form method="post"><label>A<input name="a"></label><input type="hidden" name="csrf_token"></form>',
            "does not start with csrf_token",
        ),
        ("<script>alert(1)</script>", "inline script"),
        ("<style>p{}</style>", "inline style element"),
        ('<p style="color:red">a</p>', "inline style on p"),
        ('<p onclick="a()">a</p>', "inline onclick on p"),
        ('<a href="javascript:a()">a</a>', "unsafe href"),
        ('<p id="a">a</p><p id="a">b</p>', "id 'a' stands 2 times"),
        ('<label for="gone">a</label>', "for='gone' points at nothing"),
        ('<a href="#gone">a</a>', "link to #gone"),
        ("<p>Số: None</p>", "'None' in the text"),
        ("<p>undefined</p>", "'undefined' in the text"),
        ("<p>{{ name }}</p>", "'{{' in the text"),
        ("<p>form.text.label</p>", "raw message key"),
        ('<img src="/a.png">', "image without alt"),
        ("<button></button>", "button without text"),
        (unicodedata.normalize("NFD", "<p>Đường</p>"), "not NFC"),
    ],
)
def test_a_bad_page_is_caught(body: str, fault: str) -> None:
    faults = faults_of(GOOD.format(body), frozenset({"form.text.label"}))
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        (GOOD.replace("<!DOCTYPE html>", ""), "no <!DOCTYPE html>"),
        (GOOD.replace(' lang="vi"', ""), "no lang"),
        (GOOD.replace("<title>Trang</title>", "<title></title>"), "no title"),
        (GOOD.replace("<h1>Trang</h1>", ""), "0 h1"),
        (GOOD.replace("<h1>Trang</h1>", "<h1> </h1>"), "empty h1"),
    ],
)
def test_a_bad_frame_is_caught(html: str, fault: str) -> None:
    assert any(fault in found for found in faults_of(html.format(""), frozenset()))


def _app(body: str, seen: list[dict[str, list[str]]] | None = None) -> web.Application:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=GOOD.format(body), content_type="text/html")

    async def take(request: web.Request) -> web.Response:
        data = await request.post()
        if seen is not None:
            seen.append({name: [str(value) for value in data.getall(name)] for name in data})
        return web.Response(text=GOOD.format("<p>Xong</p>"), content_type="text/html")

    app = web.Application()
    app.router.add_get("/trang", show)
    app.router.add_post("/nhan", take)
    return app


@pytest.mark.parametrize(
    "body",
    [
        '<a href="/khong-co">a</a>',
        '<a href="khong-co">a</a>',
        '<form action="/nhan"><button>Tìm</button></form>',
        '<form method="post" action="/trang"><input type="hidden" name="csrf_token" value="x"></form>',
    ],
)
async def test_a_way_that_leads_nowhere_is_caught(body: str) -> None:
    async with PageClient(_app(body)) as browser:
        with pytest.raises(PageFault, match="leads nowhere"):
            await browser.get("/trang")


@pytest.mark.parametrize(
    "link", ["/trang?a=1", "#main", "tel:1022", "mailto:a@b.vn", "https://example.org/x", "/inbox"]
)
async def test_a_way_that_leads_somewhere_passes(link: str) -> None:
    async with PageClient(_app(f'<p id="main"><a href="{link}">a</a></p>')) as browser:
        await browser.get("/trang")


async def test_another_status_than_meant_fails() -> None:
    async with PageClient(_app("")) as browser:
        with pytest.raises(PageFault, match="status 200 instead of 404"):
            await browser.get("/trang", status=404)


FORM = """
<form id="f" method="post" action="/nhan"><input type="hidden" name="csrf_token" value="x">
<label for="a">A</label><input id="a" name="a.b" value="cũ">
<label for="t">T</label><textarea id="t" name="t">
hai
dòng</textarea>
<label for="s">S</label><select id="s" name="s">
<option value="">-</option><option value="2" selected>Hai</option></select>
<label for="r1">1</label><input type="radio" id="r1" name="r" value="1">
<label for="r2">2</label><input type="radio" id="r2" name="r" value="2" checked>
<label for="c">C</label><input type="checkbox" id="c" name="c" value="yes">
<label for="d">D</label><input id="d" name="d" value="no" disabled>
<button name="do" value="save">Lưu</button><button name="do" value="drop">Bỏ</button></form>
"""


async def test_an_untouched_form_is_sent_as_a_browser_would() -> None:
    seen: list[dict[str, list[str]]] = []
    async with PageClient(_app(FORM, seen)) as browser:
        await browser.get("/trang")
        assert (await browser.submit("f")).text == "Trang Xong"
    assert seen == [{"csrf_token": ["x"], "a.b": ["cũ"], "t": ["hai\r\ndòng"], "s": ["2"], "r": ["2"], "do": ["save"]}]


async def test_given_values_replace_the_forms_own() -> None:
    seen: list[dict[str, list[str]]] = []
    async with PageClient(_app(FORM, seen)) as browser:
        await browser.get("/trang")
        await browser.submit("f", button="drop", a__b="mới", s="", r="1", c="yes")
    assert seen[0]["a.b"] == ["mới"]
    assert (seen[0]["s"], seen[0]["r"], seen[0]["c"], seen[0]["do"]) == ([""], ["1"], ["yes"], ["drop"])


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"gone": "1"}, "no field 'gone'"),
        ({"s": "9"}, "'s' offers"),
        ({"r": "9"}, "'r' offers"),
        ({"button": "gone"}, "no button 'gone'"),
        ({"files": {"a.b": [("a", b"", "text/plain")]}}, "cannot carry files"),
    ],
)
async def test_what_the_form_does_not_offer_cannot_be_sent(fields: dict[str, str], fault: str) -> None:
    async with PageClient(_app(FORM)) as browser:
        await browser.get("/trang")
        with pytest.raises(PageFault, match=fault):
            await browser.submit("f", **fields)
        with pytest.raises(PageFault, match="no form 'gone'"):
            await browser.submit("gone")
