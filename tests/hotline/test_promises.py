"""The two promises: the 19 dates of the calendar study, nights, Tết, swaps, and what may move a promise
later."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hotline.promises import (
    PolicyFault,
    Promise,
    UnknownPolicy,
    load_policies,
    promise,
    read_policies,
    renew,
)
from hotline.working_days import (
    VN,
    DayNotice,
    NaiveInstant,
    NoticeKind,
    OutOfCalendar,
    load_calendar,
    local_date,
    seed_calendar,
)
from services.respond.command_due import due_command

HA_GIANG = load_policies().by_id("ha-giang-1022")
CALENDAR = load_calendar()

# Received on, answer due on: six working days after the day of receipt, by hand on the published calendar.
DUE_DATES = [
    ("2023-04-26", "2023-05-09"),
    ("2024-04-25", "2024-05-07"),
    ("2024-04-29", "2024-05-08"),
    ("2025-04-22", "2025-04-29"),
    ("2025-04-29", "2025-05-12"),
    ("2025-12-30", "2026-01-09"),
    ("2025-12-31", "2026-01-10"),
    ("2026-01-02", "2026-01-10"),
    ("2026-01-05", "2026-01-12"),
    ("2026-02-11", "2026-02-26"),
    ("2026-02-13", "2026-03-02"),
    ("2026-04-23", "2026-05-06"),
    ("2026-08-17", "2026-08-24"),
    ("2026-08-27", "2026-09-09"),
    ("2026-11-18", "2026-11-27"),
    ("2026-11-20", "2026-12-01"),
    ("2026-11-21", "2026-12-01"),
    ("2026-11-23", "2026-12-02"),
    ("2026-11-24", "2026-12-02"),
]


def promised(received_at: str) -> Promise:
    return promise(datetime.fromisoformat(received_at), HA_GIANG, CALENDAR)


@pytest.mark.parametrize(("received_on", "due_on"), DUE_DATES)
@pytest.mark.parametrize("at", ["00:00:00", "08:00:00", "23:59:59"])
def test_six_working_days(received_on: str, due_on: str, at: str) -> None:
    told = promised(f"{received_on}T{at}+07:00")
    assert told.response_due_at.astimezone(VN).isoformat() == f"{due_on}T23:59:59+07:00"
    assert told.working_days == 6


@pytest.mark.parametrize(("received_on", "due_on"), DUE_DATES)
def test_the_command_says_the_same(received_on: str, due_on: str) -> None:
    said = CliRunner().invoke(due_command, [received_on])
    assert said.exit_code == 0
    assert json.loads(said.output)["response_due_at"] == f"{due_on}T23:59:59+07:00"


@pytest.mark.parametrize(
    ("received_at", "acknowledged_by"),
    [
        (
            "2026-11-20T08:00:00+07:00",
            "2026-11-21T08:00:00+07:00",
        ),  # over a night into a Saturday: clock hours
        ("2026-11-22T22:10:00+07:00", "2026-11-23T22:10:00+07:00"),  # received on a Sunday night
        ("2026-02-16T23:59:00+07:00", "2026-02-17T23:59:00+07:00"),  # 23:59 on the last evening before Tết
        ("2026-11-24T18:30:00+00:00", "2026-11-26T01:30:00+07:00"),
    ],
)
def test_acknowledged_within_24_clock_hours(received_at: str, acknowledged_by: str) -> None:
    assert promised(received_at).acknowledgement_due_at == datetime.fromisoformat(acknowledged_by)


@pytest.mark.parametrize(
    ("received_at", "due_on"),
    [
        ("2026-02-16T23:59:00+07:00", "2026-03-02"),  # 23:59 on 30 Tết: counting starts on Monday 23/02
        ("2026-11-22T10:00:00+07:00", "2026-12-01"),  # a Sunday: Monday 23/11 is the first day, 24/11 is off
        (
            "2026-08-22T10:00:00+07:00",
            "2026-09-03",
        ),  # a worked Saturday is the day of receipt, so not counted
        ("2026-08-21T10:00:00+07:00", "2026-08-28"),  # Friday before it: the Saturday is the first day
        ("2026-12-01T16:59:59+00:00", "2026-12-09"),  # 23:59:59 in Vietnam
        ("2026-12-01T18:30:00+00:00", "2026-12-10"),  # 01:30 the next day in Vietnam
    ],
)
def test_edges_of_the_day_of_receipt(received_at: str, due_on: str) -> None:
    assert local_date(promised(received_at).response_due_at) == date.fromisoformat(due_on)


def test_both_instants_are_stored_in_utc() -> None:
    told = promised("2026-11-20T08:00:00+07:00")
    assert told.response_due_at.tzinfo is UTC
    assert told.acknowledgement_due_at.tzinfo is UTC


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(NaiveInstant):
        promise(datetime(2026, 11, 20, 8, 0), HA_GIANG, CALENDAR)  # noqa: DTZ001 - the refusal is what is tested


@pytest.mark.parametrize(
    ("received_on", "is_provisional"), [("2026-12-22", False), ("2026-12-23", False), ("2026-12-24", True)]
)
def test_a_promise_beyond_the_settled_calendar_is_provisional(received_on: str, is_provisional: bool) -> None:
    told = promised(f"{received_on}T08:00:00+07:00")
    assert told.is_provisional is is_provisional
    assert told.is_provisional is (local_date(told.response_due_at) > CALENDAR.covered_until)


def test_a_late_day_off_moves_the_promise_later() -> None:
    received_at = datetime(2026, 11, 18, 8, 0, tzinfo=VN)
    told = promise(received_at, HA_GIANG, CALENDAR)
    closed = replace(
        CALENDAR.with_notice(DayNotice(on=date(2026, 11, 23), kind=NoticeKind.NGHI_HOAN_DOI, source="thử")),
        version="new",
    )
    again = renew(told, received_at, HA_GIANG, closed)
    assert local_date(told.response_due_at) == date(2026, 11, 27)
    assert local_date(again.response_due_at) == date(2026, 11, 30)
    assert again.calendar == "new"
    assert again.acknowledgement_due_at == told.acknowledgement_due_at
    assert renew(again, received_at, HA_GIANG, closed) == again


def test_a_late_working_saturday_never_moves_it_earlier() -> None:
    received_at = datetime(2026, 11, 18, 8, 0, tzinfo=VN)
    told = promise(received_at, HA_GIANG, CALENDAR)
    worked = CALENDAR.with_notice(DayNotice(on=date(2026, 11, 21), kind=NoticeKind.LAM_BU, source="thử"))
    assert renew(told, received_at, HA_GIANG, worked).response_due_at == told.response_due_at


def test_the_swap_of_2_january_2026_as_it_happened() -> None:
    """Announced on 25/12/2025: those promised before get the later of the two dates (CALENDAR section 1)."""
    for received_on, first, then in [
        ("2025-12-30", "2026-01-08", "2026-01-09"),
        ("2026-01-05", "2026-01-13", "2026-01-13"),
    ]:
        received_at = datetime.fromisoformat(f"{received_on}T08:00:00+07:00")
        told = promise(received_at, HA_GIANG, seed_calendar())
        assert local_date(told.response_due_at) == date.fromisoformat(first)
        assert local_date(renew(told, received_at, HA_GIANG, CALENDAR).response_due_at) == date.fromisoformat(then)


def test_a_renewal_keeps_the_number_of_days_promised_whatever_the_policy_says_now() -> None:
    received_at = datetime(2026, 11, 18, 8, 0, tzinfo=VN)
    told = promise(received_at, HA_GIANG, CALENDAR)
    assert renew(told, received_at, replace(HA_GIANG, response_working_days=20), CALENDAR) == told


@pytest.mark.parametrize(
    ("locality", "channel", "policy"),
    [
        ("ha-giang-2023", "hotline", "ha-giang-1022"),
        ("tuyen-quang", "web", "ha-giang-1022"),
        ("da-nang", "web", "da-nang-1022"),
        ("can-tho-2025", "box", "ha-giang-1022"),
    ],
)
def test_the_policy_of_a_locality(locality: str, channel: str, policy: str) -> None:
    assert load_policies().choose(locality, channel).id == policy


@pytest.mark.parametrize(
    ("code", "is_urgent", "days"),
    [("6.3#dien", False, 3), ("6.3", True, 1), ("1.1", False, 6), ("1.1", True, 1)],
)
def test_stricter_targets_by_matter_and_urgency(code: str, is_urgent: bool, days: int) -> None:
    assert load_policies().by_id("da-nang-1022").agency_target(code, is_urgent=is_urgent) == days


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownPolicy, match="ha-giang-1022"):
        load_policies().by_id("nowhere")


def test_every_fault_of_a_policy_file_is_named_at_once() -> None:
    with pytest.raises(PolicyFault) as caught:
        read_policies('[[policy]]\nid = "a"\nname = 1\nfoo = 2\nacknowledgement_hours = 0\nlocalities = "x"\n')
    said = str(caught.value)
    for expected in ("source: missing", "response_working_days: missing", "name: give a str", "foo: unknown"):
        assert expected in said
    assert "acknowledgement_hours: give 1 or more" in said
    assert "localities: give a list" in said


def test_the_command_names_every_bad_value_at_once_and_prints_nothing() -> None:
    said = CliRunner().invoke(due_command, ["2026-11-20", "2026-11-20T08:00", "20/11/2026", "2099-01-01"])
    assert said.exit_code == 1
    assert said.stdout == ""
    assert "2026-11-20T08:00: has no time zone; give its offset, such as 2026-11-20T08:00+07:00" in said.stderr
    assert "20/11/2026: not a date or an instant" in said.stderr
    assert "2099-01-01: outside the calendar" in said.stderr


def test_the_command_reads_a_file_and_another_policy() -> None:
    told = CliRunner().invoke(
        due_command, ["--file", "-", "--policy", "da-nang-1022"], input="2026-11-20T18:30:00Z\n\n"
    )
    assert json.loads(told.output) == {
        "received_at": "2026-11-21T01:30:00+07:00",
        "acknowledgement_due_at": "2026-11-22T01:30:00+07:00",
        "response_due_at": "2026-12-02T23:59:59+07:00",
        "working_days": 7,
        "is_provisional": False,
    }


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--policy", "nowhere", "2026-11-20"], 1)])
def test_the_command_refuses_nothing_to_do_and_unknown_policies(arguments: list[str], code: int) -> None:
    assert CliRunner().invoke(due_command, arguments).exit_code == code


instants = st.datetimes(datetime(2023, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(instants)
def test_an_answer_is_due_at_the_end_of_a_working_day_after_the_receipt(received_at: datetime) -> None:
    told = promise(received_at, HA_GIANG, CALENDAR)
    due = told.response_due_at.astimezone(VN)
    assert CALENDAR.is_working_day(due.date())
    assert due.strftime("%H:%M:%S") == "23:59:59"
    assert CALENDAR.working_days_between(local_date(received_at), due.date()) == 6
    assert told.acknowledgement_due_at - received_at == timedelta(hours=24)
    assert told.acknowledgement_due_at < told.response_due_at


@given(instants, st.integers(1, 30), st.integers(1, 30), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_more_days_or_a_later_receipt_is_never_due_earlier(
    received_at: datetime, a: int, b: int, later: timedelta
) -> None:
    fewer, more = (replace(HA_GIANG, response_working_days=n) for n in sorted((a, b)))
    due = promise(received_at, fewer, CALENDAR).response_due_at
    assert due <= promise(received_at, more, CALENDAR).response_due_at
    assert due <= promise(received_at + later, fewer, CALENDAR).response_due_at


@given(instants, st.integers(0, 30), st.sampled_from(NoticeKind))
def test_no_change_of_the_calendar_moves_a_promise_earlier(received_at: datetime, days: int, kind: NoticeKind) -> None:
    told = promise(received_at, HA_GIANG, CALENDAR)
    changed = CALENDAR.with_notice(
        DayNotice(on=local_date(received_at) + timedelta(days=days), kind=kind, source="thử")
    )
    assert renew(told, received_at, HA_GIANG, changed).response_due_at >= told.response_due_at


def test_a_receipt_outside_the_years_known_is_refused() -> None:
    with pytest.raises(OutOfCalendar):
        promise(datetime(2014, 1, 1, tzinfo=UTC), HA_GIANG, CALENDAR)
