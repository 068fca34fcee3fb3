"""What a service hands to the web shell, and which paths each service owns.

Every `services/<name>/app.py` builds a `Service`; `shell.build_app` binds it. Decides nothing about requests.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web
from prometheus_client.registry import Collector

from hotline.plumbing.metrics import ReadGauges, Reading
from hotline.roles import Role
from hotline.web.audience import Audience

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OWNED_PATHS: Mapping[str, tuple[str, ...]] = {
    "shell": ("/static", "/healthz", "/readyz", "/language"),
    "ingest": ("/gui", "/tra-cuu", "/dia-ban", "/files", "/operator", "/api/v1/feedback", "/api/v1/hotline"),
    "classify": ("/review", "/api/v1/review"),
    "respond": ("/sign-in", "/sign-out", "/desk", "/inbox", "/tickets", "/inspector", "/admin", "/reports",
                "/account", "/answer-files", "/api/v1/tickets", "/api/v1/reports"),
}  # fmt: skip


class BadRoutes(Exception):
    """The routes of the services cannot be served together; the message names every fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `name` is what logs say and what `url('name')` in templates takes."""

    method: str
    path: str
    handler: Handler
    audience: Audience
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry of the page header: shown to the roles named, or to everyone not signed in when `roles` is
    empty.
    """

    path: str
    key: str
    roles: frozenset[Role] = frozenset()


async def _nothing() -> None:
    """Close nothing: the default of a service that holds nothing open."""


async def _start(app: web.Application) -> None:
    """Do nothing more: the default of a service that needs nothing of the application."""


async def _ready() -> bool:
    """Say yes: the default of a service that depends on nothing."""
    return True


async def _no_gauges() -> Sequence[Reading]:
    """Show nothing: the default of a service that has nothing to watch."""
    return ()


class Watched(Protocol):
    """A loop that says why it waits."""

    async def run(self) -> None:
        """Go on until cancelled."""

    @property
    def trouble(self) -> str | None:
        """Return what it cannot reach and waits for now, None when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A whole service as the process sees it: pages and API, background loops by name, how to close, whether
    ready.

    `start` is called once with the application before the loops; `notices` are lines for whoever started the
    process. At /metrics stand its `gauges` (read there and then), its `measures` and which of its `watched` loops wait.
    """

    name: str
    routes: tuple[Route, ...]
    template_dir: Path | None = None
    message_dir: Path | None = None
    loops: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] = _nothing
    ready: Callable[[], Awaitable[bool]] = _ready
    start: Callable[[web.Application], Awaitable[None]] = _start
    notices: tuple[str, ...] = ()
    nav: tuple[NavItem, ...] = ()
    gauges: ReadGauges = _no_gauges
    measures: tuple[Collector, ...] = ()
    watched: Mapping[str, Watched] = field(default_factory=dict)


def owner_of(path: str) -> str | None:
    """Return the service that owns a path, or None where nobody claims it; `/` itself belongs to ingest."""
    if path == "/":
        return "ingest"
    for name, prefixes in OWNED_PATHS.items():
        if any(path == prefix or path.startswith((prefix + "/", prefix + "{", prefix + "-")) for prefix in prefixes):
            return name
    return None


def check_routes(services: Iterable[Service]) -> None:
    """Refuse repeated (method, path), one name on two paths, and paths that another service owns; all faults
    at once.
    """
    faults: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    path_of: dict[str, str] = {}
    for service in services:
        for route in service.routes:
            where = f"{service.name}: {route.method} {route.path}"
            if (route.method, route.path) in seen:
                faults.append(f"{where} is already taken by {seen[route.method, route.path]}")
            seen.setdefault((route.method, route.path), service.name)
            if path_of.setdefault(route.name, route.path) != route.path:
                faults.append(f"{where}: the name {route.name!r} already stands for {path_of[route.name]}")
            owner = owner_of(route.path)
            if owner != service.name and (owner is not None or service.name in OWNED_PATHS):
                faults.append(f"{where} is outside the paths of {service.name} (owner: {owner or 'nobody'})")
    if faults:
        raise BadRoutes("; ".join(faults))
