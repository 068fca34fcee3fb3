"""The page that shows whether the model drifts: week by week how sure it was, and which codes persons had to correct.

For whoever may review. It shows counts alone, none of a restricted feedback, so that everybody sees the same page.
"""

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from hotline.taxonomy import load_taxonomy
from hotline.web.audience import Audience
from hotline.web.keys import NOW
from hotline.web.pages import page
from hotline.web.service import Route
from services.classify.drift import mistaken, week_of
from services.classify.store import ClassifyStore
from services.classify.web_review import REVIEWERS

PERIODS = (4, 12, 26)
USUAL = 12
MOST_PAIRS = 50


@dataclass(frozen=True, slots=True)
class DriftPage:
    """The handler of the page over one store."""

    store: ClassifyStore

    async def show(self, request: web.Request) -> web.Response:
        """GET /review/drift: the last weeks (`tuan`: 4, 12 or 26), this one included, the newest first."""
        weeks = weeks_of(request)
        last = week_of(request[NOW])
        first = last - timedelta(weeks=weeks - 1)
        pairs = mistaken(await self.store.said(first, last))
        return page(
            request,
            "classify/drift.html",
            weeks=await self.store.weeks(first, last),
            pairs=pairs[:MOST_PAIRS],
            hidden=len(pairs[MOST_PAIRS:]),
            period=weeks,
            periods=PERIODS,
            taxonomy=load_taxonomy(),
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the page's route; it must stand before that of one feedback, which takes any word."""
        reviewers = Audience.roles(*REVIEWERS)
        return (
            Route(method="GET", path="/review/drift", handler=self.show, audience=reviewers, name="classify.drift"),
        )


def weeks_of(request: web.Request) -> int:
    """Read how many weeks are asked for; anything that is not offered is the usual period."""
    offered = {str(weeks): weeks for weeks in PERIODS}
    return offered.get(request.query.get("tuan", ""), USUAL)
