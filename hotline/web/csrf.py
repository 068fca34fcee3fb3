"""Decides whether a form was sent from one of our own pages.

A random seed lives in a cookie; the token in the form is its HMAC, bound to the signed-in account. The shell
checks it before any handler of a state-changing page route runs; in a multipart form the token is the first
part, so a forged request is refused before one byte of a file is kept. It never applies to `Audience.api()`
routes.
"""

import hashlib
import hmac
import re
import secrets

from aiohttp import BodyPartReader, web

from hotline.web.audience import session_of
from hotline.web.keys import CSRF_SEED, MULTIPART, SETTINGS, URLENCODED_BODY

CSRF_COOKIE = "hotline_form"
CSRF_FIELD = "csrf_token"
MAX_URLENCODED_BYTES = 1024 * 1024
_TOKEN_BYTES = 200
_SEED = re.compile(r"[A-Za-z0-9_-]{43}")


class UnreadableForm(Exception):
    """The body is not a form that can be taken apart (no boundary, cut off, wrong content type)."""


class ForgedForm(Exception):
    """The form carries no token of ours: sent from elsewhere, or the browser keeps no cookies."""


def find_seed(request: web.Request) -> bool:
    """Take the seed from the cookie or make a new one; says whether the response must set the cookie."""
    known = request.cookies.get(CSRF_COOKIE, "")
    is_known = _SEED.fullmatch(known) is not None
    request[CSRF_SEED] = known if is_known else secrets.token_urlsafe(32)
    return not is_known


def token_of(request: web.Request) -> str:
    """Return the token that this browser's forms must carry."""
    session = session_of(request)
    secret = request.app[SETTINGS].secret_key
    key = secret.encode() if isinstance(secret, str) else secret
    text = f"hotline.form:{request[CSRF_SEED]}:{session.account_id if session else ''}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


async def check_form(request: web.Request) -> None:
    """Refuse a form without the right token; raises ForgedForm or UnreadableForm, or aiohttp's 413.

    Leaves the body, or the multipart reader past its first part, for `forms.read_form`.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ForgedForm
    if request.content_type == "multipart/form-data":
        offered = await _first_part(request)
    elif request.content_type == "application/x-www-form-urlencoded":
        if (request.content_length or 0) > MAX_URLENCODED_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_URLENCODED_BYTES, request.content_length or 0)
        request[URLENCODED_BODY] = await request.read()
        found = re.search(rb"(?:^|&)csrf_token=([0-9a-f]{64})(?:&|$)", request[URLENCODED_BODY])
        offered = found[1] if found else b""
    else:
        raise UnreadableForm
    if not hmac.compare_digest(offered, token_of(request).encode()):
        raise ForgedForm


async def _first_part(request: web.Request) -> bytes:
    try:
        reader = await request.multipart()
        part = await reader.next()
    except (ValueError, AssertionError, EOFError) as exc:
        raise UnreadableForm from exc
    request[MULTIPART] = reader
    if not isinstance(part, BodyPartReader) or part.name != CSRF_FIELD:
        return b""
    token = b""
    while chunk := await part.read_chunk(_TOKEN_BYTES):
        token += chunk
        if len(token) > _TOKEN_BYTES:
            return b""
    return token
