"""Decides which days state offices in Vietnam work, and where a working day lies on the clock.

The seed is PyPI `holidays` (Vietnam); over it lie the notices of `hotline/data/holidays-vn.toml`, because the
library misses swaps at times (02/01/2026 for 10/01/2026). `promises` and the clocks of `respond` call it. It
never reads the clock, and it never guesses silently: days after `covered_until` are estimates, and whoever
promises them says so.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
from holidays.version import __version__ as holidays_version

VN = ZoneInfo("Asia/Ho_Chi_Minh")
NOTICES_FILE = Path(__file__).parent / "data" / "holidays-vn.toml"
FIRST_YEAR, LAST_YEAR = 2015, 2045
START_OF_WORK = time(8)
LAST_SECOND = time(23, 59, 59)


class NaiveInstant(ValueError):
    """A datetime without a time zone: give one with an offset, such as 2026-11-20T08:00:00+07:00."""


class OutOfCalendar(ValueError):
    """A day before or after the years that the calendar knows."""


class CalendarFault(ValueError):
    """The file of notices cannot be used; `faults` names every bad row."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class NoticeKind(StrEnum):
    """What a notice does to a day; `lam_bu` makes it worked, every other kind makes it a day off."""

    NGHI_LE = "nghi_le"
    NGHI_BU = "nghi_bu"
    NGHI_HOAN_DOI = "nghi_hoan_doi"
    NGHI_DIA_PHUONG = "nghi_dia_phuong"
    LAM_BU = "lam_bu"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayNotice:
    """One published change of one day, with the document it stands in; for one locality or agency, or for
    all."""

    on: date
    kind: NoticeKind
    source: str
    locality: str | None = None
    agency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """The file of notices: its version, the last day that is officially settled, and the days it changes."""

    version: str
    covered_until: date
    days: tuple[DayNotice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """The working days of one locality or agency, Monday to Friday but for days off, with worked
    Saturdays."""

    version: str
    covered_until: date
    days_off: frozenset[date]
    worked_weekends: frozenset[date]
    starts_on: date = date(FIRST_YEAR, 1, 1)
    ends_on: date = date(LAST_YEAR, 12, 31)

    def is_working_day(self, day: date) -> bool:
        """Say whether offices work on this day; raises OutOfCalendar outside the years known."""
        if not self.starts_on <= day <= self.ends_on:
            raise OutOfCalendar(f"{day} is outside {self.starts_on} to {self.ends_on}")
        return day in self.worked_weekends or (day.weekday() < 5 and day not in self.days_off)

    def nth_working_day_after(self, day: date, n: int) -> date:
        """Return the n-th working day after `day`, which itself is not counted (BLDS 2015 Điều 147); n is 1
        or more."""
        if n < 1:
            raise ValueError("count at least one working day")
        while n:
            day += timedelta(days=1)
            n -= self.is_working_day(day)
        return day

    def nth_working_day_before(self, day: date, n: int) -> date:
        """Return the n-th working day before `day`, which itself is not counted; n is 1 or more."""
        if n < 1:
            raise ValueError("count at least one working day")
        while n:
            day -= timedelta(days=1)
            n -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and including `end`; 0 when `end` is not later."""
        days = (start + timedelta(days=i) for i in range(1, (end - start).days + 1))
        return sum(self.is_working_day(day) for day in days)

    def is_provisional(self, day: date) -> bool:
        """Say whether the official notice for this day is not loaded yet, so that the day may still move."""
        return day > self.covered_until

    def days_left(self, on: date) -> int:
        """Return the calendar days from `on` until the settled calendar runs out; negative once it has."""
        return (self.covered_until - on).days

    def with_notice(self, notice: DayNotice) -> "WorkingCalendar":
        """Return the calendar with one day changed; the version stays, as the caller names a new one."""
        off, worked = self.days_off - {notice.on}, self.worked_weekends - {notice.on}
        if notice.kind != NoticeKind.LAM_BU:
            off |= {notice.on}
        elif notice.on.weekday() > 4:
            worked |= {notice.on}
        return replace(self, days_off=off, worked_weekends=worked)


def local_date(at: datetime) -> date:
    """Return the day in Vietnam of an instant (18:30 UTC is already the next day); refuses a naive
    datetime."""
    if at.tzinfo is None:
        raise NaiveInstant("give the time zone: an instant without one is not accepted")
    return at.astimezone(VN).date()


def start_of_work(day: date) -> datetime:
    """Return 08:00 of the day in Vietnam, when reminders go out, as a UTC instant."""
    return datetime.combine(day, START_OF_WORK, VN).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return 23:59:59 of the day in Vietnam (BLDS 2015 Điều 148), as a UTC instant."""
    return datetime.combine(day, LAST_SECOND, VN).astimezone(UTC)


@cache
def load_calendar(
    locality: str | None = None, agency: str | None = None, extra_notices: Path | None = None
) -> WorkingCalendar:
    """Return the calendar of a locality (and of one agency in it), read once.

    `extra_notices` is a file laid out as `holidays-vn.toml` whose rows win over the packaged ones, so that a
    late notice needs no new release. Raises CalendarFault that names every bad row.
    """
    calendar = lay_notices(seed_calendar(), read_notices(NOTICES_FILE.read_text("utf-8")), locality, agency)
    if extra_notices is None:
        return calendar
    return lay_notices(calendar, read_notices(extra_notices.read_text("utf-8")), locality, agency)


def seed_calendar() -> WorkingCalendar:
    """Return the library's own calendar, of which nothing counts as settled."""
    known = holidays.country_holidays("VN", years=range(FIRST_YEAR, LAST_YEAR + 1), language="vi")
    return WorkingCalendar(
        version=f"holidays-{holidays_version}",
        covered_until=date(FIRST_YEAR, 1, 1),
        days_off=frozenset(day for day in known if day.weekday() < 5),
        worked_weekends=frozenset(known.weekend_workdays),
    )


def lay_notices(
    calendar: WorkingCalendar, notices: Notices, locality: str | None = None, agency: str | None = None
) -> WorkingCalendar:
    """Lay a file of notices over a calendar: rows for all, then the locality's, then the agency's; the last
    wins."""
    mine = [n for n in notices.days if n.locality in {None, locality} and n.agency in {None, agency}]
    for notice in sorted(mine, key=lambda n: (n.locality is not None, n.agency is not None)):
        calendar = calendar.with_notice(notice)
    scope = "".join(f"+{name}" for name in sorted({n.agency or n.locality or "" for n in mine} - {""}))
    version = f"{calendar.version}+{notices.version}{scope}"
    return replace(calendar, version=version, covered_until=max(calendar.covered_until, notices.covered_until))


def read_notices(text: str) -> Notices:
    """Read a file of notices (TOML); raises CalendarFault that names every bad row, also a day given
    twice."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalendarFault([f"not TOML: {error}"]) from error
    faults = [f"{key}: missing" for key in ("version", "covered_until") if key not in table]
    if not isinstance(table.get("covered_until", date.min), date):
        faults.append("covered_until: give a date such as 2026-12-31")
    days: list[DayNotice] = []
    for number, row in enumerate(table.get("day", ()), start=1):
        try:
            days.append(read_day(row))
        except (KeyError, ValueError) as error:
            faults.append(f"day {number}: {error}")
    keys = [(n.on, n.locality, n.agency) for n in days]
    faults += [f"day {i + 1}: {key[0]} is given twice" for i, key in enumerate(keys) if key in keys[:i]]
    if faults:
        raise CalendarFault(faults)
    return Notices(version=str(table["version"]), covered_until=table["covered_until"], days=tuple(days))


def read_day(row: Mapping[str, object]) -> DayNotice:
    """Read one `[[day]]` row; raises ValueError with the remedy."""
    on, source = row.get("on"), row.get("source")
    if not isinstance(on, date) or isinstance(on, datetime):
        raise ValueError("on: give a date such as 2026-01-02")
    if not isinstance(source, str) or not source.strip():
        raise ValueError("source: name the document that says so")
    for key in ("locality", "agency"):
        if not isinstance(row.get(key, ""), str):
            raise ValueError(f"{key}: give a text")
    locality, agency = row.get("locality"), row.get("agency")
    return DayNotice(
        on=on,
        kind=NoticeKind(str(row.get("kind"))),
        source=source,
        locality=None if locality is None else str(locality),
        agency=None if agency is None else str(agency),
    )
