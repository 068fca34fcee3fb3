"""Tickets for the tests of respond's store, made by the rules that service goes by: one of each kind in a list."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hotline.facts import Attachment, Fact
from hotline.taxonomy import PetitionKind
from services.respond.actions import attention_of
from services.respond.store import RespondStore
from services.respond.ticket import Action, Ticket
from tests.contract.facts_for_tests import received
from tests.respond.builders import (
    CALENDAR,
    HEAD,
    OPERATOR,
    SCREENER,
    STAFF,
    TRIAGE,
    assigned,
    at,
    classification,
    classify,
    happen,
    new_ticket,
)

NOON = at("2026-11-18 12:00")
LETTER = b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n"


def judged(when: str, **changes: Any) -> Ticket:
    """Return a ticket received at `when`, with its classification; `changes` replace what that says."""
    return classify(new_ticket(at(when)), classification(**{"decided_at": at(when), **changes}))


def acknowledged(ticket: Ticket, when: str) -> Ticket:
    """Let an operator tell the citizen."""
    return happen(ticket, [(Action.ACKNOWLEDGE, OPERATOR, when)])


def worked_on(when: str) -> Ticket:
    """Return a ticket that its agency works on and of which the citizen was told, both when it came."""
    return happen(acknowledged(assigned(judged(when), when), when), [(Action.START, STAFF, when)])


def denounced(when: str) -> Ticket:
    """Return a suspected denunciation received at `when`."""
    return judged(when, restricted=True, code="4.1", petition_kind=PetitionKind.TO_CAO)


def answered_with(ticket: Ticket, when: str, *files: Attachment) -> Ticket:
    """Sign an answer with files on a ticket that is worked on."""
    return happen(drafted_with(ticket, when, *files), [(Action.SIGN, HEAD, when)])


def drafted_with(ticket: Ticket, when: str, *files: Attachment) -> Ticket:
    """Draft an answer with files on a ticket that is worked on."""
    return happen(ticket, [(Action.DRAFT, STAFF, when)], files=files)


def answered_late(ticket: Ticket, day: str) -> Ticket:
    """Assign, acknowledge and answer a ticket that was left lying, all in the afternoon of a day."""
    told = acknowledged(assigned(ticket, f"{day} 13:10"), f"{day} 13:20")
    return answered_with(happen(told, [(Action.START, STAFF, f"{day} 13:30")]), f"{day} 13:40")


def one_of_each_kind() -> dict[str, Ticket]:
    """Return tickets by name; the name says what is peculiar to it."""
    return {
        "new at 10": judged("2026-11-18 10:00"),
        "new at 08": judged("2026-11-18 08:00"),
        "urgent at 11": judged("2026-11-18 11:00", urgent=True, petition_kind=PetitionKind.KHAN_CAP),
        "in review": acknowledged(judged("2026-11-18 09:00", needs_review=True), "2026-11-18 09:10"),
        "assigned, not told": assigned(judged("2026-11-18 07:00"), "2026-11-18 07:10"),
        "worked on": worked_on("2026-11-18 06:00"),
        "answered": answered_with(worked_on("2026-11-16 08:00"), "2026-11-16 09:00"),
        "redirected": happen(judged("2026-11-16 07:00"), [(Action.REDIRECT, TRIAGE, "2026-11-16 08:00")]),
        "unclassified": new_ticket(at("2026-11-18 05:00")),
        "denounced": denounced("2026-11-18 04:00"),
        "denounced and screened": happen(
            denounced("2026-11-18 03:00"), [(Action.CONFIRM_RESTRICTED, SCREENER, "2026-11-18 08:00")]
        ),
        "classified, not received": classify(None, classification()),
    }


def named(feedback_id: str, ticket: Ticket) -> Ticket:
    """Return a ticket as the first version of a feedback of this id."""
    return replace(ticket, feedback_id=feedback_id, version=1)


def next_of(stored: Ticket, after: Ticket) -> Ticket:
    """Return a ticket as the next version of the stored one."""
    return replace(after, feedback_id=stored.feedback_id, version=stored.version + 1)


async def added(
    store: RespondStore, feedback_id: str, ticket: Ticket, *, now: datetime = NOON, facts: Sequence[Fact] = ()
) -> Ticket:
    """Store a new ticket as it is at `now`; return it."""
    first = named(feedback_id, ticket)
    await store.add(first, attention_of(first, now, CALENDAR), facts)
    return first


async def saved(
    store: RespondStore, stored: Ticket, after: Ticket, *, now: datetime = NOON, facts: Sequence[Fact] = ()
) -> Ticket:
    """Store a ticket as the next version of the stored one; return it."""
    newer = next_of(stored, after)
    await store.save(newer, attention_of(newer, now, CALENDAR), facts)
    return newer


def told(feedback_id: str, seq: int) -> Fact:
    """Return a fact of a feedback; what it says is of no matter to the store."""
    return received(feedback_id, seq=seq)


def ids(tickets: Sequence[Ticket]) -> list[str]:
    """Return the tickets' ids in their order."""
    return [ticket.feedback_id for ticket in tickets]
