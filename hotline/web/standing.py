"""The shell's own routes: static files, health, readiness, the language switch.

`shell.build_app` adds them beside the services'. They read no store and show no person's data.
"""

import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from hotline.plumbing.log import step
from hotline.web.audience import Audience
from hotline.web.forms import read_form
from hotline.web.messages import LANGUAGES
from hotline.web.middlewares import is_https
from hotline.web.pages import LANGUAGE_COOKIE
from hotline.web.service import Handler, Route, Service

STATIC_DIR = Path(__file__).parent / "static"
LANGUAGE_SECONDS = 365 * 24 * 3600

FindTroubles = Callable[[], Awaitable[Mapping[str, str]]]


def safe_next(target: str) -> str:
    """Return a path of ours to go on to, or `/`: another host, a scheme, or control characters never pass."""
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_ours and target.isprintable() and "\\" not in target else "/"


def static_files() -> tuple[Mapping[str, str], tuple[Route, ...]]:
    """Return the address of each static file, which names its content, and the routes that serve them for a
    year.
    """
    addresses: dict[str, str] = {}
    routes: list[Route] = []
    for path in sorted(STATIC_DIR.iterdir()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        addresses[path.name] = f"/static/{path.stem}.{digest}{path.suffix}"
        handler = _serve(content, mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        routes.append(_public("GET", addresses[path.name], handler, f"static.{path.stem}{path.suffix}"))
    return addresses, tuple(routes)


def _serve(content: bytes, media_type: str) -> Handler:
    async def serve(_: web.Request) -> web.StreamResponse:
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        charset = "utf-8" if media_type.startswith("text/") else None
        return web.Response(body=content, content_type=media_type, charset=charset, headers=headers)

    return serve


async def healthz(_: web.Request) -> web.StreamResponse:
    """Say that the process answers."""
    return web.Response(text="ok")


async def no_troubles() -> Mapping[str, str]:
    """Find nothing that does not answer: where nothing is depended on."""
    return {}


def _readyz(services: Iterable[Service], troubles: FindTroubles) -> Handler:
    async def readyz(_: web.Request) -> web.StreamResponse:
        """Say whether every service can work: 200, or 503 with what waits and which dependency does not answer, why."""
        found = await troubles()
        waiting = [service.name for service in services if not await _is_ready(service)]
        is_ready = not waiting and not found
        body = msgspec.json.encode({"ready": is_ready, "waiting_for": waiting, "unreachable": found})
        return web.Response(body=body, status=200 if is_ready else 503, content_type="application/json")

    return readyz


def _readyz_pages(troubles: FindTroubles) -> Handler:
    async def readyz_pages(_: web.Request) -> web.StreamResponse:
        """Say whether people can be answered: 200 while the store answers, whatever waits behind it, else 503."""
        reason = (await troubles()).get("store")
        return web.Response(text=reason or "ok", status=503 if reason else 200)

    return readyz_pages


async def _is_ready(service: Service) -> bool:
    try:
        return await service.ready()
    except Exception as failure:  # whatever broke, the answer is "not ready"
        step("not ready", level="WARNING", service=service.name, error=type(failure).__name__)
        return False


async def switch_language(request: web.Request) -> web.StreamResponse:
    """Keep the chosen language in a cookie and go back to the page."""
    form = await read_form(request)
    response = web.HTTPSeeOther(safe_next(form.get("next", "/")))
    if form.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, form.get("lang"), max_age=LANGUAGE_SECONDS, path="/", httponly=True, samesite="Lax",
            secure=is_https(request),
        )  # fmt: skip
    raise response


def _public(method: str, path: str, handler: Handler, name: str) -> Route:
    return Route(method=method, path=path, handler=handler, audience=Audience.public(), name=name)


def standing_routes(services: tuple[Service, ...], troubles: FindTroubles) -> tuple[Route, ...]:
    """Return the shell's routes but for the static files."""
    return (
        _public("GET", "/healthz", healthz, "shell.healthz"),
        _public("GET", "/readyz", _readyz(services, troubles), "shell.readyz"),
        _public("GET", "/readyz/pages", _readyz_pages(troubles), "shell.readyz_pages"),
        _public("POST", "/language", switch_language, "shell.language"),
    )
