"""A hotline in a process of its own, for tests that speak to it over the network or watch it from outside."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.own_broker import OwnBroker, start_own_broker
from tools.processes import Server, free_port, kill, start_hotline, wait_until_ready
from tools.server_install import CannotStart
from tools.server_processes import find_server, kill_server

StartServer = Callable[..., Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Return a function that starts a server on this test's own data and waits for it; all are ended with the test."""
    servers: list[Server] = []

    def start(*, before: tuple[str, ...] = (), **settings: str) -> Server:
        server = start_hotline(tmp_path / "data", free_port(), before=before, **settings)
        servers.append(server)
        wait_until_ready(server)
        return server

    yield start
    for server in servers:
        kill(server)


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """A broker that tests may stop and kill, which asks for passwords and speaks TLS at its other doors."""
    try:
        broker = start_own_broker(tmp_path_factory.mktemp("own-broker"))
    except CannotStart as error:
        pytest.skip(f"no kafka: {error}")
    yield broker
    running = find_server(broker.server.folder)
    if running is not None:
        kill_server(running)
