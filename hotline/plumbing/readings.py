"""What the backend itself shows at /metrics: store and broker, lag, dead letters, facts that wait to go out.

Called by `services/server.py`. Each source is read alone, so that a broker that is gone hides nothing of the store.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from hotline.plumbing.backend import Backend
from hotline.plumbing.metrics import (
    CONSUMER_LAG,
    DEAD_LETTERS,
    DEPENDENCY_UP,
    LOOP_IN_TROUBLE,
    OLDEST_PENDING_SECONDS,
    PENDING_DOCUMENTS,
    ReadGauges,
    Reading,
)  # fmt: skip


def backend_gauges(backend: Backend, groups: Sequence[str]) -> Mapping[str, ReadGauges]:
    """Return the backend's gauges by source, for the services of this process; a group has its service's name."""
    return {
        "dependencies": partial(dependencies, backend),
        "lag": partial(lag, backend, groups),
        "dead_letters": partial(dead_letters, backend, groups),
        "outbox": partial(outbox, backend, groups),
    }


async def dependencies(backend: Backend) -> list[Reading]:
    """Say of store and broker whether they answer."""
    troubles = await backend.troubles()
    return [
        Reading(metric=DEPENDENCY_UP, value=name not in troubles, labels={"dependency": name})
        for name in backend.dependencies
    ]


async def lag(backend: Backend, groups: Sequence[str]) -> list[Reading]:
    """Count what each group has still to read."""
    return [
        Reading(metric=CONSUMER_LAG, value=count, labels={"group": group, "partition": str(partition)})
        for group in groups
        for partition, count in (await backend.bus.lag_by_partition(group)).items()
    ]


async def dead_letters(backend: Backend, groups: Sequence[str]) -> list[Reading]:
    """Count what each group could not handle."""
    buried = Counter(letter.group for letter in await backend.bus.dead_letters())
    return [Reading(metric=DEAD_LETTERS, value=buried[group], labels={"group": group}) for group in groups]


async def outbox(backend: Backend, groups: Sequence[str]) -> list[Reading]:
    """Count stored documents whose facts wait, and say of each relay whether it waits for what it cannot reach.

    Where storing a document publishes its facts none ever waits.
    """
    now = backend.clock()
    counts, ages = dict.fromkeys(groups, 0), dict.fromkeys(groups, 0.0)
    for relay in backend.relays:
        counts[relay.service] = await relay.pending_count()
        ages[relay.service] = await relay.oldest_pending_age_s(now)
    waits = [
        Reading(
            metric=LOOP_IN_TROUBLE,
            value=relay.trouble is not None,
            labels={"service": relay.service, "loop": "relay"},
        )
        for relay in backend.relays
    ]
    return waits + [
        Reading(metric=metric, value=value, labels={"service": service})
        for metric, values in ((PENDING_DOCUMENTS, counts), (OLDEST_PENDING_SECONDS, ages))
        for service, value in values.items()
    ]
