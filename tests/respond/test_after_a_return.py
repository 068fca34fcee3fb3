"""What others read of a ticket that a screener returned: of what was said while it was restricted only the instants."""

import csv
import io
from dataclasses import replace

import pytest

from hotline.roles import Role
from hotline.taxonomy import PetitionKind
from services.respond.actions import act
from services.respond.documents import state_of
from services.respond.effects import end, record_answer
from services.respond.register import register
from services.respond.ticket import Action, Status, Ticket, actor_of
from services.respond.ticket_view import as_seen, row_of
from tests.respond.builders import inputs_for, session
from tests.respond.office import Office

SCREENER = session(Role.INSPECTOR, is_screener=True, full_name="Lý Thị Sáng")
SAID = "Đã nhận tố cáo, hẹn gặp riêng"
REASON = "Nộp đơn có chữ ký"
OTHERS = [Role.OPERATOR, Role.TRIAGE_OFFICER, Role.COORDINATOR]


async def returned(office: Office) -> Ticket:
    """Let a suspected denunciation be acknowledged, sent elsewhere and then returned to the desk."""
    now, desk = office.clock.now, office.desk
    suspected = {"code": "4.1", "petition_kind": PetitionKind.TO_CAO, "restricted": True, "needs_review": True}
    ticket = await office.arrive("f1", "Tố cáo ông Nguyễn Văn Tham nhận tiền", **suspected)
    ticket = await act(desk, SCREENER, ticket, Action.ACKNOWLEDGE, now, how="phone", said=SAID)
    return await act(desk, SCREENER, ticket, Action.RETURN_TO_DESK, now, note="Không phải tố cáo")


@pytest.mark.parametrize("role", OTHERS)
async def test_the_page_keeps_words_names_and_suspicion_to_those_who_may_know(office: Office, role: Role) -> None:
    await returned(office)
    office.sign_in(role)
    page = (await office.open()).text
    assert "Tố cáo ông" in page
    for hidden in (SAID, "Lý Thị Sáng", "a-inspector", "4.1", "Kiểm soát tham nhũng"):
        assert hidden not in page
    office.sign_in(Role.INSPECTOR, is_screener=True)
    assert SAID in (await office.open()).text


async def test_the_register_and_the_rows_keep_them_too(office: Office) -> None:
    ticket = await returned(office)
    coordinator, now, rules = session(Role.COORDINATOR), office.clock.now, office.desk.rules
    text = register(coordinator, [ticket], now, rules, lambda key: key, lambda account: f"name of {account}")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["register.code"], row["register.field"], row["register.acknowledged_by"]) == ("", "", "")
    assert row["register.acknowledged_at"]
    assert row_of(coordinator, ticket, now, rules, "vi").code_name == ""
    assert row_of(SCREENER, ticket, now, rules, "vi").code_name


async def test_answers_and_reasons_of_that_time_are_instants_for_others_and_nothing_for_the_citizen(
    office: Office,
) -> None:
    open_ticket = await office.arrive()
    closed = await office.restrict("f2")
    for ticket, is_said in ((open_ticket, True), (closed, False)):
        answered = answer(ticket, office)
        seen = as_seen(session(Role.OPERATOR), answered)
        assert seen.answer is not None and answered.answer is not None
        assert (bool(seen.answer.text), seen.answer.answered_at) == (is_said, answered.answer.answered_at)
        assert (seen.reason is not None) is is_said
        later = replace(answered, restricted=False)
        assert (state_of(later, office.desk.rules, office.clock.now).answer is not None) is is_said


def answer(ticket: Ticket, office: Office) -> Ticket:
    """Return the ticket as the effects leave it after an answer and an ending."""
    now, actor = office.clock.now, actor_of(SCREENER)
    answered = record_answer(ticket, actor, now, inputs_for(Action.RECORD_ANSWER, now))  # type: ignore[arg-type]
    return replace(end(answered, actor, now, {"note": REASON}), status=Status.ANSWERED)


async def test_what_a_person_has_decided_is_shown(office: Office) -> None:
    ticket = await returned(office)
    assert ticket.classification is not None
    decided = replace(ticket, classification=replace(ticket.classification, decided_by="a1", restricted=False))
    assert as_seen(session(Role.OPERATOR), decided).classification is not None
    lifted = replace(ticket, classification=replace(ticket.classification, restricted=False))
    assert lifted.classification is not None and lifted.classification.petition_kind is PetitionKind.TO_CAO
    assert as_seen(session(Role.OPERATOR), lifted).classification is None


@pytest.mark.parametrize("is_restricted", [True, False])
async def test_an_open_ticket_is_no_duplicate_of_a_restricted_one(office: Office, is_restricted: bool) -> None:
    """Though an officer who is a screener sees both: the colleagues would read that there is another."""
    await office.arrive("f1", needs_review=True)
    await (office.restrict("f2") if is_restricted else office.arrive("f2"))
    office.sign_in(Role.TRIAGE_OFFICER, is_screener=True)
    await office.open("f1")
    await office.do(Action.MARK_DUPLICATE, status=422 if is_restricted else 200, duplicate_of="f2")
    assert ((await office.ticket("f1")).duplicate_of == "f2") is not is_restricted
