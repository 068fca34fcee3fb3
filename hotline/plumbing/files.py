"""Keeps attachments as files named by the SHA-256 of their content, outside every database transaction.

`Vault` is what the services ask; `FileVault` answers it beside the embedded database, `files_gridfs` over MongoDB.
Each has more for the store that writes beside it, as only the two together can let no file go that a document refers
to: `has` and `unlink` inside a transaction here, `holding` and `release` there.

ingest keeps the citizens' files with it and respond those of answers, each in a folder of its own. Called by the edges
before a document is stored, and by the sweepers. Written to a temporary name, fsynced, renamed: a
file is there whole or not at all, and the same content is kept once. A file that no document refers to after a day is
an orphan of a refused or lost request and is swept. Never decides what may be kept (`uploads` does).
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from hotline.facts import Attachment
from hotline.uploads import cleaned, stored_name

ORPHAN_AGE = timedelta(hours=24)
FILE_ID = re.compile(r"[0-9a-f]{64}")
TEMPORARY = "incoming"
CHUNK_BYTES = 256 * 1024
# One for all vaults: an open picture takes a lot of memory, and sign-in must not wait behind pictures.
CLEANING = ThreadPoolExecutor(1, "clean-file")


class NoSuchFile(Exception):
    """No file of this id is kept."""


class Vault(Protocol):
    """Where one owner's files are kept, whatever is behind."""

    async def keep(self, name: str, content: bytes, *, field: str) -> Attachment:
        """Check, clean and keep one whole file, durable when it returns. Raises Invalid (see `uploads.cleaned`)."""

    async def put_back(self, file_id: str, content: bytes) -> None:
        """Keep a file of a backup as it was, durable when it returns; harmless when it is there."""

    async def chunks(self, file_id: str) -> AsyncIterator[bytes]:
        """Return a file's content piece by piece; raises NoSuchFile before the first one is asked for."""

    async def sweep(self, now: datetime, is_referenced: Callable[[str], bool]) -> int:
        """Remove files older than a day that nothing refers to, at once or by the next sweep; returns how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVault:
    """A folder of files of one owner; two characters of the id name the sub-folder."""

    folder: Path

    async def keep(self, name: str, content: bytes, *, field: str) -> Attachment:
        """Check, clean and keep one whole file; returns when it is on disk. Raises Invalid (see `uploads.cleaned`)."""
        return await asyncio.get_running_loop().run_in_executor(CLEANING, self._keep, name, content, field)

    async def put_back(self, file_id: str, content: bytes) -> None:
        """See `Vault`."""
        await asyncio.to_thread(self._keep_as, file_id, content)

    async def chunks(self, file_id: str) -> AsyncIterator[bytes]:
        """See `Vault`."""
        return pieces_of(self.path_of(file_id))

    def path_of(self, file_id: str) -> Path:
        """Return where a file lies; raises NoSuchFile."""
        if not FILE_ID.fullmatch(file_id):
            raise NoSuchFile(file_id)
        path = self._place(file_id)
        if not path.is_file():
            raise NoSuchFile(file_id)
        return path

    async def sweep(self, now: datetime, is_referenced: Callable[[str], bool]) -> int:
        """Remove files older than a day that nothing refers to, and left-over temporaries; returns how many."""
        return await asyncio.to_thread(self._sweep, now, is_referenced)

    def has(self, file_id: str) -> bool:
        """Say whether a file is kept. Called by the stores inside the write that refers to it."""
        return bool(FILE_ID.fullmatch(file_id)) and self._place(file_id).is_file()

    def unlink(self, file_id: str) -> None:
        """Remove a file at once (an erasure), inside the write that saw that nothing refers to it; gone is fine."""
        self._place(file_id).unlink(missing_ok=True)

    def _keep(self, name: str, content: bytes, field: str) -> Attachment:
        file, kept = taken_in(name, content, field)
        self._keep_as(file.file_id, kept)
        return file

    def _keep_as(self, file_id: str, content: bytes) -> None:
        path = self._place(file_id)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write(path, content)

    def _write(self, path: Path, content: bytes) -> None:
        draft = self.folder / TEMPORARY / secrets.token_hex(16)
        draft.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        for folder in (path.parent, self.folder):
            _fsync_folder(folder)

    def _place(self, file_id: str) -> Path:
        return self.folder / file_id[:2] / file_id

    def _sweep(self, now: datetime, is_referenced: Callable[[str], bool]) -> int:
        swept = 0
        for path in sorted(self.folder.glob("*/*")):
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            is_orphan = path.parent.name == TEMPORARY or not is_referenced(path.name)
            if age > ORPHAN_AGE and is_orphan:
                swept += self._remove_if_old(path, now)
        return swept

    def _remove_if_old(self, path: Path, now: datetime) -> bool:
        """Remove a file unless it was kept again since its age was read: out of sight first, so that none is later."""
        hidden = self.folder / TEMPORARY / secrets.token_hex(16)
        hidden.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.rename(hidden)
        except FileNotFoundError:
            return False
        is_old = now - datetime.fromtimestamp(hidden.stat().st_mtime, UTC) > ORPHAN_AGE
        if is_old:
            hidden.unlink()
        else:
            hidden.rename(path)
        return is_old


def taken_in(name: str, content: bytes, field: str) -> tuple[Attachment, bytes]:
    """Check and clean what was sent; return it as a document names it, and the bytes to keep. Run it in `CLEANING`.

    Raises Invalid (see `uploads.cleaned`).
    """
    media_type, kept = cleaned(name, content, field=field)
    file_id = hashlib.sha256(kept).hexdigest()
    file = Attachment(file_id=file_id, media_type=media_type, size_bytes=len(kept), name=stored_name(name, media_type))
    return file, kept


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """Yield a file in pieces; raises NoSuchFile when it was removed meanwhile."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError as error:
        raise NoSuchFile(path.name) from error
    with file:
        while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield piece


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
