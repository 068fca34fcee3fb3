"""Facts reach tickets: in any order, again, and whatever dies in between, one feedback has one ticket in one state."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hotline.config import load_settings
from hotline.facts import (
    CallAcknowledgement,
    Fact,
    FactKind,
    FeedbackState,
    FollowUp,
    FollowUpKind,
    Producer,
    TicketState,
    fact_id_of,
)
from hotline.places import Place
from hotline.plumbing.backend import Backend, open_backend
from hotline.plumbing.bus_sqlite import SqliteLog
from hotline.roles import Role
from hotline.taxonomy import PetitionKind
from services.respond.actions import Desk, act, apply_fact, attend, with_fact
from services.respond.arrivals import is_newer
from services.respond.consumer import handler
from services.respond.opening import open_store
from services.respond.rules import Rules, load_rules
from services.respond.settling import settle
from services.respond.store import Page
from services.respond.ticket import Action, Actor, Party, Status, Ticket
from services.respond.workflow import apply
from tests.contract.facts_for_tests import RECEIVED_AT, judged, received
from tests.respond.builders import session

RULES = load_rules("ha-giang-2023")
NOW = RECEIVED_AT + timedelta(minutes=5)
IN_WARD = Place(
    province_code="08", province_name="Tuyên Quang", commune_code="00694", commune_name="Phường Hà Giang 1", detail=""
)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    settings = load_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": "a secret of at least thirty-two characters"})
    async with open_backend(settings) as opened:
        yield opened


@pytest.fixture
def log(backend: Backend) -> SqliteLog:
    assert isinstance(backend.bus, SqliteLog)
    return backend.bus


@pytest.fixture
async def desk(backend: Backend) -> Desk:
    return Desk(store=await open_store(backend), rules=RULES, vault=backend.vault("answers"))


def feedback(seq: int = 1, *follow_ups: FollowUp, **changes: object) -> Fact:
    fact = received("f1", seq=seq)
    state = fact.state
    assert isinstance(state, FeedbackState)
    state = structs.replace(state, place=IN_WARD, follow_ups=follow_ups, reachable_by=("page",), **changes)  # type: ignore[arg-type]
    return structs.replace(fact, state=state)


def said(kind: FollowUpKind, text: str = "", *, hours: int = 1, rating: int | None = None) -> FollowUp:
    at = RECEIVED_AT + timedelta(hours=hours)
    return FollowUp(at=at, kind=kind, text=text, by="citizen", rating=rating)


def classification(seq: int = 1, **changes: object) -> Fact:
    state = judged(decided_at=RECEIVED_AT + timedelta(seconds=seq))
    return Fact(
        fact_id=fact_id_of(Producer.CLASSIFY, "f1", 0, seq),
        kind=FactKind.FEEDBACK_CLASSIFIED,
        feedback_id="f1",
        producer=Producer.CLASSIFY,
        epoch=0,
        seq=seq,
        at=RECEIVED_AT,
        cause="judged",
        state=replace(state, **changes),  # type: ignore[arg-type]
    )


def ticket_after(facts: Sequence[Fact], rules: Rules = RULES) -> Ticket:
    ticket: Ticket | None = None
    for fact in facts:
        if ticket is None or is_newer(ticket, fact):
            ticket = settle(with_fact(ticket, fact, rules), rules, NOW)
    assert ticket is not None
    return ticket


def what_matters(ticket: Ticket) -> tuple[object, ...]:
    return (
        ticket.status,
        ticket.restricted,
        ticket.urgent,
        ticket.route,
        ticket.promise,
        ticket.classification,
        ticket.feedback,
        ticket.rating,
        dict(ticket.applied),
    )


ADDED = said(FollowUpKind.ADDED, "Xe máy ngã hôm qua")
RATED = said(FollowUpKind.RATED, "Chưa thấy ai đến", hours=2, rating=2)
STORIES: dict[str, list[Fact]] = {
    "judged, then corrected by a person": [
        feedback(),
        feedback(2, ADDED),
        feedback(3, ADDED, RATED),
        classification(needs_review=True),
        classification(2, code="7.1", decided_by="a1"),
    ],
    "suspected, then confirmed by the screener": [
        feedback(),
        feedback(2, ADDED),
        classification(restricted=True, needs_review=True, code="4.1", petition_kind=PetitionKind.TO_CAO),
        classification(
            2,
            restricted=True,
            code="4.1",
            petition_kind=PetitionKind.TO_CAO,
            decided_by="s1",
            decided_as_screener=True,
        ),
    ],
    "suspicion comes with more words": [
        feedback(),
        feedback(2, ADDED),
        classification(),
        classification(2, restricted=True, needs_review=True),
    ],
    "urgent goes out before any review": [
        feedback(),
        classification(urgent=True, needs_review=True, petition_kind=PetitionKind.KHAN_CAP),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_a_feedbacks_facts_with_repeats_ends_in_the_same_state(story: str) -> None:
    facts = STORIES[story]
    expected = what_matters(ticket_after(facts))
    for order in itertools.permutations([*facts, facts[0]]):
        assert what_matters(ticket_after(order)) == expected


@pytest.mark.parametrize("story", STORIES)
async def test_the_store_ends_where_the_pure_rules_do(story: str, desk: Desk) -> None:
    facts = STORIES[story]
    for fact in [*reversed(facts), *facts]:
        await apply_fact(desk, fact, NOW)
    ticket = await desk.store.get("f1")
    assert ticket is not None
    assert what_matters(ticket) == what_matters(ticket_after(facts))


async def test_a_ticket_goes_to_the_agency_of_its_commune_and_says_so_once(desk: Desk, log: SqliteLog) -> None:
    await apply_fact(desk, feedback(), NOW)
    assert [d.envelope.cause for d in await log.subscribe("t").next_batch(9)] == ["changed"]
    ticket = await apply_fact(desk, classification(), NOW)
    assert ticket is not None
    assert ticket.route is not None
    assert ticket.status is Status.ASSIGNED
    assert ticket.route.rule == "hg-6.3-giao_thong"
    assert ticket.route.reason
    await apply_fact(desk, classification(), NOW)
    assert [d.envelope.cause for d in await log.subscribe("t").next_batch(9)] == ["changed", "changed"]
    (waiting,) = await desk.store.for_agency(ticket.route.agency_id, frozenset({Status.ASSIGNED}), Page())
    assert waiting == ticket


def test_what_an_agency_declined_waits_for_a_person_and_keeps_its_promise() -> None:
    assigned = ticket_after([feedback(), classification()])
    assert assigned.route is not None
    staff = Actor(account_id="staff", parties=frozenset({Party.AGENCY_STAFF}), agency_id=assigned.route.agency_id)
    declined = settle(apply(assigned, Action.DECLINE, staff, NOW, note="Không thuộc thẩm quyền"), RULES, NOW)
    assert (declined.status, declined.route) == (Status.RECEIVED, None)
    assert declined.promise == assigned.promise


async def test_a_classification_without_a_receipt_waits_in_no_list(desk: Desk, log: SqliteLog) -> None:
    await apply_fact(desk, classification(), NOW)
    assert await log.lag("t") == 0
    assert await desk.store.running(Page()) == []
    ticket = await apply_fact(desk, feedback(), NOW)
    assert ticket is not None
    assert ticket.status is Status.ASSIGNED


async def test_acknowledged_on_the_line_needs_no_desk(desk: Desk) -> None:
    told = CallAcknowledgement(by="op1", at=RECEIVED_AT, said="Đã nhận, phường trả lời trước ngày 01/12")
    ticket = await apply_fact(desk, feedback(acknowledged_in_call=told), NOW)
    assert ticket is not None
    assert ticket.acknowledgement is not None
    assert (ticket.acknowledgement.by, ticket.acknowledgement.said) == ("op1", told.said)


async def test_of_a_restricted_ticket_the_bus_says_neither_field_nor_agency(desk: Desk, log: SqliteLog) -> None:
    for fact in STORIES["suspected, then confirmed by the screener"]:
        await apply_fact(desk, fact, NOW)
    for delivery in await log.subscribe("t").next_batch(20):
        state = log.open(delivery).state
        assert isinstance(state, TicketState)
        if state.restricted:
            assert (state.field, state.code, state.agency_id, state.agency_name) == (None,) * 4
            assert (state.answer, state.question, state.reason) == (None,) * 3
    ticket = await desk.store.get("f1")
    assert ticket is not None
    assert ticket.route is None
    assert ticket.screening is not None
    assert ticket.screening.decision == "confirmed"
    assert await desk.store.for_desk(Page()) == []


async def test_the_screener_returns_it_and_its_clock_is_unchanged(desk: Desk) -> None:
    await apply_fact(desk, feedback(), NOW)
    before = await apply_fact(desk, classification(restricted=True, needs_review=True), NOW)
    returned = classification(2, decided_by="s1", decided_as_screener=True, decided_at=NOW + timedelta(minutes=1))
    after = await apply_fact(desk, returned, NOW + timedelta(minutes=1))
    assert before is not None
    assert after is not None
    assert (after.restricted, after.status) == (False, Status.ASSIGNED)
    assert after.promise == before.promise


async def test_only_what_a_screener_decided_while_it_was_closed_lifts_a_restriction_made_by_hand(desk: Desk) -> None:
    await apply_fact(desk, feedback(), NOW)
    assigned = await apply_fact(desk, classification(needs_review=False), NOW)
    assert assigned is not None
    await act(desk, session(Role.TRIAGE_OFFICER), assigned, Action.RESTRICT, NOW, note="Có tên người bị tố cáo")
    for seq, restricted in ((2, False), (3, True)):
        later = NOW + timedelta(minutes=seq)
        said = classification(seq, restricted=restricted, decided_by="a-triage_officer", decided_at=later)
        ticket = await apply_fact(desk, said, later)
        assert ticket is not None
        assert (ticket.restricted, ticket.screening and ticket.screening.decision) == (True, None)
    screener = classification(4, decided_by="s1", decided_as_screener=True, decided_at=NOW + timedelta(minutes=5))
    returned = await apply_fact(desk, screener, NOW + timedelta(minutes=5))
    assert returned is not None
    assert (returned.restricted, returned.screening and returned.screening.by) == (False, "s1")


async def test_new_suspicion_after_a_return_restricts_again(desk: Desk) -> None:
    await test_the_screener_returns_it_and_its_clock_is_unchanged(desk)
    later = NOW + timedelta(minutes=2)
    again = await apply_fact(desk, classification(3, restricted=True, needs_review=True, decided_at=later), later)
    assert again is not None
    assert (again.restricted, again.status, again.route) == (True, Status.IN_REVIEW, None)


async def test_a_withdrawal_ends_an_open_ticket_and_never_a_restricted_one(desk: Desk) -> None:
    taken_back = said(FollowUpKind.WITHDRAWN)
    await apply_fact(desk, feedback(), NOW)
    await apply_fact(desk, classification(), NOW)
    open_ticket = await apply_fact(desk, feedback(2, taken_back), NOW)
    assert open_ticket is not None
    assert open_ticket.status is Status.WITHDRAWN
    suspected = ticket_after([feedback(), classification(restricted=True), feedback(2, taken_back)])
    assert suspected.status is Status.IN_REVIEW


async def test_erased_feedback_does_not_come_back(desk: Desk) -> None:
    handle = handler(desk, lambda: NOW)
    await apply_fact(desk, feedback(), NOW)
    await desk.store.erase("f1")
    await handle(feedback(2, ADDED))
    await handle(classification())
    assert await desk.store.get("f1") is None


async def test_the_ticker_takes_each_step_once_and_says_when_it_was_late(desk: Desk) -> None:
    await apply_fact(desk, feedback(), NOW)
    await apply_fact(desk, classification(), NOW)
    day_later = RECEIVED_AT + timedelta(hours=30)
    for _ in range(3):
        await attend(desk, day_later)
    ticket = await desk.store.get("f1")
    assert ticket is not None
    breaches = [entry for entry in ticket.history if entry.action is Action.BREACH]
    assert len(breaches) == len(ticket.breaches) == 1
    assert ticket.breaches[0].is_detected_late
    assert [found.feedback_id for found in await desk.store.broken(Page())] == ["f1"]


async def test_two_tickers_at_once_take_a_step_once(desk: Desk) -> None:
    await apply_fact(desk, feedback(), NOW)
    await asyncio.gather(*(attend(desk, RECEIVED_AT + timedelta(hours=30)) for _ in range(5)))
    ticket = await desk.store.get("f1")
    assert ticket is not None
    assert len(ticket.breaches) == 1


async def test_no_field_of_the_log_is_missing_only_where_something_is_hidden(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    handle = handler(desk, lambda: NOW)
    logged = []
    for said in (classification(), classification(2, restricted=True, needs_review=True, code="4.1")):
        await handle(feedback())
        caplog.clear()
        with caplog.at_level("INFO"):
            await handle(said)
        logged.append([(record.getMessage(), sorted(record.__dict__["fields"])) for record in caplog.records])
    assert logged[0] == logged[1] == [("ticket_changed", ["cause", "feedback_id", "version"])]


async def test_what_is_not_classified_yet_waits_with_the_restricted_and_not_at_the_desk(desk: Desk) -> None:
    await apply_fact(desk, feedback(), NOW)
    assert (await desk.store.for_desk(Page()), await desk.store.count_for_desk()) == ([], 0)
    assert [ticket.feedback_id for ticket in await desk.store.restricted(Page())] == ["f1"]
    await apply_fact(desk, classification(needs_review=True), NOW)
    assert await desk.store.count_for_desk() == len(await desk.store.for_desk(Page())) == 1
    assert await desk.store.restricted(Page()) == []


async def test_erasing_leaves_no_fact_but_the_erasure_and_no_word_in_any_file(desk: Desk, log: SqliteLog) -> None:
    await apply_fact(desk, feedback(text="Xe tải chở cát chạy đêm"), NOW)
    assert await log.lag("t") == 1
    await desk.store.erase("f1")
    assert await log.lag("t") == 0
    files = log.database.path.parent.glob(f"{log.database.path.name}*")
    assert not any("Xe tải chở cát".encode() in file.read_bytes() for file in files)
