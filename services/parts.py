"""The three services' stores as `backup`, `restore` and `reconcile` go through them, and what tells keys apart."""

import hmac
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from hotline.config import Settings
from hotline.plumbing.backend import Backend
from hotline.plumbing.records import ERASED, Record, Records, ids_of
from hotline.plumbing.seal import DEFAULT_KEY_ID
from services.classify import opening as classify
from services.ingest import opening as ingest
from services.respond import opening as respond

# In this order they are read: every ticket of a backup has its feedback.
OPEN: Mapping[str, Callable[[Backend], Awaitable[Records]]] = {
    "respond": respond.open_records,
    "classify": classify.open_records,
    "ingest": ingest.open_records,
}
SERVICES = tuple(OPEN)
OWNERS: Mapping[str, str] = {"respond": "answers", "ingest": "feedback"}
FACTS, LETTERS = "facts", "dead-letters"

# Hears what is being done and how many more of it are done.
Report = Callable[[str, int], None]


async def open_parts(backend: Backend, names: Collection[str] = SERVICES) -> dict[str, Records]:
    """Open the stores of the named services; raises SchemaTooNew, StoreUnavailable."""
    return {name: await open_part(backend) for name, open_part in OPEN.items() if name in names}


async def erased_in(stores: Iterable[Records]) -> dict[str, int]:
    """Return the ids that any of the stores knows as erased, with how many of them do."""
    found: dict[str, int] = {}
    for store in stores:
        async for feedback_id in ids_of(store, ERASED):
            found[feedback_id] = found.get(feedback_id, 0) + 1
    return found


def is_of_erased(record: Record, erased: Collection[str]) -> bool:
    """Say whether a record holds something of an erased feedback."""
    return record.kind != ERASED and record.id in erased


def mark_of(secret: str) -> str:
    """Return what tells a secret from another and gives it not away."""
    return hmac.digest(secret.encode(), b"hotline backup", "sha256").hex()[:16]


def seal_marks(settings: Settings) -> dict[str, str]:
    """Return the marks of the keys that open facts, by their ids."""
    keys = settings.seal_keys or {DEFAULT_KEY_ID: settings.secret_key}
    return {key_id: mark_of(secret) for key_id, secret in keys.items()}
