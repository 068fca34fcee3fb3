"""The state machine as data: from where, which action, to where, by whom, with what, on which tickets, by
which law.

`workflow` reads it, pages take their buttons from it, and docs/workflow.md says the same in a table written
apart from this one (a test compares every status, action and party). Nothing else decides what may happen to
a ticket.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.respond.ticket import ANSWERED, AT_AGENCY, ENDED, UNANSWERED, Action, Party, Status


class Scope(StrEnum):
    """Which tickets a row is for: a restricted one is touched by screener, inspector, citizen and system
    only."""

    OPEN = "open"
    RESTRICTED = "restricted"
    BOTH = "both"


class Condition(StrEnum):
    """What must hold besides status and party; a page says why not by `errors.not_allowed.<condition>`."""

    NOT_ACKNOWLEDGED = "not_acknowledged"
    NEVER_DECLINED = "never_declined"
    NEVER_GIVEN_BACK = "never_given_back"
    ORIGINAL_IS_ANSWERED = "original_is_answered"
    CITIZEN_CAN_BE_REACHED = "citizen_can_be_reached"
    ANSWERING_AGENCY = "answering_agency"
    POLICY_WAIVES_HEAD = "policy_waives_head"
    AGENCY_HAS_NO_ACCOUNTS = "agency_has_no_accounts"
    NOT_TOLD = "not_told"
    WORK_NOT_PROMISED = "work_not_promised"
    REOPEN_LEFT = "reopen_left"
    REOPEN_REQUESTED = "reopen_requested"
    NOT_SCREENED = "not_screened"
    SCREENED = "screened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row. `after` None keeps the status; `requires` names inputs; `law` is the article behind an odd
    row."""

    action: Action
    before: frozenset[Status]
    after: Status | None
    parties: frozenset[Party]
    requires: tuple[str, ...] = ()
    scope: Scope = Scope.OPEN
    conditions: tuple[Condition, ...] = ()
    law: str = ""


DESK = frozenset({Party.OPERATOR, Party.TRIAGE_OFFICER})
TRIAGE = frozenset({Party.TRIAGE_OFFICER})
AGENCY = frozenset({Party.AGENCY_STAFF, Party.AGENCY_HEAD})
HEAD = frozenset({Party.AGENCY_HEAD})
STAFF = frozenset({Party.AGENCY_STAFF})
SCREENER = frozenset({Party.SCREENER})
SCREENERS = frozenset({Party.SCREENER, Party.INSPECTOR})
SUPERVISORS = frozenset({Party.TRIAGE_OFFICER, Party.INSPECTOR, Party.COORDINATOR})
WHO_READS_OPEN = DESK | AGENCY | {Party.INSPECTOR}
CITIZEN = frozenset({Party.CITIZEN})
SYSTEM = frozenset({Party.SYSTEM})

EVERY = frozenset(Status)
ONLY_RECEIVED = frozenset({Status.RECEIVED})
AT_DESK = frozenset({Status.RECEIVED, Status.IN_REVIEW})
REVIEWED = frozenset({Status.IN_REVIEW})
WORKED_ON = frozenset({Status.ASSIGNED, Status.IN_PROGRESS})
WAITING = frozenset({Status.AWAITING_CITIZEN})
TO_SIGN = frozenset({Status.DRAFTED, Status.SUBMITTED})
ONLY_DUPLICATE = frozenset({Status.DUPLICATE})

SIGNATURE = ("number", "signed_on", "signatory")
WHOLE_ANSWER = ("text", "outcome", *SIGNATURE)

DENUNCIATION_FORM = "Luật Tố cáo 2018 Điều 22, 25"
DENUNCIATION_IDENTITY = "Luật Tố cáo 2018 Điều 9, 56"
DENUNCIATION_WITHDRAWAL = "Luật Tố cáo 2018 Điều 33"


def row(
    action: Action,
    before: frozenset[Status],
    after: Status | None,
    parties: frozenset[Party],
    *requires: str,
    scope: Scope = Scope.OPEN,
    conditions: tuple[Condition, ...] = (),
    law: str = "",
) -> Transition:
    """Write one row of the table on a line or two."""
    return Transition(
        action=action,
        before=before,
        after=after,
        parties=parties,
        requires=requires,
        scope=scope,
        conditions=conditions,
        law=law,
    )


A, S, C = Action, Status, Condition
RESTRICTED, BOTH = Scope.RESTRICTED, Scope.BOTH

AT_THE_DESK = (
    row(A.ACKNOWLEDGE, UNANSWERED, None, DESK, "how", "said", conditions=(C.NOT_ACKNOWLEDGED,)),
    row(
        A.ACKNOWLEDGE,
        UNANSWERED,
        None,
        SCREENERS,
        "how",
        "said",
        scope=RESTRICTED,
        conditions=(C.NOT_ACKNOWLEDGED,),
    ),
    row(
        A.ACKNOWLEDGE,
        UNANSWERED,
        None,
        SYSTEM,
        "how",
        "said",
        scope=BOTH,
        conditions=(C.NOT_ACKNOWLEDGED,),
    ),
    row(A.REVIEW, ONLY_RECEIVED, S.IN_REVIEW, TRIAGE | SYSTEM),
    row(A.ASSIGN, AT_DESK, S.ASSIGNED, TRIAGE, "route", "agency_due_at"),
    # A person decides where it goes once an agency has declined it, or two rules could send it back and forth; and
    # once its original came to nothing, as nobody has looked at it for its own sake.
    row(
        A.ASSIGN,
        AT_DESK,
        S.ASSIGNED,
        SYSTEM,
        "route",
        "agency_due_at",
        conditions=(C.NEVER_DECLINED, C.NEVER_GIVEN_BACK),
    ),
    row(A.REASSIGN, AT_AGENCY, S.ASSIGNED, TRIAGE | SYSTEM, "route", "agency_due_at", "note"),
    row(
        A.REFUSE,
        AT_DESK,
        S.REFUSED,
        TRIAGE,
        "note",
        law="Luật Tiếp công dân 2013: các trường hợp được từ chối",
    ),
    row(
        A.REDIRECT,
        AT_DESK | {S.ASSIGNED},
        S.REDIRECTED,
        TRIAGE,
        "note",
        "destination",
        law="Luật Khiếu nại 2011; Luật Tố cáo 2018: giải quyết theo luật riêng, chỉ hướng dẫn hoặc chuyển",
    ),
    row(A.MARK_DUPLICATE, AT_DESK | WORKED_ON, S.DUPLICATE, TRIAGE, "duplicate_of"),
    row(
        A.CARRY_ANSWER,
        ONLY_DUPLICATE,
        S.ANSWERED,
        SYSTEM,
        "original",
        conditions=(C.ORIGINAL_IS_ANSWERED,),
    ),
    row(A.RESTORE, ENDED, S.RECEIVED, TRIAGE, "note"),
    row(A.RESTORE, ONLY_DUPLICATE, S.RECEIVED, SYSTEM, "note"),
    row(A.MARK_URGENT, UNANSWERED, None, DESK, "note"),
)

AT_THE_AGENCY = (
    row(A.DECLINE, WORKED_ON, S.RECEIVED, AGENCY, "note"),
    row(A.START, frozenset({S.ASSIGNED}), S.IN_PROGRESS, AGENCY),
    row(
        A.ASK_CITIZEN,
        WORKED_ON,
        S.AWAITING_CITIZEN,
        AGENCY,
        "question",
        conditions=(C.CITIZEN_CAN_BE_REACHED,),
    ),
    row(A.RESUME, WAITING, S.IN_PROGRESS, AGENCY, "note"),
    row(A.RESUME, WAITING, S.IN_PROGRESS, SYSTEM, "step"),
    row(
        A.DRAFT,
        WORKED_ON | WAITING | {S.DRAFTED},
        S.DRAFTED,
        AGENCY,
        "text",
        "outcome",
        conditions=(C.ANSWERING_AGENCY,),
    ),
    row(A.SUBMIT, frozenset({S.DRAFTED}), S.SUBMITTED, AGENCY, conditions=(C.ANSWERING_AGENCY,)),
    row(
        A.SEND_BACK,
        frozenset({S.SUBMITTED}),
        S.IN_PROGRESS,
        HEAD,
        "note",
        conditions=(C.ANSWERING_AGENCY,),
    ),
    row(A.SIGN, TO_SIGN, S.ANSWERED, HEAD, *SIGNATURE, conditions=(C.ANSWERING_AGENCY,)),
    row(
        A.SIGN,
        TO_SIGN,
        S.ANSWERED,
        STAFF,
        *SIGNATURE,
        conditions=(C.ANSWERING_AGENCY, C.POLICY_WAIVES_HEAD),
    ),
    row(
        A.RECORD_ANSWER,
        WORKED_ON,
        S.ANSWERED,
        TRIAGE,
        *WHOLE_ANSWER,
        "note",
        conditions=(C.AGENCY_HAS_NO_ACCOUNTS,),
    ),
)

AFTER_THE_ANSWER = (
    row(A.TELL, ANSWERED, None, DESK, "said", conditions=(C.NOT_TOLD,)),
    row(A.TELL, EVERY, None, SYSTEM, scope=BOTH, conditions=(C.NOT_TOLD,)),
    row(A.CLOSE, frozenset({S.ANSWERED}), S.CLOSED, TRIAGE | HEAD, "note"),
    row(
        A.CLOSE,
        frozenset({S.ANSWERED}),
        S.CLOSED,
        SYSTEM,
        "step",
        scope=BOTH,
        conditions=(C.WORK_NOT_PROMISED,),
    ),
    row(
        A.REOPEN,
        ANSWERED,
        S.IN_PROGRESS,
        TRIAGE | {Party.INSPECTOR},
        "promise",
        "agency_due_at",
        "note",
        conditions=(C.REOPEN_LEFT,),
    ),
    row(
        A.REOPEN,
        ANSWERED,
        S.IN_PROGRESS,
        SYSTEM,
        "promise",
        "agency_due_at",
        conditions=(C.REOPEN_LEFT, C.REOPEN_REQUESTED),
    ),
)

RESTRICTED_TICKETS = (
    row(
        A.RESTRICT,
        EVERY,
        S.IN_REVIEW,
        WHO_READS_OPEN | SYSTEM,
        "note",
        "screening_due_at",
        law=DENUNCIATION_IDENTITY,
    ),
    row(
        A.CONFIRM_RESTRICTED,
        REVIEWED,
        None,
        SCREENER,
        scope=RESTRICTED,
        conditions=(C.NOT_SCREENED,),
        law=DENUNCIATION_FORM,
    ),
    row(A.RETURN_TO_DESK, REVIEWED, S.RECEIVED, SCREENER, "note", scope=RESTRICTED),
    row(
        A.REDIRECT,
        REVIEWED,
        S.REDIRECTED,
        SCREENERS,
        "note",
        "destination",
        scope=RESTRICTED,
        conditions=(C.SCREENED,),
        law=DENUNCIATION_FORM,
    ),
    row(
        A.RECORD_ANSWER,
        REVIEWED,
        S.ANSWERED,
        SCREENERS,
        *WHOLE_ANSWER,
        scope=RESTRICTED,
        conditions=(C.SCREENED,),
    ),
    row(A.TELL, ANSWERED, None, SCREENERS, "said", scope=RESTRICTED, conditions=(C.NOT_TOLD,)),
    row(A.CLOSE, frozenset({S.ANSWERED}), S.CLOSED, SCREENERS, "note", scope=RESTRICTED),
    row(
        A.REOPEN,
        ANSWERED,
        S.IN_REVIEW,
        SCREENERS,
        "promise",
        "note",
        scope=RESTRICTED,
        conditions=(C.REOPEN_LEFT,),
    ),
    row(A.RESTORE, ENDED, S.IN_REVIEW, SCREENERS, "note", scope=RESTRICTED),
    row(A.MARK_URGENT, UNANSWERED, None, SCREENERS, "note", scope=RESTRICTED),
    row(A.NOTE, EVERY, None, SCREENERS, "note", scope=RESTRICTED),
)

FROM_THE_CITIZEN = (
    row(A.ADD, EVERY - WAITING, None, CITIZEN, scope=BOTH),
    row(A.ADD, WAITING, S.IN_PROGRESS, CITIZEN, scope=BOTH),
    row(A.RATE, EVERY, None, CITIZEN, "rating", scope=BOTH),
    row(A.REQUEST_REOPEN, ANSWERED, None, CITIZEN, scope=BOTH, conditions=(C.REOPEN_LEFT,)),
    row(A.WITHDRAW, UNANSWERED | ONLY_DUPLICATE, S.WITHDRAWN, CITIZEN),
    row(A.WITHDRAW, UNANSWERED, None, CITIZEN, scope=RESTRICTED, law=DENUNCIATION_WITHDRAWAL),
)

ABOUT_THE_WORK = (
    row(A.NOTE, EVERY, None, WHO_READS_OPEN | {Party.COORDINATOR}, "note"),
    row(A.URGE, AT_AGENCY, None, SUPERVISORS, "note"),
)

BY_THE_SYSTEM = (
    row(A.CLASSIFY, EVERY, None, SYSTEM, "classification", scope=BOTH),
    row(A.RENEW, UNANSWERED, None, SYSTEM, "promise", scope=BOTH),
    row(A.WARN, EVERY, None, SYSTEM, "step", scope=BOTH),
    row(A.BREACH, EVERY, None, SYSTEM, "step", scope=BOTH),
    row(A.ESCALATE, EVERY, None, SYSTEM, "step", scope=BOTH),
)

TRANSITIONS: tuple[Transition, ...] = (
    *AT_THE_DESK,
    *AT_THE_AGENCY,
    *AFTER_THE_ANSWER,
    *RESTRICTED_TICKETS,
    *FROM_THE_CITIZEN,
    *ABOUT_THE_WORK,
    *BY_THE_SYSTEM,
)
