"""A commune outgrows its file: moved to MongoDB and Kafka and back by the commands, each killed on the way once."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from tests.backups.conftest import NEW_KEY, SECRET
from tests.backups.house import Clock, House
from tests.backups.test_backup_restore import contents, full
from tests.servers import unique_name, with_database
from tests.stores.another_process import KILLED

pytestmark = [pytest.mark.live, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def hotline(environment: Mapping[str, str], *arguments: str, dies: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end, or to where it is killed."""
    program = ["tests.backups.dies", dies] if dies else ["services"]
    done = subprocess.run(
        [sys.executable, "-m", *program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == (KILLED if dies else 0), done.stderr
    return done


async def house_over(environment: Mapping[str, str], stack: AsyncExitStack) -> House:
    """Open the services over what an operator's settings name."""
    clock = Clock()
    backend = await stack.enter_async_context(open_backend(load_settings(environment), clock))
    return await House(backend=backend, clock=clock).open()


async def contents_over(environment: Mapping[str, str]) -> dict[str, object]:
    """Return all that is held over some settings."""
    async with AsyncExitStack() as stack:
        return await contents(await house_over(environment, stack))


async def test_from_one_file_to_servers_and_back(kafka_url: str, mongodb_url: str, tmp_path: Path) -> None:
    name = unique_name("moved")
    file = {"DATA_DIR": str(tmp_path / "file"), "SECRET_KEY": SECRET}
    keys = {"SECRET_KEY": SECRET, "SEAL_KEYS": f"new:{NEW_KEY},secret-key:{SECRET}"}
    servers = {
        "DATA_DIR": str(tmp_path / "server"),
        "STORE_URL": with_database(mongodb_url, name),
        "BUS_URL": kafka_url,
        "KAFKA_PREFIX": name,
        **keys,
    }
    other_file = {"DATA_DIR": str(tmp_path / "other"), **keys}
    there, back = str(tmp_path / "there"), str(tmp_path / "back")
    async with AsyncExitStack() as stack:
        held = await full(await house_over(file, stack))

    hotline(file, "backup", there, dies="rename:4")
    assert not (tmp_path / "there" / "manifest.json").exists()
    hotline(file, "backup", there)
    hotline(servers, "topics", "--replication", "1")
    for place in ("files_answers.files", "ingest_feedback"):
        hotline(servers, "restore", there, dies=f"insert:{place}")
    said = hotline(servers, "restore", there).stdout
    assert said == "restored respond, classify, ingest, facts: now start hotline, then say `hotline reconcile`\n"
    assert await contents_over(servers) == held

    hotline(servers, "backup", back, dies="rename:5")
    hotline(servers, "backup", back)
    hotline(other_file, "restore", back, dies="rename:1")
    hotline(other_file, "restore", back)
    assert await contents_over(other_file) == held
    told = hotline(other_file, "reconcile").stdout
    assert told == (
        "told again: 0 erasure, 4 feedback, 4 classification, 4 ticket, 1 account\n"
        "classification without a feedback: early\n"
    )
    async with AsyncExitStack() as stack:
        moved = await house_over(servers, stack)
        await moved.backend.database.drop()  # type: ignore[union-attr]
