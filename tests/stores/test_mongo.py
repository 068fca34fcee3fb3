"""The MongoDB driver as the stores know it: what is asked, what is refused, and what its failures say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pymongo.errors import OperationFailure

from hotline.plumbing import mongo as driver
from hotline.plumbing.failures import StoreUnavailable
from hotline.plumbing.mongo import AlreadyThere, Change, Collection, Index, MongoDatabase, place_of
from tests.stores.cutting import cuttable

pytestmark = pytest.mark.live
CODES = Index(name="by_code", keys=(("code", 1),), is_unique=True, is_sparse=True)
SPOKEN = "caycautreotrenduongdihoc"


@pytest.fixture
async def things(mongo: MongoDatabase) -> Collection:
    """Two things, each with a code of its own."""
    await mongo.ensure_indexes("things", (CODES,))
    things = mongo.collection("things")
    await things.insert_one({"_id": "a", "code": "A", "size": 1})
    await things.insert_one({"_id": "b", "code": "B", "size": 2})
    return things


TAKEN: dict[str, tuple[Callable[[Collection], Awaitable[object]], str]] = {
    "insert, id": (lambda things: things.insert_one({"_id": "a", "code": "C"}), "_id_"),
    "insert, code": (lambda things: things.insert_one({"_id": "c", "code": "A"}), "by_code"),
    "update": (lambda things: things.update_one({"_id": "a"}, {"$set": {"code": "B"}}), "by_code"),
    "upsert": (lambda things: things.update_one({"_id": "a", "size": 9}, {"$set": {"size": 3}}, upsert=True), "_id_"),
    "find and update": (lambda things: things.find_one_and_update({"_id": "a"}, {"$set": {"code": "B"}}), "by_code"),
}


@pytest.mark.parametrize("how", TAKEN)
async def test_a_value_that_another_has_is_refused_by_the_name_of_its_index(things: Collection, how: str) -> None:
    ask, index = TAKEN[how]
    with pytest.raises(AlreadyThere) as refused:
        await ask(things)
    assert refused.value.index == index
    assert await things.find({}, sort=[("_id", 1)]) == [
        {"_id": "a", "code": "A", "size": 1},
        {"_id": "b", "code": "B", "size": 2},
    ]


async def test_of_many_inserts_only_those_whose_values_are_taken_are_refused(things: Collection) -> None:
    documents = [{"_id": "c"}, {"_id": "a"}, {"_id": "d", "code": "B"}, {"_id": "e", "code": "E"}, {"_id": "e"}]
    refused = await things.insert_each(documents)
    assert {position: error.index for position, error in refused.items()} == {1: "_id_", 2: "by_code", 4: "_id_"}
    assert [document["_id"] for document in await things.find({}, sort=[("_id", 1)])] == ["a", "b", "c", "e"]
    assert await things.insert_each([]) == {}


async def test_changes_say_what_they_found(things: Collection) -> None:
    to_three = {"$set": {"size": 3}}
    assert await things.update_one({"_id": "a"}, to_three)
    assert await things.update_one({"_id": "a"}, to_three)
    assert not await things.update_one({"_id": "z"}, to_three)
    assert await things.update_one({"_id": "c"}, to_three, upsert=True)
    changes = [Change(query={"_id": name}, update={"$inc": {"size": 1}}) for name in ("a", "c", "z")]
    assert (await things.update_each(changes), await things.update_each([])) == (2, 0)
    assert await things.find_one_and_update({"_id": "b"}, to_three) == {"_id": "b", "code": "B", "size": 3}
    assert await things.find_one_and_update({"_id": "z"}, to_three) is None
    assert (await things.delete_one({"_id": "b"}), await things.delete_one({"_id": "b"})) == (True, False)
    assert (await things.delete_many({"size": 4}), await things.delete_many({"size": 4})) == (2, 0)


async def test_what_is_found_comes_in_order_in_parts_and_with_the_fields_asked_for(things: Collection) -> None:
    await things.insert_each([{"_id": name, "size": 7} for name in "cdef"])
    by_size = [("size", -1), ("_id", 1)]
    found = await things.find({"size": {"$gt": 1}}, sort=by_size, skip=1, limit=4, fields=["size"])
    assert found == [{"_id": name, "size": 7} for name in "def"] + [{"_id": "b", "size": 2}]
    assert await things.find_one({"_id": "a"}, fields=["size"]) == {"_id": "a", "size": 1}
    assert await things.find_one({"_id": "z"}) is None
    assert await things.count({"size": 7}) == 4


async def test_indexes_may_be_made_again(mongo: MongoDatabase, things: Collection) -> None:
    await mongo.ensure_indexes("things", (CODES,))
    await mongo.ensure_indexes("things", ())
    await things.insert_each([{"_id": "c"}, {"_id": "d"}])
    assert await things.count({}) == 4


async def test_a_fault_of_ours_is_no_outage(things: Collection) -> None:
    with pytest.raises(OperationFailure):
        await things.find({"$nonsense": 1})


@pytest.fixture
async def cut_things(
    mongo_address: str, things: Collection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Collection]:
    """The same things over a connection that has just been cut."""
    monkeypatch.setattr(driver, "SELECT_PRIMARY_MS", 100)
    async with cuttable(mongo_address) as (way, address):
        database = await MongoDatabase.open(address)
        await way.cut()
        yield database.collection("things")
        await database.close()


UNHEARD: dict[str, Callable[[Collection], Awaitable[object]]] = {
    "find": lambda things: things.find({"code": SPOKEN}),
    "insert_one": lambda things: things.insert_one({"_id": "c", "text": SPOKEN}),
    "insert_each": lambda things: things.insert_each([{"_id": "c", "text": SPOKEN}]),
    "update_one": lambda things: things.update_one({"_id": "a"}, {"$set": {"text": SPOKEN}}),
    "update_each": lambda things: things.update_each([Change(query={"_id": "a"}, update={"$set": {"text": SPOKEN}})]),
    "find_one_and_update": lambda things: things.find_one_and_update({"_id": "a"}, {"$set": {"text": SPOKEN}}),
    "delete_one": lambda things: things.delete_one({"_id": "a"}),
    "count": lambda things: things.count({"code": SPOKEN}),
}


async def test_what_cannot_be_asked_is_unavailable_and_quotes_nothing(cut_things: Collection) -> None:
    told = await asyncio.gather(*(ask(cut_things) for ask in UNHEARD.values()), return_exceptions=True)
    for how, error in zip(UNHEARD, told, strict=True):
        assert isinstance(error, StoreUnavailable), how
        assert "the database cannot be reached" in str(error), how
        assert SPOKEN not in str(error), how


async def test_what_the_server_refuses_names_the_code_and_quotes_nothing(things: Collection) -> None:
    with pytest.raises(StoreUnavailable, match=r"the database refused .* 66") as told:
        await things.update_one({"_id": "a"}, {"$set": {"_id": SPOKEN}})
    assert SPOKEN not in str(told.value)


BAD_ADDRESSES = ["mongodb://localhost:27017", "mongodb://localhost:x/hotline", "http://localhost/hotline", "nonsense"]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
async def test_an_address_that_is_none_names_the_setting(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="STORE_URL is no MongoDB address with a database"):
        await MongoDatabase.open(url)


async def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "SELECT_PRIMARY_MS", 100)
    with pytest.raises(
        StoreUnavailable, match=r"MongoDB at 127\.0\.0\.1:1 cannot be used .* correct STORE_URL"
    ) as told:
        await MongoDatabase.open("mongodb://user:geheim@127.0.0.1:1/hotline")
    assert "geheim" not in str(told.value)


def test_a_place_is_told_without_who_goes_there() -> None:
    assert place_of("mongodb://user:p@ss@host:27017,other/hotline?x=1") == "host:27017,other"
