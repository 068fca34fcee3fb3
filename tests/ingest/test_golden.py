"""One stored feedback of each schema, never edited: every later release must read all of it."""

from pathlib import Path

import msgspec

from services.ingest.documents import decode_feedback, encode, state_of
from tests.contract.golden_documents import lost

GOLDEN = Path(__file__).parent / "golden"


def lost(stored: object, again: object, path: str = "") -> list[str]:
    """Return what of a stored document is not in another one; optional fields added since do not matter."""
    if isinstance(stored, dict) and isinstance(again, dict):
        return [fault for key, value in stored.items() for fault in lost(value, again.get(key), f"{path}.{key}")]
    return [] if stored == again else [path]


def test_a_stored_feedback_of_schema_1_is_read_without_loss() -> None:
    stored = (GOLDEN / "feedback-1.json").read_bytes()
    again = encode(decode_feedback(stored))
    assert lost(msgspec.json.decode(stored), msgspec.json.decode(again)) == []


def test_a_lost_field_would_be_seen() -> None:
    assert lost({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}) == [".a.c"]


def test_what_goes_on_the_bus_never_names_the_sender() -> None:
    feedback = decode_feedback((GOLDEN / "feedback-1.json").read_bytes())
    assert feedback.reporter is not None
    said = msgspec.json.encode(state_of(feedback)).decode()
    for secret in (feedback.reporter.name, feedback.reporter.phone, feedback.reporter.email, feedback.tracking_code):
        assert secret and secret not in said
