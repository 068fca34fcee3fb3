"""The one web application of the process: every service adds its routes, templates, messages and navigation.

Called by `services/cli.py` and by tests. Refuses at start what cannot be served together. It runs no loops
and closes no service: whoever opened them does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web
from prometheus_client.registry import Collector

from hotline.plumbing.metrics import Metrics, ReadGauges
from hotline.roles import Session
from hotline.web.audience import ApiKeys, Sessions, end_session, session_of, start_session
from hotline.web.keys import (
    API_KEYS,
    CLOCK,
    MESSAGES,
    METERS,
    METRICS,
    NAV,
    NO_ROUTE,
    PATHS,
    ROUTES,
    SESSIONS,
    SETTINGS,
    STATIC_URLS,
    TEMPLATES,
    Clock,
    WebSettings,
)  # fmt: skip
from hotline.web.messages import load_messages
from hotline.web.middlewares import MIDDLEWARES, is_https
from hotline.web.pages import SHELL_TEMPLATES, make_templates
from hotline.web.service import BadRoutes, NavItem, Route, Service, check_routes
from hotline.web.standing import FindTroubles, no_troubles, safe_next, standing_routes, static_files
from hotline.web.watching import loop_gauges

__all__ = [
    "BadRoutes",
    "NavItem",
    "Route",
    "Service",
    "api_client",
    "build_app",
    "require_api_client",
    "safe_next",
    "session_of",
    "sign_in",
    "sign_out",
]

MAX_BODY_BYTES = 1024 * 1024


def build_app(
    services: tuple[Service, ...],
    settings: WebSettings,
    clock: Clock,
    sessions: Sessions | None = None,
    *,
    troubles: FindTroubles = no_troubles,
    gauges: Mapping[str, ReadGauges] | None = None,
    measures: Sequence[Collector] = (),
) -> web.Application:
    """Return the application; raises BadRoutes or BadMessages with all faults at once.

    `sessions` is passed by whoever also hands it to the consumer of `account.changed`; otherwise one is made here.
    `troubles`, `gauges` and `measures` are the backend's, shown at /readyz and /metrics with those of the services.
    """
    addresses, static_routes = static_files()
    own = Service(
        name="shell",
        routes=(*standing_routes(services, troubles), *static_routes),
        template_dir=SHELL_TEMPLATES,
        message_dir=Path(__file__).parent,
    )
    everyone = (own, *services)
    check_routes(everyone)
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=MAX_BODY_BYTES)
    app[SETTINGS] = settings
    app[CLOCK] = clock
    app[SESSIONS] = sessions or Sessions(settings.secret_key)
    app[API_KEYS] = ApiKeys(settings.api_keys)
    app[MESSAGES] = load_messages(service.message_dir for service in services if service.message_dir)
    app[TEMPLATES] = make_templates(
        tuple((service.name, service.template_dir) for service in services if service.template_dir)
    )
    app[STATIC_URLS] = addresses
    app[NAV] = tuple(item for service in services for item in service.nav)
    app[METRICS] = _metrics_of(services, gauges or {}, measures)
    _add_routes(app, [route for service in everyone for route in service.routes])
    return app


def _metrics_of(
    services: tuple[Service, ...], gauges: Mapping[str, ReadGauges], measures: Sequence[Collector]
) -> Metrics:
    """Return what counts and shows all that this application does."""
    own = {service.name: service.gauges for service in services}
    counted = [*measures, *(measure for service in services for measure in service.measures)]
    return Metrics({**gauges, "loops": loop_gauges(services), **own}, counted)


def _add_routes(app: web.Application, routes: list[Route]) -> None:
    """Bind each path once, with all its methods; GET answers HEAD too."""
    resources: dict[str, web.Resource] = {}
    bound: dict[web.AbstractRoute, Route] = {}
    taken = {(route.method, route.path) for route in routes}
    for route in routes:
        if route.path not in resources:
            resources[route.path] = app.router.add_resource(route.path)
        bound[resources[route.path].add_route(route.method, route.handler)] = route
        if route.method == "GET" and ("HEAD", route.path) not in taken:
            bound[resources[route.path].add_route("HEAD", route.handler)] = route
    metrics = app[METRICS]
    app[ROUTES] = bound
    app[METERS] = {at: metrics.meter(route.name, at.method) for at, route in bound.items()}
    # Who asks for what is not there chooses the method, which may be any word.
    app[NO_ROUTE] = metrics.meter("no route", "any")
    app[PATHS] = {route.name: route.path for route in routes}


def api_client(request: web.Request) -> str | None:
    """Return the name of the machine client by its `Authorization: Bearer` key, or None."""
    return request.app[API_KEYS].client(request.headers.get("Authorization", ""))


def require_api_client(request: web.Request) -> str:
    """Return the client's name or answer 401 as a problem document."""
    name = api_client(request)
    if name is None:
        raise web.HTTPUnauthorized
    return name


def sign_in(request: web.Request, response: web.StreamResponse, session: Session) -> None:
    """Put the session's cookie on the response (a redirect may carry it) after a good password; it ends by itself."""
    token = request.app[SESSIONS].issue(session)
    start_session(response, token, session, is_https=is_https(request))


def sign_out(response: web.StreamResponse) -> None:
    """Take the session's cookie away; a stolen copy ends only by `Sessions.revoke`."""
    end_session(response)
