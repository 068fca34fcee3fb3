"""Decides a feedback's id, and whether two bodies are the same.

Where the caller gave something that names the message (an idempotency key, a call id, a slip of a box) the id is
derived from it, so the store's primary key refuses a repeat. Likeness of two texts never merges their senders.
Called by `feedback.accept` and the edges; keeps nothing.
"""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from hotline.text import fold

Origin = tuple[str, ...]


def from_key(scope: str, key: str) -> Origin:
    """Return the origin of a message sent under an idempotency key; keys of different scopes never meet."""
    return ("key", scope, key)


def from_call(call_id: str) -> Origin:
    """Return the origin of a 1022 call."""
    return ("call", call_id)


def from_slip(box_id: str, opened_at: datetime, text: str, nth: int) -> Origin:
    """Return the origin of the `nth` slip with this text in a box opened at this instant.

    The row number is left out, so a file with shifted rows adds only what is new; the text is folded, so a retyped mark
    or space makes no second slip.
    """
    return ("slip", fold(box_id), opened_at.astimezone(UTC).isoformat(), fold(text), str(nth))


@lru_cache(maxsize=4)
def keyed_by(secret: bytes) -> hmac.HMAC:
    """Return the keyed hash before its message, to be copied: making it anew costs more than the message does."""
    return hmac.new(secret, digestmod="sha256")


def feedback_id_of(secret: bytes, origin: Origin | None) -> str:
    """Return the id for this origin, always the same one; a new random id when there is none.

    Shaped as a UUID of version 8 (RFC 9562). Without the secret an id says nothing about its origin.
    """
    if origin is None:
        return str(uuid.uuid4())
    said = b"\x00".join(part.encode() for part in ("feedback-id", *origin))
    # `hmac.digest` lets go of the interpreter's lock, which then has to be waited for; `hmac.new` does not.
    keyed = keyed_by(secret).copy()
    keyed.update(said)
    plain = keyed.hexdigest()
    variant = "89ab"[int(plain[16], 16) & 3]
    return f"{plain[:8]}-{plain[8:12]}-8{plain[13:16]}-{variant}{plain[17:20]}-{plain[20:32]}"


def fingerprint_of(*parts: str | None) -> str:
    """Return what tells a repeat of a body from a different one: equal exactly for equal parts in equal order."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]
