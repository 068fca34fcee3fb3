"""Instants are stored as text whose order is the order of time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.plumbing.instants import sortable

# Near the ends of the calendar an instant of one zone is none in another.
EARLIEST = datetime(1, 1, 3, tzinfo=UTC).replace(tzinfo=None)
LATEST = datetime(9999, 12, 29, tzinfo=UTC).replace(tzinfo=None)
ZONES = st.timezones() | st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
INSTANTS = st.datetimes(EARLIEST, LATEST, timezones=ZONES)


@given(INSTANTS, INSTANTS)
def test_text_sorts_as_time_does(first: datetime, second: datetime) -> None:
    first, second = first.astimezone(UTC), second.astimezone(UTC)
    assert (sortable(first) < sortable(second)) == (first < second)
    assert (sortable(first) == sortable(second)) == (first == second)


@given(INSTANTS)
def test_the_text_is_the_same_instant(at: datetime) -> None:
    assert datetime.fromisoformat(sortable(at)) == at.astimezone(UTC)
    assert sortable(at) == sortable(at.astimezone(UTC))


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        sortable(EARLIEST)
