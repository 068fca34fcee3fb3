"""The real servers that live tests speak to: KAFKA_URL and MONGODB_URL where they are set, else started here.

Registered for all tests by `conftest.py`. Servers are shared by all tests and all runs at once: each test takes its
own topics (`KafkaOptions.prefix`) or database (`with_database`). The last run that ends stops what tests started.
Where a server cannot be had the test is skipped with the reason; with CI=true that is a failure.
"""

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tools.server_install import CannotStart
from tools.server_processes import KAFKA, MONGODB
from tools.servers import VARIABLES, in_use, shared


@pytest.fixture(scope="session")
def shared_servers(pytestconfig: pytest.Config) -> Iterator[None]:
    """Hold the shared servers until the last test of this run."""
    with in_use():
        yield


def url_of(kind: str, request: pytest.FixtureRequest) -> str:
    """Return the address that was given, or that of the shared server."""
    given = os.environ.get(VARIABLES[kind], "")
    if given:
        return given
    request.getfixturevalue("shared_servers")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            return shared(kind).url
    except CannotStart as error:
        pytest.skip(f"no {kind}: {error}")


@pytest.fixture(scope="session")
def kafka_url(request: pytest.FixtureRequest) -> str:
    """Return `kafka://host:port` of a broker that runs."""
    return url_of(KAFKA, request)


@pytest.fixture(scope="session")
def mongodb_url(request: pytest.FixtureRequest) -> str:
    """Return `mongodb://host:port` of a database server that runs; `with_database` adds the database."""
    return url_of(MONGODB, request)


def with_database(url: str, name: str) -> str:
    """Return the address of one database of a server, its options kept."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def unique_name(purpose: str = "t") -> str:
    """Return a name that no other test has: for a database or a topic prefix."""
    return f"{purpose}-{uuid.uuid4().hex[:12]}"
