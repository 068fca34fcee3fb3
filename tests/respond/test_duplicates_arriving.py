"""respond's own facts come back to it: no answer and no ending of an original fails to reach those merged with it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hotline.facts import (
    Attachment,
    FollowUp,
    FollowUpKind,
    Outcome,
    TicketState,
)
from hotline.plumbing.files import FileVault, NoSuchFile
from hotline.roles import Role
from services.respond.actions import act
from services.respond.consumer import handler
from services.respond.documents import state_of
from services.respond.duplicates import GIVEN_BACK, bring, bring_along, goes_round
from services.respond.reconciling import tell_ticket_again
from services.respond.store_sqlite import SqliteRespondStore
from services.respond.ticket import Action, Status, Ticket
from tests.contract.facts_for_tests import erased
from tests.respond.builders import session
from tests.respond.office import Office
from tests.stores.tickets import LETTER

LEAD = "phong-kinh-te-xa-00691"
ANSWER = "Đã vá xong đoạn đường vào tổ 5."
MINE = "Ổ gà trước cổng nhà tôi, sơn màu huyết dụ"
D, R, A = Status.DUPLICATE, Status.RECEIVED, Status.ANSWERED


async def do(office: Office, feedback_id: str, action: Action, role: Role = Role.TRIAGE_OFFICER, **given: Any) -> None:
    """Let somebody of the staff act on a ticket."""
    agency_id = LEAD if role in {Role.AGENCY_STAFF, Role.AGENCY_HEAD} else None
    who, ticket = session(role, agency_id=agency_id), await office.ticket(feedback_id)
    office.clock.now += timedelta(minutes=1)
    await act(office.desk, who, ticket, action, office.clock.now, **given)


async def answer(office: Office, feedback_id: str = "f1", text: str = ANSWER, *files: Attachment) -> None:
    """Let the agency answer a ticket."""
    outcome = Outcome.SETTLED
    await do(office, feedback_id, Action.DRAFT, Role.AGENCY_STAFF, text=text, outcome=outcome, files=files)
    signed_on = office.clock.now.date()
    await do(office, feedback_id, Action.SIGN, Role.AGENCY_HEAD, number="1/KT", signed_on=signed_on, signatory="Bình")


REFUSED_ROW = """create trigger refused_row before update on respond_ticket when new.feedback_id = 'f2'
                   begin select raise(abort, 'refused'); end"""


async def merge(office: Office, **into: str) -> None:
    """Merge tickets with others, the ones named with those given."""
    for feedback_id, other in into.items():
        await do(office, feedback_id, Action.MARK_DUPLICATE, duplicate_of=other)


async def arrive(office: Office, count: int = 3) -> None:
    """Let so many feedbacks come to the agency, f1 and on; the first in words of its own."""
    for number in range(1, count + 1):
        await office.arrive(f"f{number}", *([MINE] if number == 1 else []))


async def statuses(office: Office, count: int = 3) -> list[Status]:
    """Return the statuses of the tickets, f1 and on."""
    return [(await office.ticket(f"f{number}")).status for number in range(1, count + 1)]


async def erase(office: Office, feedback_id: str = "f1") -> None:
    """Let ingest tell that a feedback was erased."""
    fact = erased(feedback_id, office.clock.now, epoch=9)
    await handler(office.desk, office.clock)(fact)


async def is_kept(office: Office, file: Attachment) -> bool:
    """Say whether a file of an answer can still be fetched."""
    try:
        await office.desk.vault.chunks(file.file_id)
    except NoSuchFile:
        return False
    return True


async def refuse(office: Office) -> None:
    await do(office, "f1", Action.DECLINE, Role.AGENCY_STAFF, note="không thuộc thẩm quyền")
    await do(office, "f1", Action.REFUSE, note="đã có kết luận cuối cùng")


async def redirect(office: Office) -> None:
    await do(office, "f1", Action.REDIRECT, note="nộp đơn khiếu nại", destination="Ban Tiếp công dân")


async def withdraw(office: Office) -> None:
    said = FollowUp(at=office.clock.now, kind=FollowUpKind.WITHDRAWN, text="", by="citizen")
    await office.receive("f1", MINE, follow_ups=(said,))


async def restrict(office: Office) -> None:
    await do(office, "f1", Action.RESTRICT, note="có thể là tố cáo")


async def suspect(office: Office) -> None:
    office.clock.now += timedelta(minutes=1)
    await office.classify("f1", code="4.1", restricted=True)


ENDINGS: dict[str, Callable[[Office], Awaitable[None]]] = {
    "refused": refuse,
    "redirected": redirect,
    "withdrawn": withdraw,
    "restricted on its page": restrict,
    "restricted by classify": suspect,
    "erased": erase,
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_the_duplicates_are_given_back_when_the_original_is(office: Office, ending: str) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f1")
    await office.settle()
    assert (await statuses(office))[1:] == [D, D]
    promised = (await office.ticket("f2")).promises
    await ENDINGS[ending](office)
    await office.settle()
    for name in ("f2", "f3"):
        ticket = await office.ticket(name)
        assert (ticket.status, ticket.duplicate_of, ticket.history[-1].note) == (R, None, GIVEN_BACK)
    assert (await office.ticket("f2")).promises == promised


@pytest.mark.parametrize("ending", ENDINGS)
async def test_one_merged_with_what_has_ended_already_comes_back(office: Office, ending: str) -> None:
    """Two officers at once: the one ends the original, the other merges with it."""
    await arrive(office, 2)
    await ENDINGS[ending](office)
    await office.settle()
    await merge(office, f2="f1")
    await office.settle()
    assert (await office.ticket("f2")).status is R


async def test_each_gets_the_answer_of_the_original(office: Office) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f1")
    await answer(office)
    await office.settle()
    assert await statuses(office) == [A, A, A]
    for name in ("f2", "f3"):
        ticket = await office.ticket(name)
        assert [said.text for said in ticket.answers] == [ANSWER]
        assert ticket.duplicate_of == "f1"


async def test_one_merged_with_what_is_answered_already_gets_the_answer(office: Office) -> None:
    await arrive(office, 2)
    await answer(office)
    await do(office, "f1", Action.CLOSE, note="dân đồng ý")
    await office.settle()
    await merge(office, f2="f1")
    await office.settle()
    assert await statuses(office, 2) == [Status.CLOSED, A]


async def test_of_the_original_the_bus_says_the_answer_and_nothing_else(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    await answer(office)
    await office.settle()
    ticket = await office.ticket("f2")
    state = state_of(ticket, office.desk.rules, office.clock.now)
    assert isinstance(state, TicketState) and state.answer is not None
    assert (state.status, state.answer.text, state.agency_id) == ("answered", ANSWER, LEAD)
    said = repr(state)
    assert MINE not in said and "f1" not in said


async def test_duplicates_of_duplicates_follow(office: Office) -> None:
    await arrive(office, 4)
    await merge(office, f4="f3", f3="f2", f2="f1")
    await office.settle()
    assert (await statuses(office, 4))[1:] == [D, D, D]
    await answer(office)
    await office.settle()
    assert await statuses(office, 4) == [A, A, A, A]


async def test_when_the_middle_of_a_chain_is_erased_the_last_comes_back(office: Office) -> None:
    await arrive(office)
    await merge(office, f3="f2", f2="f1")
    await erase(office, "f2")
    await office.settle()
    assert (await office.ticket("f3")).status is R


async def test_of_tickets_that_wait_for_each_other_none_is_forgotten(office: Office) -> None:
    """Officers at once: each merges one with the next."""
    await arrive(office)
    await merge(office, f1="f2", f2="f3", f3="f1")
    await office.settle()
    assert [await leads_to_work(office, await office.ticket(name)) for name in ("f1", "f2", "f3")] == [True] * 3


async def leads_to_work(office: Office, ticket: Ticket) -> bool:
    """Say whether a ticket is at the desk or waits, over others perhaps, for one that is."""
    for _ in range(3):
        if ticket.status is not D or ticket.duplicate_of is None:
            return ticket.status is R
        ticket = await office.ticket(ticket.duplicate_of)
    return False


async def test_facts_read_again_change_nothing(office: Office) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f2")
    await answer(office)
    facts = await office.settle()
    before = [await office.ticket(name) for name in ("f1", "f2", "f3")]
    for fact in facts:
        await handler(office.desk, office.clock)(fact)
    assert await office.settle() == []
    assert [await office.ticket(name) for name in ("f1", "f2", "f3")] == before


async def test_each_change_is_told_once_and_no_fact_leads_to_others_for_ever(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    await office.settle()
    await answer(office)
    told = [fact.feedback_id for fact in await office.settle()]
    assert told == ["f1", "f1", "f2"]


async def test_one_that_cannot_be_saved_keeps_the_answer_from_no_other(office: Office) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f1")
    await answer(office)
    assert isinstance(office.desk.store, SqliteRespondStore)
    database = office.desk.store.database
    await database.write(lambda connection: connection.execute(REFUSED_ROW))
    with pytest.raises(sqlite3.IntegrityError):
        await bring_along(office.desk, "f1", office.clock.now)
    assert await statuses(office) == [A, D, A]
    await database.write(lambda connection: connection.execute("drop trigger refused_row"))
    await office.settle()
    assert await statuses(office) == [A, A, A]


async def test_who_waits_for_two_that_wait_for_each_other_is_in_no_ring(office: Office) -> None:
    await arrive(office)
    await merge(office, f3="f1", f1="f2", f2="f1")
    first = await office.ticket("f1")
    assert await goes_round(office.desk.store, first, "f1") and await goes_round(office.desk.store, first, "f2")
    assert not await goes_round(office.desk.store, first, "f3")


async def test_several_readers_at_once_carry_it_once(office: Office) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f1")
    await answer(office)
    changed = await asyncio.gather(*(bring_along(office.desk, "f1", office.clock.now) for _ in range(5)))
    assert sorted(ticket.feedback_id for some in changed for ticket in some) == ["f2", "f3"]
    assert [len((await office.ticket(name)).answers) for name in ("f2", "f3")] == [1, 1]


async def test_who_dies_half_way_and_begins_again_reaches_the_others(office: Office) -> None:
    await arrive(office)
    await merge(office, f2="f1", f3="f1")
    await answer(office)
    await bring(office.desk, "f2", office.clock.now)
    assert await statuses(office) == [A, A, D]
    await office.settle()
    assert await statuses(office) == [A, A, A]


async def test_telling_again_reaches_what_an_earlier_release_left_waiting(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    await answer(office)
    subscription = office.bus.subscribe("respond")
    await subscription.ack(await subscription.next_batch(64))
    await subscription.close()
    assert await office.settle() == []
    assert (await office.ticket("f2")).status is D
    await tell_ticket_again(office.desk, "f1", now=office.clock.now)
    await office.settle()
    assert (await office.ticket("f2")).status is A


async def test_a_file_of_the_answer_outlives_the_original(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    file = await office.desk.vault.keep("tra loi.pdf", LETTER, field="draft.files")
    await answer(office, "f1", ANSWER, file)
    await office.settle()
    await erase(office)
    await office.settle()
    ticket = await office.ticket("f2")
    assert (ticket.status, ticket.answers[-1].files) == (A, (file,))
    assert await is_kept(office, file)
    await erase(office, "f2")
    assert not await is_kept(office, file)


async def test_erased_before_its_answer_was_carried_there_is_nothing_to_carry(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    file = await office.desk.vault.keep("tra loi.pdf", LETTER, field="draft.files")
    await answer(office, "f1", ANSWER, file)
    await erase(office)
    await office.settle()
    assert ((await office.ticket("f2")).status, await is_kept(office, file)) == (R, False)


async def test_an_answer_whose_file_was_lost_is_left_to_a_person(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    file = await office.desk.vault.keep("tra loi.pdf", LETTER, field="draft.files")
    await answer(office, "f1", ANSWER, file)
    assert isinstance(office.desk.vault, FileVault)
    office.desk.vault.unlink(file.file_id)
    await office.settle()
    ticket = await office.ticket("f2")
    assert (ticket.status, ticket.answers) == (R, ())


async def test_what_is_given_back_stays_with_the_desk_whatever_arrives(office: Office) -> None:
    await arrive(office, 2)
    await merge(office, f2="f1")
    await restrict(office)
    await office.settle()
    office.clock.now += timedelta(hours=1)
    await office.classify("f2", code="6.3#giao_thong", decided_at=office.clock.now)
    assert (await office.ticket("f2")).status is R
