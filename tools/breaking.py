"""Starts a real service that fails on purpose: `python -m tools.breaking --handler 10 --relay 50 run ingest`.

Called by the drill of the servers. What is broken is laid around the product from here; nothing in it knows. Of its
facts one in `--handler` fails at first, half of those before and half after the work is done. After one document in
`--relay`, by chance, the process is killed when its facts are published and not yet marked as such.
"""

import functools
import importlib
import os
import random
import signal
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import click

from hotline.facts import Fact
from hotline.plumbing.relay import Relay
from services.cli import SERVICES
from services.cli import main as hotline

Handle = Callable[[Fact], Awaitable[None]]


class BrokeOnPurpose(Exception):
    """The failure that a drill asked for."""


def break_handlers(one_in: int) -> None:
    """Let the handler of each service fail on one fact in `one_in`, once in the life of the process."""
    for name in SERVICES:
        app = importlib.import_module(f"services.{name}.app")
        app.handler = failing(app.handler, one_in)  # type: ignore[attr-defined]


def failing(make: Callable[..., Handle], one_in: int) -> Callable[..., Handle]:
    """Return a maker of handlers that fail once on the facts that chance has marked, whoever reads them."""

    @functools.wraps(make)
    def make_failing(*arguments: Any, **more: Any) -> Handle:
        handle = make(*arguments, **more)
        failed: set[str] = set()

        async def handle_or_fail(fact: Fact) -> None:
            mark = zlib.crc32(fact.fact_id.encode()) % (2 * one_in)
            is_to_fail = mark in {0, 1} and fact.fact_id not in failed
            failed.add(fact.fact_id)
            if is_to_fail and mark == 0:
                raise BrokeOnPurpose
            await handle(fact)
            if is_to_fail:
                raise BrokeOnPurpose

        return handle_or_fail

    return make_failing


def break_relay(one_in: int) -> None:
    """Let the process be killed after the facts of one document in `one_in` are published."""
    publish = Relay.publish

    async def publish_and_die(self: Relay, document: Mapping[str, Any]) -> bool:
        is_published = await publish(self, document)
        if is_published and random.randrange(one_in) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return is_published

    Relay.publish = publish_and_die  # type: ignore[method-assign]


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--handler", type=click.IntRange(1), help="One fact in so many fails at first.")
@click.option("--relay", type=click.IntRange(1), help="After one published document in so many the process dies.")
@click.argument("command", nargs=-1, required=True)
def main(handler: int | None, relay: int | None, command: tuple[str, ...]) -> None:
    """Break what is asked for and go on as `hotline` does with the rest."""
    if handler is not None:
        break_handlers(handler)
    if relay is not None:
        break_relay(relay)
    sys.argv = ["hotline", *command]
    hotline()


if __name__ == "__main__":
    main()
