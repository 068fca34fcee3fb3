"""What happens around every request: id and log line, headers, session, audience, CSRF, and errors as pages.

`shell.build_app` puts them in this order. Query strings, paths with codes and typed words never reach the
log.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from hotline.errors import Invalid
from hotline.plumbing.log import LOGGER, step
from hotline.plumbing.pressure import PRESSURE
from hotline.plumbing.tracing import span
from hotline.web.audience import SESSION_COOKIE, SESSION_KEY, AudienceKind, session_of
from hotline.web.csrf import CSRF_COOKIE, ForgedForm, UnreadableForm, check_form, find_seed
from hotline.web.keys import CLOCK, CSRF_SEED, METERS, NO_ROUTE, NOW, REQUEST_ID, ROUTES, SESSIONS, SETTINGS
from hotline.web.pages import error_text, page, problem
from hotline.web.service import Route

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# What a page may load or who may frame it says nothing about an answer to a machine.
API_HEADERS: Final[Mapping[str, str]] = {
    name: SECURITY_HEADERS[name] for name in ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control")
}
ERROR_KEYS: Final[Mapping[int, str]] = {
    400: "bad_request", 401: "unauthorised", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    413: "too_large", 415: "unsupported_type", 429: "too_many", 500: "internal", 503: "unavailable",
}  # fmt: skip


def is_https(request: web.Request) -> bool:
    """Say whether citizens reach us by https, as the settings (not the request) tell."""
    return request.app[SETTINGS].public_url.startswith("https://")


def _route_of(request: web.Request) -> Route | None:
    return request.app[ROUTES].get(request.match_info.route)


@web.middleware
async def log_request(request: web.Request, handler: Next) -> web.StreamResponse:
    """Give the request an id and the time, count it, write its one line: method, route name, status, milliseconds."""
    # It only tells log lines apart; nothing depends on its being hard to guess.
    request[REQUEST_ID] = f"{random.getrandbits(64):016x}"
    request[NOW] = request.app[CLOCK]()
    started = time.perf_counter()
    status = 500
    route = _route_of(request)
    name = route.name if route else "no route"
    try:
        with PRESSURE, span(name, method=request.method, route=name):
            response = await handler(request)
        status = response.status
        response.headers["X-Request-Id"] = request[REQUEST_ID]
        return response
    except web.HTTPException as redirect:
        status = redirect.status
        raise
    finally:
        seconds = time.perf_counter() - started
        request.app[METERS].get(request.match_info.route, request.app[NO_ROUTE]).answered(status, seconds)
        # What a machine sent and we took has a line of its own (`feedback_received`): its good answer is told on DEBUG.
        is_plain = status < 400 and is_for_machines(request)
        step(
            "request",
            level="DEBUG" if is_plain else "INFO",
            request_id=request[REQUEST_ID],
            method=request.method,
            route=name,
            status=status,
            ms=round(seconds * 1000, 1),
        )


@web.middleware
async def add_security_headers(request: web.Request, handler: Next) -> web.StreamResponse:
    """Set the headers of SECURITY_HEADERS (machines: API_HEADERS) where the handler set none, and HSTS on https."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as redirect:
        _set_headers(request, redirect.headers)
        raise
    if not response.prepared:
        _set_headers(request, response.headers)
    return response


def _set_headers(request: web.Request, headers: MutableMapping[str, str]) -> None:
    for name, value in (API_HEADERS if is_for_machines(request) else SECURITY_HEADERS).items():
        headers.setdefault(name, value)
    if is_https(request):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


@web.middleware
async def find_session(request: web.Request, handler: Next) -> web.StreamResponse:
    """Read the session cookie and the form seed; set the seed's cookie on pages of a new browser.

    Machines have neither.
    """
    if is_for_machines(request):
        return await handler(request)
    token = request.cookies.get(SESSION_COOKIE)
    session = request.app[SESSIONS].read(token, request[NOW]) if token else None
    if session:
        request[SESSION_KEY] = session
    is_new = find_seed(request)
    response = await handler(request)
    if is_new and response.content_type == "text/html" and not response.prepared:
        response.set_cookie(
            CSRF_COOKIE, request[CSRF_SEED], path="/", httponly=True, samesite="Lax", secure=is_https(request)
        )
    return response


@web.middleware
async def show_errors(request: web.Request, handler: Next) -> web.StreamResponse:
    """Turn every failure into a page or, under /api/, a problem document; redirects pass."""
    try:
        return await handler(request)
    except web.HTTPException as stopped:
        if stopped.status < 400:
            raise
        response = error_response(request, stopped.status, ERROR_KEYS.get(stopped.status, "bad_request"))
        if "Allow" in stopped.headers:
            response.headers["Allow"] = stopped.headers["Allow"]
        if "Retry-After" in stopped.headers:
            response.headers["Retry-After"] = stopped.headers["Retry-After"]
        return response
    except ForgedForm:
        return error_response(request, 403, "forged_form")
    except UnreadableForm:
        return error_response(request, 400, "unreadable_form")
    except Invalid as invalid:
        return error_response(request, 422, "invalid", invalid)
    except Exception as failure:
        _log_failure(request, failure)
        return error_response(request, 500, "internal")


def _log_failure(request: web.Request, failure: Exception) -> None:
    """Log where it broke; the log's formatter leaves the exception's text out, for it may quote a citizen."""
    LOGGER.error("request failed", exc_info=failure, extra={"fields": {"request_id": request[REQUEST_ID]}})


def error_response(request: web.Request, status: int, key: str, invalid: Invalid | None = None) -> web.Response:
    """Return the error page, or the problem document where a machine asked."""
    errors = invalid.errors if invalid else ()
    route = _route_of(request)
    is_machine = request.path.startswith("/api/") or (
        route is not None and route.audience.kind is AudienceKind.API and not _wants_html(request)
    )
    if is_machine:
        return problem(request, status, f"http.{key}.title", errors)
    faults = [error_text(request, error) for error in errors]
    return page(request, "errors.html", status, key=key, faults=faults, request_id=request[REQUEST_ID])


def _wants_html(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


@web.middleware
async def guard(request: web.Request, handler: Next) -> web.StreamResponse:
    """Let in whom the route's audience admits, and no forged form. Machines show a key or a signature instead."""
    if is_for_machines(request):
        return await handler(request)
    return await check_audience(request, handler)


async def check_audience(request: web.Request, handler: Next) -> web.StreamResponse:
    """Let in whom the route's audience admits; to the wrong role the page does not exist."""
    route = _route_of(request)
    if route is None or route.audience.admits(session_of(request)):
        return await check_csrf(request, handler)
    if session_of(request) is not None:
        raise web.HTTPNotFound
    if request.method in {"GET", "HEAD"}:
        raise web.HTTPSeeOther("/sign-in?" + urlencode({"next": request.path_qs}))
    return error_response(request, 403, "signed_out")


async def check_csrf(request: web.Request, handler: Next) -> web.StreamResponse:
    """Refuse forged forms on every state-changing route of people."""
    if _route_of(request) is not None and request.method not in SAFE_METHODS:
        await check_form(request)
    return await handler(request)


def is_for_machines(request: web.Request) -> bool:
    """Say whether the route is one of the API."""
    route = _route_of(request)
    return route is not None and route.audience.kind is AudienceKind.API


MIDDLEWARES = (log_request, add_security_headers, find_session, show_errors, guard)
