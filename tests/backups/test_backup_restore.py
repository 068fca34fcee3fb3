"""A backup put back into empty stores gives the same stores, of either backend, however often it was cut off."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hotline.facts import FactKind
from hotline.plumbing.restores import HalfRestored
from services.classify.records import CLASSIFICATION
from services.classify.ticket_word import TicketWord
from services.ingest.records import BATCH, FEEDBACK
from services.parts import FACTS, SERVICES, open_parts
from services.respond.account_actions import sign_in
from services.respond.records import ACCOUNT, TICKET, ticket_of
from services.restore import steps_of
from services.server import open_services
from tests.backups.conftest import MOVES, SHAPES, Houses
from tests.backups.house import PASSWORD, START, Cut, Cutter, House, live
from tests.stores.feedbacks import batch

pytestmark = pytest.mark.slow

OWNERS = ("answers", "feedback")
STEPS = 60
COUNTS = {ACCOUNT: 1, TICKET: 4, CLASSIFICATION: 5, FEEDBACK: 4, BATCH: 1, "erased": 3}


async def contents(house: House) -> dict[str, object]:
    """Return all that a house holds, by what it is of; of an erased feedback only the facts that say so."""
    records = await house.everything()
    erased = {record.id for store in records.values() for record in store if record.kind == "erased"}
    facts = [delivery.envelope for delivery in await house.facts()]
    letters = await house.backend.bus.dead_letters()
    return {
        **records,
        "files": [await house.files(owner) for owner in OWNERS],
        "facts": {f.fact_id for f in facts if f.feedback_id not in erased or f.kind == FactKind.FEEDBACK_ERASED},
        "letters": [replace(letter, letter_id=0) for letter in letters],
    }


async def full(house: House) -> dict[str, object]:
    """Fill a house with one of each kind of what is stored, and return all that it holds."""
    await live(house)
    await house.judgements.keep_ticket_word("early", TicketWord(order=(0, 7), restricted=True, at=START), None, ())
    await house.intake.store.add_chunk([], batch(9, 3, at=START))
    first = (await house.facts())[0]
    await house.backend.bus.bury("respond", first, error="ValueError at a.py:1", attempts=5, now=START)
    held = await contents(house)
    kinds = [record.kind for name in SERVICES for record in held[name]]  # type: ignore[attr-defined]
    assert {kind: kinds.count(kind) for kind in kinds} == COUNTS
    return held


@pytest.mark.parametrize("move", MOVES)
async def test_what_is_restored_is_what_was_there(move: tuple[str, str], houses: Houses, tmp_path: Path) -> None:
    source, target = [await houses.build(shape) for shape in move]
    there = await full(source)
    taken = await source.backup(tmp_path / "backup")
    heard: list[int] = []
    restored = await target.restore(tmp_path / "backup", report=lambda _, count: heard.append(count))
    assert sum(heard) == steps_of(taken.manifest)
    assert (taken.missing, restored.now, restored.are_facts_left_out) == ((), (*SERVICES, FACTS), False)
    assert await contents(target) == there


async def test_a_backup_that_is_cut_off_anywhere_is_none_and_goes_on_when_said_again(
    houses: Houses, tmp_path: Path
) -> None:
    source = await houses.build("sqlite")
    there = await full(source)
    for step in range(1, STEPS):
        folder = tmp_path / f"cut at {step}"
        try:
            await source.backup(folder, Cutter(at_step=step))
            break
        except Cut:
            assert not (folder / "manifest.json").exists()
            await source.backup(folder)
            target = await houses.build("sqlite")
            await target.restore(folder)
            assert await contents(target) == there
    assert 10 < step < STEPS - 1


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_restore_that_is_cut_off_anywhere_goes_on_when_said_again(
    shape: str, houses: Houses, tmp_path: Path
) -> None:
    source, target, folder = await houses.build("sqlite"), await houses.build(shape), tmp_path / "backup"
    there = await full(source)
    await source.backup(folder)
    cuts, epochs = 0, set()
    while cuts < STEPS:
        houses.clock.move()
        try:
            epochs.add((await target.restore(folder, report=Cutter(at_step=cuts + 1))).epoch)
            break
        except Cut:
            cuts += 1
    assert 10 < cuts < STEPS
    assert await contents(target) == there
    epochs |= {record.epoch for record in await tickets(target)}
    assert len(epochs) == 1


async def test_each_restore_counts_above_all_earlier_ones_though_a_clock_is_wrong(
    houses: Houses, tmp_path: Path
) -> None:
    house = await houses.build("sqlite")
    await live(house)
    epochs = [0]
    for number in range(3):
        await house.backup(tmp_path / str(number))
        houses.clock.now -= timedelta(days=365)
        house = await houses.build("sqlite")
        epochs.append((await house.restore(tmp_path / str(number))).epoch)
    assert epochs == sorted(set(epochs))


async def tickets(house: House) -> list[object]:
    """Return the tickets as they are stored."""
    stores = await open_parts(house.backend)
    return [ticket_of(record) for record in await stores["respond"].page(TICKET, "", 100)]


async def test_a_half_restored_store_serves_nobody(houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build("sqlite"), await houses.build("sqlite")
    await live(source)
    await source.backup(tmp_path / "backup")
    with pytest.raises(Cut):
        await target.restore(tmp_path / "backup", report=Cutter(at_step=10))
    for attempt in (serve, House.reconcile, lambda house: house.backup(tmp_path / "other")):
        with pytest.raises(HalfRestored, match=r"half restored: say `hotline restore` with the backup [0-9a-f]{16}"):
            await attempt(target)
    await target.restore(tmp_path / "backup")
    await serve(target)


async def serve(house: House) -> None:
    """Open the services as `hotline run` does, and close them."""
    async with open_services(house.backend, ("ingest",)):
        pass


@pytest.mark.parametrize("shape", SHAPES)
async def test_restored_twice_nothing_changes_even_after_work_went_on(
    shape: str, houses: Houses, tmp_path: Path
) -> None:
    source, target, folder = await houses.build(shape), await houses.build(shape), tmp_path / "backup"
    known = await live(source)
    await source.backup(folder)
    await target.restore(folder)
    await target.add(known["new"], "vẫn chưa sửa")
    await target.settle()
    there = await contents(target)
    assert (await target.restore(folder)).now == ()
    assert await contents(target) == there


@pytest.mark.parametrize("shape", SHAPES)
async def test_after_a_restore_no_clock_has_moved_and_people_sign_in_and_work(
    shape: str, houses: Houses, tmp_path: Path
) -> None:
    source, target, folder = await houses.build(shape), await houses.build(shape), tmp_path / "backup"
    known = await live(source)
    before = {name: await source.ticket(known[name]) for name in ("answered", "new")}
    due = await source.desk.store.needing_attention(START.replace(year=2027), 100)
    await source.backup(folder)
    epoch = (await target.restore(folder)).epoch
    await target.reconcile()
    await target.settle()
    for name, ticket in before.items():
        after = await target.ticket(known[name])
        assert (after.promises, after.history, after.breaches) == (ticket.promises, ticket.history, ticket.breaches)
    again = await target.desk.store.needing_attention(START.replace(year=2027), 100)
    assert [ticket.feedback_id for ticket in again] == [ticket.feedback_id for ticket in due]
    session = await sign_in(target.desk.store, "lan", PASSWORD, houses.clock(), 8)
    assert session is not None and session.username == "lan"
    await target.answer(known["new"])
    newcomer = await target.submit("after")
    await target.settle()
    assert (await target.ticket(newcomer)).epoch == newcomer.epoch == epoch
    told = await target.intake.store.get(known["new"].feedback_id)
    assert told is not None and told.ticket is not None and told.ticket.status == "answered"


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_notice_that_was_sent_is_not_sent_again(shape: str, houses: Houses, tmp_path: Path) -> None:
    source, target = await houses.build(shape), await houses.build(shape)
    await live(source)
    waiting = await source.intake.store.notices_to_send(houses.clock(), 100)
    assert len(waiting) > 3
    claimed = waiting[0]
    claimed_until = houses.clock().replace(hour=23)
    assert await source.intake.store.claim_notice(claimed.notice_id, now=houses.clock(), until=claimed_until)
    await source.backup(tmp_path / "backup")
    await target.restore(tmp_path / "backup")
    await target.reconcile()
    await target.settle()
    assert set(await target.intake.store.notices_to_send(houses.clock(), 100)) == set(waiting[1:])
    assert set(await target.intake.store.notices_to_send(claimed_until, 100)) == set(waiting)
