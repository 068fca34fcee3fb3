"""Backups read the MongoDB stores by id, whatever else lies in a collection, and never a collection for a page."""

import pytest

from hotline.plumbing.backend import Backend
from services.parts import open_parts
from tests.backups.house import Clock, House, live
from tests.stores.watching import Plans, assert_no_collection_scan

pytestmark = pytest.mark.live


async def test_every_page_of_a_backup_comes_from_an_index(mongodb_backend: Backend, plans: Plans) -> None:
    house = await House(backend=mongodb_backend, clock=Clock()).open()
    await live(house)
    stores = await open_parts(mongodb_backend)
    plans.forget()
    kept = [record for store in stores.values() for kind in store.kinds for record in await store.page(kind, "", 100)]
    assert len(kept) == 16
    await assert_no_collection_scan(mongodb_backend, plans)


async def test_pages_one_after_the_other_are_all_there_is_by_id(mongodb_backend: Backend) -> None:
    house = await House(backend=mongodb_backend, clock=Clock()).open()
    await live(house)
    for store in (await open_parts(mongodb_backend)).values():
        for kind in store.kinds:
            whole = await store.page(kind, "", 100)
            one_by_one, after = [], ""
            while page := await store.page(kind, after, 1):
                one_by_one += page
                after = page[-1].id
            assert one_by_one == whole
            assert [record.id for record in whole] == sorted(record.id for record in whole)


async def test_putting_a_record_back_twice_changes_nothing(mongodb_backend: Backend) -> None:
    house = await House(backend=mongodb_backend, clock=Clock()).open()
    await live(house)
    there = await house.everything()
    for name, store in (await open_parts(mongodb_backend)).items():
        await store.put_back([store.with_epoch(record, 7) for record in there[name]])
    assert await house.everything() == there
    assert (await house.desk.store.accounts())[0].epoch == 0
