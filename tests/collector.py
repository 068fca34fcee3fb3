"""A collector of spans for tests: what the exporter sends over OTLP/HTTP, taken by a real server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """Takes spans over OTLP/HTTP as a real collector does; `seen` holds (trace id, process, span), `raw` all bytes."""

    def __init__(self) -> None:
        self.raw = b""
        self.seen: set[tuple[str, str, str]] = set()

    def take(self, body: bytes) -> None:
        """Keep what an exporter sent."""
        self.raw += body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            self.seen |= {
                (span.trace_id.hex(), names[0], span.name) for scope in resource.scope_spans for span in scope.spans
            }


@contextmanager
def collecting(collector: Collector) -> Iterator[str]:
    """Serve a collector and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
