"""Background work steps aside while many people wait, and never altogether."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.plumbing.pressure import (
    CALM_AFTER_S,
    LONGEST_REST_S,
    LOOK_EVERY_S,
    MANY_WAITING,
    RESTS_PER_WORK,
    SMALL_BATCH,
    Pressure,
)


@pytest.mark.parametrize(
    ("waiting", "batch", "rest_s"),
    [
        (0, 64, 0.0),
        (MANY_WAITING - 1, 64, 0.0),
        (MANY_WAITING, SMALL_BATCH, 0.01 * RESTS_PER_WORK),
        (1000, SMALL_BATCH, 0.01 * RESTS_PER_WORK),
    ],
)
def test_who_waits_decides_batch_and_rest(waiting: int, batch: int, rest_s: float) -> None:
    pressure = Pressure(waiting=waiting)
    assert pressure.batch_of(64, has_more=True) == batch
    assert pressure.batch_of(64, has_more=False) == SMALL_BATCH
    assert pressure.rest_s(0.01) == pytest.approx(rest_s)


async def test_a_rest_ends_when_those_who_waited_have_their_answer() -> None:
    pressure = Pressure(waiting=MANY_WAITING)
    resting = asyncio.ensure_future(pressure.rest_after(3600.0))
    await asyncio.sleep(0)
    assert not resting.done()
    pressure.waiting = 0
    await asyncio.sleep(3 * LOOK_EVERY_S)
    assert resting.done()


@given(st.integers(min_value=0, max_value=10_000), st.floats(min_value=0, max_value=3600))
def test_however_many_wait_background_work_goes_on(waiting: int, worked_s: float) -> None:
    pressure = Pressure(waiting=waiting)
    assert pressure.batch_of(64, has_more=True) >= 1
    assert 0.0 <= pressure.rest_s(worked_s) <= LONGEST_REST_S


def test_a_usual_batch_that_is_small_already_stays_as_it_is() -> None:
    assert Pressure(waiting=MANY_WAITING).batch_of(1, has_more=True) == 1


def test_a_moment_without_anyone_waiting_does_not_end_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hotline.plumbing.pressure.time.monotonic", lambda: now)
    pressure = Pressure()
    assert not pressure.is_high
    with contextlib.ExitStack() as callers:
        for _ in range(MANY_WAITING):
            callers.enter_context(pressure)
    assert pressure.waiting == 0
    assert pressure.is_high
    now += CALM_AFTER_S
    assert not pressure.is_high


def fail_while_counted(pressure: Pressure) -> None:
    with pressure, pressure:
        assert pressure.waiting == 2
        raise ZeroDivisionError


def test_a_caller_is_counted_until_answered_even_when_that_fails() -> None:
    pressure = Pressure()
    with pytest.raises(ZeroDivisionError):
        fail_while_counted(pressure)
    assert pressure.waiting == 0
