"""Puts a backup back into empty stores of either backend, or goes on with a restore of the same backup.

Called by `backup_commands`. Everything of the backup is read and summed before anything is written. Files come first,
then documents, then facts, each harmless to put back again. Every document's facts are counted under a new epoch from
then on, so that what is told after the restore is newer than whatever was told before it and after the backup. What any
part of the backup, any store that is there still or the bus knows as erased is put back from none.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from hotline.facts import FactKind
from hotline.plumbing.backend import Backend
from hotline.plumbing.backup_folder import BackupFolder, BackupRefused, Manifest
from hotline.plumbing.bus import Bus, Delivery
from hotline.plumbing.envelope import Envelope
from hotline.plumbing.records import AT_ONCE, ERASED, Record, Records, ids_of, is_empty, record_of
from hotline.plumbing.restores import Restore, keep_restore, refuse_served, restore_of
from services.backup import FACTS_AT_ONCE, THE_BEGINNING, BuriedFact
from services.parts import (
    FACTS,
    LETTERS,
    OWNERS,
    SERVICES,
    Report,
    erased_in,
    is_of_erased,
    mark_of,
    open_parts,
    seal_marks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Which parts were put back now; `are_facts_left_out` says that the bus held facts of its own."""

    now: tuple[str, ...]
    are_facts_left_out: bool
    epoch: int


async def restore_backup(backend: Backend, path: Path, names: Collection[str], report: Report) -> Restored:
    """Put the named services' parts back, and with all three the facts too. Said again it goes on, or does nothing.

    No server may run over these stores. Raises Served and BackupRefused before anything is written, WorldIsDown.
    """
    for name in names:
        await refuse_served(backend, name)
    folder = BackupFolder(path)
    manifest = folder.manifest()
    has_all = set(names) == set(SERVICES)
    check_keys(backend, manifest, with_facts=has_all)
    for _ in folder.verify(manifest):
        report("verify", 1)
    backup_id = manifest.begun.backup_id
    everyone = await open_parts(backend)
    stores = {name: everyone[name] for name in everyone if name in names}
    begun = {name: await restore_of(backend, name) for name in (*SERVICES, FACTS)}
    wanted = [name for name, store in stores.items() if await is_to_restore(name, store, begun[name], backup_id)]
    wants_facts = has_all and not is_done(begun[FACTS], backup_id)
    is_ours = (restore := begun[FACTS]) is not None and restore.backup_id == backup_id
    are_left_out = wants_facts and not is_ours and await holds_facts(backend)
    if wants_facts and not are_left_out:
        wanted.append(FACTS)
    epoch = epoch_for(backend, manifest, [begun[name] for name in wanted], begun.values())
    for name in wanted:
        await keep_restore(backend, Restore(part=name, backup_id=backup_id, epoch=epoch, is_finished=False))
    erased = erased_of(folder) | set(await erased_in(everyone.values())) | await erased_on(backend.bus)
    for name in wanted:
        if name == FACTS:
            await put_facts(folder, backend, erased, report)
        else:
            await put_files(folder, backend, name, report)
            await put_records(folder, name, stores[name], epoch, erased, report)
    # Last and together: a server that could serve one of them would tell of the others' want.
    for name in wanted:
        await keep_restore(backend, Restore(part=name, backup_id=backup_id, epoch=epoch, is_finished=True))
    return Restored(now=tuple(wanted), are_facts_left_out=are_left_out, epoch=epoch)


def steps_of(manifest: Manifest) -> int:
    """Return how many steps a restore of all parts reports."""
    files = sum(owner.count for owner in manifest.files.values())
    return len(manifest.parts) + 2 * files + sum(part.count for part in manifest.parts.values())


def check_keys(backend: Backend, manifest: Manifest, *, with_facts: bool) -> None:
    """Refuse a backup whose secrets are not among the settings; facts need the keys that sealed them."""
    if manifest.begun.secret != mark_of(backend.settings.secret_key):
        raise BackupRefused(
            "SECRET_KEY is not the one of the backup, and no contact in it could be read: give that one, or put its "
            "secret.key into DATA_DIR"
        )
    given = seal_marks(backend.settings)
    for key_id, mark in manifest.seal_keys.items() if with_facts else ():
        if given.get(key_id) != mark:
            raise BackupRefused(
                f"SEAL_KEYS has no {key_id} as it was when the backup was taken: add {key_id}:… behind the others"
            )


async def is_to_restore(name: str, store: Records, begun: Restore | None, backup_id: str) -> bool:
    """Say whether a store is still to be filled; refuses one that holds anything but a restore of this backup."""
    if await is_empty(store):
        return True
    if begun is None or begun.backup_id != backup_id:
        raise BackupRefused(
            f"the store of {name} is not empty (hotline's first start makes an account): a backup is restored only "
            "into an empty database or DATA_DIR"
        )
    return not begun.is_finished


def is_done(begun: Restore | None, backup_id: str) -> bool:
    """Say whether a part was put back before."""
    return begun is not None and begun.backup_id == backup_id and begun.is_finished


def epoch_for(
    backend: Backend, manifest: Manifest, wanted: Iterable[Restore | None], all_begun: Iterable[Restore | None]
) -> int:
    """Return the epoch of a restore that goes on, or one above all earlier ones: seconds since 1970 where they are."""
    for restore in wanted:
        if restore is not None and restore.backup_id == manifest.begun.backup_id and not restore.is_finished:
            return restore.epoch
    earlier = [manifest.epoch, *(restore.epoch for restore in all_begun if restore is not None)]
    return max(int(backend.clock().timestamp()), max(earlier) + 1)


def erased_of(folder: BackupFolder) -> frozenset[str]:
    """Return the feedbacks that any part of the backup knows as erased."""
    records = (record for name in SERVICES for record in all_records(folder, name))
    return frozenset(record.id for record in records if record.kind == ERASED)


async def erased_on(bus: Bus) -> frozenset[str]:
    """Return the feedbacks whose erasure lies on the bus: it may be younger than the backup."""
    reading = bus.subscribe_all(THE_BEGINNING, frozenset({FactKind.FEEDBACK_ERASED}))
    erased: set[str] = set()
    try:
        while batch := await reading.backlog(FACTS_AT_ONCE):
            erased |= {d.envelope.feedback_id for d in batch if d.envelope.kind == FactKind.FEEDBACK_ERASED}
    finally:
        await reading.close()
    return frozenset(erased)


def all_records(folder: BackupFolder, name: str) -> Iterator[Record]:
    """Yield a part's records."""
    return (record_of(line) for line in folder.lines_of(name))


async def put_files(folder: BackupFolder, backend: Backend, name: str, report: Report) -> None:
    """Put the files of a service back."""
    owner = OWNERS.get(name)
    if owner is None:
        return
    vault = backend.vault(owner)
    for file_id in folder.file_ids(owner):
        await vault.put_back(file_id, folder.read_file(owner, file_id))
        report(owner, 1)


async def put_records(
    folder: BackupFolder, name: str, store: Records, epoch: int, erased: Collection[str], report: Report
) -> None:
    """Put a part's records back and see that they are there."""
    wanted = dict.fromkeys(store.kinds, 0)
    lines = all_records(folder, name)
    while chunk := list(islice(lines, AT_ONCE)):
        records = [store.with_epoch(record, epoch) for record in chunk if not is_of_erased(record, erased)]
        await store.put_back(records)
        for record in records:
            wanted[record.kind] += 1
        report(name, len(chunk))
    for kind, count in wanted.items():
        found = sum([1 async for _ in ids_of(store, kind)])
        if found != count:
            raise BackupRefused(
                f"{found} of {count} records ({kind}) are in the store of {name} after the restore: nothing may write "
                "there meanwhile; empty it and restore again"
            )


async def put_facts(folder: BackupFolder, backend: Backend, erased: Collection[str], report: Report) -> None:
    """Put facts and dead letters back."""
    lines = folder.lines_of(FACTS)
    while chunk := list(islice(lines, FACTS_AT_ONCE)):
        facts = [msgspec.json.decode(line, type=Envelope) for line in chunk]
        await backend.bus.publish_envelopes([fact for fact in facts if not is_wiped(fact, erased)])
        report(FACTS, len(chunk))
    there = {(letter.group, letter.fact_id) for letter in await backend.bus.dead_letters()}
    for line in folder.lines_of(LETTERS):
        letter = msgspec.json.decode(line, type=BuriedFact)
        if (letter.about.group, letter.about.fact_id) in there or is_wiped(letter.envelope, erased):
            continue
        # A letter may outlive its fact in the log, and is kept only for a fact that lies there.
        await backend.bus.publish_envelopes([letter.envelope])
        await backend.bus.bury(
            letter.about.group,
            Delivery(position=0, envelope=letter.envelope),
            error=letter.about.error,
            attempts=letter.about.attempts,
            now=letter.about.first_at,
        )
        report(LETTERS, 1)


async def holds_facts(backend: Backend) -> bool:
    """Say whether anything lies on the bus."""
    reading = backend.bus.subscribe_all(THE_BEGINNING)
    try:
        return bool(await reading.backlog(1))
    finally:
        await reading.close()


def is_wiped(fact: Envelope, erased: Collection[str]) -> bool:
    """Say whether an erasure takes a fact: the one that says so stays."""
    return fact.feedback_id in erased and fact.kind != FactKind.FEEDBACK_ERASED
