"""Who may see which ticket; None reads as "there is no such ticket"."""

import unicodedata

import pytest

from hotline.facts import FollowUpKind
from hotline.named_people import is_named_in
from hotline.roles import Role, Session
from services.respond.access import (
    VIEWS,
    View,
    listed,
    ticket_for,
    ticket_for_agency,
    ticket_for_coordinator,
    ticket_for_desk,
    ticket_for_inspector,
    ticket_for_screener,
)
from services.respond.ticket import Action, Ticket
from tests.respond.builders import (
    IMPLEMENTER,
    LEAD,
    STAFF,
    STRANGER,
    assigned,
    at,
    classification,
    classify,
    feedback,
    follow_up,
    happen,
    new_ticket,
    receive,
    restricted_ticket,
    session,
)

UNCLASSIFIED = new_ticket()
NEW = classify(new_ticket(), classification())
ASSIGNED, RESTRICTED = assigned(NEW), restricted_ticket()
OPERATOR = session(Role.OPERATOR)
TRIAGE = session(Role.TRIAGE_OFFICER)
SCREENER = session(Role.TRIAGE_OFFICER, is_screener=True)
LEAD_STAFF = session(Role.AGENCY_STAFF, agency_id=LEAD)
LEAD_HEAD = session(Role.AGENCY_HEAD, agency_id=LEAD)
IMPLEMENTING = session(Role.AGENCY_STAFF, agency_id=IMPLEMENTER)
OTHER_AGENCY = session(Role.AGENCY_HEAD, agency_id=STRANGER)
INSPECTOR = session(Role.INSPECTOR)
SCREENING_INSPECTOR = session(Role.INSPECTOR, is_screener=True)
COORDINATOR = session(Role.COORDINATOR)
ADMIN = session(Role.ADMIN)
# A mark on a role that may not screen opens nothing.
MARKED_OPERATOR = session(Role.OPERATOR, is_screener=True)
MARKED_HEAD = session(Role.AGENCY_HEAD, agency_id=LEAD, is_screener=True)

#       who                  sees a new, an assigned, a restricted ticket
TABLE = [
    (OPERATOR, True, True, False),
    (TRIAGE, True, True, False),
    (SCREENER, True, True, True),
    (LEAD_STAFF, False, True, False),
    (LEAD_HEAD, False, True, False),
    (IMPLEMENTING, False, True, False),
    (OTHER_AGENCY, False, False, False),
    (INSPECTOR, True, True, True),
    (SCREENING_INSPECTOR, True, True, True),
    (COORDINATOR, True, True, False),
    (ADMIN, False, False, False),
    (MARKED_OPERATOR, True, True, False),
    (MARKED_HEAD, False, True, False),
]


@pytest.mark.parametrize(("who", "new", "assigned", "restricted"), TABLE)
def test_who_sees_what(who: Session, new: bool, assigned: bool, restricted: bool) -> None:
    seen = [ticket_for(who, ticket) is not None for ticket in (NEW, ASSIGNED, RESTRICTED)]
    assert seen == [new, assigned, restricted]


@pytest.mark.parametrize(("who", "_new", "_assigned", "restricted"), TABLE)
def test_what_is_not_classified_yet_is_seen_as_if_it_were_restricted(
    who: Session, _new: bool, _assigned: bool, restricted: bool
) -> None:
    """It may be a denunciation: while the model is down nobody else may read it."""
    seen = [ticket_for(who, ticket) is not None for ticket in (UNCLASSIFIED, assigned_unclassified())]
    assert seen == [restricted, restricted]


def assigned_unclassified() -> Ticket:
    return assigned(UNCLASSIFIED)


@pytest.mark.parametrize(
    ("view", "who"),
    [
        (ticket_for_desk, OPERATOR),
        (ticket_for_desk, TRIAGE),
        (ticket_for_agency, LEAD_STAFF),
        (ticket_for_coordinator, COORDINATOR),
        (ticket_for_inspector, INSPECTOR),
        (ticket_for_screener, SCREENER),
    ],
)
def test_each_view_serves_its_own_audience_alone(view: View, who: Session) -> None:
    everyone = [row[0] for row in TABLE]
    served = {session.role for session in everyone for t in (ASSIGNED, RESTRICTED) if view(session, t)}
    assert who.role in served
    assert Role.ADMIN not in served
    if view is not ticket_for_screener:
        assert not any(view(session, RESTRICTED) for session in everyone if session.role != Role.INSPECTOR)


def test_the_desk_page_does_not_show_restricted_tickets_even_to_a_screener() -> None:
    assert ticket_for_desk(SCREENER, RESTRICTED) is None


def test_the_screeners_page_shows_restricted_tickets_only() -> None:
    assert ticket_for_screener(SCREENER, ASSIGNED) is None


def test_an_agency_that_handed_the_ticket_on_sees_it_no_more() -> None:
    declined = happen(ASSIGNED, [(Action.DECLINE, STAFF, "2026-11-19 09:00")])
    assert ticket_for_agency(LEAD_STAFF, declined) is None
    restricted = happen(ASSIGNED, [(Action.RESTRICT, STAFF, "2026-11-19 09:00")])
    assert ticket_for_agency(LEAD_HEAD, restricted) is None


def test_an_agency_account_without_an_agency_sees_nothing() -> None:
    assert ticket_for_agency(session(Role.AGENCY_STAFF), ASSIGNED) is None


def test_a_ticket_whose_receipt_has_not_come_is_seen_by_nobody() -> None:
    early = classify(None, classification())
    assert not any(view(row[0], early) for view in VIEWS for row in TABLE)


ACCUSING = restricted_ticket(text="Ông Nguyễn Văn Bình, cán bộ địa chính, đòi 20 triệu mới làm sổ đỏ")


@pytest.mark.parametrize("view", [ticket_for_screener, ticket_for_inspector])
@pytest.mark.parametrize(
    ("full_name", "may_see"),
    [
        ("Nguyễn Văn Bình", False),
        ("nguyen van binh", False),
        ("NGUYỄN  VĂN  BÌNH", False),
        (unicodedata.normalize("NFD", "Nguyễn Văn Bình"), False),
        ("Nguyễn Văn Bì", True),
        ("Trần Văn Bình", True),
    ],
)
def test_nobody_handles_the_denunciation_that_names_them(view: View, full_name: str, may_see: bool) -> None:
    who = session(Role.INSPECTOR, is_screener=True, full_name=full_name)
    assert (view(who, ACCUSING) is not None) is may_see


def test_a_name_given_in_a_later_word_counts_too() -> None:
    named = follow_up(FollowUpKind.ADDED, at("2026-11-19 09:00"), text="do le thi hoa nhan tien")
    ticket = receive(restricted_ticket(), feedback(follow_ups=(named,)), seq=1)
    assert ticket_for_screener(SCREENER, ticket) is None
    assert ticket_for_screener(SCREENER, RESTRICTED) is RESTRICTED


def test_a_name_in_an_ordinary_ticket_keeps_no_inspector_away() -> None:
    ticket = classify(new_ticket(text="Cảm ơn bà Lê Thị Hoa"), classification())
    assert ticket_for_inspector(INSPECTOR, ticket) is ticket


@pytest.mark.parametrize(
    ("full_name", "text", "is_named"),
    [
        ("Lê Thị Hoa", "ba Le Thi Hoa o tổ 3", True),
        ("Lê Thị Hoa", "bà lê.thị.hoa", True),
        ("Lê Thị Hoa", "lethihoa nhận tiền", True),
        ("Lê Thị Hoa", "lê thị hoàn", False),
        ("Lê Thị Hoa", "Hoa văn trên tường", False),
        ("Đỗ Đức", "ông do duc", True),
        ("An", "xã An Bình", True),
        ("An", "bán hàng", False),
        ("", "ai cũng thấy", False),
    ],
)
def test_how_a_name_is_found(full_name: str, text: str, is_named: bool) -> None:
    assert is_named_in(full_name, text) is is_named


def test_lists_pass_the_same_gate() -> None:
    tickets: list[Ticket] = [NEW, RESTRICTED, ASSIGNED, ACCUSING]
    accused = session(Role.INSPECTOR, full_name="Nguyễn Văn Bình")
    assert listed(ticket_for_desk, OPERATOR, tickets) == [NEW, ASSIGNED]
    assert listed(ticket_for_agency, LEAD_STAFF, tickets) == [ASSIGNED]
    assert listed(ticket_for_inspector, accused, tickets) == [NEW, RESTRICTED, ASSIGNED]
    assert listed(ticket_for_screener, SCREENER, tickets) == [RESTRICTED, ACCUSING]
