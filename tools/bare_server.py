"""The measure that ingest is held against: a bare aiohttp handler doing one group-committed insert of the body.

Started by `bench` as `python -m tools.bare_server FILE PORT`. Same event loop, database driver, PRAGMAs and fsync, same
body on the wire; nothing is checked, sealed, promised or told to anyone. It shows what this machine and this HTTP
server can do at most.
"""

import asyncio
import signal
import sqlite3
from pathlib import Path

import click
import uvloop
from aiohttp import web

from hotline.plumbing.sqlite import Database

HOST = "127.0.0.1"
PATH = "/api/v1/feedback"


def make_app(database: Database) -> web.Application:
    """Return the application: one insert a POST, and a readiness page."""

    async def take(request: web.Request) -> web.Response:
        key, body = request.headers["Idempotency-Key"], await request.read()

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("insert into bare (id, body) values (?, ?)", (key, body))

        await database.write(insert)
        return web.json_response({"feedback_id": key}, status=201)

    async def ready(request: web.Request) -> web.Response:
        return web.Response(text="ready")

    app = web.Application()
    app.router.add_post(PATH, take)
    app.router.add_get("/readyz", ready)
    return app


async def serve(path: Path, port: int) -> None:
    """Serve until SIGTERM."""
    database = await Database.open(path)
    await database.write(
        lambda connection: connection.execute(
            "create table if not exists bare (id text primary key, body blob not null)"
        )
    )
    runner = web.AppRunner(make_app(database), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()
    await database.close()


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("port", type=int)
def main(path: Path, port: int) -> None:
    """Serve POST /api/v1/feedback over the database at PATH."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(path, port))


if __name__ == "__main__":
    main()
