"""Keeps who sent a feedback apart from it: sealed, and found through a keyed mark of the number alone.

Used by both stores, so that a stored document means the same in either. The key comes from the product's secret: the
database alone names nobody (Luật BVDLCN 91/2025).
"""

import hmac

import msgspec
from msgspec.structs import replace

from hotline.plumbing.seal import Sealer
from services.ingest.documents import Feedback, Reporter, decode_feedback, encode

KEY_ID = "secret"
MARK_BYTES = 16


class ReporterSeal:
    """Takes the sender out of a feedback before it is stored and puts it back when it is read."""

    def __init__(self, secret: str) -> None:
        self._sealer = Sealer({KEY_ID: secret})
        self._mark_key = hmac.digest(secret.encode(), b"ingest phone mark", "sha256")

    def apart(self, feedback: Feedback) -> tuple[bytes, bytes | None, bytes | None]:
        """Return the document without its sender, the sealed sender, and the mark of their number; None for none."""
        reporter = feedback.reporter
        if reporter is None:
            return encode(feedback), None, None
        words = msgspec.json.encode(reporter)
        contact = self._sealer.seal(words, belongs_to=f"contact:{feedback.feedback_id}")
        phone_mark = self.mark(reporter.phone) if reporter.phone else None
        return encode(replace(feedback, reporter=None)), contact, phone_mark

    def together(self, doc: bytes, contact: bytes | None) -> Feedback:
        """Return the feedback with its sender; raises UnknownSchema, KeyMissing, FactIsBad."""
        feedback = decode_feedback(doc)
        if contact is None:
            return feedback
        words = self._sealer.open(contact, key_id=KEY_ID, belongs_to=f"contact:{feedback.feedback_id}")
        return replace(feedback, reporter=msgspec.json.decode(words, type=Reporter))

    def mark(self, phone: str) -> bytes:
        """Return what a number (E.164) is found by; without the key nothing can be told from it."""
        return hmac.new(self._mark_key, phone.encode(), "sha256").digest()[:MARK_BYTES]
