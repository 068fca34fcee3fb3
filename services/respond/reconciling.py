"""Tells of respond's tickets and accounts again. Called by `hotline reconcile`."""

from dataclasses import replace
from datetime import datetime

from msgspec import structs

from services.respond.actions import SAVE_ATTEMPTS, Desk, attention_of
from services.respond.documents import account_fact, fact_of
from services.respond.effects import RETURNED
from services.respond.store import Conflict, RespondStore
from services.respond.ticket import Ticket

CAUSE = "reconciled"


async def tell_ticket_again(desk: Desk, feedback_id: str, *, now: datetime) -> bool:
    """Say a ticket's state again as a newer fact; False when there is none (any more), or its receipt has not come."""
    for _ in range(SAVE_ATTEMPTS):
        ticket = await desk.store.get(feedback_id)
        if ticket is None or not ticket.is_received:
            return False
        again = replace(ticket, version=ticket.version + 1, seq=ticket.seq + 1)
        fact = structs.replace(fact_of(again, desk.rules, at=now), at=said_at(again, now))
        try:
            await desk.store.save(again, attention_of(again, now, desk.rules.calendar), (fact,))
        except Conflict:
            continue
        return True
    raise Conflict(feedback_id)


def said_at(ticket: Ticket, now: datetime) -> datetime:
    """Return the instant of a screener's word where one returned the ticket: a suspicion since is not lifted by it."""
    look = ticket.screening
    if ticket.restricted or look is None or look.decision != RETURNED or look.decided_at is None:
        return now
    return look.decided_at


async def tell_account_again(store: RespondStore, account_id: str, *, now: datetime) -> bool:
    """Say an account's state again as a newer fact; False when there is none."""
    for _ in range(SAVE_ATTEMPTS):
        account = await store.account(account_id)
        if account is None:
            return False
        again = replace(account, version=account.version + 1, seq=account.seq + 1)
        try:
            await store.save_account(again, (account_fact(again, cause=CAUSE, at=now),))
        except Conflict:
            continue
        return True
    raise Conflict(account_id)
