"""Puts classify together: store, model, review desk and loops. Called by `services/server.py` and by tests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from hotline.config import Settings
from hotline.facts import ClassificationState
from hotline.plumbing.backend import Backend
from hotline.plumbing.consume import Consumer
from hotline.plumbing.metrics import CLASSIFICATIONS, CONFIDENCE, TO_REVIEW, Reading, counter, histogram
from hotline.web.service import Service, Watched
from services.classify.actions import Judge
from services.classify.alike import forgetting
from services.classify.consumer import GROUP, KINDS, handler
from services.classify.opening import RELAYED, open_store
from services.classify.scorer import Scorer
from services.classify.store import ClassifyStore
from services.classify.web_drift import DriftPage
from services.classify.web_review import NAV, ReviewDesk

HERE = Path(__file__).parent


async def open_service(backend: Backend, settings: Settings) -> Service:
    """Open classify; the model loads with its loop, so that nobody who sends feedback waits for it."""
    store = await open_store(backend)
    scorer = Scorer(settings.models_dir)
    measured = MeasuredJudge(scorer.judge)
    handle = handler(store, measured.judge, backend.clock)
    consumer = Consumer(bus=backend.bus, group=GROUP, handle=handle, clock=backend.clock, kinds=KINDS)

    watched: Mapping[str, Watched] = {
        "scorer": scorer,
        "consumer": consumer,
        "forgetting": forgetting(store, backend.clock),
    }

    async def is_ready() -> bool:
        return consumer.trouble is None

    return Service(
        name="classify",
        routes=(*DriftPage(store).routes(), *ReviewDesk(store).routes()),
        template_dir=HERE / "templates",
        message_dir=HERE,
        loops={**{name: loop.run for name, loop in watched.items()}, **backend.relay("classify", RELAYED)},
        watched=watched,
        gauges=partial(gauges, store),
        measures=(measured.classifications, measured.confidence),
        close=scorer.close,
        ready=is_ready,
        nav=NAV,
    )


class MeasuredJudge:
    """A judge whose verdicts are counted: how sure the model is, and how often a person must look."""

    def __init__(self, judge: Judge) -> None:
        self.inner = judge
        self.classifications = counter(CLASSIFICATIONS)
        # Both stand at 0 from the start: a share can be taken of them.
        self.by_review = {needed: self.classifications.labels(word) for needed, word in ((True, "yes"), (False, "no"))}
        self.confidence = histogram(CONFIDENCE)

    async def judge(self, text: str, now: datetime) -> ClassificationState:
        """Judge and count; see `Judge`."""
        said = await self.inner(text, now)
        self.by_review[said.needs_review].inc()
        self.confidence.observe(said.confidence)
        return said


async def gauges(store: ClassifyStore) -> Sequence[Reading]:
    """Return what classify shows at /metrics: how much waits for a person, restricted ones with all others."""
    return (Reading(metric=TO_REVIEW, value=await store.count_to_review(include_restricted=True)),)
