"""A Kafka broker and a MongoDB server for tests, without Docker: `python -m tools.servers install|start|stop|status`.

`make services` starts both and leaves them running, `make services-stop` stops them; tests start what is missing and
stop it when the last of them has ended. Everything lies in var/servers. Drills and tests that break a server start
one of their own with `server_processes.start_server`.
"""

import contextlib
import fcntl
import sys
from collections.abc import Iterator

import click

from tools.server_install import STATE, CannotStart, alone, install_kafka, install_secantusdb
from tools.server_processes import KAFKA, MONGODB, TestServer, find_server, start_server, stop_server

KINDS = (KAFKA, MONGODB)
VARIABLES = {KAFKA: "KAFKA_URL", MONGODB: "MONGODB_URL"}
# There while the servers were started to stay, by hand; without it the last test that ends stops them.
TO_STAY = STATE / "to-stay"


@contextlib.contextmanager
def in_use() -> Iterator[None]:
    """Hold the shared servers for as long as the block lasts; the last to leave stops them, unless they are to stay.

    Whoever was killed holds them no longer, and what it started is stopped by the next who leaves.
    """
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "in-use").open("w", encoding="ascii") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with alone():
                leave(users.fileno())


def leave(users: int) -> None:
    """Stop the servers when nobody else uses them."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    if not TO_STAY.exists():
        stop_shared()


def shared(kind: str) -> TestServer:
    """Return the running shared server of a kind, started when it is not there; raises CannotStart."""
    with alone():
        return start_server(kind, STATE / kind)


def stop_shared() -> list[str]:
    """Stop the shared servers and return the kinds of those that ran."""
    found = [server for kind in KINDS if (server := find_server(STATE / kind)) is not None]
    for server in found:
        stop_server(server)
    return [server.kind for server in found]


@click.group(help=__doc__.splitlines()[0])
def cli() -> None:
    """The command group."""


@cli.command()
def install() -> None:
    """Fetch what the servers need, start nothing."""
    with alone("install.lock"):
        install_kafka()
        install_secantusdb()
    click.echo(f"the test servers are installed in {STATE}")


@cli.command()
def start() -> None:
    """Start both and leave them running."""
    STATE.mkdir(parents=True, exist_ok=True)
    TO_STAY.touch()
    for kind in KINDS:
        click.echo(f"{VARIABLES[kind]}={shared(kind).url}")


@cli.command()
def stop() -> None:
    """Stop both."""
    with alone():
        TO_STAY.unlink(missing_ok=True)
        stopped = stop_shared()
    click.echo(f"stopped: {', '.join(stopped) or 'nothing ran'}")


@cli.command()
def status() -> None:
    """Say what runs; ends with 1 unless both do."""
    servers = {kind: find_server(STATE / kind) for kind in KINDS}
    for kind, server in servers.items():
        said = f"{VARIABLES[kind]}={server.url} (process {server.pid})" if server else f"{kind} does not run"
        click.echo(said)
    sys.exit(0 if all(servers.values()) else 1)


if __name__ == "__main__":
    try:
        cli()
    except CannotStart as error:
        sys.exit(f"servers: {error}")
