"""A small service to try the web shell with: one form, pages for each audience, and a handler that fails."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.roles import Role, Session
from hotline.web.audience import Audience
from hotline.web.forms import FilePart, Form, read_form
from hotline.web.pages import page
from hotline.web.shell import NavItem, Route, Service, build_app, require_api_client, safe_next, sign_in, sign_out

HERE = Path(__file__).parent
START = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)
SECRET = "a secret of more than thirty-two characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """The settings the shell reads."""

    secret_key: str = SECRET
    public_url: str = "http://localhost:8080"
    trusted_proxy: bool = False
    api_keys: dict[str, str] = field(default_factory=lambda: {"partner": "s3cret-of-partner"})


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is set forward."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


def a_session(role: Role = Role.AGENCY_STAFF, *, issued_at: datetime = START, account_id: str = "a1") -> Session:
    """Return a session of eight hours."""
    return Session(
        account_id=account_id, username="hoa", full_name="Nguyễn Thị Hoa", role=role, agency_id="ubnd-xa-00001",
        is_screener=False, issued_at=issued_at, expires_at=issued_at + timedelta(hours=8),
    )  # fmt: skip


async def keep_size(part: FilePart) -> object:
    """Keep a file's name and length; refuse an empty one."""
    size = 0
    async for chunk in part.chunks:
        size += len(chunk)
        if chunk.startswith(b"BAD"):
            raise Invalid([FieldError(field=part.field, code="text_has_nul")])
    return (part.name, part.media_type, size)


class Trial:
    """The service's handlers; `forms` remembers what they read."""

    def __init__(self) -> None:
        self.forms: list[Form] = []

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the form."""
        return page(request, "trial/form.html")

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Read the form; show it again when a field is bad."""
        form = await read_form(request, max_bytes=8 * 1024 * 1024, keep_file=keep_size)
        self.forms.append(form)
        if form.errors:
            return page(request, "trial/form.html", 422, form=form, errors=form.errors)
        raise web.HTTPSeeOther("/thu/xong")

    async def shown(self, request: web.Request) -> web.StreamResponse:
        """Show every building block."""
        late = START - timedelta(hours=3)
        return page(request, "trial/shown.html", rows=[("Kênh", "Trang mạng")], due_at=late)

    async def fail(self, request: web.Request) -> web.StreamResponse:
        """Fail with a citizen's words in the exception."""
        raise RuntimeError("bí mật của người dân")

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Refuse the input."""
        raise Invalid([FieldError(field="text", code="field_too_long", params={"limit_kb": "64"})])

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Answer a machine with its name."""
        return web.json_response({"client": require_api_client(request)})

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Sign in whoever asks and go on to where they came from."""
        form = await read_form(request)
        response = web.HTTPSeeOther(safe_next(form.get("next")))
        sign_in(request, response, a_session())
        raise response

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Sign out."""
        response = web.HTTPSeeOther("/thu")
        sign_out(response)
        raise response

    def routes(self) -> tuple[Route, ...]:
        """Return the route table."""
        public, staff, api = Audience.public(), Audience.signed_in(), Audience.api()
        inspectors = Audience.roles(Role.INSPECTOR, Role.ADMIN)
        return (
            a_route("GET", "/thu", self.show, public, "trial.form"),
            a_route("POST", "/thu", self.send, public, "trial.send"),
            a_route("POST", "/thu/plain", self.send, public, "trial.plain"),
            a_route("GET", "/thu/xong", self.shown, public, "trial.shown"),
            a_route("GET", "/thu/loi", self.fail, public, "trial.fail"),
            a_route("GET", "/thu/sai", self.refuse, public, "trial.refuse"),
            a_route("POST", "/thu/vao", self.enter, public, "trial.enter"),
            a_route("POST", "/thu/ra", self.leave, staff, "trial.leave"),
            a_route("GET", "/can-bo", self.shown, staff, "trial.staff"),
            a_route("POST", "/can-bo", self.send, staff, "trial.staff_send"),
            a_route("GET", "/thanh-tra", self.shown, inspectors, "trial.inspectors"),
            a_route("POST", "/api/v1/thu", self.call, api, "trial.api"),
            a_route("GET", "/api/v1/thu/loi", self.fail, api, "trial.api_fail"),
            a_route("GET", "/api/v1/thu/sai", self.refuse, api, "trial.api_refuse"),
        )


def a_route(method: str, path: str, handler: Callable[..., object], audience: Audience, name: str) -> Route:
    """Return a route."""
    return Route(method=method, path=path, handler=handler, audience=audience, name=name)


def a_service(routes: tuple[Route, ...], *, name: str = "trial", **more: object) -> Service:
    """Return a service with these routes and the trial templates."""
    return Service(name=name, routes=routes, template_dir=HERE / "web_templates", message_dir=HERE, **more)


def trial_app(
    trial: Trial | None = None, *, clock: Clock | None = None, settings: TrialSettings | None = None
) -> web.Application:
    """Return the application with the trial service alone."""
    nav = (NavItem(path="/can-bo", key="role.agency_staff", roles=frozenset({Role.AGENCY_STAFF})),)
    service = a_service((trial or Trial()).routes(), nav=nav)
    return build_app((service,), settings or TrialSettings(), clock or Clock())
