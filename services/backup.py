"""Takes a backup of everything, beside a running server: facts, then documents, then files.

Called by `backup_commands`. Facts come first: what a fact of the backup says, the stores read later say too, so that
a restored log tells nothing that its stores do not know. Of the stores ingest's comes last: every ticket has its
feedback. What happens meanwhile may be in or not; `hotline reconcile` brings it together after a restore.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from hotline.plumbing.backend import Backend
from hotline.plumbing.backup_folder import BackupFolder, Begun, Manifest, new_id
from hotline.plumbing.bus import DeadLetter
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.files import NoSuchFile, Vault
from hotline.plumbing.records import Records, line_of, pages_of
from hotline.plumbing.restores import epoch_of, refuse_half_restored
from services.parts import FACTS, LETTERS, OWNERS, SERVICES, Report, mark_of, open_parts, seal_marks

THE_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FACTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BuriedFact:
    """A dead letter as a line of a backup: what is said of it, and the fact, sealed."""

    about: DeadLetter
    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A finished backup, and the files (`owner/id`) that documents refer to and that are not kept whole."""

    manifest: Manifest
    missing: tuple[str, ...]


async def take_backup(backend: Backend, path: Path, report: Report) -> Taken:
    """Take a backup into a folder, or finish one that was cut off there: parts that are whole stay as they are.

    Raises BackupRefused, HalfRestored, WorldIsDown, OSError.
    """
    for name in SERVICES:
        await refuse_half_restored(backend, name)
    folder = BackupFolder(path)
    begun = folder.begin(
        Begun(backup_id=new_id(), began_at=backend.clock(), secret=mark_of(backend.settings.secret_key))
    )
    stores = await open_parts(backend)
    lines = {FACTS: facts_of(backend, report), LETTERS: letters_of(backend, report)}
    lines |= {name: records_of(name, stores[name], report) for name in SERVICES}
    for name, of_part in lines.items():
        if not folder.has_part(name):
            await folder.write_part(name, of_part)
    missing = [
        f"{owner}/{file_id}"
        for name, owner in OWNERS.items()
        for file_id in await copy_files(folder, owner, backend.vault(owner), stores[name], report)
    ]
    used = key_ids_of(folder)
    manifest = Manifest(
        product=version("hotline"),
        begun=begun,
        finished_at=backend.clock(),
        epoch=max([await epoch_of(backend, name) for name in SERVICES]),
        seal_keys={key_id: mark for key_id, mark in seal_marks(backend.settings).items() if key_id in used},
        parts={name: folder.sum_of_part(name) for name in lines},
        files={owner: folder.sum_of_files(owner) for owner in OWNERS.values()},
    )
    folder.finish(manifest)
    return Taken(manifest=manifest, missing=tuple(missing))


async def facts_of(backend: Backend, report: Report) -> AsyncIterator[bytes]:
    """Yield every fact that lies on the bus, as it lies there."""
    reading = backend.bus.subscribe_all(THE_BEGINNING)
    try:
        while batch := await reading.backlog(FACTS_AT_ONCE):
            for delivery in batch:
                yield msgspec.json.encode(delivery.envelope)
            report(FACTS, len(batch))
    finally:
        await reading.close()


async def letters_of(backend: Backend, report: Report) -> AsyncIterator[bytes]:
    """Yield every dead letter."""
    for about, envelope in await backend.bus.buried():
        yield msgspec.json.encode(BuriedFact(about=about, envelope=envelope))
        report(LETTERS, 1)


async def records_of(name: str, store: Records, report: Report) -> AsyncIterator[bytes]:
    """Yield all that a service's store holds."""
    for kind in store.kinds:
        async for page in pages_of(store, kind):
            for record in page:
                yield line_of(record)
            report(name, len(page))


async def copy_files(folder: BackupFolder, owner: str, vault: Vault, store: Records, report: Report) -> list[str]:
    """Copy the files that documents refer to and the folder has not; return those that are not kept whole.

    One that was erased meanwhile is not missing. One bad file must not be the end of every backup.
    """
    known = frozenset(folder.file_ids(owner))
    missing = []
    for file_id in sorted(await store.file_ids()):
        if file_id not in known and not await copy_file(folder, owner, vault, file_id):
            missing.append(file_id)
        report(owner, 1)
    still = frozenset(await store.file_ids()) if missing else frozenset()
    return [file_id for file_id in missing if file_id in still]


async def copy_file(folder: BackupFolder, owner: str, vault: Vault, file_id: str) -> bool:
    """Copy one file; False when it is not kept, or damaged."""
    try:
        pieces = [piece async for piece in await vault.chunks(file_id)]
    except NoSuchFile:
        return False
    return folder.keep_file(owner, file_id, b"".join(pieces))


def key_ids_of(folder: BackupFolder) -> frozenset[str | None]:
    """Return the ids of the keys that sealed the facts of a backup."""
    facts = (msgspec.json.decode(line, type=Envelope) for line in folder.lines_of(FACTS))
    letters = (msgspec.json.decode(line, type=BuriedFact).envelope for line in folder.lines_of(LETTERS))
    return frozenset(envelope.key_id for envelopes in (facts, letters) for envelope in envelopes)
