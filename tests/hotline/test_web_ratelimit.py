"""Rate limits: so many at once, then one each refill, per client, in bounded memory, on a given clock."""

from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from hotline.web.keys import SETTINGS
from hotline.web.ratelimit import RateLimit, client_address
from tests.hotline.web_trial import TrialSettings

NOW = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_burst_then_one_each_refill() -> None:
    limit = RateLimit(burst=3, refill=MINUTE)
    asked_after = [0, 0, 0, 0, 59, 60, 61, 179, 180, 181]
    allowed = [limit.allows("a", NOW + timedelta(seconds=s)) for s in asked_after]
    assert allowed == [True, True, True, False, False, True, False, True, True, False]


def test_clients_do_not_share_a_bucket() -> None:
    limit = RateLimit(burst=1, refill=MINUTE)
    assert [limit.allows(key, NOW) for key in ("a", "b", "a")] == [True, True, False]


def test_a_clock_that_steps_back_gives_nothing() -> None:
    limit = RateLimit(burst=1, refill=MINUTE)
    assert limit.allows("a", NOW)
    assert not limit.allows("a", NOW - timedelta(hours=1))
    assert not limit.allows("a", NOW + timedelta(seconds=59))
    assert limit.allows("a", NOW + MINUTE)


def test_a_token_given_back_can_be_used_again() -> None:
    limit = RateLimit(burst=1, refill=MINUTE)
    assert limit.allows("a", NOW)
    limit.give_back("a")
    limit.give_back("a")
    assert [limit.allows("a", NOW), limit.allows("a", NOW)] == [True, False]


def test_memory_is_bounded_and_the_longest_unseen_is_forgotten() -> None:
    limit = RateLimit(burst=1, refill=MINUTE, max_clients=2)
    for key in ("a", "b", "c"):
        assert limit.allows(key, NOW)
    assert len(limit) == 2
    assert not limit.allows("c", NOW)
    assert limit.allows("a", NOW)


@given(st.lists(st.integers(0, 600), max_size=60).map(sorted), st.integers(1, 5))
def test_never_more_than_the_burst_and_what_was_refilled(seconds: list[int], burst: int) -> None:
    limit = RateLimit(burst=burst, refill=MINUTE)
    allowed = [s for s in seconds if limit.allows("a", NOW + timedelta(seconds=s))]
    if allowed:
        assert len(allowed) <= burst + (allowed[-1] - allowed[0]) / 60


@pytest.mark.parametrize(
    ("burst", "refill", "clients"), [(0, MINUTE, 1), (1, timedelta(0), 1), (1, -MINUTE, 1), (1, MINUTE, 0)]
)
def test_a_limit_without_sense_is_refused(burst: int, refill: timedelta, clients: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        RateLimit(burst=burst, refill=refill, max_clients=clients)


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_trusted", "address"),
    [
        ("203.0.113.7", None, False, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", False, "203.0.113.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", True, "198.51.100.1"),
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("127.0.0.1", "nonsense", True, "unknown"),
        ("2001:db8:1:2:3::4", None, False, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", None, False, "203.0.113.7"),
        (None, None, False, "unknown"),
    ],
)
def test_whom_to_count(peer: str | None, forwarded: str | None, is_trusted: bool, address: str) -> None:
    app = web.Application()
    app[SETTINGS] = TrialSettings(trusted_proxy=is_trusted)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers, app=app).clone(remote=peer)  # type: ignore[arg-type]
    assert client_address(request) == address
