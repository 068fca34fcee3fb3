"""`/metrics`: served on a listener of its own, never beside the pages, and which loops wait.

Whoever can reach it learns how much is sent and where work is stuck, but of no person. Called by `services/server.py`.
"""

from collections.abc import Iterable, Sequence

from aiohttp import web

from hotline.plumbing.metrics import CONTENT_TYPE_LATEST, LOOP_IN_TROUBLE, Metrics, ReadGauges, Reading
from hotline.web.service import Service


def metrics_app(metrics: Metrics) -> web.Application:
    """Return the application that answers `GET /metrics` in Prometheus' text format and nothing else."""

    async def show(_: web.Request) -> web.StreamResponse:
        return web.Response(body=await metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app


def loop_gauges(services: Iterable[Service]) -> ReadGauges:
    """Return what says of each watched loop whether it waits for what it cannot reach."""

    async def read() -> Sequence[Reading]:
        return [
            Reading(
                metric=LOOP_IN_TROUBLE,
                value=loop.trouble is not None,
                labels={"service": service.name, "loop": name},
            )
            for service in services
            for name, loop in service.watched.items()
        ]

    return read
