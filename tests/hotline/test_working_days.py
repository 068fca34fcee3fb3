"""Which days offices work: the published calendar 2023-2027, swaps, Tết, and where the library is wrong."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.working_days import (
    VN,
    CalendarFault,
    DayNotice,
    NaiveInstant,
    NoticeKind,
    OutOfCalendar,
    end_of_day,
    lay_notices,
    load_calendar,
    local_date,
    read_notices,
    seed_calendar,
)

# Every weekday off in the Government's notices, and the Saturdays worked. 2027 is the library's estimate.
DAYS_OFF = {
    2023: "01-02 01-20 01-23 01-24 01-25 01-26 05-01 05-02 05-03 09-01 09-04",
    2024: "01-01 02-08 02-09 02-12 02-13 02-14 04-18 04-29 04-30 05-01 09-02 09-03",
    2025: "01-01 01-27 01-28 01-29 01-30 01-31 04-07 04-30 05-01 05-02 09-01 09-02",
    2026: "01-01 01-02 02-16 02-17 02-18 02-19 02-20 04-27 04-30 05-01 08-31 09-01 09-02 11-24",
    2027: "01-01 02-04 02-05 02-08 02-09 02-10 04-16 04-30 05-03 09-02 09-03 11-24",
}
WORKED_SATURDAYS = {2023: "", 2024: "05-04", 2025: "04-26", 2026: "01-10 08-22", 2027: ""}


def days_of(year: int, text: str) -> set[date]:
    return {date.fromisoformat(f"{year}-{day}") for day in text.split()}


def all_days(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=i) for i in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


@pytest.mark.parametrize("year", DAYS_OFF)
def test_the_published_calendar(year: int) -> None:
    calendar = load_calendar()
    weekdays_off = {d for d in all_days(year) if d.weekday() < 5 and not calendar.is_working_day(d)}
    weekends_worked = {d for d in all_days(year) if d.weekday() > 4 and calendar.is_working_day(d)}
    assert weekdays_off == days_of(year, DAYS_OFF[year])
    assert weekends_worked == days_of(year, WORKED_SATURDAYS[year])


def test_where_the_library_alone_is_wrong() -> None:
    """When this fails after an upgrade of `holidays`, the library learnt (or lost) a swap: compare with
    the notices."""
    library, settled = seed_calendar(), load_calendar()
    differing = {
        day
        for year in range(2023, 2027)
        for day in all_days(year)
        if library.is_working_day(day) != settled.is_working_day(day)
    }
    assert differing == {date(2026, 1, 2), date(2026, 1, 10)}


def test_the_wrong_swap_cannot_be_seen_in_a_yearly_total() -> None:
    whole_year = (date(2025, 12, 31), date(2026, 12, 31))
    assert seed_calendar().working_days_between(*whole_year) == load_calendar().working_days_between(*whole_year) == 249


def test_the_day_of_receipt_is_not_counted_and_at_least_one_day_is() -> None:
    calendar = load_calendar()
    assert calendar.nth_working_day_after(date(2026, 11, 20), 1) == date(2026, 11, 23)
    with pytest.raises(ValueError, match="at least one"):
        calendar.nth_working_day_after(date(2026, 11, 20), 0)


@pytest.mark.parametrize(("on", "left"), [((2026, 11, 24), 37), ((2026, 12, 31), 0), ((2027, 1, 1), -1)])
def test_the_alarm_value_says_how_long_the_settled_calendar_still_lasts(on: tuple[int, int, int], left: int) -> None:
    calendar = load_calendar()
    assert calendar.covered_until == date(2026, 12, 31)
    assert calendar.days_left(date(*on)) == left


@pytest.mark.parametrize(("day", "expected"), [((2026, 12, 31), False), ((2027, 1, 4), True)])
def test_days_after_the_settled_calendar_are_provisional(day: tuple[int, int, int], expected: bool) -> None:
    assert load_calendar().is_provisional(date(*day)) is expected


@pytest.mark.parametrize("day", [date(2014, 12, 31), date(2046, 1, 1)])
def test_a_day_outside_the_years_known_is_refused(day: date) -> None:
    with pytest.raises(OutOfCalendar):
        load_calendar().is_working_day(day)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 24, 16, 59, 59, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 11, 24, 18, 30, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 11, 24, 23, 59, tzinfo=VN), date(2026, 11, 24)),
        (datetime(2026, 11, 25, 1, 0, tzinfo=timezone(timedelta(hours=9))), date(2026, 11, 24)),
    ],
)
def test_the_day_is_counted_in_vietnam(at: datetime, day: date) -> None:
    assert local_date(at) == day


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(NaiveInstant):
        local_date(datetime(2026, 11, 24, 8, 0))  # noqa: DTZ001 - the refusal is what is tested


def test_a_day_ends_at_its_last_second_in_vietnam() -> None:
    assert end_of_day(date(2026, 12, 1)) == datetime(2026, 12, 1, 16, 59, 59, tzinfo=UTC)
    assert end_of_day(date(2026, 12, 1)).utcoffset() == timedelta(0)


NOTICES = """
version = "2027-01-15"
covered_until = 2027-12-31
[[day]]
on = 2027-02-11
kind = "nghi_hoan_doi"
source = "thông báo nghỉ Tết Đinh Mùi"
[[day]]
on = 2027-02-20
kind = "lam_bu"
source = "thông báo nghỉ Tết Đinh Mùi"
[[day]]
on = 2026-10-05
kind = "nghi_dia_phuong"
source = "công điện phòng chống bão"
locality = "ha-giang-2023"
[[day]]
on = 2026-10-06
kind = "nghi_dia_phuong"
source = "mất điện toàn trụ sở"
agency = "dien-luc"
"""


def test_a_new_notice_lengthens_the_settled_calendar_and_names_itself_in_the_version() -> None:
    calendar = lay_notices(load_calendar(), read_notices(NOTICES))
    assert calendar.covered_until == date(2027, 12, 31)
    assert calendar.version.endswith("+2027-01-15")
    assert calendar.version.startswith("holidays-")
    assert not calendar.is_working_day(date(2027, 2, 11))
    assert calendar.is_working_day(date(2027, 2, 20))


def test_a_local_closure_closes_that_locality_or_agency_only() -> None:
    notices = read_notices(NOTICES)
    everywhere = lay_notices(load_calendar(), notices)
    there = lay_notices(load_calendar(), notices, "ha-giang-2023")
    power = lay_notices(load_calendar(), notices, "ha-giang-2023", "dien-luc")
    storm, outage = date(2026, 10, 5), date(2026, 10, 6)
    assert [c.is_working_day(storm) for c in (everywhere, there, power)] == [True, False, False]
    assert [c.is_working_day(outage) for c in (everywhere, there, power)] == [True, True, False]
    assert len({everywhere.version, there.version, power.version}) == 3


def test_an_extra_file_of_notices_wins_over_the_packaged_one(tmp_path: Path) -> None:
    extra = tmp_path / "notices.toml"
    extra.write_text(
        'version = "x"\ncovered_until = 2026-12-31\n[[day]]\non = 2026-11-24\nkind = "lam_bu"\nsource = "thử"\n',
        "utf-8",
    )
    assert load_calendar(extra_notices=extra).is_working_day(date(2026, 11, 24))
    assert not load_calendar().is_working_day(date(2026, 11, 24))


def test_every_bad_row_is_named_at_once() -> None:
    text = """
    covered_until = "soon"
    [[day]]
    on = "2026-01-02"
    kind = "nghi_le"
    source = "x"
    [[day]]
    on = 2026-01-03
    kind = "lam"
    source = "x"
    [[day]]
    on = 2026-01-04
    kind = "nghi_le"
    [[day]]
    on = 2026-01-05
    kind = "nghi_le"
    source = "x"
    [[day]]
    on = 2026-01-05
    kind = "lam_bu"
    source = "x"
    """
    with pytest.raises(CalendarFault) as caught:
        read_notices(text)
    said = str(caught.value)
    for expected in (
        "version",
        "covered_until",
        "day 1: on",
        "day 2",
        "day 3: source",
        "2026-01-05 is given twice",
    ):
        assert expected in said


def test_text_that_is_not_toml_is_a_named_fault() -> None:
    with pytest.raises(CalendarFault, match="not TOML"):
        read_notices("on = ")


some_day = st.dates(date(2023, 1, 1), date(2027, 12, 31))


@given(some_day, st.integers(1, 40))
def test_the_nth_day_is_a_working_day_with_n_working_days_up_to_it(day: date, n: int) -> None:
    calendar = load_calendar()
    last = calendar.nth_working_day_after(day, n)
    assert calendar.is_working_day(last)
    assert calendar.working_days_between(day, last) == n


@given(some_day, st.integers(1, 30), st.integers(0, 60))
def test_one_more_day_off_never_makes_it_earlier(day: date, n: int, offset: int) -> None:
    calendar = load_calendar()
    closed = DayNotice(on=day + timedelta(days=offset), kind=NoticeKind.NGHI_DIA_PHUONG, source="bão")
    assert calendar.with_notice(closed).nth_working_day_after(day, n) >= calendar.nth_working_day_after(day, n)
