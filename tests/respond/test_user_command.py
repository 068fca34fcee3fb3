"""`hotline user` as an administrator meets it: a process of its own, beside a running server."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend, utc_now
from hotline.web.shell import build_app
from services.server import open_services
from tests.pages.client import PageClient
from tests.respond.office import SECRET

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
AGENCY = "ubnd-xa-00691"
LAN = ("user", "add", "lan", "--name", "Lò Thị Lan", "--role", "operator")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: list[str]
    error: list[str]


def environment(data_dir: Path) -> dict[str, str]:
    """Return what an administrator sets, with the umask of most systems' shells left to the command."""
    return {**os.environ, "DATA_DIR": str(data_dir), "SECRET_KEY": SECRET, "PYTHONUTF8": "1"}


def hotline(data_dir: Path, *arguments: str) -> Said:
    """Run one `hotline` command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env=environment(data_dir),
        umask=0o022,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return Said(done.returncode, done.stdout.splitlines(), done.stderr.splitlines())


def password_of(said: Said, username: str) -> str:
    """Return the password that a command printed, once, behind the user name."""
    assert (said.code, said.error, len(said.out)) == (0, [], 1)
    name, password = said.out[0].split(" ")
    assert name == username and len(password) == 20
    return password


@dataclass(frozen=True, slots=True)
class Server:
    """respond as it runs, by the clock on the wall, and a browser."""

    app: web.Application
    browser: PageClient
    data_dir: Path

    async def run(self, *arguments: str) -> Said:
        """Run a command beside the server, which goes on."""
        return await asyncio.to_thread(hotline, self.data_dir, *arguments)

    async def sign_in(self, password: str, *, status: int = 200) -> None:
        """Sign in as Lan."""
        self.browser.sign_out()
        await self.browser.get("/sign-in")
        page = await self.browser.submit("sign-in", username="lan", password=password, status=status)
        assert page.path == ("/desk" if status == 200 else "/sign-in")

    async def until_signed_out(self) -> None:
        """Wait until the browser's session holds no more: 200 while it does, 303 to the sign-in page then."""
        async with asyncio.timeout(60):
            while (await self.browser.http.get("/desk", allow_redirects=False)).status == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await self.browser.get("/desk", follow=False, status=303)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET})
    async with open_backend(settings, utc_now) as backend, open_services(backend, ["respond"]) as services:
        app = build_app(tuple(services), backend.settings, utc_now)
        for service in services:
            await service.start(app)
        loop = asyncio.create_task(services[0].loops["revocations"]())
        async with PageClient(app) as browser:
            yield Server(app, browser, tmp_path)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


def test_accounts_are_made_listed_closed_and_opened(tmp_path: Path) -> None:
    password_of(hotline(tmp_path, *LAN), "lan")
    staff = ("--role", "agency_head", "--agency", AGENCY, "--name", "Nguyễn Văn Bình")
    password_of(hotline(tmp_path, "user", "add", "Binh", *staff), "binh")
    screener = ("--role", "inspector", "--name", "Phạm Thị Liên", "--screener")
    password_of(hotline(tmp_path, "user", "add", "lien", *screener), "lien")
    assert hotline(tmp_path, "user", "close", "LAN") == Said(0, ["lan is closed"], [])
    listed = hotline(tmp_path, "user", "list")
    assert listed.code == 0
    assert set(listed.out) >= {
        "lan operator - - closed Lò Thị Lan",
        f"binh agency_head {AGENCY} - active Nguyễn Văn Bình",
        "lien inspector - screener active Phạm Thị Liên",
    }
    assert hotline(tmp_path, "user", "open", "lan") == Said(0, ["lan is open"], [])
    assert "lan operator - - active Lò Thị Lan" in hotline(tmp_path, "user", "list").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("user", "close", "khong-co"), "there is no account 'khong-co'; `hotline user list` names them"),
        (("user", "open", "khong-co"), "there is no account 'khong-co'; `hotline user list` names them"),
        (("user", "password", "khong-co"), "there is no account 'khong-co'; `hotline user list` names them"),
        (
            ("user", "add", "binh", "--name", "Bình", "--role", "agency_head"),
            "This role belongs to an agency. Choose it",
        ),
        (
            ("user", "add", "mai", "--name", "Mai", "--role", "operator", "--agency", AGENCY),
            "This role belongs to no agency. Take the agency out.",
        ),
        (
            ("user", "add", "mai", "--name", " ", "--role", "operator"),
            "Give the full name as on official papers.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_ends_with_1(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    said = hotline(tmp_path, *arguments)
    assert (said.code, said.out, len(said.error)) == (1, [], 1)
    assert said.error[0].startswith(f"Error: {sentence}")


def test_a_name_that_is_taken_is_refused_and_the_account_stays(tmp_path: Path) -> None:
    password_of(hotline(tmp_path, *LAN), "lan")
    again = hotline(tmp_path, "user", "add", "LAN", "--name", "Lan Khác", "--role", "admin")
    assert again == Said(1, [], ["Error: This user name is taken. Choose another."])
    assert "lan operator - - active Lò Thị Lan" in hotline(tmp_path, "user", "list").out


@pytest.mark.parametrize(
    "arguments", [("user", "add", "lan"), ("user", "close"), ("user", "add", "lan", "--name", "Lan", "--role", "king")]
)
def test_wrong_usage_ends_with_2_and_makes_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = hotline(tmp_path, *arguments)
    assert (said.code, said.out) == (2, []) and said.error[-1].startswith("Error: ")
    assert not (tmp_path / "hotline.db").exists()


async def test_closing_an_account_ends_the_session_of_whoever_is_signed_in(server: Server) -> None:
    password = password_of(await server.run(*LAN), "lan")
    await server.sign_in(password)
    assert (await server.run("user", "close", "lan")).code == 0
    await server.until_signed_out()
    await server.sign_in(password, status=422)
    assert (await server.run("user", "open", "lan")).code == 0
    await server.sign_in(password)


async def test_a_new_password_ends_the_session_and_the_old_one_is_wrong(server: Server) -> None:
    old = password_of(await server.run(*LAN), "lan")
    await server.sign_in(old)
    new = password_of(await server.run("user", "password", "lan"), "lan")
    await server.until_signed_out()
    assert new != old
    await server.sign_in(old, status=422)
    await server.sign_in(new)


def test_what_the_command_writes_is_for_the_owner_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "var"
    password_of(hotline(data_dir, *LAN), "lan")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data_dir, *data_dir.rglob("*"))}
    assert {"var", "hotline.db"} <= modes.keys()
    assert [name for name, mode in modes.items() if mode & 0o077] == []
