"""Decides whether a client asks too often: tracking look-ups, sign-in, submissions.

Handlers call `RateLimit.allows(client_address(request), now)`. Time is handed in (the kept libraries read
their own clock, so their limits cannot be shown to a test), memory is bounded, and nothing outlives the
process.
"""

import ipaddress
from collections import OrderedDict
from datetime import datetime, timedelta

from aiohttp import web

from hotline.web.keys import NOW, SETTINGS

MAX_CLIENTS = 50_000
NO_ADDRESS = "unknown"


class RateLimit:
    """A token bucket per client: `burst` at once, one more every `refill`; who was longest unseen is forgotten.

    A bucket is kept as the instant at which it will be full again, so that the arithmetic is exact.
    """

    def __init__(self, *, burst: int, refill: timedelta, max_clients: int = MAX_CLIENTS) -> None:
        if burst < 1 or refill <= timedelta(0) or max_clients < 1:
            raise ValueError("a rate limit needs a positive burst, refill time and number of clients")
        self._burst = burst
        self._refill = refill
        self._max_clients = max_clients
        self._full_at: OrderedDict[str, datetime] = OrderedDict()

    def allows(self, key: str, now: datetime) -> bool:
        """Take one token and say whether there was one; a clock that steps back adds none."""
        full_at = max(self._full_at.pop(key, now), now)
        is_allowed = full_at + self._refill - now <= self._burst * self._refill
        self._full_at[key] = full_at + self._refill if is_allowed else full_at
        while len(self._full_at) > self._max_clients:
            self._full_at.popitem(last=False)
        return is_allowed

    def give_back(self, key: str) -> None:
        """Return the token of an attempt that turned out well, e.g. a right password; safe when there is none."""
        if key in self._full_at:
            self._full_at[key] -= self._refill

    def __len__(self) -> int:
        return len(self._full_at)


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


def is_too_often(limit: RateLimit | None, request: web.Request) -> bool:
    """Take one token of this request's address and say whether there was none; without a limit there always is."""
    return limit is not None and not limit.allows(client_address(request), request[NOW])
