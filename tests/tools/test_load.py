"""The load driver's arithmetic, and the bodies it sends."""

import pytest

from tools.load import due_instants, percentile
from tools.messages import body_of, load_messages, phone_of


@pytest.mark.parametrize(
    ("values", "per_cent", "expected"),
    [
        ([], 99, 0.0),
        ([5.0], 50, 5.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(value) for value in range(1, 101)], 99, 99.0),
        ([float(value) for value in range(1, 101)], 100, 100.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], per_cent: float, expected: float) -> None:
    assert percentile(values, per_cent) == expected


def test_an_open_loop_is_due_at_fixed_instants() -> None:
    assert list(due_instants(10.0, 4, 1.0)) == [10.0, 10.25, 10.5, 10.75]


def test_every_body_carries_its_key_and_nobodys_number() -> None:
    bodies = [body_of(number, f"k-{number}") for number in range(len(load_messages()))]
    assert [body["external_id"] for body in bodies] == [f"k-{number}" for number in range(len(bodies))]
    assert {body["channel"] for body in bodies} == {"web", "hotline", "box"}
    assert len({phone_of(number) for number in range(1000)}) == 1000
