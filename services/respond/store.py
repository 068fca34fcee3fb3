"""What respond asks of its store; `store_sqlite` answers over the embedded database, `store_mongo` over MongoDB.

Ticket and facts are written together. Lists show only tickets whose receipt has come; a restricted ticket is in no
list but the screeners' and the inspectors'. Where lists stand by the earliest due, what has nothing due comes last;
what sorts alike stands in the order of the ids.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hotline.facts import Fact
from services.respond.accounts import Account
from services.respond.ticket import Status, Ticket


class Conflict(Exception):
    """Somebody else saved this since it was loaded: load it again and decide again."""


class UsernameTaken(Exception):
    """Another account has this user name."""


class FileIsGone(Exception):
    """A file that the ticket newly refers to was erased with another feedback after it was kept: attach it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """When the ticker must look at a ticket again, and what lists and counts go by; None when nothing is due.

    `next_due_at` is the earliest of all clocks that run, the other two are the citizen's own.
    """

    next_attention_at: datetime | None
    next_due_at: datetime | None
    acknowledgement_due_at: datetime | None = None
    response_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksDue:
    """How many tickets' clocks of a kind run out soon, and how many unanswered tickets have a breach already."""

    acknowledgement: int
    response: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list: how many to pass over and how many to return."""

    offset: int = 0
    limit: int = 25


class RespondStore(Protocol):
    """Named questions, no queries; made with the vault that keeps the answers' files."""

    # Under which the facts of new documents count; raised by a restore (see `plumbing.restores`).
    epoch: int

    async def get(self, feedback_id: str) -> Ticket | None:
        """Return a ticket, None when there is none."""

    async def add(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """Store a new ticket; raises Conflict when there is one or it was erased, FileIsGone."""

    async def save(self, ticket: Ticket, attention: Attention, facts: Sequence[Fact]) -> None:
        """Store the next version; raises Conflict unless the stored one is `ticket.version - 1`, FileIsGone."""

    async def for_desk(self, page: Page) -> list[Ticket]:
        """Return what the receiving desk must do: acknowledge or assign; urgent first, then the earliest due."""

    async def count_for_desk(self) -> int:
        """Count them."""

    async def for_agency(self, agency_id: str, statuses: frozenset[Status], page: Page) -> list[Ticket]:
        """Return an agency's tickets in these statuses; urgent first, then the earliest due."""

    async def count_for_agency(self, agency_id: str) -> Mapping[Status, int]:
        """Count an agency's tickets by status."""

    async def restricted(self, page: Page) -> list[Ticket]:
        """Return what is restricted or not classified yet: still to be screened first, then the earliest due."""

    async def running(self, page: Page) -> list[Ticket]:
        """Return unanswered tickets by their earliest due instant, restricted ones included."""

    async def broken(self, page: Page) -> list[Ticket]:
        """Return tickets with at least one breach, the newest breach first, restricted ones included."""

    async def all_received(self, since: datetime) -> list[Ticket]:
        """Return every ticket received since then, for exports and counts, the oldest first."""

    async def similar(self, ticket: Ticket, limit: int) -> list[Ticket]:
        """Return tickets open to staff whose ids this one's classification names, and those open to staff whose
        classification names this one; at most `limit` of each, by id, each once.

        Of the second kind the newest are taken where there are more. Reads no more however many tickets there are.
        """

    async def duplicates_of(self, feedback_id: str) -> list[Ticket]:
        """Return the tickets that wait as duplicates of this one, by id; whether or not this one is (still) there."""

    async def needing_attention(self, now: datetime, limit: int) -> list[Ticket]:
        """Return tickets whose `next_attention_at` has come, the longest waiting first."""

    async def clocks_due(self, now: datetime, within: timedelta) -> ClocksDue:
        """Count the acknowledgements and answers due from `now` to `now + within`, and the late tickets.

        Clocks that run alone count, each once; restricted tickets with all others.
        """

    async def file_ids(self) -> frozenset[str]:
        """Return the ids of every file that a draft or an answer keeps."""

    async def erase(self, feedback_id: str) -> frozenset[str]:
        """Remove all of a feedback and remember only that it was erased; calling twice is safe.

        Returns the ids of its answers' files that no other ticket keeps, again until they are released.
        """

    async def release_files(self, file_ids: Collection[str]) -> None:
        """Remove those of the files that nothing refers to now; a write that refers to one meanwhile is refused."""

    async def is_erased(self, feedback_id: str) -> bool:
        """Say whether the feedback was erased: late facts of it must not bring it back."""

    async def account(self, account_id: str) -> Account | None:
        """Return an account."""

    async def account_named(self, username: str) -> Account | None:
        """Return the account of a user name, whatever its case."""

    async def accounts(self) -> list[Account]:
        """Return every account by user name."""

    async def add_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """Store a new account; raises UsernameTaken, whatever the case of the name."""

    async def save_account(self, account: Account, facts: Sequence[Fact]) -> None:
        """Store the next version of an account; raises Conflict, UsernameTaken."""
