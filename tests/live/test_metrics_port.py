"""METRICS_PORT: Prometheus is answered there, on this machine alone, and never where citizens ask."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.live.conftest import StartServer
from tools.processes import free_port, hotline_command, settings_for, start

pytestmark = pytest.mark.live


def test_the_port_of_metrics_is_its_own(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(METRICS_PORT=str(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b"hotline_dependency_up" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/metrics", timeout=10)


def test_a_port_that_is_taken_is_refused_with_the_setting(start_server: StartServer, tmp_path: Path) -> None:
    port = free_port()
    start_server(METRICS_PORT=str(port))
    (tmp_path / "other").mkdir()
    log = tmp_path / "other.log"
    settings = settings_for(tmp_path / "other", free_port(), METRICS_PORT=str(port))
    refused = start(hotline_command("run"), settings, 0, log)
    assert refused.process.wait(60) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in log.read_text()
    assert "give another METRICS_PORT" in log.read_text()
