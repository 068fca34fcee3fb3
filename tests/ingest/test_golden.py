"""One stored feedback of each schema, never edited: every later release must read all of it."""

from pathlib import Path

import msgspec

from services.ingest.documents import decode_feedback, encode, state_of
from tests.contract.golden_documents import lost

GOLDEN = Path(__file__).parent / "golden"


def test_a_stored_feedback_of_schema_1_is_read_without_loss() -> None:
    stored = (GOLDEN / "feedback-1.json").read_bytes()
    again = encode(decode_feedback(stored))
    assert lost(msgspec.json.decode(stored), msgspec.json.decode(again)) == []


def test_what_goes_on_the_bus_never_names_the_sender() -> None:
    feedback = decode_feedback((GOLDEN / "feedback-1.json").read_bytes())
    assert feedback.reporter is not None
    said = msgspec.json.encode(state_of(feedback)).decode()
    for secret in (feedback.reporter.name, feedback.reporter.phone, feedback.reporter.email, feedback.tracking_code):
        assert secret and secret not in said
