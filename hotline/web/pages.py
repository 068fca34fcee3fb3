"""Renders pages and problem documents, in the language of the reader.

Handlers of every service call `page` and `problem`. A missing message, template variable or parameter raises:
a page is whole or it is an error. It decides nothing about what a page says.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from hotline.errors import FieldError
from hotline.web import filters
from hotline.web.audience import session_of
from hotline.web.csrf import CSRF_FIELD, token_of
from hotline.web.forms import Form
from hotline.web.keys import MESSAGES, NAV, NOW, PATHS, REQUEST_ID, STATIC_URLS, TEMPLATES
from hotline.web.messages import DEFAULT_LANGUAGE, LANGUAGES
from hotline.web.service import NavItem

LANGUAGE_COOKIE = "hotline_lang"
SHELL_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownError:
    """A fault as a page shows it: the field, the id of its input (none for the whole form), the sentence."""

    field: str
    anchor: str
    text: str


def lang_of(request: web.Request) -> str:
    """Return the reader's language: the cookie's when we have it, else Vietnamese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def message(request: web.Request, key: str, params: Mapping[str, object] | None = None) -> str:
    """Return a sentence in the reader's language; raises MissingMessage."""
    return request.app[MESSAGES].message(lang_of(request), key, params)


def error_text(request: web.Request, error: FieldError) -> str:
    """Return the sentence of a fault in the reader's language; raises MissingMessage for an unknown code."""
    return message(request, f"errors.{error.code}", error.params)


def field_id(name: str) -> str:
    """Return the id of the input for a field name: letters, digits and dashes only."""
    return "f-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in name)


def page(request: web.Request, template: str, status: int = 200, **context: Any) -> web.Response:
    """Return the rendered page; `errors` (FieldErrors) and `form` (Form) may be among the context.

    Templates get t, lang, session, csrf_token, now, url, static_url, nav, errors, form, and what is passed
    here.
    """
    errors = tuple(_shown(request, error) for error in context.pop("errors", ()))
    context = _shell_context(request) | {"form": Form()} | context | {"errors": errors}
    html = request.app[TEMPLATES].get_template(template).render(context)
    return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")


def problem(
    request: web.Request,
    status: int,
    title_key: str,
    errors: Iterable[FieldError] = (),
    params: Mapping[str, object] | None = None,
) -> web.Response:
    """Return an RFC 9457 document: what is wrong, what to do, and `errors`, each with its field and stable code.

    `title_key` ends in ".title"; the remedy stands under the same name in ".text". All are localised.
    """
    document = {
        "type": "about:blank",
        "title": message(request, title_key, params),
        "detail": message(request, f"{title_key.removesuffix('title')}text", params),
        "status": status,
        "code": title_key,
        "request_id": request.get(REQUEST_ID, ""),
        "errors": [{"field": e.field, "code": e.code, "message": error_text(request, e)} for e in errors],
    }
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/problem+json")


def url(request: web.Request, name: str, query: Mapping[str, str] | None = None, **parts: str) -> str:
    """Return the path of a named route; raises KeyError for an unknown name."""
    resource = web.PlainResource(request.app[PATHS][name])
    if parts:
        built = web.DynamicResource(request.app[PATHS][name]).url_for(**parts)
    else:
        built = resource.url_for()
    return str(built.with_query(query) if query else built)


def _shown(request: web.Request, error: FieldError) -> ShownError:
    return ShownError(
        field=error.field, anchor=field_id(error.field) if error.field else "", text=error_text(request, error)
    )


def _shell_context(request: web.Request) -> dict[str, Any]:
    lang = lang_of(request)

    def t(key: str, **params: object) -> str:
        return request.app[MESSAGES].message(lang, key, params)

    def link(name: str, query: Mapping[str, str] | None = None, **parts: str) -> str:
        return url(request, name, query, **parts)

    return {
        "t": t,
        "lang": lang,
        "messages": request.app[MESSAGES],
        "session": session_of(request),
        "csrf_field": CSRF_FIELD,
        "csrf_token": token_of(request),
        "now": request[NOW],
        "url": link,
        "has_path": frozenset(request.app[PATHS].values()).__contains__,
        "static_url": request.app[STATIC_URLS].__getitem__,
        "nav": tuple(item for item in request.app[NAV] if _is_shown(request, item)),
        "here": request.path,
        "return_to": request.path_qs if request.method == "GET" else "/",
    }


def _is_shown(request: web.Request, item: NavItem) -> bool:
    session = session_of(request)
    return session.role in item.roles if session else not item.roles


@cache
def make_templates(template_dirs: tuple[tuple[str, Path], ...]) -> Environment:
    """Return the environment: a service's templates are named `<service>/<file>`, the shell's have no prefix.

    One per set of directories and process, because compiling templates is the slow part of a first page.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [
                PrefixLoader({name: FileSystemLoader(path) for name, path in template_dirs}),
                FileSystemLoader(SHELL_TEMPLATES),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["field_id"] = field_id
    environment.filters.update(_filters())
    return environment


def _filters() -> dict[str, Callable[..., str]]:
    @pass_context
    def vn_datetime(context: Context, at: datetime) -> str:
        return filters.vn_datetime(at, context["lang"])

    @pass_context
    def due_in_words(
        context: Context, due_at: datetime, now: datetime, calendar: filters.WorkingDays | None = None
    ) -> str:
        return filters.due_in_words(context["messages"], context["lang"], due_at, now, calendar)

    def vn_date(day: date) -> str:
        return filters.vn_date(day)

    return {
        "vn_datetime": vn_datetime,
        "vn_date": vn_date,
        "due_in_words": due_in_words,
        "tracking": filters.tracking,
    }
