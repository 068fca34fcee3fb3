"""The proxy in front, a real nginx: every route of a service reaches that service, and what is inward stays there."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from hotline.web.service import OWNED_PATHS, owner_of
from services.cli import SERVICES
from services.ingest.api import LARGEST_BODY_BYTES
from tests.deploy.nginx import CONF, Proxy, browser, in_front_of
from tests.deploy.started import opened
from tools.processes import free_port

pytestmark = pytest.mark.live

BACKENDS = {"backends.conf": tuple(SERVICES), "backends.single.conf": ("hotline",)}
CODE = "123456789012"
AFTER_A_PREFIX = ("", "/", "/x", "?next=/desk", "-x", "x")


def sample(path: str) -> str:
    """Return a path that a route's pattern takes."""
    return re.sub(r"\{[^}]*\}", CODE, path)


async def tell(name: str, port: int) -> web.AppRunner:
    """Listen as a service that says its name and from whom it thinks that it was asked."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"service": name, "from": request.headers.getall("X-Forwarded-For")})

    app = web.Application(client_max_size=1024)
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


@pytest.fixture(params=sorted(BACKENDS))
async def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Proxy]:
    """Run nginx with our files in front of services that say who they are."""
    ports = {name: free_port() for name in BACKENDS[request.param]}
    runners = [await tell(name, port) for name, port in ports.items()]
    async with in_front_of(ports, tmp_path, backends=request.param) as proxy:
        yield proxy
    for runner in runners:
        await runner.cleanup()


async def asked(proxy: Proxy, requests: Sequence[tuple[str, str]], **more: object) -> list[tuple[int, object]]:
    """Ask through the proxy, waiting until it listens; returns status and JSON answer of each."""
    answers: list[tuple[int, object]] = []
    async with browser(proxy) as client:
        for method, path in requests:
            address = URL(proxy.url + path, encoded=True)
            async with client.request(method, address, **more) as answer:  # type: ignore[arg-type]
                is_json = answer.content_type == "application/json"
                answers.append((answer.status, await answer.json() if is_json else None))
    return answers


async def routes_of_all(folder: Path) -> list[tuple[str, str, str]]:
    """Return service, method and a path of every route that the services serve."""
    async with opened(folder) as (_, services):
        return [(service.name, route.method, sample(route.path)) for service in services for route in service.routes]


async def test_every_route_of_a_service_reaches_that_service(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    routes = await routes_of_all(tmp_path / "data")
    assert len(routes) > 30
    answers = await asked(proxy, [(method, path) for _, method, path in routes])
    reached = [answer["service"] for _, answer in answers if isinstance(answer, dict)]
    is_single = "hotline" in reached
    assert reached == ["hotline" if is_single else service for service, _, _ in routes]


async def test_a_path_that_has_an_owner_reaches_it_and_any_other_ingest(proxy: Proxy) -> None:
    paths = [prefix + more for name in SERVICES for prefix in OWNED_PATHS[name] for more in AFTER_A_PREFIX]
    answers = await asked(proxy, [("GET", path) for path in paths])
    reached = [answer["service"] for _, answer in answers if isinstance(answer, dict)]
    owners = [owner_of(path.split("?")[0]) or "ingest" for path in paths]
    assert reached in (owners, ["hotline"] * len(owners))


async def test_what_is_inward_is_not_handed_on(proxy: Proxy) -> None:
    inward = ("/metrics", "/healthz", "/readyz", "/readyz/", "/readyz/pages", "/%72eadyz", "//readyz", "/x/../readyz")
    answers = await asked(proxy, [("GET", path) for path in inward])
    assert [status for status, _ in answers] == [404] * len(inward)


async def test_who_asks_is_said_by_the_proxy_alone_and_no_path_is_logged(proxy: Proxy) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7"}
    ((_, answer),) = await asked(proxy, [("GET", f"/tra-cuu?ma={CODE}")], headers=forged)
    assert isinstance(answer, dict) and answer["from"] == ["127.0.0.1"]
    await asked(proxy, [("GET", f"/api/v1/feedback/{CODE}"), ("POST", "/sign-in")])
    logged = proxy.log.read_text(encoding="utf-8")
    assert CODE not in logged
    assert [line.split()[1:] for line in logged.splitlines() if "127.0.0.1 " in line] == [
        ["127.0.0.1", "POST", "sign-in", "200"]
    ]


def test_the_largest_message_passes() -> None:
    megabytes = re.search(r"client_max_body_size (\d+)m;", CONF)
    assert megabytes and int(megabytes[1]) * 1024 * 1024 >= LARGEST_BODY_BYTES
