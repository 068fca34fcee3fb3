"""Who may sign in, and what a signed-in session says about them.

Used by the web shell (cookie), by `respond` (who may act) and by the other services' pages. Holds no password.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The audiences that sign in (DESIGN section 2); citizens never do."""

    OPERATOR = "operator"
    TRIAGE_OFFICER = "triage_officer"
    AGENCY_STAFF = "agency_staff"
    AGENCY_HEAD = "agency_head"
    INSPECTOR = "inspector"
    COORDINATOR = "coordinator"
    ADMIN = "admin"


AGENCY_ROLES = frozenset({Role.AGENCY_STAFF, Role.AGENCY_HEAD})
DESK_ROLES = frozenset({Role.OPERATOR, Role.TRIAGE_OFFICER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in person, as the cookie says it; `is_screener` marks the named screener of restricted tickets."""

    account_id: str
    username: str
    full_name: str
    role: Role
    agency_id: str | None
    is_screener: bool
    issued_at: datetime
    expires_at: datetime
