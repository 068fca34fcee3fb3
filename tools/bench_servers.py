"""The bench of the second shape: the same load through three processes over a broker and a database of its own.

Called by `bench`. How soon a ticket comes is told by the first `ticket.changed` of a feedback that the broker has, read
from outside. What the database's share is, is told twice: by the processor time of all processes, and by what the
services measured of its commands (`hotline_store_command_seconds`). The test database says nothing of MongoDB's speed.
"""

import asyncio
import contextlib
import json
import random
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from tools.broker import FACTS, opened, partitions_of, place_of
from tools.load import percentile
from tools.server_town import SERVICES, ServerTown, open_town

TICKETS_WAIT_S = 60.0
CLOCK_TICKS_PER_S = 100.0
STORE_SECONDS = "hotline_store_command_seconds"

RunLoad = Callable[..., dict[str, float]]


class MissingTicket(Exception):
    """Some feedback had no ticket when the measuring ended."""


@dataclass(slots=True)
class TopicWatch:
    """Notes when the first `ticket.changed` of each feedback could be read from the broker."""

    seen: dict[str, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def watching(self, broker_url: str) -> AsyncIterator[None]:
        """Read what comes while the block runs, without joining a group."""
        server = place_of(broker_url)
        async with opened(AIOKafkaAdminClient(bootstrap_servers=server)) as admin:
            partitions = await partitions_of(admin, FACTS)
        async with opened(AIOKafkaConsumer(bootstrap_servers=server, enable_auto_commit=False)) as reader:
            reader.assign(partitions)
            await reader.seek_to_end(*partitions)
            reading = asyncio.ensure_future(self.read(reader))
            try:
                yield
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def read(self, reader: AIOKafkaConsumer) -> None:
        """Note facts until cancelled."""
        async for record in reader:
            named = dict(record.headers)
            if named.get("ce_type") == b"ticket.changed":
                self.seen.setdefault(named["ce_subject"].decode(), time.monotonic())

    async def until_seen(self, ids: list[str]) -> None:
        """Wait for a ticket of each; raises MissingTicket."""
        ends_at = time.monotonic() + TICKETS_WAIT_S
        while missing := sum(feedback_id not in self.seen for feedback_id in ids):
            if time.monotonic() > ends_at:
                raise MissingTicket(f"{missing} of {len(ids)} feedbacks have no ticket after {TICKETS_WAIT_S:g} s")
            await asyncio.sleep(0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent until an instant: processor seconds of each part, the services' database commands."""

    at: float
    services_s: float
    broker_s: float
    database_s: float
    commands: float
    commands_s: float


def measure_servers(
    folder: Path, run_load: RunLoad, *, seconds: float, rate: float, ticket_seconds: float
) -> dict[str, float]:
    """Start everything in an empty folder, measure, end everything; raises MissingTicket, CannotStart, DidNotStart."""
    return asyncio.run(measure(folder, run_load, seconds, rate, ticket_seconds))


async def measure(
    folder: Path, run_load: RunLoad, seconds: float, rate: float, ticket_seconds: float
) -> dict[str, float]:
    """Measure tickets at a fixed rate, then how much goes through."""
    town = await open_town(folder, random.Random(1))
    try:
        tickets = await measure_tickets(town, run_load, rate, ticket_seconds)
        await town.settled()
        return {**await measure_through(town, run_load, seconds), **tickets,
                "servers_dead_letters": len(await town.dead_letters())}  # fmt: skip
    finally:
        town.end()


async def measure_tickets(town: ServerTown, run_load: RunLoad, rate: float, seconds: float) -> dict[str, float]:
    """Send at a fixed rate; the time counts from when a request was due until its ticket's first fact is on the bus."""
    sent_path = town.folder / "sent.json"
    watch = TopicWatch()
    url = town.running["ingest"].url
    async with watch.watching(town.broker.url):
        arguments = ["--rate", str(rate), "--seconds", str(seconds), "--sent", str(sent_path)]
        await asyncio.to_thread(run_load, url, "servers-ticket", *arguments)
        sent: list[tuple[str, float]] = json.loads(await asyncio.to_thread(sent_path.read_text, encoding="utf-8"))
        await watch.until_seen([feedback_id for feedback_id, _ in sent])
    waits_ms = [(watch.seen[feedback_id] - due_at) * 1000 for feedback_id, due_at in sent]
    return {
        "servers_submit_to_ticket_p50_ms": round(percentile(waits_ms, 50), 1),
        "servers_submit_to_ticket_p99_ms": round(percentile(waits_ms, 99), 1),
        "servers_ticket_rate_per_s": rate,
    }


async def measure_through(town: ServerTown, run_load: RunLoad, seconds: float) -> dict[str, float]:
    """Send as much as is taken, wait until all of it is worked through, and say what that cost whom."""
    before = await asyncio.to_thread(spent, town)
    load = await asyncio.to_thread(run_load, town.running["ingest"].url, "servers-through", "--seconds", str(seconds))
    await town.settled()
    after = await asyncio.to_thread(spent, town)
    return costs(before, after, load)


def costs(before: Spent, after: Spent, load: Mapping[str, float]) -> dict[str, float]:
    """Return what the feedbacks of a load cost."""
    count, wall_s = load["accepted"], after.at - before.at
    services_s, broker_s = after.services_s - before.services_s, after.broker_s - before.broker_s
    database_s = after.database_s - before.database_s
    return {
        "servers_ingest_per_s": load["per_s"],
        "servers_taken_to_ticket_per_s": round(count / wall_s, 1),
        "servers_database_cpu_share": round(database_s / (services_s + broker_s + database_s), 3),
        "servers_database_cores": round(database_s / wall_s, 2),
        "servers_services_cpu_ms_per_feedback": round(services_s / count * 1000, 2),
        "servers_store_commands_per_feedback": round((after.commands - before.commands) / count, 2),
        "servers_store_ms_per_feedback": round((after.commands_s - before.commands_s) / count * 1000, 2),
    }


def spent(town: ServerTown) -> Spent:
    """Look at every process and at what each service shows to Prometheus."""
    told = [store_commands(town.metrics_url(name)) for name in SERVICES]
    return Spent(
        at=time.monotonic(),
        services_s=sum(group_cpu_s(town.running[name].process.pid) for name in SERVICES),
        broker_s=group_cpu_s(town.broker.pid),
        database_s=group_cpu_s(town.database.pid),
        commands=sum(count for count, _ in told),
        commands_s=sum(seconds for _, seconds in told),
    )


def store_commands(url: str) -> tuple[float, float]:
    """Return how many commands a service has sent to its database, and how many seconds they took."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        if family.name == STORE_SECONDS
        for sample in family.samples
    ]
    return tuple(
        sum(sample.value for sample in samples if sample.name == f"{STORE_SECONDS}_{what}") for what in ("count", "sum")
    )  # type: ignore[return-value]


def group_cpu_s(leader: int) -> float:
    """Return the processor seconds of a process group: its leader's and its living children's."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == leader:
                total += (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S
    return total
