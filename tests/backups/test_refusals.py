"""What is no whole backup, or is not for this place, is refused by name before anything is written."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hotline.facts import Attachment
from hotline.plumbing.backup_folder import BackupFolder, BackupRefused
from hotline.plumbing.lease import hold, let_go
from hotline.plumbing.mongo import MongoDatabase
from hotline.plumbing.records import is_empty
from hotline.plumbing.relay import LEASE, lease_of
from hotline.plumbing.restores import Served, restore_of
from services.ingest.documents import Feedback
from services.parts import FACTS, SERVICES, open_parts
from tests.backups.conftest import NEW_KEY, SECRET, SHAPES, Houses
from tests.backups.house import Cut, Cutter, House, live

Damage = Callable[[Path], Path]
OTHER_SECRET = "a secret of somebody else, who is not to read this"


pytestmark = pytest.mark.slow


def changed(path: Path) -> Path:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def gone(path: Path) -> Path:
    """Remove a file."""
    path.unlink()
    return path


def a_file(folder: Path, owner: str) -> Path:
    """Return a file of an owner."""
    return next((folder / "files" / owner).iterdir())


def of_format_2(folder: Path) -> Path:
    """Make the manifest that of a later release."""
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"format":1', '"format":2'))
    return path


def added_to(folder: Path) -> Path:
    """Put a file beside those of the backup."""
    path = folder / "files" / "answers" / ("0" * 64)
    path.write_bytes(b"")
    return path.parent


# What happened to the backup, and what is said of the file it happened to.
DAMAGES: dict[str, tuple[Damage, str]] = {
    "tickets changed": (lambda f: changed(f / "respond.jsonl.gz"), "is damaged or missing"),
    "feedbacks gone": (lambda f: gone(f / "ingest.jsonl.gz"), "is damaged or missing"),
    "facts changed": (lambda f: changed(f / "facts.jsonl.gz"), "is damaged or missing"),
    "a file changed": (lambda f: changed(a_file(f, "feedback")), "is damaged or missing"),
    "a file gone": (lambda f: gone(a_file(f, "answers")).parent, "holds other files than the backup"),
    "a file added": (added_to, "holds other files than the backup"),
    "manifest gone": (lambda f: gone(f / "manifest.json").parent, "is no finished backup, as it has no manifest.json"),
    "manifest changed": (lambda f: changed(f / "manifest.json"), "is damaged or missing"),
    "manifest newer": (lambda f: of_format_2(f).parent, "is a backup of format 2, this release reads 1"),
}


async def assert_untouched(house: House) -> None:
    """Fail when anything was written."""
    stores = await open_parts(house.backend)
    assert all([await is_empty(store) for store in stores.values()])
    assert not any([await restore_of(house.backend, part) for part in (*SERVICES, FACTS)])
    assert not await house.facts()


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_damaged_backup_is_refused_by_the_damaged_file_s_name(
    name: str, houses: Houses, tmp_path: Path
) -> None:
    source, target, folder = await houses.build("sqlite"), await houses.build("sqlite"), tmp_path / "backup"
    await live(source)
    await source.backup(folder)
    damage, said = DAMAGES[name]
    path = damage(folder)
    with pytest.raises(BackupRefused) as refused:
        await target.restore(folder)
    assert refused.value.message.startswith(f"{path} {said}")
    await assert_untouched(target)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_store_that_holds_anything_else_is_refused(shape: str, houses: Houses, tmp_path: Path) -> None:
    source, target, folder = await houses.build("sqlite"), await houses.build(shape), tmp_path / "backup"
    await live(source)
    await source.backup(folder)
    await target.hire("admin")
    with pytest.raises(BackupRefused, match="the store of respond is not empty"):
        await target.restore(folder)
    assert [account.username for account in await target.desk.store.accounts()] == ["admin"]


async def test_a_store_that_was_restored_from_another_backup_is_refused(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    await live(source)
    await source.backup(tmp_path / "one")
    await source.backup(tmp_path / "other")
    with pytest.raises(Cut):
        await target.restore(tmp_path / "one", report=Cutter(at_step=12))
    with pytest.raises(BackupRefused, match="is not empty"):
        await target.restore(tmp_path / "other")
    await target.restore(tmp_path / "one")
    with pytest.raises(BackupRefused, match="is not empty"):
        await target.restore(tmp_path / "other")


@pytest.mark.parametrize(
    ("secret", "keys", "said"),
    [
        (OTHER_SECRET, f"test:{NEW_KEY}", "SECRET_KEY is not the one of the backup"),
        (SECRET, "", "SEAL_KEYS has no test as it was when the backup was taken: add test:"),
        (SECRET, f"test:{OTHER_SECRET.replace(',', '')}", "SEAL_KEYS has no test as it was"),
    ],
    ids=["another secret", "no key", "another key of the name"],
)
async def test_without_the_keys_of_the_backup_nothing_is_restored(
    secret: str, keys: str, said: str, houses: Houses, tmp_path: Path
) -> None:
    source = await houses.build("sqlite")
    target = await houses.build("sqlite", secret=secret, seal_keys=keys)
    await live(source)
    await source.backup(tmp_path / "backup")
    with pytest.raises(BackupRefused, match=said):
        await target.restore(tmp_path / "backup")
    await assert_untouched(target)


async def test_documents_alone_need_no_key_of_facts(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite", seal_keys="")
    await live(source)
    await source.backup(tmp_path / "backup")
    for service in SERVICES:
        assert (await target.restore(tmp_path / "backup", service)).now == (service,)
    assert await target.everything() == await source.everything()
    assert not await target.facts()


async def test_facts_of_a_bus_that_survived_are_left_as_they_are(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    await live(source)
    await source.backup(tmp_path / "backup")
    first = (await source.facts())[0].envelope
    await target.backend.bus.publish_envelopes([first])
    restored = await target.restore(tmp_path / "backup")
    assert (restored.now, restored.are_facts_left_out) == (SERVICES, True)
    assert [delivery.envelope.fact_id for delivery in await target.facts()] == [first.fact_id]


async def test_only_a_new_folder_or_ones_own_unfinished_backup_is_written_to(houses: Houses, tmp_path: Path) -> None:
    house, stranger = await houses.build("sqlite"), await houses.build("sqlite", secret=OTHER_SECRET)
    await house.submit("1")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("Kính gửi")
    with pytest.raises(BackupRefused, match="is not empty and holds no backup"):
        await house.backup(foreign)
    with pytest.raises(Cut):
        await house.backup(tmp_path / "backup", Cutter(at_step=2))
    with pytest.raises(BackupRefused, match="the beginning of another installation's backup"):
        await stranger.backup(tmp_path / "backup")
    await house.backup(tmp_path / "backup")
    with pytest.raises(BackupRefused, match="holds a finished backup"):
        await house.backup(tmp_path / "backup")


async def test_the_owner_alone_can_read_a_backup_and_no_contact_lies_open_in_it(houses: Houses, tmp_path: Path) -> None:
    house, folder = await houses.build("sqlite"), tmp_path / "backup"
    folder.mkdir(mode=0o755)
    await live(house)
    await house.backup(folder)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    lines = b"".join(line for name in (*SERVICES, FACTS) for line in BackupFolder(folder).lines_of(name))
    assert "Đường có ổ gà".encode() in lines
    assert b"84912345678" not in lines and b"may@example.vn" not in lines and "Lò Thị Mẩy".encode() not in lines


@pytest.mark.parametrize("harm", [gone, changed])
async def test_a_file_that_the_store_lost_is_named_and_the_rest_is_backed_up(
    harm: Callable[[Path], Path], houses: Houses, tmp_path: Path
) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    known = await live(source)
    lost = known["answered"].attachments[0].file_id
    harm(source.backend.settings.files_dir / "feedback" / lost[:2] / lost)
    assert (await source.backup(tmp_path / "backup")).missing == (f"feedback/{lost}",)
    await target.restore(tmp_path / "backup")
    assert (await target.ticket(known["answered"])).status == "answered"
    assert list(await target.files("answers")) == [file.file_id for file in await answered_files(target, known)]


async def answered_files(house: House, known: dict[str, Feedback]) -> tuple[Attachment, ...]:
    """Return the files of the answer."""
    answer = (await house.ticket(known["answered"])).answer
    assert answer is not None
    return answer.files


@pytest.mark.live
async def test_a_database_that_is_served_is_refused_until_nobody_serves_it(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("mongodb")
    await live(source)
    await source.backup(tmp_path / "backup")
    mongo, lease = target.backend.database, lease_of("respond")
    assert isinstance(mongo, MongoDatabase)
    await hold(mongo, lease, "a server", now=houses.clock(), period=LEASE)
    with pytest.raises(Served, match="a process serves respond over this database: stop every process of hotline"):
        await target.restore(tmp_path / "backup")
    await assert_untouched(target)
    await let_go(mongo, lease, "a server")
    await target.restore(tmp_path / "backup")
