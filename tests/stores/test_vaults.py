"""Both vaults keep the same promises: whole or not at all, once, cleaned, and swept only when nobody wants it."""

import asyncio
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from hotline.errors import Invalid
from hotline.plumbing.backend import Backend
from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.files import CHUNK_BYTES, ORPHAN_AGE, FileVault, NoSuchFile, Vault
from hotline.plumbing.files_gridfs import HELD_FOR, GridVault
from hotline.plumbing.mongo import MongoDatabase
from hotline.uploads import cleaned
from tests.servers import with_database
from tests.stores.another_process import CONTENT, KILLED, OWNER, close_vault, open_vault
from tests.stores.watching import Plans, assert_no_collection_scan

HOUR = timedelta(hours=1)
PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
UNKNOWN = "0" * 64


@pytest.fixture
def vault(backend: Backend) -> Vault:
    """The vault of an owner over each backend."""
    return backend.vault(OWNER)


@pytest.fixture
def place(backend: Backend, request: pytest.FixtureRequest) -> str:
    """Return where another process finds the same vault."""
    if isinstance(backend.database, MongoDatabase):
        return with_database(request.getfixturevalue("mongodb_url"), backend.database._database.name)
    return str(backend.settings.files_dir / OWNER)


@pytest.fixture
def grid(mongo: MongoDatabase) -> GridVault:
    """The vault over MongoDB."""
    return GridVault(mongo, OWNER)


def later(step: timedelta) -> datetime:
    """Return an instant after all that the test has done."""
    return datetime.now(UTC) + step


def in_no_document(_: str) -> bool:
    """Nothing refers to any file."""
    return False


async def content_of(vault: Vault, file_id: str) -> bytes:
    """Return a kept file whole; raises NoSuchFile."""
    return b"".join([piece async for piece in await vault.chunks(file_id)])


async def is_kept(vault: Vault, file_id: str) -> bool:
    """Say whether a file can be had."""
    try:
        await vault.chunks(file_id)
    except NoSuchFile:
        return False
    return True


async def swept_twice(vault: Vault, start: datetime) -> int:
    """Sweep as the hourly loop does, nothing being referred to; return how many files went."""
    return await vault.sweep(start, in_no_document) + await vault.sweep(start + HOUR, in_no_document)


async def test_a_file_is_kept_under_what_it_contains(vault: Vault) -> None:
    file = await vault.keep("Đơn của tôi.pdf", PDF, field="attachments")
    assert (file.media_type, file.size_bytes, file.name) == ("application/pdf", len(PDF), "Đơn của tôi.pdf")
    assert await content_of(vault, file.file_id) == PDF


async def test_the_same_content_is_kept_once_whoever_sends_it(vault: Vault) -> None:
    first = await vault.keep("a.pdf", PDF, field="attachments")
    second = await vault.keep("b.pdf", PDF, field="attachments")
    assert (first.file_id, first.name, second.name) == (second.file_id, "a.pdf", "b.pdf")
    assert await swept_twice(vault, later(25 * HOUR)) == 1


async def test_the_same_content_sent_many_times_at_once_is_kept_once_and_whole(vault: Vault) -> None:
    files = await asyncio.gather(*(vault.keep(f"{n}.pdf", CONTENT, field="attachments") for n in range(8)))
    assert len({file.file_id for file in files}) == 1
    assert await content_of(vault, files[0].file_id) == CONTENT
    assert await swept_twice(vault, later(25 * HOUR)) == 1
    assert not await is_kept(vault, files[0].file_id)


async def test_a_file_streams_in_pieces(vault: Vault) -> None:
    file = await vault.keep("don.pdf", CONTENT, field="attachments")
    pieces = [piece async for piece in await vault.chunks(file.file_id)]
    assert b"".join(pieces) == CONTENT
    assert len(pieces) == 3 and max(map(len, pieces)) <= CHUNK_BYTES


async def test_a_picture_is_cleaned_as_the_rules_of_uploads_say(vault: Vault) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "chup-tai-nha-rieng"
    Image.new("RGB", (40, 30), "red").save(out, "JPEG", exif=exif)
    file = await vault.keep("anh.jpg", out.getvalue(), field="attachments")
    media_type, expected = cleaned("anh.jpg", out.getvalue(), field="attachments")
    assert (file.media_type, await content_of(vault, file.file_id)) == (media_type, expected)
    assert b"chup-tai-nha-rieng" not in expected


async def test_what_is_no_such_file_is_refused_and_not_kept(vault: Vault) -> None:
    with pytest.raises(Invalid, match="file_disguised"):
        await vault.keep("don.pdf", b"MZ not a document", field="attachments")
    assert await swept_twice(vault, later(25 * HOUR)) == 0


@pytest.mark.parametrize("file_id", [UNKNOWN, "", "../../etc/passwd", "a" * 63])
async def test_an_unknown_file_is_refused_before_its_first_piece_is_asked_for(vault: Vault, file_id: str) -> None:
    await vault.keep("don.pdf", PDF, field="attachments")
    with pytest.raises(NoSuchFile):
        await vault.chunks(file_id)


async def test_owners_do_not_see_each_others_files(backend: Backend) -> None:
    file = await backend.vault("feedback").keep("don.pdf", PDF, field="attachments")
    assert not await is_kept(backend.vault("answers"), file.file_id)


async def killed_at(work: str, place: str, root: Path) -> None:
    """Let another process die at its work."""
    command = [sys.executable, "-m", "tests.stores.another_process", place, work]
    done = await asyncio.to_thread(subprocess.run, command, cwd=root, check=False)
    assert done.returncode == KILLED


async def left_over(vault: Vault) -> int:
    """Count what is stored and belongs to no file."""
    if isinstance(vault, FileVault):
        return len(list(vault.folder.glob("incoming/*")))
    assert isinstance(vault, GridVault)
    whole = [file["_id"] async for file in vault.files.each({})]
    return await vault.pieces.count({"files_id": {"$nin": whole}}) + await vault.unfinished.count({})


async def test_an_upload_that_is_killed_is_seen_by_nobody_and_hinders_no_later_one(
    vault: Vault, place: str, project_root: Path
) -> None:
    await killed_at("upload", place, project_root)
    assert await left_over(vault) > 0
    assert not await is_kept(vault, hashlib.sha256(CONTENT).hexdigest())
    again = await vault.keep("don.pdf", CONTENT, field="attachments")
    assert await content_of(vault, again.file_id) == CONTENT
    await vault.sweep(later(25 * HOUR), {again.file_id}.__contains__)
    assert await left_over(vault) == 0
    assert await content_of(vault, again.file_id) == CONTENT


async def test_only_orphans_older_than_a_day_are_swept(vault: Vault) -> None:
    referenced = await vault.keep("a.pdf", PDF + b"a%%EOF", field="attachments")
    orphan = await vault.keep("b.pdf", PDF + b"b%%EOF", field="attachments")
    is_referenced = {referenced.file_id}.__contains__
    for hours in (1, 22, 23):
        assert await vault.sweep(later(hours * HOUR), is_referenced) == 0
    assert await is_kept(vault, orphan.file_id)
    swept = [await vault.sweep(later(hours * HOUR), is_referenced) for hours in (25, 26, 27)]
    assert sum(swept) == 1
    assert [await is_kept(vault, file.file_id) for file in (referenced, orphan)] == [True, False]


async def grow_old(vault: Vault, file_id: str) -> None:
    """Make a kept file older than a day."""
    at = datetime.now(UTC) - ORPHAN_AGE - HOUR
    if isinstance(vault, FileVault):
        os.utime(vault.path_of(file_id), (at.timestamp(), at.timestamp()))
    else:
        assert isinstance(vault, GridVault)
        assert await vault.files.update_one({"filename": file_id}, {"$set": {"metadata.kept_at": at}})


def kept_again_elsewhere(place: str, content: bytes) -> None:
    """Keep a content as another process does, while this one waits."""

    async def keep() -> None:
        vault = await open_vault(place)
        await vault.keep("lai.pdf", content, field="attachments")
        await close_vault(vault)

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(keep())).result()


async def test_a_file_sent_again_between_the_sweepers_look_and_its_hand_stays(vault: Vault, place: str) -> None:
    """No document refers to it yet: the citizen has only just sent the file again."""
    file = await vault.keep("don.pdf", PDF, field="attachments")
    await grow_old(vault, file.file_id)

    def is_referenced(_: str) -> bool:
        kept_again_elsewhere(place, PDF)
        return False

    assert await vault.sweep(datetime.now(UTC), is_referenced) == 0
    assert await vault.sweep(later(HOUR), in_no_document) == 0
    assert await content_of(vault, file.file_id) == PDF


async def test_a_file_sent_again_after_a_sweep_stays(vault: Vault) -> None:
    file = await vault.keep("don.pdf", PDF, field="attachments")
    await grow_old(vault, file.file_id)
    await vault.sweep(datetime.now(UTC), in_no_document)
    await vault.keep("don.pdf", PDF, field="attachments")
    assert await vault.sweep(later(HOUR), in_no_document) == 0
    assert await content_of(vault, file.file_id) == PDF


@pytest.mark.live
class TestOverMongo:
    """What the stores over MongoDB hold on to, as no transaction spans file and document."""

    async def test_a_released_file_that_nothing_refers_to_is_gone(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        await grid.release([file.file_id], answer(False))
        assert not await is_kept(grid, file.file_id)
        assert await grid.pieces.count({}) == await grid.unfinished.count({}) == 0
        await grid.release([file.file_id, UNKNOWN], answer(False))

    async def test_a_released_file_that_another_document_refers_to_stays(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        await grid.release([file.file_id], answer(True))
        async with grid.holding([file.file_id]):
            pass
        assert await content_of(grid, file.file_id) == PDF

    async def test_what_is_not_kept_cannot_be_held_and_nothing_else_stays_held(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        with pytest.raises(NoSuchFile):
            async with grid.holding([UNKNOWN, file.file_id]):
                pytest.fail("one of them is gone")
        await grid.release([file.file_id], answer(False))
        assert not await is_kept(grid, file.file_id)

    async def test_a_held_file_is_not_released_and_goes_with_a_later_sweep(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        async with grid.holding([file.file_id]):
            await grid.release([file.file_id], answer(False))
            assert await content_of(grid, file.file_id) == PDF
        assert await swept_twice(grid, later(25 * HOUR)) == 1

    async def test_a_document_refused_for_another_reason_lets_its_files_go(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        with pytest.raises(LookupError):
            async with grid.holding([file.file_id]):
                raise LookupError
        await grid.release([file.file_id], answer(False))
        assert not await is_kept(grid, file.file_id)

    async def test_a_write_of_which_nobody_knows_whether_it_arrived_keeps_its_files_for_a_while(
        self, grid: GridVault
    ) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        await grow_old(grid, file.file_id)
        with pytest.raises(StoreUnavailable):
            async with grid.holding([file.file_id]):
                raise StoreUnavailable
        await grid.release([file.file_id], answer(False))
        assert await swept_twice(grid, datetime.now(UTC) - HOUR) == 0
        assert await swept_twice(grid, later(HELD_FOR)) == 1

    async def test_while_it_is_asked_who_refers_to_a_file_no_document_can_begin_to(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")
        asked = []

        async def is_referenced(file_id: str) -> bool:
            asked.append(file_id)
            assert await content_of(grid, file_id) == PDF
            with pytest.raises(NoSuchFile):
                async with grid.holding([file_id]):
                    pytest.fail("the file is going")
            return False

        await grid.release([file.file_id], is_referenced)
        assert asked == [file.file_id] and not await is_kept(grid, file.file_id)

    async def test_a_file_sent_again_while_it_goes_stays(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")

        async def is_referenced(_: str) -> bool:
            await grid.keep("lai.pdf", PDF, field="attachments")
            return False

        await grid.release([file.file_id], is_referenced)
        async with grid.holding([file.file_id]):
            assert await content_of(grid, file.file_id) == PDF
        assert await grid.unfinished.count({}) == 0

    async def test_of_two_who_release_a_file_at_once_one_removes_it(self, grid: GridVault) -> None:
        file = await grid.keep("don.pdf", PDF, field="attachments")

        async def is_referenced(_: str) -> bool:
            await grid.release([file.file_id], answer(False))
            return False

        await grid.release([file.file_id], is_referenced)
        assert not await is_kept(grid, file.file_id)
        assert await grid.pieces.count({}) == await grid.unfinished.count({}) == 0

    async def test_a_sweep_removes_no_file_that_was_marked_while_it_looked_for_documents(self, grid: GridVault) -> None:
        """Its own list of files in documents may be older than that mark, and lack a document written in between."""
        file = await grid.keep("don.pdf", PDF, field="attachments")
        await grow_old(grid, file.file_id)
        now = datetime.now(UTC)
        assert [await grid.sweep(now, in_no_document) for _ in range(3)] == [0, 0, 0]
        assert await grid.sweep(now + HOUR, {file.file_id}.__contains__) == 0
        async with grid.holding([file.file_id]):
            assert await content_of(grid, file.file_id) == PDF

    async def test_a_removal_that_is_killed_is_finished_by_a_sweep(
        self, grid: GridVault, mongo: MongoDatabase, mongodb_url: str, project_root: Path
    ) -> None:
        await killed_at("release", with_database(mongodb_url, mongo._database.name), project_root)
        assert not await is_kept(grid, hashlib.sha256(CONTENT).hexdigest())
        assert await left_over(grid) > 0
        await grid.sweep(later(HOUR), in_no_document)
        assert await left_over(grid) == 0

    async def test_no_question_reads_a_whole_collection(
        self, grid: GridVault, mongodb_backend: Backend, plans: Plans
    ) -> None:
        await grid.prepare()
        await grid.keep("khac.pdf", PDF + b"%%EOF", field="attachments")
        plans.forget()
        file = await grid.keep("don.pdf", PDF, field="attachments")
        await content_of(grid, file.file_id)
        async with grid.holding([file.file_id]):
            await grid.release([file.file_id], answer(False))
        await grid.release([file.file_id], answer(True))
        await swept_twice(grid, later(25 * HOUR))
        await grid.release([file.file_id], answer(False))
        # The driver looks whether a bucket is empty, to make its own indexes: it reads one document.
        plans.sent[:] = [command for command in plans.sent if command.get("filter") or not command.get("limit")]
        await assert_no_collection_scan(mongodb_backend, plans)


def answer(is_referenced: bool) -> Callable[[str], Awaitable[bool]]:
    """Return what says the same of every file."""

    async def say(_: str) -> bool:
        return is_referenced

    return say
