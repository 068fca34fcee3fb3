"""How a fact and a dead letter lie on the broker: CloudEvents 1.0, Kafka protocol binding, binary content mode.

Pure; used by the other `bus_kafka` files. Attributes are `ce_` headers, the data is `{"state": …, "sealed": …}` with
the citizen's words sealed (base64) as on every backend. The record's key is the feedback's id, which fixes its
partition. A dead letter is the fact as it was, with `letter_` headers beside it.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from hotline.plumbing.bus import DeadLetter
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.failures import FactUnreadable

Headers = Sequence[tuple[str, bytes]]

# Attribute of CloudEvents (those after `time` are extensions) and the field of Envelope it carries.
ATTRIBUTES = {
    "id": "fact_id",
    "type": "kind",
    "subject": "feedback_id",
    "time": "at",
    "producer": "producer",
    "epoch": "epoch",
    "seq": "seq",
    "cause": "cause",
    "factschema": "schema",
    "keyid": "key_id",
    "traceparent": "trace",
}
NUMBERS = frozenset({"epoch", "seq", "schema"})
OPTIONAL = frozenset({"key_id", "trace"})


class Data(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The data of the event."""

    state: msgspec.Raw
    sealed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is handed to the driver; `value` None removes the key from a compacted topic."""

    key: bytes
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter with the fact in it."""

    about: DeadLetter
    envelope: Envelope

    @property
    def key(self) -> bytes:
        """The key in the compacted topic: one letter a group and fact."""
        return letter_key(self.about.group, self.about.fact_id)


def letter_key(group: str, fact_id: str) -> bytes:
    """Return the key of a group's letter about a fact."""
    return f"{group}|{fact_id}".encode()


def letter_id_of(group: str, fact_id: str) -> int:
    """Return a letter's id: positive, 63 bits, the same whoever computes it."""
    return int.from_bytes(hashlib.sha256(letter_key(group, fact_id)).digest()[:8]) >> 1 or 1


def record_of(envelope: Envelope) -> Record:
    """Return the record of a fact."""
    sealed = None if envelope.sealed is None else base64.b64encode(envelope.sealed).decode()
    attributes = {
        "specversion": "1.0",
        "source": f"/hotline/{envelope.producer}",
        "partitionkey": envelope.feedback_id,
        **{name: getattr(envelope, field) for name, field in ATTRIBUTES.items()},
    }
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items() if value is not None]
    return Record(
        key=envelope.feedback_id.encode(),
        value=msgspec.json.encode(Data(state=msgspec.Raw(envelope.state), sealed=sealed)),
        headers=[*headers, ("content-type", b"application/json")],
    )


def envelope_of(headers: Headers, value: bytes | None) -> Envelope:
    """Read the fact of a record; raises FactUnreadable, which pauses, for what no release of ours has written."""
    named = {name.removeprefix("ce_"): content for name, content in headers}
    try:
        data = msgspec.json.decode(value or b"", type=Data)
        fields: dict[str, Any] = {
            field: field_of(field, named[name])
            for name, field in ATTRIBUTES.items()
            if name in named or field not in OPTIONAL
        }
        sealed = None if data.sealed is None else base64.b64decode(data.sealed, validate=True)
        return Envelope(**{"key_id": None, **fields, "state": bytes(data.state), "sealed": sealed})
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        raise FactUnreadable(f"a record of the topic is no fact of hotline ({type(error).__name__})") from None


def field_of(field: str, content: bytes) -> str | int:
    """Read one attribute."""
    return int(content) if field in NUMBERS else content.decode()


def letter_record(letter: Letter) -> Record:
    """Return the record of a dead letter."""
    about = letter.about
    fact = record_of(letter.envelope)
    own: Mapping[str, object] = {
        "group": about.group,
        "error": about.error,
        "attempts": about.attempts,
        "firstat": about.first_at.isoformat(),
        "replaying": "yes" if about.is_replaying else "no",
    }
    headers = [*fact.headers, *((f"letter_{name}", str(value).encode()) for name, value in own.items())]
    return Record(key=letter.key, value=fact.value, headers=headers)


def letter_of(headers: Headers, value: bytes | None) -> Letter:
    """Read a dead letter; raises FactUnreadable."""
    envelope = envelope_of(headers, value)
    own = {name.removeprefix("letter_"): content.decode() for name, content in headers if name.startswith("letter_")}
    try:
        about = new_letter(own["group"], envelope, own["error"], int(own["attempts"]), own["firstat"])
        return Letter(about=replace(about, is_replaying=own["replaying"] == "yes"), envelope=envelope)
    except (ValueError, KeyError) as error:
        raise FactUnreadable(f"a record of the topic is no dead letter ({type(error).__name__})") from None


def new_letter(group: str, envelope: Envelope, error: str, attempts: int, first_at: str) -> DeadLetter:
    """Return what is said of a fact that `group` could not handle."""
    return DeadLetter(
        letter_id=letter_id_of(group, envelope.fact_id),
        group=group,
        fact_id=envelope.fact_id,
        kind=envelope.kind,
        feedback_id=envelope.feedback_id,
        error=error,
        attempts=attempts,
        first_at=datetime.fromisoformat(first_at),
        is_replaying=False,
    )
