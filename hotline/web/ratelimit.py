"""Decides whether a client asks too often: tracking look-ups, sign-in, submissions.

Handlers call `RateLimit.allows(client_address(request), now)`. Time is handed in (the kept libraries read
their own clock, so their limits cannot be shown to a test), memory is bounded, and nothing outlives the
process.
"""

import ipaddress
from collections import OrderedDict
from datetime import datetime, timedelta

from aiohttp import web

from hotline.web.keys import SETTINGS

MAX_CLIENTS = 50_000
NO_ADDRESS = "unknown"


class RateLimit:
    """A token bucket per client key: `burst` at once, one more every `refill`; the client longest unseen is
    forgotten.
    """

    def __init__(self, *, burst: int, refill: timedelta, max_clients: int = MAX_CLIENTS) -> None:
        if burst < 1 or refill <= timedelta(0) or max_clients < 1:
            raise ValueError("a rate limit needs a positive burst, refill time and number of clients")
        self._burst = burst
        self._refill = refill
        self._max_clients = max_clients
        self._buckets: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def allows(self, key: str, now: datetime) -> bool:
        """Take one token and say whether there was one; a clock that steps back adds none."""
        tokens, seen_at = self._buckets.pop(key, (float(self._burst), now))
        gained = max(now - seen_at, timedelta(0)) / self._refill
        tokens = min(float(self._burst), tokens + gained)
        is_allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if is_allowed else tokens, max(now, seen_at))
        while len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return is_allowed

    def give_back(self, key: str) -> None:
        """Return the token of an attempt that turned out well, e.g. a right password; no bucket, nothing
        happens.
        """
        if key in self._buckets:
            tokens, seen_at = self._buckets[key]
            self._buckets[key] = (min(float(self._burst), tokens + 1), seen_at)

    def __len__(self) -> int:
        return len(self._buckets)


def client_address(request: web.Request) -> str:
    """Return whom to count: the peer's address, or with a trusted proxy the last hop of `X-Forwarded-For`.

    An IPv6 client is its /64 network, since one customer owns all of it. What is no address counts as one
    client.
    """
    address = request.remote or NO_ADDRESS
    if request.app[SETTINGS].trusted_proxy:
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        address = hops[-1].strip() or address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return NO_ADDRESS
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
