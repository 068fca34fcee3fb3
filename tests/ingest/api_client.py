"""How the tests speak to the JSON edge."""

import io
import json
from collections.abc import Mapping
from typing import Any

from aiohttp.test_utils import TestClient

from tests.ingest.builders import PARTNER_KEY

GOOD = {"channel": "web", "text": "Đường vào thôn bị sạt, xe không qua được."}
FEEDBACK = "/api/v1/feedback"
CALLS = "/api/v1/hotline/calls"
PARTNER = {"Authorization": f"Bearer {PARTNER_KEY}"}


async def send(
    api: TestClient[Any, Any], body: object, headers: Mapping[str, str] | None = None, path: str = FEEDBACK
) -> tuple[int, dict[str, Any]]:
    """Post a body (bytes as they are, anything else as JSON) and return status and answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await api.post(
        path, data=io.BytesIO(raw), headers={"Content-Type": "application/json", **(headers or {})}
    )
    return response.status, await response.json(content_type=None)


def faults(answer: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return field and code of every fault of a problem document."""
    return {(error["field"], error["code"]) for error in answer["errors"]}
