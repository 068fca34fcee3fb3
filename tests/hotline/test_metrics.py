"""/metrics: requests by route and class of status, gauges read when asked, and never a word of a request."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hotline.plumbing import metrics
from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.metrics import CONFIDENCE, NOTICES_WAITING, TO_REVIEW, Metric, Reading, histogram
from hotline.web.keys import METRICS
from hotline.web.shell import build_app
from hotline.web.watching import metrics_app
from tests.hotline.web_trial import Clock, Trial, TrialSettings, a_service, trial_app

CODE = "123456789012"
# What a label may be called: names of ours, never of a person, a feedback, or what is restricted.
LABELS = {
    "route", "method", "status", "group", "partition", "service", "loop", "dependency", "source", "review", "clock",
    "command", "within",
}  # fmt: skip


async def shown(app: web.Application) -> dict[str, float]:
    """Scrape an application and return its samples by name and labels, as Prometheus would keep them."""
    async with TestClient(TestServer(metrics_app(app[METRICS]))) as client:
        answer = await client.get("/metrics")
        assert (answer.status, answer.content_type) == (200, "text/plain")
        lines = (await answer.text()).splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples if "_created" not in name}


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/thu", 'method="GET",route="trial.form",status="2xx"'),
        ("HEAD", "/thu", 'method="HEAD",route="trial.form",status="2xx"'),
        ("GET", f"/thu?ma={CODE}", 'method="GET",route="trial.form",status="2xx"'),
        ("GET", "/thu/loi", 'method="GET",route="trial.fail",status="5xx"'),
        ("GET", "/thu/sai", 'method="GET",route="trial.refuse",status="4xx"'),
        ("GET", "/can-bo", 'method="GET",route="trial.staff",status="3xx"'),
        ("GET", f"/tra-cuu/{CODE}", 'method="any",route="no route",status="4xx"'),
        ("PROPFIND", "/thu", 'method="any",route="no route",status="4xx"'),
    ],
)
async def test_a_request_is_counted_once_under_its_route(method: str, path: str, counted: str) -> None:
    app = trial_app()
    async with TestClient(TestServer(app)) as client:
        await client.request(method, path, allow_redirects=False)
        samples = await shown(app)
    requests = {name: count for name, count in samples.items() if name.startswith("hotline_requests_total")}
    assert requests == {f"hotline_requests_total{{{counted}}}": 1}
    of_route = counted.rsplit(",status", 1)[0]
    assert samples[f"hotline_request_seconds_count{{{of_route}}}"] == 1
    assert not any(CODE in name for name in samples)


async def test_each_application_counts_alone_and_shows_nothing_on_its_own_port() -> None:
    one, other = trial_app(), trial_app()
    async with TestClient(TestServer(one)) as client:
        assert (await client.get("/thu")).status == 200
        assert (await client.get("/metrics")).status == 404
    assert any(name.startswith("hotline_requests_total") for name in await shown(one))
    assert not any(name.startswith("hotline_requests_total") for name in await shown(other))


async def test_the_listener_of_metrics_answers_nothing_else() -> None:
    async with TestClient(TestServer(metrics_app(trial_app()[METRICS]))) as client:
        for path in ("/", "/thu", "/healthz", "/metrics/x"):
            assert (await client.get(path)).status == 404
        assert (await client.post("/metrics")).status == 405


async def waits_for_ever() -> Sequence[Reading]:
    await asyncio.Event().wait()
    return ()


async def is_down() -> Sequence[Reading]:
    raise StoreUnavailable("mongodb://hotline:secret@db is gone")


@pytest.mark.parametrize("read", [waits_for_ever, is_down])
async def test_a_source_that_cannot_be_read_hides_no_other(
    read: metrics.ReadGauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "READING_S", 0.01)

    async def well() -> Sequence[Reading]:
        return (Reading(metric=TO_REVIEW, value=3),)

    app = build_app(
        (a_service(Trial().routes(), gauges=well), a_service((), name="broken", gauges=read)), TrialSettings(), Clock()
    )
    samples = await shown(app)
    assert samples["hotline_to_review"] == 3
    assert samples['hotline_readings_missing{source="trial"}'] == 0
    assert samples['hotline_readings_missing{source="broken"}'] == 1
    assert "secret" not in str(samples)


async def test_gauges_are_read_anew_for_each_scrape_and_measures_are_added_up() -> None:
    waiting = iter([2, 1])
    sure = histogram(CONFIDENCE)

    async def read() -> Sequence[Reading]:
        return (Reading(metric=NOTICES_WAITING, value=next(waiting)),)

    app = build_app((a_service((), gauges=read, measures=(sure,)),), TrialSettings(), Clock())
    sure.observe(0.95)
    assert (await shown(app))["hotline_notices_waiting"] == 2
    sure.observe(0.35)
    samples = await shown(app)
    assert samples["hotline_notices_waiting"] == 1
    assert samples['hotline_classification_confidence_bucket{le="0.4"}'] == 1
    assert samples["hotline_classification_confidence_count"] == 2


async def test_a_loop_that_waits_is_told_from_one_that_works() -> None:
    class Loop:
        def __init__(self, trouble: str | None) -> None:
            self.trouble = trouble

        async def run(self) -> None:
            await asyncio.Event().wait()

    watched = {"consumer": Loop("the broker is gone"), "ticker": Loop(None)}
    app = build_app((a_service((), watched=watched),), TrialSettings(), Clock())
    samples = await shown(app)
    assert samples['hotline_loop_in_trouble{loop="consumer",service="trial"}'] == 1
    assert samples['hotline_loop_in_trouble{loop="ticker",service="trial"}'] == 0


def test_every_metric_has_its_help_and_only_labels_that_name_parts_of_ours() -> None:
    table = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert len({metric.name for metric in table}) == len(table)
    for metric in table:
        assert re.fullmatch(r"hotline(_[a-z]+)+", metric.name)
        assert metric.help
        assert set(metric.labels) <= LABELS
    gauges = {metric.name for metric in metrics.GAUGES}
    counted = {
        metrics.REQUESTS, metrics.REQUEST_SECONDS, metrics.CLASSIFICATIONS, metrics.CONFIDENCE,
        metrics.STORE_COMMAND_SECONDS,
    }  # fmt: skip
    assert gauges | {metric.name for metric in counted} == {metric.name for metric in table}
