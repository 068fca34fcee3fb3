"""Fetches the test servers into var/servers: Kafka's jars by Maven, SecantusDB into an environment of its own.

Called by `servers` alone. It names no address: Maven and pip ask wherever the machine's own settings say. What is
there already, of the same versions, is not fetched again. The product never imports or ships any of it.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.messages import ROOT

STATE = ROOT / "var" / "servers"
RECIPES = ROOT / "tools" / "servers"
POM = RECIPES / "pom.xml"
LOCK = RECIPES / "secantusdb.lock"
JARS = STATE / "kafka-jars"
SECANTUSDB = STATE / "secantusdb"
DEBIAN = {"java": "default-jre-headless", "mvn": "maven"}
PROGRESS_S = 5.0
STAMP = "installed-from"


class CannotStart(Exception):
    """A test server cannot be had here; the message gives the reason and the remedy."""


@contextlib.contextmanager
def alone(name: str = "lock") -> Iterator[None]:
    """Hold a lock of var/servers, so that two runs do not install or start the same thing."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / name).open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def need_programs(*names: str) -> None:
    """Install Debian's packages of programs that are missing; raises CannotStart when that does not help."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        subprocess.run([ROOT / "tools" / "install_debian.sh", *(DEBIAN[name] for name in missing)], check=False)
    for name in missing:
        if shutil.which(name) is None:
            raise CannotStart(f"{name} is not installed: sudo apt-get install {DEBIAN[name]}")


def install_kafka() -> Path:
    """Return the folder of Kafka's jars, fetched on the first call; raises CannotStart."""
    need_programs("java")
    if is_installed(JARS, [POM]):
        return JARS
    need_programs("mvn")
    repository, draft = STATE / "maven", STATE / "kafka-jars.draft"
    for folder in (draft, JARS):
        shutil.rmtree(folder, ignore_errors=True)
    with_progress(
        "jars of Kafka (43 MB, once)",
        ["mvn", "-B", "-q", "-f", str(POM), f"-Dmaven.repo.local={repository}", "dependency:copy-dependencies",
         f"-DoutputDirectory={draft}", "-DincludeScope=runtime"],
    )  # fmt: skip
    stamp(draft, [POM])
    draft.rename(JARS)
    shutil.rmtree(repository, ignore_errors=True)
    return JARS


def install_secantusdb() -> Path:
    """Return the interpreter of SecantusDB's environment, made on the first call; raises CannotStart."""
    python = SECANTUSDB / "bin" / "python"
    if is_installed(SECANTUSDB, [LOCK]) and python.exists():
        return python
    shutil.rmtree(SECANTUSDB, ignore_errors=True)
    with_progress("environment of SecantusDB", [sys.executable, "-m", "venv", str(SECANTUSDB)])
    with_progress(
        "packages of SecantusDB (once)",
        [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install",
         "--require-hashes", "--no-deps", "-r", str(LOCK)],
    )  # fmt: skip
    stamp(SECANTUSDB, [LOCK])
    return python


def is_installed(folder: Path, recipes: Sequence[Path]) -> bool:
    """Tell whether `folder` holds what these recipes name."""
    mark = folder / STAMP
    return mark.exists() and mark.read_text(encoding="ascii") == fingerprint(folder, recipes)


def stamp(folder: Path, recipes: Sequence[Path]) -> None:
    """Say in `folder` what it holds."""
    (folder / STAMP).write_text(fingerprint(folder, recipes), encoding="ascii")


def fingerprint(folder: Path, recipes: Sequence[Path]) -> str:
    """Name the recipes by their content, and the interpreter: an environment belongs to one."""
    content = b"".join(recipe.read_bytes() for recipe in recipes)
    return hashlib.sha256(content + f"{sys.version} {folder.parent}".encode()).hexdigest()


def with_progress(what: str, command: Sequence[str]) -> None:
    """Run a command and say now and then that it still runs; raises CannotStart with the end of what it said."""
    started = said = time.monotonic()
    print(f"  fetching: {what} …", flush=True)
    log = STATE / "install.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        while process.poll() is None:
            time.sleep(0.1)
            if time.monotonic() - said >= PROGRESS_S:
                said = time.monotonic()
                print(f"  … {what}: {said - started:.0f} s", flush=True)
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise CannotStart(f"{what}: {command[0]} failed: " + " | ".join(lines[-3:]))
