"""A backup as it lies on a disk: parts of one JSON line a record, compressed; files named by their SHA-256; a manifest.

Read and written by `services/backup.py` and `services/restore.py`. Only the owner can read it: it holds the citizens'
words, their contacts sealed. A part is written to a draft, flushed to the disk and renamed: it is there whole or not
at all; the manifest comes last, so that a folder without one is no backup. Never decides what is in it.
"""

import gzip
import hashlib
import os
import secrets
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import click
import msgspec

T = TypeVar("T")

FORMAT = 1
MANIFEST, BEGUN, FILES = "manifest.json", "begun.json", "files"
DRAFT = ".draft"
COMPRESSION = 6
PIECE_BYTES = 1024 * 1024


class BackupRefused(click.ClickException):
    """The folder cannot be used as it is; the sentence names what is wrong and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A backup that was begun; `secret` tells one SECRET_KEY from another and gives neither away."""

    backup_id: str
    began_at: datetime
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSum:
    """What a part is known by: how many records, and the SHA-256 of its file."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSum:
    """What one owner's files are known by: how many, and the SHA-256 of their names in order, a line each."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a finished backup says of itself.

    `epoch` is the highest under which a store of it counted; `seal_keys` what tells the keys by which its facts are
    sealed, by their ids.
    """

    product: str
    begun: Begun
    finished_at: datetime
    epoch: int
    seal_keys: Mapping[str, str]
    parts: Mapping[str, PartSum]
    files: Mapping[str, FilesSum]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headed:
    """A manifest as it is written: of which format it is, and its own SHA-256."""

    format: int
    sha256: str
    manifest: msgspec.Raw


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """One backup's folder."""

    path: Path

    def begin(self, new: Begun) -> Begun:
        """Make the folder, or go on in one where the same installation's backup was cut off; raises BackupRefused."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.path / MANIFEST).exists():
            raise BackupRefused(f"{self.path} holds a finished backup: give a folder that is not there yet")
        if not (self.path / BEGUN).exists():
            if any(self.path.iterdir()):
                raise BackupRefused(
                    f"{self.path} is not empty and holds no backup: give a folder that is not there yet"
                )
            self.path.chmod(0o700)
            write_whole(self.path / BEGUN, msgspec.json.encode(new))
            return new
        begun = self.read(BEGUN, Begun)
        if begun.secret != new.secret:
            raise BackupRefused(
                f"{self.path} holds the beginning of another installation's backup: give another folder"
            )
        return begun

    def has_part(self, name: str) -> bool:
        """Say whether a part is there whole."""
        return self.part(name).exists()

    def part(self, name: str) -> Path:
        """Return where a part lies."""
        return self.path / f"{name}.jsonl.gz"

    async def write_part(self, name: str, lines: AsyncIterator[bytes]) -> None:
        """Write a part anew, whole or not at all."""
        draft = self.part(name).with_suffix(DRAFT)
        with owners_file(draft) as file:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=COMPRESSION, mtime=0) as packed:
                async for line in lines:
                    packed.write(line + b"\n")
            flush(file)
        draft.rename(self.part(name))
        flush_folder(self.path)

    def lines_of(self, name: str) -> Iterator[bytes]:
        """Yield a part's lines; raises BackupRefused when it cannot be unpacked."""
        try:
            with gzip.open(self.part(name), "rb") as packed:
                for line in packed:
                    yield line.rstrip(b"\n")
        except (OSError, EOFError, zlib.error) as error:
            raise damaged(self.part(name)) from error

    def sum_of_part(self, name: str) -> PartSum:
        """Count and sum a part as it lies there."""
        return PartSum(count=sum(1 for _ in self.lines_of(name)), sha256=sha256_of(self.part(name)))

    def file(self, owner: str, file_id: str) -> Path:
        """Return where a file lies."""
        return self.path / FILES / owner / file_id

    def keep_file(self, owner: str, file_id: str, content: bytes) -> bool:
        """Write a file whole or not at all; False for a content that is not what its name says."""
        if hashlib.sha256(content).hexdigest() != file_id:
            return False
        path = self.file(owner, file_id)
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, content)
        return True

    def file_ids(self, owner: str) -> list[str]:
        """Return the names of an owner's files in order, drafts of a killed backup left out."""
        folder = self.path / FILES / owner
        return sorted(path.name for path in folder.iterdir() if path.suffix != DRAFT) if folder.is_dir() else []

    def sum_of_files(self, owner: str) -> FilesSum:
        """Count an owner's files and sum their names."""
        names = self.file_ids(owner)
        return FilesSum(count=len(names), sha256=hashlib.sha256("\n".join(names).encode()).hexdigest())

    def read_file(self, owner: str, file_id: str) -> bytes:
        """Return a file's content; raises BackupRefused that names a damaged one."""
        content = self.file(owner, file_id).read_bytes()
        if hashlib.sha256(content).hexdigest() != file_id:
            raise damaged(self.file(owner, file_id))
        return content

    def finish(self, manifest: Manifest) -> None:
        """Say that the backup is whole."""
        said = msgspec.json.encode(manifest)
        headed = Headed(format=FORMAT, sha256=hashlib.sha256(said).hexdigest(), manifest=msgspec.Raw(said))
        write_whole(self.path / MANIFEST, msgspec.json.encode(headed))

    def manifest(self) -> Manifest:
        """Read what a finished backup says of itself; raises BackupRefused."""
        path = self.path / MANIFEST
        if not path.exists():
            raise BackupRefused(
                f"{self.path} is no finished backup, as it has no {MANIFEST}: say `hotline backup` with it again on the"
                " machine where it was begun, or give another folder"
            )
        headed = self.read(MANIFEST, Headed)
        if headed.format > FORMAT:
            raise BackupRefused(
                f"{self.path} is a backup of format {headed.format}, this release reads {FORMAT}: use a newer one"
            )
        if hashlib.sha256(bytes(headed.manifest)).hexdigest() != headed.sha256:
            raise damaged(path)
        try:
            return msgspec.json.decode(headed.manifest, type=Manifest)
        except msgspec.DecodeError as error:
            raise damaged(path) from error

    def verify(self, manifest: Manifest) -> Iterator[None]:
        """Read all that the manifest promises, a step for each part and file; raises BackupRefused at once."""
        for name, promised in manifest.parts.items():
            if not self.has_part(name) or sha256_of(self.part(name)) != promised.sha256:
                raise damaged(self.part(name))
            yield
        for owner, files in manifest.files.items():
            if self.sum_of_files(owner) != files:
                raise BackupRefused(
                    f"{self.path / FILES / owner} holds other files than the backup: nothing is used; take another one"
                )
            for file_id in self.file_ids(owner):
                self.read_file(owner, file_id)
                yield

    def read(self, name: str, kind: type[T]) -> T:
        """Read a small file; raises BackupRefused."""
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError) as error:
            raise damaged(self.path / name) from error


def new_id() -> str:
    """Return a name that no other backup has."""
    return secrets.token_hex(8)


def damaged(path: Path) -> BackupRefused:
    """Return the refusal of a file that is not as it was written."""
    return BackupRefused(f"{path} is damaged or missing: nothing of this backup is used; take another one")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def owners_file(path: Path) -> BinaryIO:
    """Open a new file that the owner alone can read, over any of that name."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durably."""
    draft = path.with_name(path.name + DRAFT)
    with owners_file(draft) as file:
        file.write(content)
        flush(file)
    draft.rename(path)
    flush_folder(path.parent)


def flush(file: BinaryIO) -> None:
    """Bring what was written onto the disk."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Bring the names of a folder onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
