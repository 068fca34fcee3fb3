"""One stored ticket and one stored account of each schema, never edited: a later release must still read them."""

from pathlib import Path

import msgspec

from services.respond.documents import decode_account, decode_ticket, encode_account, encode_ticket
from tests.contract.golden_documents import lost

GOLDEN = Path(__file__).parent / "golden"


def test_a_stored_ticket_of_schema_1_is_read_whole() -> None:
    stored = (GOLDEN / "ticket-1.json").read_bytes()
    ticket = decode_ticket(stored)
    assert decode_ticket(encode_ticket(ticket)) == ticket
    assert lost(msgspec.json.decode(stored), msgspec.json.decode(encode_ticket(ticket))) == []
    assert ticket.answer is not None
    assert ticket.answer.files
    assert ticket.breaches
    assert ticket.screening is not None


def test_a_stored_account_of_schema_1_is_read_whole() -> None:
    stored = (GOLDEN / "account-1.json").read_bytes()
    account = decode_account(stored)
    assert decode_account(encode_account(account)) == account
    assert lost(msgspec.json.decode(stored), msgspec.json.decode(encode_account(account))) == []
