"""What the pages with lists share: who asks, which page of a list, the tabs, and whole lists read in parts.

Called by `web_desk`, `web_agency`, `web_inspector` and `web_ticket`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from hotline.roles import Session
from hotline.web.audience import session_of
from hotline.web.pages import message
from services.respond.access import View, listed
from services.respond.actions import Desk
from services.respond.store import Page
from services.respond.ticket import Action, Ticket

PAGE_SIZE = 25
PART = 500
MAX_PAGE_DIGITS = 5

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab over a list: its name in the address, its message key, how many are in it (None: not said)."""

    name: str
    key: str
    count: int | None
    is_here: bool


def person(request: web.Request) -> Session:
    """Return who is signed in; the route's audience saw to it that somebody is."""
    session = session_of(request)
    if session is None:
        raise web.HTTPForbidden
    return session


def page_number(request: web.Request) -> int:
    """Read the page number of the address; nonsense is page 1."""
    given = request.query.get("trang", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) <= MAX_PAGE_DIGITS else 1


def pages_of(total: int) -> int:
    """Return how many pages a list of this length has."""
    return -(-total // PAGE_SIZE)


def on_page(items: Sequence[Item], number: int) -> Sequence[Item]:
    """Return the part of a whole list that stands on a page."""
    return items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]


def part(number: int) -> Page:
    """Return the part of a stored list that stands on a page."""
    return Page(offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)


async def whole(fetch: Callable[[Page], Awaitable[list[Ticket]]], view: View, session: Session) -> list[Ticket]:
    """Return every ticket of a stored list that the audience may see; counts then tell of no other."""
    found: list[Ticket] = []
    offset = 0
    while tickets := await fetch(Page(offset=offset, limit=PART)):
        offset += len(tickets)
        found += listed(view, session, tickets)
    return found


def done(request: web.Request) -> str:
    """Return the sentence about the action just taken, as the address names it; "" for none."""
    name = request.query.get("xong", "")
    return message(request, f"happened.{name}") if name in set(Action) else ""


async def names_of(desk: Desk, account_ids: set[str]) -> Callable[[str], str]:
    """Return a function that gives the full name of an account, "" for one that is not known."""
    names = {}
    for account_id in sorted(account_ids):
        account = await desk.store.account(account_id)
        names[account_id] = account.full_name if account else ""
    return lambda account_id: names.get(account_id, "")
