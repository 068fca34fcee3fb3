"""What leaves the machine in a trace: the steps and their order, never a person's words."""

import os
import threading
from collections.abc import Iterator

import pytest

from hotline.plumbing.tracing import TRACING, carried, span, trace_id, traceparent, tracing
from tests.collector import Collector, collecting

WORDS = "ong-a-nhan-hoi-lo"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Return a collector that the environment names."""
    taking = Collector()
    with collecting(taking) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        yield taking


def fail_in_a_span() -> None:
    """Fail with a citizen's words, beside an attribute that may be told and one that may not."""
    with span("step", feedback_id="f-1", text=WORDS):
        raise ValueError(WORDS)


def test_without_a_collector_nothing_is_traced() -> None:
    with tracing({}, "hotline"), span("step"):
        assert (TRACING.tracer, traceparent(), trace_id()) == (None, None, None)


def test_a_span_holds_named_attributes_and_the_class_of_a_failure_alone(collector: Collector) -> None:
    with tracing(os.environ, "hotline"), pytest.raises(ValueError, match=WORDS):
        fail_in_a_span()
    assert [(process, name) for _, process, name in collector.seen] == [("hotline", "step")]
    assert b"f-1" in collector.raw and b"ValueError" in collector.raw
    assert WORDS.encode() not in collector.raw


def test_a_trace_goes_on_where_its_fact_is_handled_and_on_another_thread(collector: Collector) -> None:
    with tracing(os.environ, "hotline"):
        with span("request"):
            parent, on_a_thread = traceparent(), carried(lambda _: traceparent())
        with span("handled", parent=parent):
            assert trace_id() == str(parent).split("-")[1]
        assert on_a_thread(None) == parent
    assert len({trace for trace, _, _ in collector.seen}) == 1


def test_a_collector_that_is_gone_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    before = set(threading.enumerate())
    with tracing(os.environ, "hotline"), span("step"):
        pass
    assert TRACING.tracer is None
    # One that goes on trying would draw random waits under the tests that follow.
    assert {thread.name for thread in threading.enumerate()} <= {thread.name for thread in before}
