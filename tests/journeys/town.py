"""A whole hotline as it runs, with its people: what the journeys walk through.

All three services over one real database, every loop a task, a clock that tests move, and one browser that goes from
hand to hand: each person signs in at /sign-in with the password of the account. Nothing is asked of a store but what a
story could not tell otherwise (what lies in the log and in the file).
"""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from hotline.plumbing.backend import Backend
from hotline.roles import Role
from hotline.working_days import VN
from services.respond.account_actions import create_account
from services.respond.actions import Desk
from tests.pages.client import Page, PageClient
from tools.stores import GROUPS, dead_letters

SECRET = "a secret of the journeys, long enough to be taken"
PASSWORD = "nước chảy đá mòn 1022"
WARD = "phường Hà Giang 2"
LEAD = "phong-kinh-te-xa-00691"
LEAD_NAME = "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 2"
OTHER = "ubnd-xa-00691"
POLL_S = 0.02


def at(typed: str) -> datetime:
    """Return an instant written as on a clock in Việt Nam, `2026-11-18 08:00`."""
    return datetime.fromisoformat(typed).replace(tzinfo=VN).astimezone(UTC)


@dataclass(slots=True)
class TownClock:
    """A clock that moves only when it is set."""

    now: datetime = field(default_factory=lambda: at("2026-11-18 08:00"))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a citizen keeps."""

    code: str
    page: Page


@dataclass(slots=True, kw_only=True)
class Town:
    """The running product and the browser; `desk` is respond's store opened beside it, as its commands open it."""

    backend: Backend
    app: web.Application
    clock: TownClock
    browser: PageClient
    desk: Desk
    loops: "list[asyncio.Task[None]]"

    @property
    def data_dir(self) -> Path:
        """Return the folder of database, files and models."""
        return self.backend.settings.data_dir

    async def hire(
        self, username: str, role: Role, name: str, *, agency_id: str | None = None, is_screener: bool = False
    ) -> None:
        """Make an account, as `hotline user add` does."""
        await create_account(
            self.desk.store,
            self.desk.rules.directory,
            username=username,
            full_name=name,
            role=role,
            password=PASSWORD,
            now=self.clock(),
            agency_id=agency_id,
            is_screener=is_screener,
        )

    async def hire_everyone(self) -> None:
        """Make one account of each kind that an ordinary matter passes through."""
        await self.hire("tongdai", Role.OPERATOR, "Lù Thị Mai")
        await self.hire("dieuphoi", Role.TRIAGE_OFFICER, "Hoàng Văn Nam")
        await self.hire("canbo", Role.AGENCY_STAFF, "Giàng A Sử", agency_id=LEAD)
        await self.hire("lanhdao", Role.AGENCY_HEAD, "Nguyễn Văn Bình", agency_id=LEAD)
        await self.hire("thanhtra", Role.INSPECTOR, "Phạm Thị Liên")

    async def sign_in(self, username: str) -> Page:
        """Hand the browser to somebody of the staff, who signs in; return where they begin."""
        self.browser.sign_out()
        await self.browser.get("/sign-in")
        return await self.browser.submit("sign-in", username=username, password=PASSWORD)

    def citizen(self) -> PageClient:
        """Hand the browser to a citizen: nobody is signed in."""
        self.browser.sign_out()
        return self.browser

    async def submit(self, **fields: str) -> Receipt:
        """Send the public form and keep the receipt."""
        citizen = self.citizen()
        await citizen.get("/")
        page = await citizen.submit("gui", **fields)
        await self.settle()
        return Receipt(code=code_on(page), page=page)

    async def follow(self, code: str) -> Page:
        """Look a tracking code up as a citizen."""
        citizen = self.citizen()
        await citizen.get("/tra-cuu")
        return await citizen.submit("tra-cuu", tracking_code=code)

    async def state(self, code: str) -> dict[str, object]:
        """Return the public state that the API tells whoever has the code."""
        response = await self.browser.http.get(f"/api/v1/feedback/{code}")
        assert response.status == 200
        state: dict[str, object] = await response.json()
        return state

    async def open(self, feedback_id: str, *, status: int = 200) -> Page:
        """Open a ticket's page as whoever is signed in."""
        return await self.browser.get(f"/tickets/{feedback_id}", status=status)

    async def do(self, action: str, *, status: int = 200, **typed: str) -> Page:
        """Fill in and send the form of an action on the ticket shown, and let the facts of it arrive."""
        fields = {f"{action}__{name}": value for name, value in typed.items()}
        page = await self.browser.submit(f"do-{action.replace('_', '-')}", status=status, **fields)
        await self.settle()
        return page

    async def settle(self) -> None:
        """Wait until every service has read every fact and no clock waits for the ticker."""
        while not await self.is_settled():
            for loop in self.loops:
                if loop.done():
                    loop.result()
            await asyncio.sleep(POLL_S)
        found = dead_letters(self.data_dir)
        assert not found, found

    async def is_settled(self) -> bool:
        """Say whether nothing waits: read in one instant, as each fact read may have made another."""

        def unread(connection: sqlite3.Connection) -> int:
            newest = connection.execute("select coalesce(max(position), 0) from bus_fact").fetchone()[0]
            offsets = dict(connection.execute("select group_name, position from bus_offset").fetchall())
            return int(newest) - min(int(offsets.get(group, 0)) for group in GROUPS)

        if await self.backend.database.read(unread):
            return False
        return not await self.desk.store.needing_attention(self.clock(), 1)

    async def wait_until(self, typed: str) -> None:
        """Set the clock and let the ticker take what is due."""
        self.clock.now = at(typed)
        await self.settle()

    async def feedback_id(self, code: str) -> str:
        """Return the id that stands in the addresses of a ticket's pages."""
        found = await self.query("select id from ingest_feedback where tracking_code = ?", code)
        return str(found[0][0])

    async def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Read the database with plain SQL."""
        rows = await self.backend.database.read(lambda connection: connection.execute(statement, values).fetchall())
        return [tuple(row) for row in rows]

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file."""
        with closing(sqlite3.connect(self.data_dir / "hotline.db", timeout=30)) as connection:
            busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            assert not busy


def code_on(page: Page) -> str:
    """Return the tracking code that a page shows, digits only."""
    return page.select(".code-number")[0].text(strip=True).replace(" ", "")


def words_of(page: Page, css: str) -> str:
    """Return what stands in the elements that a CSS selector finds, with single spaces."""
    return " ".join(" ".join(node.text(separator=" ") for node in page.select(css)).split())


def forms_on(page: Page) -> set[str]:
    """Return the actions that a ticket's page offers."""
    return {str(form.attributes.get("action")).rsplit("/", 1)[-1] for form in page.select("form[id^=do-]")}
