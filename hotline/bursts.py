"""Decides when several messages on the same trouble are a burst: enough of them about one commune in 72 hours.

Called by classify's review desk and respond's pages with those messages that the reader may see. Pure.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

BURST_FROM = 5
BURST_WITHIN = timedelta(hours=72)


def burst_of(at: datetime, commune_code: str, others: Iterable[tuple[datetime, str]]) -> int:
    """Return how many messages the burst has with the one received at `at`, 0 where there is no burst.

    `others` are the receipts and communes of the messages like it; instants are aware. Without a commune there is none.
    """
    if not commune_code:
        return 0
    near = sum(code == commune_code and abs(received_at - at) <= BURST_WITHIN for received_at, code in others)
    return near + 1 if near + 1 >= BURST_FROM else 0
