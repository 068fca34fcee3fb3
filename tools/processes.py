"""Starts hotline (or any server of ours) as a process group of its own, waits for it, ends it gently or not.

Called by drill, bench, demo and the live tests. It knows only the command line and `/readyz`; it imports no service.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tools.messages import ROOT

SHARED_MODELS = ROOT / "var" / "models"
HOST = "127.0.0.1"
API_CLIENT = "load"
API_KEY = "key-of-the-load-driver-of-this-machine"
WEBHOOK_SECRET = "whsec_" + "dHJhaS1uZ2hpZW0tY3VhLW1heS1uYXktdGhvaQ=="
# The first start of a fresh checkout trains the model.
START_S = 300.0
STOP_S = 60.0
POLL_S = 0.05


class DidNotStart(Exception):
    """A server ended, or said nothing, before it was ready; the message quotes the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; `process` leads its own process group."""

    process: "subprocess.Popen[bytes]"
    url: str
    log: Path


class NotEmpty(click.ClickException):
    """A folder that a tool would have to empty holds something that is not the tool's."""


def empty_folder(path: Path, *, may_empty: Path) -> Path:
    """Return an empty folder: `may_empty`, the tool's own, is emptied, another must be empty. Raises NotEmpty."""
    if path.resolve() == may_empty.resolve():
        shutil.rmtree(path, ignore_errors=True)
    if path.exists() and any(path.iterdir()):
        raise NotEmpty(f"{path} is not empty: give a folder of its own, it will hold a database")
    path.mkdir(parents=True, exist_ok=True)
    return path


def end_on_sigterm() -> None:
    """Let SIGTERM end this tool as Ctrl-C does, so that it ends what it started."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def settings_for(data_dir: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of a hotline that the tools may speak to; what the caller's environment set is dropped."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {
        "HOST": HOST,
        "PORT": str(port),
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATA_DIR": str(data_dir),
        "API_KEYS": f"{API_CLIENT}:{API_KEY}",
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        # The tools send everything from one address.
        "SUBMISSIONS_PER_MINUTE": "0",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def hotline_command(*arguments: str) -> list[str]:
    """Return the `hotline` command under this interpreter."""
    return [sys.executable, "-m", "services", *arguments]


def start_hotline(data_dir: Path, port: int, *, before: Sequence[str] = (), **more: str) -> Server:
    """Start `hotline run` and return at once; `before` is put in front of the command (strace), `more` are settings."""
    share_models(data_dir)
    command = [*before, *hotline_command("run")]
    return start(command, settings_for(data_dir, port, **more), port, data_dir / "server.log")


def share_models(data_dir: Path) -> None:
    """Let the models of `data_dir` be those of var/, trained once for all that the tools start."""
    SHARED_MODELS.mkdir(parents=True, exist_ok=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (data_dir / "models").symlink_to(SHARED_MODELS)


def start(command: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> Server:
    """Start a server in a new process group, its output appended to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    return Server(process=process, url=f"http://{HOST}:{port}", log=log)


def is_ready(server: Server) -> bool:
    """Ask `/readyz` once."""
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def wait_until_ready(server: Server) -> float:
    """Wait until the server is ready and return the seconds it took; raises DidNotStart."""
    started = time.monotonic()
    while not is_ready(server):
        if server.process.poll() is not None or time.monotonic() - started > START_S:
            raise DidNotStart(f"{server.url} is not ready; the end of {server.log}:\n{last_lines(server.log)}")
        time.sleep(POLL_S)
    return time.monotonic() - started


def last_lines(log: Path, count: int = 20) -> str:
    """Return the end of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def kill(server: Server) -> None:
    """kill -9 the whole process group and wait until it is gone; calling twice is safe."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def stop(server: Server) -> int:
    """Ask the process group to end, wait, and return the exit code; after a minute it is killed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGTERM)
    try:
        return server.process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        kill(server)
        return server.process.wait()
