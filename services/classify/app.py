"""Puts classify together: store, model, review desk and loops. Called by `services/server.py` and by tests."""

from pathlib import Path

from hotline.config import Settings
from hotline.plumbing.backend import Backend
from hotline.plumbing.consume import Consumer
from hotline.web.service import Service
from services.classify.consumer import GROUP, KINDS, handler
from services.classify.opening import open_store
from services.classify.scorer import Scorer
from services.classify.web_review import NAV, ReviewDesk

HERE = Path(__file__).parent


async def open_service(backend: Backend, settings: Settings) -> Service:
    """Open classify; the model loads with its loop, so that nobody who sends feedback waits for it."""
    store = await open_store(backend)
    scorer = Scorer(settings.models_dir)
    handle = handler(store, scorer.judge, backend.clock)
    consumer = Consumer(bus=backend.bus, group=GROUP, handle=handle, clock=backend.clock, kinds=KINDS)

    async def is_ready() -> bool:
        return consumer.trouble is None

    return Service(
        name="classify",
        routes=ReviewDesk(store).routes(),
        template_dir=HERE / "templates",
        message_dir=HERE,
        loops={"scorer": scorer.run, "consumer": consumer.run},
        close=scorer.close,
        ready=is_ready,
        nav=NAV,
    )
