"""Alerts and dashboard: right by promtool, of metrics that hotline really shows, and each alert explained."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.metrics_core import Metric

from hotline.plumbing.metrics import STORE_COMMAND_SECONDS, histogram
from services.cli import SERVICES
from tests.deploy.files import DEPLOY, ROOT, image_settings, tool
from tests.deploy.started import opened, scrape

PROMETHEUS = DEPLOY / "prometheus"
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS = yaml.safe_load((PROMETHEUS / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
BOARD = json.loads((DEPLOY / "grafana/hotline.json").read_text(encoding="utf-8"))
EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in BOARD["panels"]
        for target in panel["targets"]
    },
}
# What Prometheus itself says of a target.
ITS_OWN = {"up"}
SET_BY_PROMETHEUS = {"instance", "job"}
SERIES = re.compile(r"\b(hotline_[a-z_]+|up)\b(?:\{([^}]*)\})?")


@pytest.mark.live
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")],
    ids=["configuration", "rules", "rule tests"],
)
def test_promtool_finds_no_fault(arguments: tuple[str, ...]) -> None:
    told = subprocess.run([tool("promtool", "prometheus"), *arguments], cwd=PROMETHEUS, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_prometheus_asks_each_service_at_the_port_of_its_metrics() -> None:
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == list(SERVICES)
    assert str(found["port"]) == image_settings()["METRICS_PORT"]
    assert {f'job="{job["job_name"]}"'} == set(re.findall(r'job="\w+"', " ".join(EXPRESSIONS.values())))


def test_each_alert_has_a_test_that_raises_it_and_one_that_does_not() -> None:
    raised = {case["alertname"]: case["exp_alerts"] for test in TESTS for case in test["alert_rule_test"]}
    names = [rule["alert"] for rule in RULES]
    assert set(raised) == set(names)
    expected = sorted(f"{name} {outcome}" for name in names for outcome in ("raised", "silent"))
    assert sorted(test["name"] for test in TESTS) == expected
    for test in TESTS:
        (case,) = test["alert_rule_test"]
        assert bool(case["exp_alerts"]) == test["name"].endswith(" raised")


def test_each_alert_is_of_a_known_severity_and_says_in_operations_what_to_do() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = text.split("## What to watch", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(Hotline\w+)` \| ([^|]+) \| ([^|]+) \|$", section, flags=re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(rule["alert"] for rule in RULES)
    assert {rule["labels"]["severity"] for rule in RULES} == {"critical", "warning"}


async def test_every_metric_and_label_that_is_asked_for_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/healthz")).status == 200
        samples = [sample for family in [*await scrape(app), *over_servers()] for sample in family.samples]
    shown: dict[str, set[str]] = {}
    for sample in samples:
        shown.setdefault(sample.name, set()).update(sample.labels)
    faults = {where: found for where, asked in EXPRESSIONS.items() if (found := faults_of(asked, shown))}
    assert faults == {}


def over_servers() -> Iterable[Metric]:
    """Return what only a hotline over MongoDB shows; that it does is seen in tests/live/test_three_services.py."""
    seconds = histogram(STORE_COMMAND_SECONDS)
    seconds.labels("find").observe(0.001)
    return seconds.collect()


def faults_of(expression: str, shown: Mapping[str, set[str]]) -> list[str]:
    """Name the metrics and labels of an expression that hotline does not show."""
    series = SERIES.findall(expression)
    faults = [name for name, _ in series if name not in {*shown, *ITS_OWN}]
    known = set[str]().union(*(shown.get(name, set()) for name, _ in series)) | SET_BY_PROMETHEUS
    asked = [label for _, selected in series for label in re.findall(r"(\w+)[=!]", selected)]
    asked += [label.strip() for grouped in re.findall(r"by \(([^)]*)\)", expression) for label in grouped.split(",")]
    return faults + [label for label in asked if label not in known]


def test_what_is_not_shown_is_seen() -> None:
    shown = {"hotline_requests_total": {"route", "status"}}
    assert faults_of('sum by (route) (rate(hotline_requests_total{status="5xx"}[5m]))', shown) == []
    assert faults_of("sum by (agency) (hotline_requests_total)", shown) == ["agency"]
    assert faults_of('hotline_request_total{code="5"}', shown) == ["hotline_request_total", "code"]


def test_the_dashboard_asks_the_chosen_prometheus_and_its_panels_do_not_overlap() -> None:
    places: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & places
        assert all(x < 24 for x, _ in cells)
        places |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
