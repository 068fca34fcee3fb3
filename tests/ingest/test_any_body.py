"""Whatever JSON comes, the answer is never an internal error, and what is refused is not stored."""

import json
from typing import Any

from aiohttp.test_utils import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.errors import Invalid
from services.ingest.bodies import FeedbackBody, read_body
from tests.ingest.api_client import PARTNER
from tests.ingest.builders import Desk

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "channel",
        "text",
        "place",
        "reporter",
        "attachments",
        "external_id",
        "received_at",
        "province",
        "commune",
        "phone",
    ]
)
NEAR = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["web", "box", "", "WEB"]) | ANYTHING,
        "text": st.text(max_size=50) | ANYTHING,
        "place": st.dictionaries(st.sampled_from(["province", "commune", "commune_code", "detail", "x"]), SCALARS),
        "reporter": st.dictionaries(st.sampled_from(["name", "phone", "email", "x"]), SCALARS),
        "attachments": st.lists(st.dictionaries(st.sampled_from(["name", "content", "x"]), SCALARS), max_size=2)
        | ANYTHING,
        "external_id": SCALARS,
        "received_at": SCALARS | st.datetimes().map(str),
    },
)
BODIES = NEAR | st.dictionaries(NAMES, ANYTHING, max_size=6) | ANYTHING


async def test_any_json_is_taken_whole_or_refused_whole(api: TestClient[Any, Any], desk: Desk) -> None:
    drawn: list[bytes] = []

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(BODIES)
    def draw(body: object) -> None:
        if isinstance(body, dict) and isinstance(body.get("external_id"), str):
            # The same number a second time is a repeat, which is another test's matter.
            body["external_id"] += f"#{len(drawn)}"
        drawn.append(json.dumps(body).encode("utf-8", "surrogatepass"))

    draw()
    for number, raw in enumerate(drawn):
        headers = {"Content-Type": "application/json", **(PARTNER if number % 2 else {})}
        before = await desk.count("ingest_feedback"), await desk.count("bus_fact")
        response = await api.post("/api/v1/feedback", data=raw, headers=headers)
        after = await desk.count("ingest_feedback"), await desk.count("bus_fact")
        stored = 1 if response.status == 201 else 0
        assert response.status in {201, 400, 403, 413, 422}, raw
        assert after == (before[0] + stored, before[1] + stored), raw
        if not stored:
            assert (await response.json(content_type=None))["errors"], raw


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_are_refused_as_a_body(raw: bytes) -> None:
    fields = {"body"}
    try:
        read_body(raw, FeedbackBody)
    except Invalid as invalid:
        fields = {error.field for error in invalid.errors}
    assert fields == {"body"}
