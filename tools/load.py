"""The load driver: sends feedback over HTTP from a process of its own and prints what came back as one JSON object.

Called by `bench` as `python -m tools.load`; `drill` uses its bodies and headers. Two ways: a closed loop (every
connection sends again as soon as it has its answer: the throughput) and an open loop (`--rate`: a request is due at
fixed instants, whatever became of the earlier ones; its time counts from when it was due). Every request has an
Idempotency-Key of its own. Decides nothing about good or bad.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import click

from tools.messages import body_of
from tools.processes import API_KEY

FEEDBACK_PATH = "/api/v1/feedback"
CONNECTIONS = 64
REQUEST_S = 60.0
JSON = "application/json"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one run of the driver saw. `sent` is (feedback_id, monotonic instant of the request's start)."""

    statuses: "Counter[str]" = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    sent: list[tuple[str, float]] = field(default_factory=list)

    def summary(self, seconds: float, cpu_s: float) -> dict[str, object]:
        """Return the run as numbers; rates count answers of 201 alone."""
        accepted = self.statuses["201"]
        return {
            "accepted": accepted,
            "per_s": round(accepted / seconds, 1),
            "seconds": round(seconds, 2),
            "p50_ms": round(percentile(self.latencies_s, 50) * 1000, 1),
            "p99_ms": round(percentile(self.latencies_s, 99) * 1000, 1),
            "statuses": dict(self.statuses),
            "driver_cpu_share": round(cpu_s / seconds, 2),
        }


def percentile(values: Sequence[float], per_cent: float) -> float:
    """Return the smallest value that `per_cent` of the values do not exceed (nearest rank); 0 of none."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * per_cent // 100))
    return ordered[int(rank) - 1] if ordered else 0.0


def headers_for(key: str) -> dict[str, str]:
    """Return the headers of one submission."""
    return {"Content-Type": JSON, "Idempotency-Key": key, "Authorization": f"Bearer {API_KEY}"}


def encoded_body(number: int, key: str) -> bytes:
    """Return the JSON of `body_of`."""
    return json.dumps(body_of(number, key), ensure_ascii=False).encode()


async def send_one(
    session: aiohttp.ClientSession, url: str, name: str, number: int, due_at: float, tally: Tally
) -> None:
    """Send one feedback and note its outcome; a broken connection is an outcome too."""
    key = f"{name}-{number}"
    try:
        async with session.post(url, data=encoded_body(number, key), headers=headers_for(key)) as answer:
            said = await answer.read()
            tally.statuses[str(answer.status)] += 1
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        tally.statuses[type(error).__name__] += 1
        return
    tally.latencies_s.append(time.monotonic() - due_at)
    if answer.status == 201:
        tally.sent.append((json.loads(said).get("feedback_id", ""), due_at))


async def closed_loop(
    session: aiohttp.ClientSession, url: str, name: str, seconds: float, connections: int, tally: Tally
) -> None:
    """Keep `connections` requests in flight until the time is up; those in flight are waited for."""
    numbers = count()
    ends_at = time.monotonic() + seconds

    async def keep_sending() -> None:
        while (now := time.monotonic()) < ends_at:
            await send_one(session, url, name, next(numbers), now, tally)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(keep_sending())


def due_instants(started_at: float, rate: float, seconds: float) -> Iterator[float]:
    """Yield when each request of an open loop is due."""
    for number in range(int(rate * seconds)):
        yield started_at + number / rate


async def open_loop(
    session: aiohttp.ClientSession, url: str, name: str, seconds: float, rate: float, tally: Tally
) -> None:
    """Start a request at each due instant, whatever is still in flight."""
    async with asyncio.TaskGroup() as group:
        for number, due_at in enumerate(due_instants(time.monotonic(), rate, seconds)):
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            group.create_task(send_one(session, url, name, number, due_at, tally))


def new_session(connections: int = CONNECTIONS, request_s: float = REQUEST_S) -> aiohttp.ClientSession:
    """Return a session of keep-alive connections."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), timeout=aiohttp.ClientTimeout(total=request_s)
    )


async def drive(
    url: str, name: str, seconds: float, connections: int, rate: float | None
) -> tuple[Tally, dict[str, object]]:
    """Run one loop and return its tally and summary."""
    tally = Tally()
    async with new_session(connections) as session:
        started, cpu = time.monotonic(), time.process_time()
        if rate is None:
            await closed_loop(session, url, name, seconds, connections, tally)
        else:
            await open_loop(session, url, name, seconds, rate, tally)
        return tally, tally.summary(time.monotonic() - started, time.process_time() - cpu)


@click.command()
@click.option("--url", required=True, help="Where to POST, whole.")
@click.option("--name", required=True, help="Begins every Idempotency-Key: give each run its own.")
@click.option("--seconds", default=5.0, show_default=True)
@click.option("--connections", default=CONNECTIONS, show_default=True)
@click.option("--rate", type=float, help="Requests a second in an open loop; without it a closed loop.")
@click.option("--sent", type=click.Path(path_type=Path), help="Write accepted ids and start instants here, as JSON.")
def main(url: str, name: str, seconds: float, connections: int, rate: float | None, sent: Path | None) -> None:
    """Send development messages as feedback and print the outcome as one JSON object."""
    tally, summary = asyncio.run(drive(url, name, seconds, connections, rate))
    if sent is not None:
        sent.write_text(json.dumps(tally.sent), encoding="utf-8")
    click.echo(json.dumps(summary))


if __name__ == "__main__":
    main()
