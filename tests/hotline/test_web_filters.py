"""How instants and codes are written: always Viet Nam's clock, days first, late ones said to be late."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hotline.web import filters
from hotline.web.messages import load_messages

MESSAGES = load_messages()
NOW = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)


class Weekdays:
    """A calendar that knows weekends only."""

    def is_working_day(self, day: date, /) -> bool:
        return day.weekday() < 5


@pytest.mark.parametrize(
    ("at", "vi", "en"),
    [
        (NOW, "14:05 ngày 24/11/2026", "14:05 on 24/11/2026"),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), "00:00 ngày 01/01/2027", "00:00 on 01/01/2027"),
        (datetime(2026, 2, 3, 16, 59, 59, tzinfo=UTC), "23:59 ngày 03/02/2026", "23:59 on 03/02/2026"),
    ],
)
def test_an_instant_is_shown_on_viet_nams_clock(at: datetime, vi: str, en: str) -> None:
    assert filters.vn_datetime(at) == vi
    assert filters.vn_datetime(at, "en") == en


def test_a_date_and_an_instants_day() -> None:
    assert filters.vn_date(date(2026, 3, 4)) == "04/03/2026"
    assert filters.vn_date(datetime(2026, 3, 4, 18, 0, tzinfo=UTC)) == "05/03/2026"


@pytest.mark.parametrize("show", [filters.vn_datetime, filters.vn_date])
def test_a_naive_instant_is_refused(show: object) -> None:
    with pytest.raises(ValueError, match="naive"):
        show(datetime(2026, 3, 4, 18, 0))  # type: ignore[operator]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("left", "vi", "en"),
    [
        (timedelta(days=3, hours=5), "còn 3 ngày", "3 days left"),
        (timedelta(hours=47, minutes=59), "còn 47 giờ", "47 hours left"),
        (timedelta(days=1), "còn 24 giờ", "24 hours left"),
        (timedelta(hours=23, minutes=59), "còn 23 giờ", "23 hours left"),
        (timedelta(hours=1), "còn 1 giờ", "1 hour left"),
        (timedelta(minutes=59, seconds=59), "còn 59 phút", "59 minutes left"),
        (timedelta(0), "còn 0 phút", "0 minutes left"),
        (timedelta(minutes=-1), "quá hạn 1 phút", "overdue by 1 minute"),
        (timedelta(hours=-3), "quá hạn 3 giờ", "overdue by 3 hours"),
        (timedelta(days=-2, hours=-1), "quá hạn 2 ngày", "overdue by 2 days"),
    ],
)
def test_due_in_words(left: timedelta, vi: str, en: str) -> None:
    assert filters.due_in_words(MESSAGES, "vi", NOW + left, NOW) == vi
    assert filters.due_in_words(MESSAGES, "en", NOW + left, NOW) == en


@pytest.mark.parametrize(
    ("due_at", "vi"),
    [
        # Tuesday 24/11/2026, 14:05 in Viet Nam.
        (datetime(2026, 11, 26, 16, 59, 59, tzinfo=UTC), "còn 2 ngày làm việc"),
        (datetime(2026, 12, 2, 16, 59, 59, tzinfo=UTC), "còn 6 ngày làm việc"),
        (datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC), "quá hạn 2 ngày làm việc"),
        (datetime(2026, 11, 24, 16, 59, 59, tzinfo=UTC), "còn 9 giờ"),
    ],
)
def test_with_a_calendar_working_days_are_counted(due_at: datetime, vi: str) -> None:
    assert filters.due_in_words(MESSAGES, "vi", due_at, NOW, Weekdays()) == vi


def test_a_tracking_code_is_read_in_threes() -> None:
    assert filters.tracking("123456789012") == "123 456 789 012"
