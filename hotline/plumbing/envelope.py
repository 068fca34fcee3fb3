"""How a fact is written down: a clear header, the clear part of the state, and the sealed part.

Used by every bus backend; `docs/facts.md` shows one. Opening an envelope of an unknown kind, schema or value raises
FactUnreadable, which pauses and never dead-letters.
"""

from datetime import datetime
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from hotline.facts import SCHEMA, SEALED_FIELDS, STATES, Fact, FactKind, Producer
from hotline.plumbing.failures import FactUnreadable
from hotline.plumbing.seal import Sealer
from hotline.plumbing.tracing import traceparent

# By state: what is not sealed.
OPEN_FIELDS = {
    state: tuple(name for name in get_type_hints(state) if name not in sealed)
    for state, sealed in SEALED_FIELDS.items()
}
_encode = msgspec.json.Encoder().encode


class Envelope(Struct, frozen=True, kw_only=True):
    """A fact as it lies in a log; `sealed` is None when nothing of it is secret.

    `trace` is the W3C traceparent of what caused the fact (clear, names nobody), None while nothing is traced.
    """

    fact_id: str
    kind: str
    feedback_id: str
    producer: str
    epoch: int
    seq: int
    at: str
    cause: str
    schema: int
    state: bytes
    key_id: str | None
    sealed: bytes | None
    trace: str | None = None


def close_fact(fact: Fact, sealer: Sealer) -> Envelope:
    """Write `fact` down, its secret fields sealed: the empty and false ones too, as a gap would tell."""
    secret = {name: getattr(fact.state, name) for name in SEALED_FIELDS[type(fact.state)]}
    sealed = sealer.seal(_encode(secret), belongs_to=fact.fact_id) if secret else None
    return Envelope(
        fact_id=fact.fact_id,
        kind=fact.kind,
        feedback_id=fact.feedback_id,
        producer=fact.producer,
        epoch=fact.epoch,
        seq=fact.seq,
        at=fact.at.isoformat(),
        cause=fact.cause,
        schema=fact.schema,
        state=_encode({name: getattr(fact.state, name) for name in OPEN_FIELDS[type(fact.state)]}),
        key_id=sealer.writing_key_id if sealed else None,
        sealed=sealed,
        trace=traceparent(),
    )


def open_fact(envelope: Envelope, sealer: Sealer, newest: int = SCHEMA) -> Fact:
    """Read the fact back; raises FactUnreadable, KeyMissing or FactIsBad. `newest` is the schema a release knows."""
    if envelope.schema > newest:
        raise FactUnreadable(f"{envelope.fact_id}: schema {envelope.schema} is newer than this release's {newest}")
    state: dict[str, Any] = msgspec.json.decode(envelope.state)
    if envelope.sealed is not None:
        words = sealer.open(envelope.sealed, key_id=envelope.key_id or "", belongs_to=envelope.fact_id)
        state |= msgspec.json.decode(words)
    try:
        kind = FactKind(envelope.kind)
        return Fact(
            fact_id=envelope.fact_id,
            kind=kind,
            feedback_id=envelope.feedback_id,
            producer=Producer(envelope.producer),
            epoch=envelope.epoch,
            seq=envelope.seq,
            at=datetime.fromisoformat(envelope.at),
            cause=envelope.cause,
            schema=envelope.schema,
            state=msgspec.convert(state, STATES[kind]),
        )
    except (ValueError, msgspec.ValidationError) as error:
        # The message of a validation error can quote the state: only its class is told.
        raise FactUnreadable(f"{envelope.fact_id}: not a fact of this release ({type(error).__name__})") from None
