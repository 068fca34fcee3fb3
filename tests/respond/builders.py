"""Tickets, people and instants for the tests of respond; a ticket is made by the same facts as in service."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from msgspec import structs

from hotline.facts import (
    Channel,
    ClassificationState,
    Fact,
    FactKind,
    FeedbackState,
    FollowUp,
    FollowUpKind,
    Outcome,
    Producer,
    State,
)
from hotline.promises import SlaPolicy, load_policies, promise
from hotline.roles import Role, Session
from hotline.working_days import VN, WorkingCalendar, load_calendar
from services.respond import arrivals
from services.respond.clocks import Clock, agency_due_at, clocks, screening_due_at
from services.respond.steps import action_of, steps_due
from services.respond.ticket import (
    SYSTEM,
    Action,
    Actor,
    ClockKind,
    Party,
    RouteSnapshot,
    Ticket,
)
from services.respond.workflow import apply
from tests.contract.facts_for_tests import judged

CALENDAR = load_calendar()
POLICY = load_policies().by_id("ha-giang-1022")
PAUSING = replace(POLICY, id="pausing", pauses_for_citizen=True)
LEAD, IMPLEMENTER, STRANGER = "dien-luc-tp", "ubnd-phuong", "so-y-te"
ROUTE = RouteSnapshot(agency_id=LEAD, implementer_ids=(IMPLEMENTER,), answers=LEAD, rule="6.3", reason="điện")
OTHER_ROUTE = RouteSnapshot(agency_id=STRANGER, answers=STRANGER, rule="tay", reason="điều phối lại")


def at(text: str) -> datetime:
    """Read `2026-11-20 08:00` as an instant in Vietnam."""
    return datetime.fromisoformat(text).replace(tzinfo=VN)


RECEIVED_AT = at("2026-11-18 08:00")  # Wednesday; answer due Friday 27/11, as 24/11 is off


def actor(*parties: Party, agency_id: str | None = None, account_id: str = "") -> Actor:
    """Return someone who acts as these parties."""
    return Actor(account_id=account_id or parties[0], parties=frozenset(parties), agency_id=agency_id)


TRIAGE = actor(Party.TRIAGE_OFFICER)
OPERATOR = actor(Party.OPERATOR)
STAFF = actor(Party.AGENCY_STAFF, agency_id=LEAD)
HEAD = actor(Party.AGENCY_HEAD, agency_id=LEAD)
INSPECTOR = actor(Party.INSPECTOR)
SCREENER = actor(Party.TRIAGE_OFFICER, Party.SCREENER)


def session(
    role: Role, *, agency_id: str | None = None, is_screener: bool = False, full_name: str = "Lê Thị Hoa"
) -> Session:
    """Return a signed-in person."""
    return Session(
        account_id=f"a-{role}",
        username=str(role),
        full_name=full_name,
        role=role,
        agency_id=agency_id,
        is_screener=is_screener,
        issued_at=at("2026-11-18 07:00"),
        expires_at=at("2026-11-18 15:00"),
    )


def fact(state: State, kind: FactKind, producer: Producer, seq: int = 0) -> Fact:
    """Wrap a state in a fact."""
    return Fact(
        fact_id=f"{producer}:f1:0.{seq}",
        kind=kind,
        feedback_id="f1",
        producer=producer,
        epoch=0,
        seq=seq,
        at=RECEIVED_AT,
        cause="test",
        state=state,
    )


def feedback(received_at: datetime = RECEIVED_AT, policy: SlaPolicy = POLICY, **changes: Any) -> FeedbackState:
    """Return a web feedback with its promise; `changes` replace any field."""
    told = promise(received_at, policy, CALENDAR)
    state = FeedbackState(
        channel=Channel.WEB,
        text="Mất điện từ tối qua ở thôn Nà Tho",
        received_at=received_at,
        promise=told,
        reachable_by=("page", "phone"),
    )
    return structs.replace(state, **changes)


def classification(**changes: Any) -> ClassificationState:
    """Return a sure classification by the model; `changes` replace any field."""
    return judged(**({"code": "6.3#dien", "decided_at": RECEIVED_AT} | changes))


def follow_up(kind: FollowUpKind, when: datetime, **changes: Any) -> FollowUp:
    """Return a later word of the citizen."""
    return replace(FollowUp(at=when, kind=kind, text="", by="citizen"), **changes)


def receive(ticket: Ticket | None, state: FeedbackState, seq: int = 0, policy: SlaPolicy = POLICY) -> Ticket:
    """Let a fact of ingest arrive."""
    arriving = fact(state, FactKind.FEEDBACK_RECEIVED, Producer.INGEST, seq)
    return arrivals.received(ticket, arriving, state, policy, CALENDAR)


def classify(ticket: Ticket | None, state: ClassificationState, seq: int = 0, policy: SlaPolicy = POLICY) -> Ticket:
    """Let a fact of classify arrive."""
    arriving = fact(state, FactKind.FEEDBACK_CLASSIFIED, Producer.CLASSIFY, seq)
    return arrivals.classified(ticket, arriving, state, policy, CALENDAR)


def new_ticket(received_at: datetime = RECEIVED_AT, policy: SlaPolicy = POLICY, **changes: Any) -> Ticket:
    """Return a ticket just received."""
    return receive(None, feedback(received_at, policy, **changes), policy=policy)


def restricted_ticket(now: datetime = RECEIVED_AT, **changes: Any) -> Ticket:
    """Return a ticket that the classification restricted."""
    return classify(new_ticket(**changes), classification(restricted=True, code="4.1", decided_at=now))


def inputs_for(action: Action, now: datetime) -> dict[str, Any]:
    """Return what an action needs at least, with ordinary words."""
    if action is Action.CARRY_ANSWER:
        return {"original": original()}
    words: dict[Action, dict[str, Any]] = {
        Action.ACKNOWLEDGE: {"how": "phone", "said": "Đã tiếp nhận, điện lực trả lời trước 27/11"},
        Action.ASSIGN: {"route": ROUTE, "agency_due_at": agency_due(now)},
        Action.REASSIGN: {"route": OTHER_ROUTE, "agency_due_at": agency_due(now), "note": "sai nơi"},
        Action.ASK_CITIZEN: {"question": "Nhà ở tổ mấy?"},
        Action.DRAFT: {"text": "Đã đóng điện lại.", "outcome": Outcome.SETTLED},
        Action.SIGN: signature(now),
        Action.RECORD_ANSWER: {
            "text": "Đã đóng điện lại.",
            "outcome": Outcome.SETTLED,
            "note": "công văn giấy",
            "agency_has_accounts": False,
            **signature(now),
        },
        Action.TELL: {"said": "đã đọc trả lời qua điện thoại"},
        Action.REOPEN: {
            "note": "chưa xong",
            "promise": promise(now, POLICY, CALENDAR),
            "agency_due_at": agency_due(now),
        },
        Action.RENEW: {"promise": promise(now, POLICY, CALENDAR)},
        Action.REDIRECT: {"note": "đơn tố cáo", "destination": "Thanh tra tỉnh"},
        Action.MARK_DUPLICATE: {"duplicate_of": "f0"},
        Action.RESTRICT: {"note": "có tên người bị tố", "screening_due_at": screening_due_at(POLICY, CALENDAR, now)},
        Action.RATE: {"rating": 4},
        Action.CLASSIFY: {"classification": classification()},
    }
    return words.get(action, {"note": "ghi chú"})


def signature(now: datetime) -> dict[str, Any]:
    """Return number, date and signatory of an answer signed today."""
    return {"number": "12/ĐL", "signed_on": now.astimezone(VN).date(), "signatory": "Nguyễn Văn Bình"}


def agency_due(now: datetime, policy: SlaPolicy = POLICY) -> datetime:
    """Return when the agency's own clock is due."""
    return agency_due_at(policy, CALENDAR, now, code="6.3#dien")


Happening = tuple[Action, Actor, str]


def happen(ticket: Ticket, happenings: Iterable[Happening], **overrides: Any) -> Ticket:
    """Apply actions one after the other, each with ordinary inputs; `overrides` replace inputs of all."""
    for action, who, when in happenings:
        now = at(when)
        ticket = apply(ticket, action, who, now, **{**inputs_for(action, now), **overrides})
    return ticket


def assigned(ticket: Ticket, when: str = "2026-11-18 10:00") -> Ticket:
    """Assign a received ticket to the lead."""
    return happen(ticket, [(Action.ASSIGN, TRIAGE, when)])


def in_progress(ticket: Ticket, when: str = "2026-11-18 10:00") -> Ticket:
    """Assign it and let the agency start."""
    return happen(assigned(ticket, when), [(Action.START, STAFF, when)])


def answered(ticket: Ticket, when: str, **draft: Any) -> Ticket:
    """Draft and sign an answer of an assigned ticket."""
    drafted = happen(ticket, [(Action.DRAFT, STAFF, when)], **draft)
    return happen(drafted, [(Action.SIGN, HEAD, when)])


def original(when: str = "2026-11-19 09:00", **draft: Any) -> Ticket:
    """Return the ticket that others are merged with here, answered by its agency."""
    return replace(answered(in_progress(new_ticket()), when, **draft), feedback_id="f0")


def attend(ticket: Ticket, when: str | datetime, calendar: WorkingCalendar = CALENDAR) -> Ticket:
    """Let the ticker take every step that is due, as `actions.attend` does."""
    now = at(when) if isinstance(when, str) else when
    for step in steps_due(ticket, now, calendar):
        ticket = apply(ticket, action_of(step), SYSTEM, now, step=step)
    return ticket


PROMISED = {"text": "Sẽ thay máy biến áp.", "outcome": Outcome.PROMISED, "promised_on": date(2026, 12, 15)}


def clock(ticket: Ticket, kind: ClockKind, now: str = "2026-11-20 09:00", number: int = 1) -> Clock:
    """Return one clock of a ticket."""
    return next(c for c in clocks(ticket, at(now), CALENDAR) if (c.kind, c.number) == (kind, number))


def response(ticket: Ticket, now: str = "2026-11-20 09:00", number: int = 1) -> Clock:
    """Return the citizen's clock for the answer."""
    return clock(ticket, ClockKind.RESPONSE, now, number)


def breached(ticket: Ticket) -> list[tuple[str, int, str]]:
    """Return what stands on the register: clock, number, owner."""
    return [(breach.clock, breach.number, breach.owner) for breach in ticket.breaches]
