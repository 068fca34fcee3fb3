"""Spans from the request to the ticket, when OTEL_EXPORTER_OTLP_ENDPOINT names a collector; otherwise nothing at all.

A trace begins at a request (never from outside: anyone could send a traceparent), lies beside each fact that the
request caused, and goes on where a service handles that fact. Called by the web shell, the drivers and the consuming
loop. A span holds only what ATTRIBUTES names, and of an exception its class: it leaves the machine. Export is on a
thread of its own; a collector that does not answer costs spans, never a request.
"""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_S = 5.0
ATTRIBUTES = frozenset({
    "feedback_id", "fact_id", "kind", "group", "route", "method", "status", "error", "cause", "count",
})  # fmt: skip

A = TypeVar("A")
T = TypeVar("T")


@dataclass(slots=True)
class Tracing:
    """Whether this process traces: `tracer` is None while it does not."""

    tracer: "Tracer | None" = None


TRACING = Tracing()
NOTHING = contextlib.nullcontext()


@contextlib.contextmanager
def tracing(environment: Mapping[str, str], service: str) -> Iterator[None]:
    """Trace for as long as the block lasts when the environment names a collector; flushes for at most FLUSH_S then.

    `service` is the `service.name` unless OTEL_SERVICE_NAME says another. The exporter reads the other OTEL_EXPORTER_*
    variables itself.
    """
    if not any(environment.get(name) for name in ENDPOINTS):
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME") or service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    TRACING.tracer = provider.get_tracer("hotline")
    try:
        yield
    finally:
        end_tracing(provider)


def end_tracing(provider: "TracerProvider") -> None:
    """Trace no more and send what is left, for at most FLUSH_S: a collector that is gone must not hold up a stop."""
    TRACING.tracer = None
    flushing = threading.Thread(target=provider.shutdown, name="trace-flush", daemon=True)
    flushing.start()
    flushing.join(FLUSH_S)


def span(name: str, *, parent: str | None = None, **attributes: object) -> AbstractContextManager[None]:
    """Record the block as a span: below `parent` (a traceparent), else below the current span, else as a new trace."""
    tracer = TRACING.tracer
    if tracer is None:
        return NOTHING
    return recorded(tracer, name, parent, attributes)


@contextlib.contextmanager
def recorded(tracer: "Tracer", name: str, parent: str | None, attributes: Mapping[str, object]) -> Iterator[None]:
    """Keep one span open; of what fails inside, its class is told and its message, which may quote a citizen, not."""
    from opentelemetry.trace import Status, StatusCode

    with tracer.start_as_current_span(
        name, context=context_of(parent), record_exception=False, set_status_on_exception=False
    ) as current:
        note(**attributes)
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def context_of(parent: str | None) -> "Context | None":
    """Return the context below a traceparent; None, the current one, without it."""
    if parent is None:
        return None
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())


def note(**attributes: object) -> None:
    """Add attributes to the current span; what ATTRIBUTES does not name is dropped."""
    if TRACING.tracer is None:
        return
    from opentelemetry.trace import get_current_span

    current = get_current_span()
    for name, value in attributes.items():
        if name in ATTRIBUTES and value is not None:
            current.set_attribute(f"hotline.{name}", value if isinstance(value, bool | int | float) else str(value))


def traceparent() -> str | None:
    """Return the current span as a W3C traceparent, None outside any."""
    if TRACING.tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def trace_id() -> str | None:
    """Return the id of the current trace, as collectors show it; None outside any."""
    current = traceparent()
    return current.split("-")[1] if current else None


def carried(work: Callable[[A], T]) -> Callable[[A], T]:
    """Return `work` as it must be called on another thread, so that it knows the current span."""
    if TRACING.tracer is None:
        return work
    context = contextvars.copy_context()
    return lambda given: context.run(work, given)
