"""A container's file system is read-only but for the data folder and /tmp: hotline writes nowhere else."""

import json
import re
import time
import urllib.request
from pathlib import Path

import pytest

from tests.live.conftest import StartServer
from tools.processes import POLL_S, SHARED_MODELS, free_port, stop

pytestmark = pytest.mark.live

CALLS = "openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlinkat,unlink,unlinkat"
CALL = re.compile(r"^(\w+)\((.*)\) += \d")
FOR_WRITING = re.compile(r"O_(?:WRONLY|RDWR|CREAT)")
# What every container has of its own, whatever its file system: processes, devices, shared memory.
ITS_OWN = ("/dev/", "/proc/", "/tmp/")


def test_nothing_is_written_outside_the_data_folder(start_server: StartServer, strace: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    port = free_port()
    server = start_server(
        before=(strace, "-ff", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}", "-o", str(calls / "of")),
        PYTHONDONTWRITEBYTECODE="1",
        METRICS_PORT=str(port),
    )
    body = json.dumps({"channel": "web", "text": "Đường liên thôn lở, xe không đi được."}).encode()
    sent = urllib.request.Request(
        f"{server.url}/api/v1/feedback", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(sent, timeout=60) as answer:
        assert answer.status == 201
    while not is_classified(port):
        time.sleep(POLL_S)
    stop(server)
    written = paths_written(calls)
    assert any(path.startswith(str(tmp_path / "data")) for path in written)
    allowed = (*ITS_OWN, str(tmp_path), str(SHARED_MODELS))
    assert {path for path in written if not path.startswith(allowed)} == set()


def is_classified(metrics_port: int) -> bool:
    """Say whether the model has judged a text: then all processes that there are have done their work once."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=30) as answer:
        return any(
            re.fullmatch(r"hotline_classification_confidence_count 1\.0", line)
            for line in answer.read().decode().splitlines()
        )


def paths_written(folder: Path) -> set[str]:
    """Return each path that a process opened for writing, made, renamed or removed; what was refused does not count."""
    lines = [line for file in folder.iterdir() for line in file.read_text("utf-8", "replace").splitlines()]
    done = [match.groups() for line in lines if (match := CALL.match(line))]
    writes = [said for call, said in done if call != "openat" or FOR_WRITING.search(said)]
    return {path for said in writes for path in re.findall(r'"([^"]+)"', said)}
