"""What the desk and the officer are told of tickets that may be the same trouble: a suggestion, never a merging."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hotline.roles import Role
from services.respond.ticket import Status
from tests.pages.client import Page
from tests.respond.office import START, WARD, Office

LEAD = "phong-kinh-te-xa-00691"
BURST = "Nhiều phản ánh cùng nội dung"
HEADING = "Phản ánh có thể cùng nội dung"
THERE = replace(WARD, commune_code="00694", commune_name="Xã Ngọc Đường")
HOUR = timedelta(hours=1)


async def arrive(office: Office, feedback_id: str, *like: str, hours: float = 0, **changes: object) -> None:
    """Let a message come so many hours after the first, like others as classify says."""
    office.clock.now = START + hours * HOUR
    await office.receive(feedback_id, **changes)
    await office.classify(feedback_id, similar=like)


def linked(page: Page) -> list[str]:
    """Return the tickets that a ticket's page suggests, in its order."""
    return [str(link.attributes["href"]).rsplit("/", 1)[-1] for link in page.select("#similar a")]


async def three_alike(office: Office) -> None:
    """Let three messages on one trouble come, an hour apart."""
    await arrive(office, "f1")
    await arrive(office, "f2", "f1", hours=1)
    await arrive(office, "f3", "f1", "f2", hours=2, place=THERE)


READERS: dict[str, tuple[Role, str | None]] = {
    "operator": (Role.OPERATOR, None),
    "triage officer": (Role.TRIAGE_OFFICER, None),
    "inspector": (Role.INSPECTOR, None),
    "coordinator": (Role.COORDINATOR, None),
}


@pytest.mark.parametrize("reader", READERS)
async def test_a_ticket_shows_what_may_be_the_same_whichever_came_first(office: Office, reader: str) -> None:
    await three_alike(office)
    role, agency_id = READERS[reader]
    office.sign_in(role, agency_id=agency_id)
    assert [linked(await office.open(name)) for name in ("f1", "f2", "f3")] == [
        ["f3", "f2"],
        ["f3", "f1"],
        ["f2", "f1"],
    ]


async def test_each_is_told_with_date_commune_and_status(office: Office) -> None:
    await three_alike(office)
    office.sign_in(Role.TRIAGE_OFFICER)
    said = [" ".join(item.text().split()) for item in (await office.open("f1")).select("#similar li")]
    assert said == [
        "Phản ánh nhận lúc 10:00 ngày 18/11/2026 · Xã Ngọc Đường · Đã chuyển cơ quan xử lý",
        "Phản ánh nhận lúc 09:00 ngày 18/11/2026 · Phường Hà Giang 2 · Đã chuyển cơ quan xử lý",
    ]


async def test_an_agency_is_shown_only_its_own_tickets(office: Office) -> None:
    await three_alike(office)
    office.sign_in(Role.AGENCY_STAFF, agency_id=LEAD)
    lead_of = {name: (await office.ticket(name)).route for name in ("f1", "f2", "f3")}
    own = {name for name, route in lead_of.items() if route and LEAD in route.agency_ids}
    assert own == {"f1", "f2"}
    assert linked(await office.open("f1")) == ["f2"]


async def restricted_on_its_page(office: Office) -> None:
    office.sign_in(Role.TRIAGE_OFFICER)
    await office.open("f2")
    await office.do("restrict", note="Có thể là tố cáo")


async def restricted_by_classify(office: Office) -> None:
    await office.classify("f2", restricted=True, decided_at=office.clock.now + HOUR, similar=("f1",))


async def erased(office: Office) -> None:
    await office.desk.store.erase("f2")


HIDING: dict[str, Callable[[Office], Awaitable[None]]] = {
    "restricted on its page": restricted_on_its_page,
    "restricted by classify": restricted_by_classify,
    "erased": erased,
}


@pytest.mark.parametrize("role", [Role.TRIAGE_OFFICER, Role.INSPECTOR])
@pytest.mark.parametrize("case", HIDING)
async def test_what_was_hidden_since_is_suggested_to_nobody(office: Office, case: str, role: Role) -> None:
    await three_alike(office)
    await HIDING[case](office)
    office.sign_in(role, is_screener=True)
    assert [linked(await office.open(name)) for name in ("f1", "f3")] == [["f3"], ["f1"]]
    if case != "erased":
        assert HEADING not in (await office.open("f2")).text


async def test_what_is_not_classified_yet_is_neither_the_one_nor_the_other(office: Office) -> None:
    await arrive(office, "f1", "f2")
    await office.receive("f2")
    office.sign_in(Role.INSPECTOR, is_screener=True)
    assert [linked(await office.open(name)) for name in ("f1", "f2")] == [[], []]


async def test_a_burst_is_told_on_the_list_and_on_the_ticket(office: Office) -> None:
    for number in range(1, 6):
        await arrive(office, f"f{number}", *[f"f{before}" for before in range(1, number)], hours=number)
    office.sign_in(Role.TRIAGE_OFFICER)
    desk = await office.browser.get("/desk")
    assert desk.text.count(f"{BURST}: 5 trong 72 giờ") == 5
    assert f"{BURST}: 5 trong 72 giờ" in (await office.open("f1")).text


async def test_fewer_or_one_of_them_restricted_is_no_burst(office: Office) -> None:
    for number in range(1, 6):
        await arrive(office, f"f{number}", *[f"f{before}" for before in range(1, number)], hours=number)
    office.sign_in(Role.TRIAGE_OFFICER)
    await office.open("f3")
    await office.do("restrict", note="Có thể là tố cáo")
    desk, page = await office.browser.get("/desk"), await office.open("f1")
    assert BURST not in desk.text and BURST not in page.text
    assert desk.text.count(f"{HEADING}: 3") == 4 and linked(page) == ["f5", "f4", "f2"]


async def test_merging_is_offered_with_the_first_filled_in_and_done_by_nobody_else(office: Office) -> None:
    await three_alike(office)
    assert {(await office.ticket(name)).status for name in ("f1", "f2", "f3")} == {Status.ASSIGNED}
    office.sign_in(Role.TRIAGE_OFFICER)
    page = await office.open("f3")
    assert page.value("mark_duplicate.duplicate_of") == "f1"
    await office.do("mark_duplicate")
    ticket = await office.ticket("f3")
    assert (ticket.status, ticket.duplicate_of) == (Status.DUPLICATE, "f1")
    assert (await office.ticket("f1")).status is Status.ASSIGNED
    page = await office.open("f1")
    assert page.value("mark_duplicate.duplicate_of") == ""


async def test_nothing_is_said_where_nothing_is_like_it(office: Office) -> None:
    await arrive(office, "f1")
    await arrive(office, "f2")
    office.sign_in(Role.TRIAGE_OFFICER)
    desk, page = await office.browser.get("/desk"), await office.open("f1")
    assert HEADING not in desk.text and HEADING not in page.text
