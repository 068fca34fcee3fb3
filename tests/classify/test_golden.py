"""One stored classification of each schema, never edited: a later release must still read it."""

from pathlib import Path

import msgspec

from services.classify.documents import decode, encode
from tests.contract.golden_documents import lost

GOLDEN = Path(__file__).parent / "golden"


def test_a_stored_classification_of_schema_1_is_read_whole() -> None:
    stored = (GOLDEN / "classification-1.json").read_bytes()
    document = decode(stored)
    assert decode(encode(document)) == document
    assert lost(msgspec.json.decode(stored), msgspec.json.decode(encode(document))) == []
    assert document.decisions
