"""The names under which the shell keeps its parts on the application and on each request.

Only `hotline/web` sets them; services read through the functions of `audience`, `pages`, `forms` and
`ratelimit`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from aiohttp import MultipartReader, web
from jinja2 import Environment

from hotline.plumbing.metrics import Metrics, RequestMeter
from hotline.web.audience import ApiKeys, Sessions
from hotline.web.messages import Messages
from hotline.web.service import NavItem, Route


class WebSettings(Protocol):
    """What the shell needs to know of `hotline.config.Settings`."""

    @property
    def secret_key(self) -> str | bytes:
        """Signs sessions and form tokens."""

    @property
    def public_url(self) -> str:
        """The address citizens see; cookies are `Secure` when it is https."""

    @property
    def trusted_proxy(self) -> bool:
        """Whether `X-Forwarded-For` was written by our own proxy."""

    @property
    def api_keys(self) -> Mapping[str, str]:
        """Client name to secret."""


Clock = Callable[[], datetime]

SETTINGS: web.AppKey[WebSettings] = web.AppKey("settings", WebSettings)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
SESSIONS = web.AppKey("sessions", Sessions)
API_KEYS = web.AppKey("api_keys", ApiKeys)
MESSAGES = web.AppKey("messages", Messages)
TEMPLATES = web.AppKey("templates", Environment)
STATIC_URLS: web.AppKey[Mapping[str, str]] = web.AppKey("static_urls")
NAV: web.AppKey[tuple[NavItem, ...]] = web.AppKey("nav")
PATHS: web.AppKey[Mapping[str, str]] = web.AppKey("paths")
METRICS = web.AppKey("metrics", Metrics)
METERS: web.AppKey[Mapping[web.AbstractRoute, RequestMeter]] = web.AppKey("meters")
NO_ROUTE = web.AppKey("no_route", RequestMeter)
ROUTES: web.AppKey[Mapping[web.AbstractRoute, Route]] = web.AppKey("routes")

REQUEST_ID = web.RequestKey("request_id", str)
NOW = web.RequestKey("now", datetime)
CSRF_SEED = web.RequestKey("csrf_seed", str)
URLENCODED_BODY = web.RequestKey("urlencoded_body", bytes)
MULTIPART = web.RequestKey("multipart", MultipartReader)
