"""What a ticket is: the agency-side record of one feedback, with its clocks' anchors and its whole history.

`workflow` makes the next ticket from the last one, `clocks` reads it, the stores keep it as JSON. A ticket is
never edited in place: it is frozen, and its history, breaches, answers and assignments only grow. What
configuration could change later (policy, route, classification) is copied onto it. It holds no contact data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from hotline.facts import Attachment, Channel, ClassificationState, FeedbackState, FollowUp, Outcome, Producer
from hotline.places import Place
from hotline.promises import Promise, SlaPolicy
from hotline.roles import Role, Session

SCHEMA = 1


class NotReceivedYet(Exception):
    """The classification came before the receipt: there is no text, no promise and nothing to do yet."""


class Status(StrEnum):
    """Where a ticket stands."""

    RECEIVED = "received"
    IN_REVIEW = "in_review"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    AWAITING_CITIZEN = "awaiting_citizen"
    DRAFTED = "drafted"
    SUBMITTED = "submitted"
    ANSWERED = "answered"
    CLOSED = "closed"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"


ANSWERED = frozenset({Status.ANSWERED, Status.CLOSED})
ENDED = frozenset({Status.REFUSED, Status.REDIRECTED, Status.DUPLICATE, Status.WITHDRAWN})
UNANSWERED = frozenset(Status) - ANSWERED - ENDED
AT_AGENCY = UNANSWERED - {Status.RECEIVED, Status.IN_REVIEW}


class Action(StrEnum):
    """The only things that change a ticket (docs/workflow.md)."""

    ACKNOWLEDGE = "acknowledge"
    REVIEW = "review"
    ASSIGN = "assign"
    REASSIGN = "reassign"
    DECLINE = "decline"
    START = "start"
    ASK_CITIZEN = "ask_citizen"
    RESUME = "resume"
    DRAFT = "draft"
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    SIGN = "sign"
    RECORD_ANSWER = "record_answer"
    TELL = "tell"
    CLOSE = "close"
    REOPEN = "reopen"
    REFUSE = "refuse"
    REDIRECT = "redirect"
    MARK_DUPLICATE = "mark_duplicate"
    CARRY_ANSWER = "carry_answer"
    RESTORE = "restore"
    RESTRICT = "restrict"
    CONFIRM_RESTRICTED = "confirm_restricted"
    RETURN_TO_DESK = "return_to_desk"
    MARK_URGENT = "mark_urgent"
    NOTE = "note"
    URGE = "urge"
    ADD = "add"
    RATE = "rate"
    REQUEST_REOPEN = "request_reopen"
    WITHDRAW = "withdraw"
    CLASSIFY = "classify"
    RENEW = "renew"
    WARN = "warn"
    BREACH = "breach"
    ESCALATE = "escalate"


class Party(StrEnum):
    """Who acts: a signed-in role, the named screener, the citizen (by ingest's facts), or the system itself."""

    OPERATOR = "operator"
    TRIAGE_OFFICER = "triage_officer"
    AGENCY_STAFF = "agency_staff"
    AGENCY_HEAD = "agency_head"
    INSPECTOR = "inspector"
    COORDINATOR = "coordinator"
    ADMIN = "admin"
    SCREENER = "screener"
    CITIZEN = "citizen"
    SYSTEM = "system"


SCREENING_ROLES = frozenset({Role.TRIAGE_OFFICER, Role.INSPECTOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts now: an account, the citizen or the system, with the parties it may act as."""

    account_id: str
    parties: frozenset[Party]
    agency_id: str | None = None


SYSTEM = Actor(account_id="system", parties=frozenset({Party.SYSTEM}))
CITIZEN = Actor(account_id="citizen", parties=frozenset({Party.CITIZEN}))


def actor_of(session: Session) -> Actor:
    """Return the signed-in person as an actor; the screener's right adds to the role."""
    parties = {Party(session.role.value)}
    if session.is_screener and session.role in SCREENING_ROLES:
        parties.add(Party.SCREENER)
    return Actor(account_id=session.account_id, parties=frozenset(parties), agency_id=session.agency_id)


class ClockKind(StrEnum):
    """The clocks: two of the citizen's, one of each agency, the screener's, and the date an answer promised."""

    ACKNOWLEDGEMENT = "acknowledgement"
    RESPONSE = "response"
    AGENCY = "agency"
    SCREENING = "screening"
    PROMISED_WORK = "promised_work"


class StepKind(StrEnum):
    """What the ticker does when its time has come."""

    WARNING = "warning"
    BREACH = "breach"
    ESCALATION = "escalation"
    PAUSE_LIMIT = "pause_limit"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of one clock; `id` is derived from (ticket, clock, number, step), so it happens once."""

    id: str
    kind: StepKind
    clock: ClockKind
    number: int
    owner: str
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that happened. `at` is when it happened, `party` as whom the account acted.

    `subject` names the agency, the other ticket or the step that the action was about; `note` may quote
    people.
    """

    at: datetime
    account_id: str
    party: Party
    action: Action
    before: Status
    after: Status
    note: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSnapshot:
    """Who must answer, as it was decided, with the rule and its reason."""

    agency_id: str
    answers: str
    implementer_ids: tuple[str, ...] = ()
    rule: str = ""
    source: str = ""
    reason: str = ""

    @property
    def agency_ids(self) -> frozenset[str]:
        """Every agency that works on it."""
        return frozenset({self.agency_id, self.answers, *self.implementer_ids})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One agency's turn: its own clock runs from `assigned_at` to `ended_at`."""

    agency_id: str
    assigned_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    ended_by: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRun:
    """One promise to the citizen: the first from the receipt, a further one from each reopening."""

    promise: Promise
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A person told the citizen: received, who answers, by when; `is_restricted` when the ticket was so then."""

    by: str
    how: str
    said: str
    at: datetime
    is_restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The named screener's look at a restricted ticket, due within a working day."""

    started_at: datetime
    due_at: datetime
    decision: str | None = None
    by: str | None = None
    decided_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer not signed yet."""

    text: str
    outcome: Outcome
    promised_on: date | None = None
    files: tuple[Attachment, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A signed answer; `told_at` is when a citizen who left only a phone was told.

    `is_restricted`: given while the ticket was. `is_carried`: another ticket's first, where its work is watched.
    """

    text: str
    outcome: Outcome
    number: str
    signed_on: date
    signatory: str
    agency_id: str
    answered_at: datetime
    promised_on: date | None = None
    files: tuple[Attachment, ...] = ()
    told_at: datetime | None = None
    is_restricted: bool = False
    is_carried: bool = False

    @property
    def awaits_work(self) -> bool:
        """Whether this ticket stays open until somebody has seen promised work done."""
        return self.outcome is Outcome.PROMISED and not self.is_carried


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A clock that ran out; `owner` held it then. Late detection (we were down) is said, never hidden."""

    step_id: str
    clock: ClockKind
    number: int
    owner: str
    due_at: datetime
    detected_at: datetime
    is_detected_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The record. `feedback` and `classification` are the other services' newest states, None until they come.

    `applied` is the newest `(epoch, seq)` of each producer; `epoch` and `seq` count this ticket's own facts.
    The store raises `version`. `follow_ups_applied` counts the citizen's words already put into the history.
    """

    feedback_id: str
    policy: SlaPolicy
    version: int = 0
    epoch: int = 0
    seq: int = 0
    status: Status = Status.RECEIVED
    feedback: FeedbackState | None = None
    classification: ClassificationState | None = None
    applied: Mapping[Producer, tuple[int, int]] = field(default_factory=dict)
    follow_ups_applied: int = 0
    promises: tuple[PromiseRun, ...] = ()
    restricted: bool = False
    urgent: bool = False
    screening: Screening | None = None
    route: RouteSnapshot | None = None
    assignments: tuple[Assignment, ...] = ()
    acknowledgement: Acknowledgement | None = None
    draft: Draft | None = None
    answers: tuple[Answer, ...] = ()
    question: str | None = None
    reason: str | None = None
    is_reason_restricted: bool = False
    destination: str | None = None
    duplicate_of: str | None = None
    rating: int | None = None
    reopen_requested_at: datetime | None = None
    history: tuple[HistoryEntry, ...] = ()
    breaches: tuple[Breach, ...] = ()

    @property
    def intake(self) -> FeedbackState:
        """What was received; raises NotReceivedYet."""
        if self.feedback is None:
            raise NotReceivedYet(self.feedback_id)
        return self.feedback

    @property
    def is_received(self) -> bool:
        """Say whether the receipt came; lists show only those."""
        return self.feedback is not None and bool(self.promises)

    @property
    def channel(self) -> Channel:
        """Where it came in."""
        return self.intake.channel

    @property
    def text(self) -> str:
        """The citizen's words."""
        return self.intake.text

    @property
    def place(self) -> Place | None:
        """Where it is about."""
        return self.intake.place

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The citizen's files."""
        return self.intake.attachments

    @property
    def received_at(self) -> datetime:
        """When it was received, the start of the citizen's clocks."""
        return self.intake.received_at

    @property
    def reachable_by(self) -> tuple[str, ...]:
        """The ways to reach the citizen, never an address."""
        return self.intake.reachable_by

    @property
    def follow_ups(self) -> tuple[FollowUp, ...]:
        """The citizen's later words."""
        return self.intake.follow_ups

    @property
    def promise(self) -> Promise:
        """The promise that runs now: the last one; raises NotReceivedYet."""
        if not self.promises:
            raise NotReceivedYet(self.feedback_id)
        return self.promises[-1].promise

    @property
    def answer(self) -> Answer | None:
        """The newest signed answer; it stays while a reopened ticket is worked on."""
        return self.answers[-1] if self.answers else None

    @property
    def told_at(self) -> datetime | None:
        """When the citizen was told the newest answer by a person."""
        return self.answer.told_at if self.answer else None

    @property
    def times_reopened(self) -> int:
        """How often it was reopened."""
        return sum(entry.action == Action.REOPEN for entry in self.history)
