"""The page client: asks the application as a browser without JavaScript would, and checks every page it gets.

    async with PageClient(app) as browser:
        page = await browser.get("/gui")
        page = await browser.submit("gui", text="Đường hỏng")
        assert "Mã tra cứu" in page.text

Every HTML answer is checked against `checks.faults_of`, and every internal link and form must lead to a known
route. A page with a fault raises PageFault naming all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientResponse, CookieJar, FormData, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from selectolax.lexbor import LexborHTMLParser, LexborNode
from yarl import URL

from hotline.roles import Session
from hotline.web.audience import SESSION_COOKIE
from hotline.web.keys import MESSAGES, PATHS, SESSIONS
from hotline.web.service import owner_of
from tests.pages.checks import faults_of, visible_text

Value = str | Sequence[str]
File = tuple[str, bytes, str]
MAX_REDIRECTS = 5


class PageFault(AssertionError):
    """The page, or what the test asked of it, is not as it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer. `path` is where redirects ended; `text` what a reader sees; `html` as sent."""

    status: int
    path: str
    html: str
    headers: Mapping[str, str]
    tree: LexborHTMLParser

    @property
    def text(self) -> str:
        """Return the visible words with single spaces."""
        return visible_text(self.tree)

    @property
    def heading(self) -> str:
        """Return the words of the h1."""
        return " ".join(self.select("h1")[0].text(separator=" ").split())

    @property
    def errors(self) -> list[str]:
        """Return the sentences of the error summary, in order."""
        return [item.text(strip=True) for item in self.select(".error-summary li")]

    def select(self, css: str) -> list[LexborNode]:
        """Return the elements that a CSS selector finds."""
        return self.tree.css(css)

    def value(self, name: str) -> str:
        """Return what a field of the page holds, as the browser would send it."""
        for form in self.select("form"):
            for found, value in form_fields(form):
                if found == name:
                    return value
        raise PageFault(f"no field {name!r} on {self.path}")

    def form(self, which: str | int) -> LexborNode:
        """Return a form by its id, its action, or its place among the forms of <main>."""
        forms = self.select("main form") if isinstance(which, int) else self.select("form")
        if isinstance(which, int) and which < len(forms):
            return forms[which]
        for form in forms:
            if which in (form.attributes.get("id"), form.attributes.get("action")):
                return form
        raise PageFault(f"no form {which!r} on {self.path}")


class PageClient:
    """A browser with cookies, without JavaScript. `page` is the last page it got."""

    def __init__(self, app: web.Application, *, headers: Mapping[str, str] | None = None) -> None:
        self.app = app
        self.http = TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True), headers=dict(headers or {}))
        self._last: Page | None = None
        self._known: dict[tuple[str, str], bool] = {}

    async def __aenter__(self) -> Self:
        await self.http.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    @property
    def page(self) -> Page:
        """Return the page the browser shows."""
        if self._last is None:
            raise PageFault("no page has been asked for yet")
        return self._last

    def sign_in(self, session: Session) -> None:
        """Carry the cookie of a session, as a good sign-in would have set it; for the sign-in page itself use
        submit.
        """
        self.http.session.cookie_jar.update_cookies(
            {SESSION_COOKIE: self.app[SESSIONS].issue(session)}, URL(str(self.http.make_url("/")))
        )

    def sign_out(self) -> None:
        """Forget every cookie."""
        self.http.session.cookie_jar.clear()

    async def get(self, path: str, *, status: int = 200, follow: bool = True) -> Page:
        """Ask for a page, follow redirects, check it, and its status."""
        return await self._finish(await self.http.get(path, allow_redirects=False), path, status, follow)

    async def post(self, path: str, data: Mapping[str, str], *, status: int = 200, follow: bool = True) -> Page:
        """Post raw fields with no form on a page: for forged requests."""
        return await self._finish(await self.http.post(path, data=data, allow_redirects=False), path, status, follow)

    async def submit(
        self,
        which: str | int = 0,
        *,
        button: str | None = None,
        files: Mapping[str, Sequence[File]] | None = None,
        status: int = 200,
        follow: bool = True,
        **fields: Value,
    ) -> Page:
        """Send a form of the page shown, with its own values where none is given.

        Dots in field names are written as two underscores (`reporter__phone`). A field the form does not
        have, or a choice it does not offer, fails. `button` is the value of the submit button pressed (needed
        when it has a name).
        """
        page = self.page
        form = page.form(which)
        given = {name.replace("__", "."): [v] if isinstance(v, str) else list(v) for name, v in fields.items()}
        pairs = fill(form, given, button)
        address = urljoin(page.path, form.attributes.get("action") or page.path)
        if (form.attributes.get("method") or "get").lower() == "get":
            return await self.get(str(URL(address).with_query(pairs)), status=status, follow=follow)
        body = _body(form, pairs, files or {})
        return await self._finish(
            await self.http.post(address, data=body, allow_redirects=False), address, status, follow
        )

    async def _finish(self, response: ClientResponse, path: str, status: int, follow: bool) -> Page:
        for _ in range(MAX_REDIRECTS):
            if not follow or response.status not in (301, 302, 303, 307, 308):
                break
            path = urljoin(path, response.headers["Location"])
            response = await self.http.get(path, allow_redirects=False)
        page = await self._read(response, path)
        if page.status != status:
            raise PageFault(f"{path}: status {page.status} instead of {status}: {page.text[:300]}")
        return page

    async def _read(self, response: ClientResponse, path: str) -> Page:
        if response.content_type != "text/html":
            return Page(
                status=response.status, path=path, html=await response.text(errors="replace"),
                headers=response.headers, tree=LexborHTMLParser(""),
            )  # fmt: skip
        html = await response.text(encoding="utf-8")
        page = Page(
            status=response.status,
            path=path,
            html=html,
            headers=response.headers,
            tree=LexborHTMLParser(html),
        )
        faults = faults_of(html, self._message_keys()) + await self._dead_ends(page)
        if faults:
            raise PageFault(f"{path} ({response.status}): " + "; ".join(faults))
        self._last = page
        return page

    def _message_keys(self) -> frozenset[str]:
        return self.app[MESSAGES].keys() if MESSAGES in self.app else frozenset()

    async def _dead_ends(self, page: Page) -> list[str]:
        faults: list[str] = []
        ways = [("GET", node.attributes.get("href")) for node in page.select("a[href], link[href]")]
        ways += [("GET", node.attributes.get("src")) for node in page.select("[src]")]
        ways += [
            ((form.attributes.get("method") or "get").upper(), form.attributes.get("action") or page.path)
            for form in page.select("form")
        ]
        for method, address in dict.fromkeys(ways):
            parts = urlsplit(urljoin(page.path, address or ""))
            is_elsewhere = parts.scheme in ("tel", "mailto") or parts.netloc or (address or "").startswith("#")
            if not is_elsewhere and not await self._leads_somewhere(method, parts.path or "/"):
                faults.append(f"{method} {address} leads nowhere")
        return faults

    async def _leads_somewhere(self, method: str, path: str) -> bool:
        """Ask the router; a path of a service that is not part of this application counts as known."""
        if (method, path) not in self._known:
            match = await self.app.router.resolve(make_mocked_request(method, path))
            self._known[method, path] = match.http_exception is None
        if self._known[method, path]:
            return True
        present = {owner_of(bound) for bound in self.app[PATHS].values()} if PATHS in self.app else set()
        return owner_of(path) is not None and owner_of(path) not in present


def form_fields(form: LexborNode) -> list[tuple[str, str]]:
    """Return the (name, value) pairs a browser would send of an untouched form, without buttons and files."""
    pairs: list[tuple[str, str]] = []
    for node in form.css("input, select, textarea"):
        name = node.attributes.get("name")
        if not name or "disabled" in node.attributes:
            continue
        pairs.extend((name, value) for value in _values_of(node))
    return pairs


def _values_of(node: LexborNode) -> list[str]:
    kind = (node.attributes.get("type") or "text").lower()
    if node.tag == "textarea":
        return [(node.text() or "").removeprefix("\n")]
    if node.tag == "select":
        options = node.css("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        return [_option_value(option) for option in chosen]
    if kind in ("file", "submit", "button", "image", "reset"):
        return []
    if kind in ("checkbox", "radio"):
        return [node.attributes.get("value") or "on"] if "checked" in node.attributes else []
    return [node.attributes.get("value") or ""]


def _option_value(option: LexborNode) -> str:
    value = option.attributes.get("value")
    return option.text(strip=True) if "value" not in option.attributes else value or ""


def fill(form: LexborNode, given: Mapping[str, list[str]], button: str | None) -> list[tuple[str, str]]:
    """Return the pairs to send: the form's own, replaced by those given; raises PageFault for what it does
    not offer.
    """
    for name, values in given.items():
        _check_offered(form, name, values)
    pairs = [(name, value) for name, value in form_fields(form) if name not in given]
    pairs += [(name, value) for name, values in given.items() for value in values]
    buttons = form.css("button[name], input[type=submit][name]")
    if button is not None:
        pressed = [node for node in buttons if node.attributes.get("value") == button]
        if not pressed:
            raise PageFault(f"no button {button!r} in the form")
        pairs.append((pressed[0].attributes["name"] or "", button))
    elif buttons and not form.css("button:not([name])"):
        pairs.append((buttons[0].attributes["name"] or "", buttons[0].attributes.get("value") or ""))
    return pairs


def _check_offered(form: LexborNode, name: str, values: list[str]) -> None:
    nodes = [node for node in form.css("input, select, textarea") if node.attributes.get("name") == name]
    if not nodes:
        raise PageFault(f"the form has no field {name!r}")
    if nodes[0].tag == "select":
        offered = {_option_value(option) for option in nodes[0].css("option")}
    elif nodes[0].attributes.get("type") in ("radio", "checkbox"):
        offered = {node.attributes.get("value") or "on" for node in nodes}
    else:
        return
    if not set(values) <= offered:
        raise PageFault(f"{name!r} offers {sorted(offered)}, not {values}")


def _body(form: LexborNode, pairs: list[tuple[str, str]], files: Mapping[str, Sequence[File]]) -> FormData:
    is_multipart = form.attributes.get("enctype") == "multipart/form-data"
    if files and not is_multipart:
        raise PageFault("the form cannot carry files: it is not multipart/form-data")
    body = FormData(default_to_multipart=is_multipart, quote_fields=False, charset="utf-8")
    for name, value in pairs:
        body.add_field(name, value.replace("\r\n", "\n").replace("\n", "\r\n"))
    for name, given in files.items():
        if not form.css(f'input[type="file"][name="{name}"]'):
            raise PageFault(f"the form has no file field {name!r}")
        for file_name, content, media_type in given:
            body.add_field(name, BytesIO(content), filename=file_name, content_type=media_type)
    return body
