"""One process: every service's routes in one application, every loop in one task group.

A loop that ends stops the process with its reason; SIGTERM or Ctrl-C lets the work in hand finish. Called by
`hotline run`.
"""

import asyncio
import contextlib
import gc
import importlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import click
from aiohttp import web

from hotline.config import Settings
from hotline.plumbing.backend import Backend, Loop, only_server, open_backend
from hotline.plumbing.failures import TooManyDeadLetters
from hotline.plumbing.log import step
from hotline.plumbing.readings import backend_gauges
from hotline.plumbing.restores import refuse_half_restored
from hotline.plumbing.tracing import tracing
from hotline.web.keys import METRICS
from hotline.web.revocations import Revocations
from hotline.web.service import Service
from hotline.web.shell import build_app
from hotline.web.watching import metrics_app

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SHUTDOWN_S = 10.0
# Most objects of a request are gone with it; looking for cycles after every 700 costs a tenth of the intake.
COLLECT_AFTER = (20_000, 20, 20)


class LoopEnded(Exception):
    """A loop that must run for ever came back."""


async def serve(settings: Settings, names: Sequence[str], known: Sequence[str]) -> None:
    """Serve the named ones of the `known` services until told to stop.

    Raises WorldIsDown when database or broker cannot be opened, or when the one file is being served already.
    """
    with only_server(settings), tracing(os.environ, service_name(names, known)):
        async with open_backend(settings) as backend, open_services(backend, names) as services:
            app = put_together(backend, services, known)
            for service in services:
                await service.start(app)
            async with listening(app, backend.settings) as address, watched(app, backend.settings):
                settle_memory()
                announce(address, services)
                await run_loops(loops_of(backend, services))


def service_name(names: Sequence[str], known: Sequence[str]) -> str:
    """Return how traces name this process."""
    return "hotline" if len(names) == len(known) else "-".join(("hotline", *names))


def put_together(backend: Backend, services: Sequence[Service], known: Sequence[str]) -> web.Application:
    """Return the application of these services, which knows the words of the `known` others."""
    here = {service.name for service in services}
    names = [name for name in known if name in here]
    elsewhere = tuple(outline_of(name) for name in known if name not in here)
    return build_app(
        (*services, *elsewhere),
        backend.settings,
        backend.clock,
        troubles=backend.troubles,
        gauges=backend_gauges(backend, names),
        measures=backend.measures,
    )


def outline_of(name: str) -> Service:
    """Return what pages must know of a service that another process runs: its header entries, and their words."""
    module = importlib.import_module(f"services.{name}.app")
    here: Path = module.HERE
    return Service(name=name, routes=(), template_dir=here / "templates", message_dir=here, nav=module.NAV)


@contextlib.asynccontextmanager
async def open_services(backend: Backend, names: Sequence[str]) -> AsyncIterator[tuple[Service, ...]]:
    """Open the named services, and before them what ends revoked sessions, and close them in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        services = [Revocations(backend.bus, backend.clock, backend.settings.session_hours).service()]
        stack.push_async_callback(services[0].close)
        for name in names:
            await refuse_half_restored(backend, name)
            module = importlib.import_module(f"services.{name}.app")
            service: Service = await module.open_service(backend, backend.settings)
            stack.push_async_callback(service.close)
            services.append(service)
        yield tuple(services)


@contextlib.asynccontextmanager
async def listening(app: web.Application, settings: Settings) -> AsyncIterator[str]:
    """Listen as the settings say and yield the address; refuses a port that is taken, with the remedy."""
    async with listen(app, settings.host, settings.port, "PORT") as address:
        yield address


@contextlib.asynccontextmanager
async def watched(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Answer /metrics on its own port where METRICS_PORT names one; refuses a port that is taken."""
    if settings.metrics_port is None:
        yield
        return
    async with listen(metrics_app(app[METRICS]), settings.metrics_host, settings.metrics_port, "METRICS_PORT") as at:
        step("metrics_listening", address=at)
        yield


@contextlib.asynccontextmanager
async def listen(app: web.Application, host: str, port: int, setting: str) -> AsyncIterator[str]:
    """Listen and yield the address; `setting` names the port in the refusal of one that is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {host}:{port} ({error.strerror}): free it, or give another {setting}"
            ) from error
        host, port = runner.addresses[0][:2]
        yield f"http://{'localhost' if host in {'127.0.0.1', '0.0.0.0', '::1'} else host}:{port}"  # noqa: S104
    finally:
        await runner.cleanup()


def announce(address: str, services: Sequence[Service]) -> None:
    """Say where the product is, and what a service has to say once."""
    click.echo(f"hotline: {address}")
    for service in services:
        for notice in service.notices:
            click.echo(notice)
    step("listening", address=address)


def settle_memory() -> None:
    """Leave what was loaded at the start out of every later collection: it stays, and takes long to look through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def loops_of(backend: Backend, services: Sequence[Service]) -> dict[str, Loop]:
    """Return every loop of the process by its name."""
    loops = {f"{service.name}.{name}": run for service in services for name, run in service.loops.items()}
    return {**loops, **backend.loops}


async def run_loops(loops: Mapping[str, Loop]) -> None:
    """Run every loop until a stop signal; one that ends or fails stops all, and its reason is told."""
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run_forever(name, run), name=name) for name, run in loops.items()]
            await stop.wait()
            step("stopping")
            for task in tasks:
                task.cancel()
    except* (LoopEnded, TooManyDeadLetters) as stopped:
        raise click.ClickException(str(first_of(stopped))) from stopped


def first_of(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the first error that is not itself a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def run_forever(name: str, run: Loop) -> None:
    """Run one loop; its end, which should not come, is told with its name."""
    try:
        await run()
    except Exception as error:
        step("loop_failed", level="ERROR", loop=name, error=f"{type(error).__name__}")
        raise
    raise LoopEnded(f"the loop {name} ended")
