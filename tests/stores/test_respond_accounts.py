"""respond's store keeps accounts the same over both backends: one for each user name, in whatever case it is typed."""

import asyncio
from dataclasses import replace

import pytest

from hotline.facts import Fact
from hotline.plumbing.backend import Backend
from hotline.roles import Role
from services.respond.account_actions import FIRST_ADMIN, create_first_admin
from services.respond.accounts import Account, is_password_right
from services.respond.documents import account_fact
from services.respond.opening import RELAYED, open_desk, open_store
from services.respond.store import Conflict, RespondStore, UsernameTaken
from tests.stores.tickets import NOON
from tests.stores.watching import carried


@pytest.fixture
async def store(backend: Backend) -> RespondStore:
    """respond's store over each backend, empty."""
    return await open_store(backend)


def account(username: str, account_id: str = "a1") -> Account:
    return Account(
        account_id=account_id,
        username=username,
        full_name="Lò Thị Mẩy",
        role=Role.OPERATOR,
        password_hash="$argon2id$none",
        created_at=NOON,
        version=1,
        seq=1,
    )


def closed(known: Account) -> Account:
    return replace(known, is_active=False, revoked_before=NOON, version=known.version + 1, seq=known.seq + 1)


def fact(of: Account) -> Fact:
    return account_fact(of, cause="test", at=NOON)


async def test_an_account_is_read_as_it_was_stored_by_id_and_by_name(store: RespondStore) -> None:
    first = account("may.lo")
    assert (await store.account("a1"), await store.account_named("may.lo")) == (None, None)
    await store.add_account(first, ())
    assert (await store.account("a1"), await store.account_named("may.lo")) == (first, first)
    second = closed(first)
    await store.save_account(second, ())
    assert (await store.account("a1"), await store.account_named("may.lo")) == (second, second)


@pytest.mark.parametrize("typed", ["may.lo", "MAY.LO", "May.Lo"])
async def test_a_user_name_is_the_same_in_every_case(store: RespondStore, typed: str) -> None:
    first = account("may.lo")
    await store.add_account(first, ())
    assert await store.account_named(typed) == first
    with pytest.raises(UsernameTaken):
        await store.add_account(account(typed, "a2"), ())
    assert await store.accounts() == [first]


async def test_a_changed_user_name_frees_the_old_one_and_is_refused_where_it_is_taken(store: RespondStore) -> None:
    first, second = account("may.lo"), account("hoa.le", "a2")
    await store.add_account(first, ())
    await store.add_account(second, ())
    with pytest.raises(UsernameTaken):
        await store.save_account(replace(second, username="MAY.lo", version=2), ())
    await store.save_account(replace(first, username="may.moi", version=2), ())
    await store.save_account(replace(second, username="may.lo", version=2), ())
    assert [known.username for known in await store.accounts()] == ["may.lo", "may.moi"]
    assert await store.account_named("hoa.le") is None


async def test_accounts_stand_in_the_order_of_their_names(store: RespondStore) -> None:
    for number, username in enumerate(("hoa.le", "a-b", "Binh", "a.b", "a1", "admin")):
        await store.add_account(account(username, f"a{number}"), ())
    assert [known.username for known in await store.accounts()] == ["a-b", "a.b", "a1", "admin", "Binh", "hoa.le"]


async def test_a_save_is_the_next_version_or_a_conflict(store: RespondStore) -> None:
    first = account("may.lo")
    with pytest.raises(Conflict):
        await store.save_account(closed(first), ())
    await store.add_account(first, ())
    await store.save_account(closed(first), ())
    with pytest.raises(Conflict):
        await store.save_account(closed(first), ())
    assert await store.account("a1") == closed(first)


async def test_of_many_who_take_a_name_at_once_one_gets_it(store: RespondStore) -> None:
    rivals = [account(("may.lo", "MAY.LO")[number % 2], f"a{number}") for number in range(8)]
    outcomes = await asyncio.gather(*(store.add_account(rival, ()) for rival in rivals), return_exceptions=True)
    assert sorted(map(type, outcomes), key=str) == [*[type(None)] * 1, *[UsernameTaken] * 7]
    assert len(await store.accounts()) == 1


async def test_facts_come_with_the_account_and_what_is_refused_tells_nothing(
    store: RespondStore, backend: Backend
) -> None:
    first = account("may.lo")
    await store.add_account(first, (fact(first),))
    with pytest.raises(UsernameTaken):
        await store.add_account(account("may.lo", "a2"), (fact(account("may.lo", "a2")),))
    with pytest.raises(Conflict):
        await store.save_account(closed(closed(first)), (fact(closed(closed(first))),))
    await store.save_account(closed(first), (fact(closed(first)),))
    assert await carried(backend, "respond", RELAYED) == [fact(first), fact(closed(first))]


async def test_of_several_first_starts_at_once_one_tells_a_password_and_all_go_on(backend: Backend) -> None:
    desk = await open_desk(backend)
    starts = [create_first_admin(desk.store, desk.rules.directory, NOON) for _ in range(3)]
    told = [password for password in await asyncio.gather(*starts) if password is not None]
    accounts = await desk.store.accounts()
    assert [known.username for known in accounts] == [FIRST_ADMIN]
    assert [is_password_right(accounts[0], password) for password in told] == [True]
    assert await create_first_admin(desk.store, desk.rules.directory, NOON) is None
    assert len(await carried(backend, "respond", RELAYED)) == 1
