"""What hotline counts and measures: every name at /metrics with its help, and one registry an application.

The web shell counts requests, services hand in gauges (asked when somebody scrapes) and measures (counted as things
happen). A label is a name of ours: a route, a group, a loop. It never holds a person, a code, a feedback, or whether
something is restricted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from hotline.plumbing.log import step

__all__ = ["CONTENT_TYPE_LATEST"]

# Prometheus gives a scrape ten seconds; what takes longer than this is told as missing and the rest is answered.
READING_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One name at /metrics: what it says, its labels, and for a histogram its upper bounds."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


REQUESTS = Metric(
    name="hotline_requests",
    help="Answered requests by route name, method and class of status (2xx)",
    labels=("route", "method", "status"),
)
REQUEST_SECONDS = Metric(
    name="hotline_request_seconds",
    help="How long requests took until their answer was made, in seconds",
    labels=("route", "method"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
CLASSIFICATIONS = Metric(
    name="hotline_classifications",
    help="Texts that the model has judged, by whether a person must look (yes, no)",
    labels=("review",),
)
CONFIDENCE = Metric(
    name="hotline_classification_confidence",
    help="How sure the model was of the texts that it has judged, 0 to 1",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
STORE_COMMAND_SECONDS = Metric(
    name="hotline_store_command_seconds",
    help="How long the database server took to answer a command, in seconds; nothing over one SQLite file",
    labels=("command",),
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)
CONSUMER_LAG = Metric(
    name="hotline_consumer_lag_facts",
    help="Facts that a group has not finished",
    labels=("group", "partition"),
)
DEAD_LETTERS = Metric(name="hotline_dead_letters", help="Facts that a group could not handle", labels=("group",))
PENDING_DOCUMENTS = Metric(
    name="hotline_pending_documents",
    help="Stored documents whose facts are not on the bus yet; always 0 over one SQLite file",
    labels=("service",),
)
OLDEST_PENDING_SECONDS = Metric(
    name="hotline_oldest_pending_seconds",
    help="How long the oldest of those has waited, in seconds; 0 when none waits",
    labels=("service",),
)
DEPENDENCY_UP = Metric(
    name="hotline_dependency_up",
    help="1 when the store or the broker answers, 0 when it does not",
    labels=("dependency",),
)
LOOP_IN_TROUBLE = Metric(
    name="hotline_loop_in_trouble",
    help="1 while a loop waits for what it cannot reach, else 0",
    labels=("service", "loop"),
)
READINGS_MISSING = Metric(
    name="hotline_readings_missing",
    help="1 when the gauges of a source could not be read for this answer, else 0",
    labels=("source",),
)
WITHOUT_TICKET = Metric(
    name="hotline_feedbacks_without_ticket", help="Accepted feedbacks of which respond has said nothing yet"
)
OLDEST_WITHOUT_TICKET_SECONDS = Metric(
    name="hotline_oldest_without_ticket_seconds",
    help="How long ago the oldest of those was recorded, in seconds; 0 when there is none",
)
NOTICES_WAITING = Metric(name="hotline_notices_waiting", help="Notices to citizens neither sent nor given up")
TO_REVIEW = Metric(name="hotline_to_review", help="Classifications that wait for a person")
CLOCKS_DUE = Metric(
    name="hotline_clocks_due",
    help="Promises that run out within the time named, by clock (acknowledgement, response)",
    labels=("clock", "within"),
)
LATE_TICKETS = Metric(name="hotline_late_tickets", help="Unanswered tickets with a broken promise")
CALENDAR_DAYS_LEFT = Metric(
    name="hotline_calendar_days_left",
    help="Days until the official calendar of working days ends; negative once it has",
)

GAUGES = (
    CONSUMER_LAG, DEAD_LETTERS, PENDING_DOCUMENTS, OLDEST_PENDING_SECONDS, DEPENDENCY_UP, LOOP_IN_TROUBLE,
    READINGS_MISSING, WITHOUT_TICKET, OLDEST_WITHOUT_TICKET_SECONDS, NOTICES_WAITING, TO_REVIEW,
    CLOCKS_DUE, LATE_TICKETS, CALENDAR_DAYS_LEFT,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one gauge shows now, with a value for each of the metric's labels."""

    metric: Metric
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


ReadGauges = Callable[[], Awaitable[Sequence[Reading]]]


def counter(metric: Metric) -> Counter:
    """Return a counter that no registry has yet."""
    return Counter(metric.name, metric.help, metric.labels, registry=None)


def histogram(metric: Metric) -> Histogram:
    """Return a histogram that no registry has yet."""
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=None)


class RequestMeter:
    """Counts the requests of one method of one route; looks each label up once, when it is first needed."""

    __slots__ = ("_counts", "_histogram", "_labels", "_requests", "_seconds")

    def __init__(self, requests: Counter, seconds: Histogram, route: str, method: str) -> None:
        self._requests, self._histogram, self._labels = requests, seconds, (route, method)
        self._counts: dict[int, Counter] = {}
        self._seconds: Histogram | None = None

    def answered(self, status: int, seconds: float) -> None:
        """Count one answer."""
        count = self._counts.get(status // 100)
        if count is None:
            count = self._counts[status // 100] = self._requests.labels(*self._labels, f"{status // 100}xx")
        if self._seconds is None:
            self._seconds = self._histogram.labels(*self._labels)
        count.inc()
        self._seconds.observe(seconds)


class Metrics:
    """All that one application counts, in a registry of its own.

    `gauges` are asked by the name of their source each time somebody scrapes; `measures` are counted elsewhere.
    """

    def __init__(self, gauges: Mapping[str, ReadGauges], measures: Iterable[Collector] = ()) -> None:
        self._gauges = gauges
        self._shown = Shown()
        self._requests, self._seconds = counter(REQUESTS), histogram(REQUEST_SECONDS)
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (self._requests, self._seconds, *measures, self._shown):
            self._registry.register(collector)

    def meter(self, route: str, method: str) -> RequestMeter:
        """Return what counts the requests of one method of one route."""
        return RequestMeter(self._requests, self._seconds, route, method)

    async def text(self) -> bytes:
        """Return everything in the text format; a source that cannot be read is named and holds no other up."""
        found = await asyncio.gather(*(read_or_miss(source, read) for source, read in self._gauges.items()))
        # Nothing is awaited between the two, so scrapes at the same time do not see each other's readings.
        self._shown.readings = [reading for readings in found for reading in readings]
        return generate_latest(self._registry)


async def read_or_miss(source: str, read: ReadGauges) -> list[Reading]:
    """Return the readings of a source, and whether they are missing; takes READING_S at most."""
    readings: list[Reading] = []
    try:
        async with asyncio.timeout(READING_S):
            readings = list(await read())
    except Exception as error:  # noqa: BLE001 - a scrape answers with what it has, whatever broke
        step("readings_missing", level="WARNING", service=source, error=type(error).__name__)
        return [Reading(metric=READINGS_MISSING, value=1, labels={"source": source})]
    return [*readings, Reading(metric=READINGS_MISSING, value=0, labels={"source": source})]


class Shown(Collector):
    """Shows the readings of one scrape to the registry."""

    def __init__(self) -> None:
        self.readings: Sequence[Reading] = ()

    def collect(self) -> Iterable[Family]:
        """Yield a family for each gauge that was read."""
        for metric in GAUGES:
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for reading in self.readings:
                if reading.metric is metric:
                    family.add_metric([reading.labels[label] for label in metric.labels], reading.value)
            if family.samples:
                yield family
