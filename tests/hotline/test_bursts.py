"""When several messages are a burst: five of one commune in 72 hours, this one counted."""

from datetime import UTC, datetime, timedelta

import pytest

from hotline.bursts import burst_of

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HERE, THERE = "00691", "00694"
HOUR = timedelta(hours=1)

# commune of the message | hours of the others before (+) or after (-) it, and their communes | how many the burst has
CASES: dict[str, tuple[str, list[tuple[int, str]], int]] = {
    "nothing like it": (HERE, [], 0),
    "four of one commune are none": (HERE, [(1, HERE)] * 3, 0),
    "five of one commune": (HERE, [(1, HERE)] * 4, 5),
    "at the ends of the 72 hours": (HERE, [(72, HERE), (-72, HERE), (0, HERE), (1, HERE)], 5),
    "one is older": (HERE, [(73, HERE), (1, HERE), (1, HERE), (1, HERE)], 0),
    "one is of another commune": (HERE, [(1, THERE), (1, HERE), (1, HERE), (1, HERE)], 0),
    "those of another commune do not count": (HERE, [(1, THERE), *[(1, HERE)] * 5], 6),
    "no commune was named": ("", [(1, "")] * 9, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_burst_is_five_of_a_commune_in_72_hours(case: str) -> None:
    commune, others, expected = CASES[case]
    assert burst_of(AT, commune, [(AT - hours * HOUR, code) for hours, code in others]) == expected
