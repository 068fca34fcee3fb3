"""The two test servers as processes: Apache Kafka (one KRaft node) and SecantusDB, each over a folder of its own.

Called by `servers`, the drill and the live tests. A server outlives whoever started it; `state.json` in its folder
says how to find it again. What was acknowledged is on disk: SecantusDB runs with `--sync-on-commit`.
"""

import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tools.processes import HOST, last_lines
from tools.server_install import CannotStart, alone, install_kafka, install_secantusdb

KAFKA, MONGODB = "kafka", "mongodb"
START_S = 90.0
STOP_S = 30.0
POLL_S = 0.05
CLUSTER_ID = "hotline-test-broker-01"
# ApiVersions, version 0, correlation 1, no client id: what every Kafka client asks first.
ARE_YOU_THERE = struct.pack(">ihhih", 10, 18, 0, 1, -1)
STATE_FILE = "state.json"
_children: "dict[int, subprocess.Popen[bytes]]" = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestServer:
    """A server that was started; `started` is the kernel's own mark, as process ids are used again."""

    __test__ = False

    kind: str
    folder: Path
    port: int
    inner_port: int
    pid: int
    started: str

    @property
    def url(self) -> str:
        """The address as BUS_URL takes it; to STORE_URL's the database's name is added."""
        return f"{self.kind}://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def is_running(self) -> bool:
        """Say whether this very process still lives."""
        return born(self.pid) == self.started


def start_server(
    kind: str,
    folder: Path,
    *,
    port: int = 0,
    properties: Mapping[str, str] | None = None,
    users: Mapping[str, str] | None = None,
) -> TestServer:
    """Start a server over `folder`, old data kept, and wait until it answers; one that runs there is returned.

    `properties` are added to the broker's; `users` with their passwords (SCRAM-SHA-512) are made with a new disk.
    Raises CannotStart with the reason.
    """
    running = find_server(folder)
    if running is not None:
        return running
    folder.mkdir(parents=True, exist_ok=True)
    before = read_state(folder)
    port = port or (before.port if before else server_port())
    inner_port = before.inner_port if before else server_port()
    with alone("install.lock"):
        command = (
            kafka_command(folder, port, inner_port, properties or {}, users or {})
            if kind == KAFKA
            else secantusdb_command(folder, port)
        )
    server = launch(TestServer(kind=kind, folder=folder, port=port, inner_port=inner_port, pid=0, started=""), command)
    wait_until_it_answers(server)
    return server


def server_port() -> int:
    """Return a free port that the system gives to no client: one that knocks at a stopped server could take it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def start_again(server: TestServer) -> TestServer:
    """Start a stopped server on its own folder and port."""
    return start_server(server.kind, server.folder, port=server.port)


def find_server(folder: Path) -> TestServer | None:
    """Return the server that runs over `folder`, None when there is none."""
    server = read_state(folder)
    return server if server is not None and server.is_running else None


def stop_server(server: TestServer) -> None:
    """Ask it to end and wait; after STOP_S kill it. Safe for one that has ended."""
    end(server, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while server.is_running and time.monotonic() < deadline:
        time.sleep(POLL_S)
    kill_server(server)


def kill_server(server: TestServer) -> None:
    """kill -9, and wait until it is gone. Safe for one that has ended."""
    while server.is_running:
        end(server, signal.SIGKILL)
        time.sleep(POLL_S)
    child = _children.pop(server.pid, None)
    if child is not None:
        child.wait()


def end(server: TestServer, how: signal.Signals) -> None:
    """Send a signal to the server, if it is still that server."""
    if server.is_running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, how)


def launch(server: TestServer, command: Sequence[str]) -> TestServer:
    """Start the process in a session of its own and write its state down."""
    with server.log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=server.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    _children[process.pid] = process
    server = replace(server, pid=process.pid, started=born(process.pid) or "")
    text = json.dumps({**asdict(server), "folder": str(server.folder)})
    (server.folder / STATE_FILE).write_text(text, encoding="utf-8")
    return server


def wait_until_it_answers(server: TestServer) -> None:
    """Wait for the first answer; raises CannotStart with the end of the server's log."""
    deadline = time.monotonic() + START_S
    while not answers(server):
        if not server.is_running or time.monotonic() > deadline:
            kill_server(server)
            raise CannotStart(f"{server.kind} did not start; the end of {server.log}:\n{last_lines(server.log)}")
        time.sleep(POLL_S)


def answers(server: TestServer) -> bool:
    """Ask the server once: the broker what it speaks, the database whether it listens."""
    try:
        with socket.create_connection((HOST, server.port), timeout=2) as connection:
            if server.kind == MONGODB:
                return True
            connection.sendall(ARE_YOU_THERE)
            return bool(connection.recv(4))
    except OSError:
        return False


def born(pid: int) -> str | None:
    """Return when the kernel started a process, in its own ticks; None for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def read_state(folder: Path) -> TestServer | None:
    """Return the server last started over `folder`."""
    try:
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        return TestServer(**{**state, "folder": Path(state["folder"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def secantusdb_command(folder: Path, port: int) -> list[str]:
    """Return the command of the database; without `--sync-on-commit` kill -9 loses acknowledged writes."""
    return [
        str(install_secantusdb()), "-m", "secantus", "--host", HOST, "--port", str(port),
        "--storage-path", str(folder / "data"), "--sync-on-commit", "--log-level", "WARNING",
    ]  # fmt: skip


def kafka_command(
    folder: Path, port: int, inner_port: int, more: Mapping[str, str], users: Mapping[str, str]
) -> list[str]:
    """Write the broker's settings, format its disk when that is new, and return the command that runs it."""
    jars = install_kafka()
    settings = folder / "server.properties"
    if more or not settings.exists():
        properties = broker_properties(folder, port, inner_port) | dict(more)
        settings.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")
    java = [
        "java", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*",
    ]  # fmt: skip
    format_disk = [
        *java,
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "-t",
        CLUSTER_ID,
        "-c",
        str(settings),
    ]
    for name, password in users.items():
        format_disk += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
    formatted = subprocess.run(format_disk, check=False, capture_output=True, text=True)
    if formatted.returncode != 0:
        raise CannotStart(f"the broker's disk cannot be formatted: {(formatted.stdout + formatted.stderr)[-500:]}")
    return [*java, "kafka.Kafka", str(settings)]


def broker_properties(folder: Path, port: int, inner_port: int) -> dict[str, str]:
    """Return the settings of one KRaft node that is broker and controller."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{inner_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{inner_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.retention.minutes": "43200",
        # Tests do not wait for members that might come, nor long for members that were killed.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
