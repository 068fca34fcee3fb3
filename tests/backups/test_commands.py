"""`hotline backup`, `restore` and `reconcile` as an officer meets them: what they say, and with which code they end."""

import asyncio
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.working_days import VN
from services.backup_commands import backup, commands, reconcile, restore
from services.cli import add_service_commands
from services.cli import hotline as group
from tests.backups.conftest import SECRET
from tests.backups.house import Clock, House, live


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a database, and the commands as they are said over it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return what an officer sets."""
        return {"DATA_DIR": str(self.folder), "SECRET_KEY": SECRET}

    def say(self, command: str, *arguments: str) -> Result:
        """Say a command."""
        verbs = {"backup": backup, "restore": restore, "reconcile": reconcile}
        return CliRunner().invoke(verbs[command], arguments, env=self.environment)


@pytest.fixture
def full_place(tmp_path: Path) -> Place:
    """A place where people have worked."""
    place = Place(tmp_path / "full")

    async def work() -> None:
        clock = Clock()
        async with open_backend(load_settings(place.environment), clock) as backend:
            await live(await House(backend=backend, clock=clock).open())

    asyncio.run(work())
    return place


@pytest.fixture
def empty_place(tmp_path: Path) -> Place:
    """A place where nothing was ever started."""
    return Place(tmp_path / "empty")


@pytest.fixture(autouse=True)
def settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no setting of the machine reach a command."""
    for name in ("STORE_URL", "BUS_URL", "SEAL_KEYS"):
        monkeypatch.delenv(name, raising=False)


def test_there_and_back(full_place: Place, empty_place: Place, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    taken = full_place.say("backup", folder)
    said = json.loads((tmp_path / "backup" / "begun.json").read_bytes())
    assert (taken.exit_code, taken.stderr) == (0, "")
    assert taken.stdout == (
        f"backup {said['backup_id']} in {folder} is whole: facts 28, dead-letters 0, respond 6, classify 5, ingest 5, "
        "files 2\n"
    )
    restored = empty_place.say("restore", folder)
    assert (restored.exit_code, restored.stderr) == (0, "")
    assert (
        restored.stdout
        == "restored respond, classify, ingest, facts: now start hotline, then say `hotline reconcile`\n"
    )
    again = empty_place.say("restore", folder)
    assert (again.exit_code, again.stdout) == (0, "this backup is restored here already: nothing was done\n")
    told = empty_place.say("reconcile")
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout == "told again: 0 erasure, 4 feedback, 4 classification, 4 ticket, 1 account\n"


def test_a_timer_s_backup_lies_in_a_folder_named_by_its_day(full_place: Place, tmp_path: Path) -> None:
    taken = full_place.say("backup", "--dated", str(tmp_path / "backups"))
    assert taken.exit_code == 0
    (folder,) = (tmp_path / "backups").iterdir()
    begun = json.loads((folder / "begun.json").read_bytes())
    assert folder.name == datetime.fromisoformat(begun["began_at"]).astimezone(VN).date().isoformat()


def test_one_store_alone(full_place: Place, empty_place: Place, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    full_place.say("backup", folder)
    assert empty_place.say("restore", folder, "ingest").stdout.startswith("restored ingest: now")
    told = empty_place.say("reconcile")
    assert told.stdout.count("feedback without a ticket: ") == 4
    assert told.stderr == "feedbacks without a ticket get one while hotline runs; look again later\n"


def test_what_is_wrong_is_said_in_a_sentence(full_place: Place, empty_place: Place, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    missing = empty_place.say("restore", str(tmp_path / "nowhere"))
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == (
        f"Error: {tmp_path / 'nowhere'} is no finished backup, as it has no manifest.json: say `hotline backup` with it"
        " again on the machine where it was begun, or give another folder\n"
    )
    full_place.say("backup", folder)
    again = full_place.say("backup", folder)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"Error: {folder} holds a finished backup: give a folder that is not there yet\n"
    onto = full_place.say("restore", folder)
    assert (onto.exit_code, onto.stdout) == (1, "")
    assert onto.stderr == (
        "Error: the store of respond is not empty (hotline's first start makes an account): a backup is restored only "
        "into an empty database or DATA_DIR\n"
    )


def test_no_restore_under_a_running_server(full_place: Place, empty_place: Place, tmp_path: Path) -> None:
    full_place.say("backup", str(tmp_path / "backup"))
    with served(empty_place.folder):
        refused = empty_place.say("restore", str(tmp_path / "backup"))
    assert refused.exit_code == 1
    assert refused.stderr.startswith(
        f"Error: another hotline process serves {empty_place.folder / 'hotline.db'}: stop it"
    )


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """Hold the lock of a database as a running server does."""
    folder.mkdir(exist_ok=True)
    with (folder / "hotline.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_folder_that_cannot_be_made_is_named(full_place: Place, tmp_path: Path) -> None:
    in_the_way = tmp_path / "letter.txt"
    in_the_way.touch()
    refused = full_place.say("backup", str(in_the_way / "backup"))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith("cannot be used (Not a directory): mend it and say the same again\n")
    assert str(in_the_way) in refused.stderr


def test_the_verbs_are_there_and_say_what_they_need(empty_place: Place) -> None:
    add_service_commands()
    assert {command.name for command in commands} == {"backup", "restore", "reconcile"} <= set(group.commands)
    for verb in ("backup", "restore"):
        assert empty_place.say(verb).exit_code == 2
    assert empty_place.say("restore", "x", "postgres").exit_code == 2
