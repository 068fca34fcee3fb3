"""Makes the demo's accounts, one or more a role, with new passwords; the people are invented.

Called by `demo` before the server starts, with the same function as `hotline user add` and the pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.agencies import load_directory
from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from hotline.roles import Role
from services.respond.account_actions import create_account, generate_password
from services.respond.opening import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """Somebody who can sign in to the demo; `looks_at` is where to begin."""

    username: str
    full_name: str
    role: Role
    looks_at: str
    agency_id: str | None = None
    is_screener: bool = False


PEOPLE: Sequence[DemoAccount] = (
    DemoAccount(username="tongdai", full_name="Lù Thị Demo", role=Role.OPERATOR, looks_at="/operator/call"),
    DemoAccount(
        username="dieuphoi", full_name="Hoàng Văn Demo", role=Role.TRIAGE_OFFICER, looks_at="/desk", is_screener=True
    ),
    DemoAccount(
        username="canbo.hagiang1", full_name="Vàng Thị Demo", role=Role.AGENCY_STAFF, looks_at="/inbox",
        agency_id="ubnd-xa-00694",
    ),
    DemoAccount(
        username="lanhdao.hagiang1", full_name="Nguyễn Văn Demo", role=Role.AGENCY_HEAD, looks_at="/inbox",
        agency_id="ubnd-xa-00694",
    ),
    DemoAccount(
        username="canbo.kinhte", full_name="Giàng A Demo", role=Role.AGENCY_STAFF, looks_at="/inbox",
        agency_id="phong-kinh-te-xa-00694",
    ),
    DemoAccount(
        username="lanhdao.kinhte", full_name="Trần Thị Demo", role=Role.AGENCY_HEAD, looks_at="/inbox",
        agency_id="phong-kinh-te-xa-00694",
    ),
    DemoAccount(username="thanhtra", full_name="Phạm Văn Demo", role=Role.INSPECTOR, looks_at="/inspector"),
    DemoAccount(username="tonghop", full_name="Lê Thị Demo", role=Role.COORDINATOR, looks_at="/inspector"),
    DemoAccount(username="quantri", full_name="Đỗ Văn Demo", role=Role.ADMIN, looks_at="/admin/accounts"),
)  # fmt: skip


async def make_accounts(environment: dict[str, str]) -> list[tuple[DemoAccount, str]]:
    """Make every account in the database that `environment` names; returns each with its password."""
    settings = load_settings(environment)
    made = []
    async with open_backend(settings) as backend:
        store = await open_store(backend)
        directory = load_directory(settings.locality)
        for person in PEOPLE:
            password = generate_password()
            await create_account(
                store,
                directory,
                username=person.username,
                full_name=person.full_name,
                role=person.role,
                password=password,
                now=backend.clock(),
                agency_id=person.agency_id,
                is_screener=person.is_screener,
            )
            made.append((person, password))
    return made
