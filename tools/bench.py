"""`make bench`: how much feedback one process takes in a second, and how soon each has its ticket, on this machine.

Intake is held against a bare handler (`bare_server`) on the same disk in the same run: rounds of the one and the other
in turn, the median of each; between rounds hotline works through what it took. Then feedback comes at a fixed rate and
the time counts from when a request was due until its ticket can be read in the store. Judging messages is held against
cutting them into words alone (`bench_classify`). Prints a table and writes `var/bench.json`. DATA_DIR must be on a real
disk: on a tmpfs an fsync costs nothing and the numbers mean nothing.
"""

import json
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from tools.bare_server import PATH
from tools.bench_servers import MissingTicket, measure_servers
from tools.load import CONNECTIONS, percentile
from tools.messages import ROOT
from tools.processes import (
    Server,
    empty_folder,
    end_on_sigterm,
    free_port,
    settings_for,
    start,
    start_hotline,
    stop,
    wait_until_ready,
)
from tools.server_install import CannotStart
from tools.stores import dead_letters, reading, wait_until_drained

BENCH_DIR = ROOT / "var" / "bench"
REPORT = ROOT / "var" / "bench.json"
WATCH_S = 0.01
TICKETS_WAIT_S = 60.0
# What the test database can follow.
SERVERS_RATE = 10.0

Numbers = Mapping[str, float]


@dataclass(slots=True)
class TicketWatch:
    """Notes when each ticket can first be read in the store of `data_dir`, by the facts committed with them."""

    data_dir: Path
    seen: dict[str, float] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look every 10 ms until told to stop."""
        position = 0
        while not self.stopping.wait(WATCH_S):
            position = self.look(position)

    def look(self, position: int) -> int:
        """Note the tickets changed after a position of the log, and return the newest position."""
        with reading(self.data_dir) as connection:
            rows = connection.execute(
                "select position, feedback_id from bus_fact where position > ? and kind = 'ticket.changed'"
                " order by position",
                (position,),
            ).fetchall()
        now = time.monotonic()
        for _, feedback_id in rows:
            self.seen.setdefault(feedback_id, now)
        return rows[-1][0] if rows else position


def run_load(url: str, name: str, *arguments: str) -> dict[str, float]:
    """Run the driver in a process of its own and return its numbers."""
    command = [sys.executable, "-m", "tools.load", "--url", f"{url}{PATH}", "--name", name, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Wait until a server is ready and stop it at the end."""
    try:
        wait_until_ready(server)
        yield server
    finally:
        stop(server)


def start_bare(folder: Path) -> Server:
    """Start the bare server over a database in `folder`."""
    port = free_port()
    command = [sys.executable, "-m", "tools.bare_server", str(folder / "bare.db"), str(port)]
    return start(command, settings_for(folder, port), port, folder / "bare.log")


def measure_intake(hotline: Server, bare: Server, data_dir: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Measure both in turn; the first round of each warms up and is not counted."""
    limits: list[Numbers] = []
    intakes: list[Numbers] = []
    drains: list[float] = []
    for number in range(rounds + 1):
        limits.append(run_load(bare.url, f"bare-{number}", "--seconds", str(seconds)))
        started = time.monotonic()
        intakes.append(run_load(hotline.url, f"intake-{number}", "--seconds", str(seconds)))
        wait_until_drained(data_dir)
        drains.append(intakes[-1]["accepted"] / (time.monotonic() - started))
        click.echo(f"round {number}: bare {limits[-1]['per_s']}/s, hotline {intakes[-1]['per_s']}/s", err=True)
    ingest, limit = median_of(intakes[1:], "per_s"), median_of(limits[1:], "per_s")
    return {
        "ingest_per_s": ingest,
        "limit_per_s": limit,
        "ingest_ratio": round(ingest / limit, 3),
        "ingest_p50_ms": median_of(intakes[1:], "p50_ms"),
        "ingest_p99_ms": median_of(intakes[1:], "p99_ms"),
        "limit_p99_ms": median_of(limits[1:], "p99_ms"),
        "taken_to_ticket_per_s": round(statistics.median(drains[1:]), 1),
        "driver_cpu_share": max(run["driver_cpu_share"] for run in (*intakes, *limits)),
    }


def median_of(runs: Sequence[Numbers], name: str) -> float:
    """Return the median of one number over runs."""
    return round(statistics.median(run[name] for run in runs), 1)


def measure_tickets(hotline: Server, data_dir: Path, rate: float, seconds: float) -> dict[str, float]:
    """Measure from request to ticket at a fixed rate; raises MissingTicket."""
    sent_path = data_dir / "sent.json"
    watch = TicketWatch(data_dir)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        arguments = ["--rate", str(rate), "--seconds", str(seconds), "--sent", str(sent_path)]
        load = run_load(hotline.url, "ticket", *arguments)
        sent: list[tuple[str, float]] = json.loads(sent_path.read_text(encoding="utf-8"))
        waited_until = time.monotonic() + TICKETS_WAIT_S
        while any(feedback_id not in watch.seen for feedback_id, _ in sent) and time.monotonic() < waited_until:
            time.sleep(0.2)
    finally:
        watch.stopping.set()
        thread.join()
    missing = sum(feedback_id not in watch.seen for feedback_id, _ in sent)
    if missing or not sent:
        raise MissingTicket(f"{missing} of {len(sent)} feedbacks have no ticket after {TICKETS_WAIT_S} s")
    waits_ms = [(watch.seen[feedback_id] - due_at) * 1000 for feedback_id, due_at in sent]
    return {
        "submit_to_ticket_p50_ms": round(percentile(waits_ms, 50), 1),
        "submit_to_ticket_p99_ms": round(percentile(waits_ms, 99), 1),
        "submit_to_ticket_max_ms": round(max(waits_ms), 1),
        "submit_p99_ms": load["p99_ms"],
        "ticket_rate_per_s": rate,
        "ticket_count": len(sent),
    }


def judging(data_dir: Path) -> dict[str, float]:
    """Measure the model that the server over `data_dir` uses, in a process of its own."""
    command = [sys.executable, "-m", "tools.bench_classify", str(data_dir / "models")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def over_servers(data_dir: Path, seconds: float) -> dict[str, float]:
    """Measure the same over a broker and a database; says why not, where they cannot be had."""
    try:
        return measure_servers(
            data_dir.resolve() / "servers", run_load, seconds=seconds, rate=SERVERS_RATE, ticket_seconds=seconds
        )
    except CannotStart as error:
        click.echo(f"not measured over Kafka and MongoDB: {error}", err=True)
        return {}


def machine() -> dict[str, object]:
    """Return what the numbers depend on."""
    with (Path("/proc/cpuinfo")).open(encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "python": platform.python_version(),
        "cpus": len(models),
        "cpu": models[0] if models else platform.machine(),
        "connections": CONNECTIONS,
    }


def print_table(numbers: Mapping[str, object]) -> None:
    """Print one number a line."""
    width = max(map(len, numbers))
    for name, value in numbers.items():
        click.echo(f"{name:<{width}}  {value}")


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Counted rounds of bare and hotline in turn.")
@click.option("--seconds", default=2.0, show_default=True, help="How long each round sends.")
@click.option("--rate", default=100.0, show_default=True, help="Feedbacks a second while waiting for tickets.")
@click.option("--ticket-seconds", default=20.0, show_default=True)
@click.option("--server-seconds", default=20.0, show_default=True, help="Over Kafka and MongoDB; 0 leaves it out.")
@click.option("--data-dir", default=BENCH_DIR, type=click.Path(path_type=Path), help="An empty folder on a real disk.")
def main(
    rounds: int, seconds: float, rate: float, ticket_seconds: float, server_seconds: float, data_dir: Path
) -> None:
    """Measure intake against a bare handler, and the time from request to ticket, in both shapes."""
    end_on_sigterm()
    empty_folder(data_dir, may_empty=BENCH_DIR)
    with running(start_bare(data_dir)) as bare, running(start_hotline(data_dir, free_port())) as hotline:
        tickets = measure_tickets(hotline, data_dir, rate, ticket_seconds)
        embedded: dict[str, object] = {
            **measure_intake(hotline, bare, data_dir, rounds, seconds),
            **tickets,
            "dead_letters": len(dead_letters(data_dir)),
        }
    embedded |= judging(data_dir)
    numbers = {**embedded, **(over_servers(data_dir, server_seconds) if server_seconds else {}), **machine()}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    print_table(numbers)


if __name__ == "__main__":
    main()
