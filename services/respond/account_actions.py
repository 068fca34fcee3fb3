"""What happens to accounts, whoever asks: made, signed in, password changed, closed.

Called by the sign-in and admin pages, by `hotline user`, and at the first start. Every change is saved with the fact
`account.changed`, so that other services end the sessions it revokes. Passwords are neither stored nor logged.
"""

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from hotline.agencies import AgencyDirectory
from hotline.errors import FieldError, Invalid
from hotline.roles import Role, Session
from hotline.working_days import local_date
from services.respond.accounts import (
    Account,
    activate,
    deactivate,
    hash_password,
    is_hash_outdated,
    is_password_right,
    make_account,
    session_for,
    with_password,
)
from services.respond.documents import account_fact
from services.respond.store import Conflict, RespondStore, UsernameTaken

FIRST_ADMIN = "admin"
FIRST_ADMIN_NAME = "Quản trị hệ thống"
GENERATED_PASSWORD_BYTES = 15


class UnknownAccount(Exception):
    """There is no account of this id or user name."""


def generate_password() -> str:
    """Return a random password of 20 characters."""
    return secrets.token_urlsafe(GENERATED_PASSWORD_BYTES)


async def sign_in(store: RespondStore, username: str, password: str, now: datetime, hours: int) -> Session | None:
    """Return a session, or None for a wrong password, an unknown name or a closed account: all take as long."""
    account = await store.account_named(username.strip().lower())
    if not await asyncio.to_thread(is_password_right, account, password) or account is None:
        return None
    if is_hash_outdated(account):
        await keep_newer_hash(store, account, password)
    return session_for(account, now, hours)


async def keep_newer_hash(store: RespondStore, account: Account, password: str) -> None:
    """Store the hash with today's settings; somebody else changing the account meanwhile is fine."""
    newer = await asyncio.to_thread(hash_password, password)
    try:
        await store.save_account(replace(account, password_hash=newer, version=account.version + 1), ())
    except Conflict:
        return


async def create_account(
    store: RespondStore,
    directory: AgencyDirectory,
    *,
    username: str,
    full_name: str,
    role: Role,
    password: str,
    now: datetime,
    agency_id: str | None = None,
    is_screener: bool = False,
) -> Account:
    """Make an account; raises Invalid that names every fault, a taken user name included."""
    errors: list[FieldError] = []
    if agency_id and not is_working_agency(directory, agency_id, now):
        errors.append(FieldError(field="agency_id", code="agency_unknown", params={"agency": agency_id[:80]}))
    if await store.account_named(username.strip().lower()) is not None:
        errors.append(FieldError(field="username", code="username_taken"))
    try:
        account = await asyncio.to_thread(
            make_account,
            account_id=uuid4().hex,
            username=username,
            full_name=full_name,
            role=role,
            password=password,
            now=now,
            agency_id=agency_id,
            is_screener=is_screener,
        )
    except Invalid as error:
        raise Invalid([*error.errors, *errors]) from error
    if errors:
        raise Invalid(errors)
    account = replace(account, version=1, epoch=store.epoch, seq=1)
    try:
        await store.add_account(account, (account_fact(account, cause="created", at=now),))
    except UsernameTaken as error:
        raise Invalid([FieldError(field="username", code="username_taken")]) from error
    return account


def is_working_agency(directory: AgencyDirectory, agency_id: str, now: datetime) -> bool:
    """Say whether a body exists today and its people may sign in."""
    if not directory.has(agency_id):
        return False
    agency = directory.get(agency_id)
    return agency.is_active(local_date(now)) and agency.has_accounts


async def change_password(
    store: RespondStore, account_id: str, old_password: str, new_password: str, now: datetime
) -> Account:
    """Change one's own password; older sessions end. Raises Invalid."""
    account = await find_account(store, account_id)
    if not await asyncio.to_thread(is_password_right, account, old_password):
        raise Invalid([FieldError(field="old_password", code="old_password_wrong")])
    changed = await asyncio.to_thread(with_password, account, new_password, now)
    return await save(store, changed, cause="password_changed", now=now)


async def reset_password(store: RespondStore, account_id: str, new_password: str, now: datetime) -> Account:
    """Give an account another password, as the administrator; its sessions end. Raises Invalid, UnknownAccount."""
    account = await find_account(store, account_id)
    changed = await asyncio.to_thread(with_password, account, new_password, now)
    return await save(store, changed, cause="password_reset", now=now)


async def close_account(store: RespondStore, account_id: str, by: str, now: datetime) -> Account:
    """Close an account and end its sessions; one's own cannot be closed. Raises Invalid, UnknownAccount."""
    account = await find_account(store, account_id)
    if account.account_id == by:
        raise Invalid([FieldError(field="account_id", code="account_own")])
    return await save(store, deactivate(account, now), cause="closed", now=now)


async def open_account(store: RespondStore, account_id: str, now: datetime) -> Account:
    """Open a closed account again. Raises UnknownAccount."""
    return await save(store, activate(await find_account(store, account_id)), cause="opened", now=now)


async def find_account(store: RespondStore, account_id: str) -> Account:
    """Return an account; raises UnknownAccount."""
    account = await store.account(account_id)
    if account is None:
        raise UnknownAccount(account_id)
    return account


async def save(store: RespondStore, account: Account, *, cause: str, now: datetime) -> Account:
    """Save the next version with its fact."""
    saved = replace(account, version=account.version + 1, seq=account.seq + 1)
    await store.save_account(saved, (account_fact(saved, cause=cause, at=now),))
    return saved


async def create_first_admin(store: RespondStore, directory: AgencyDirectory, now: datetime) -> str | None:
    """Make the first account when there is none and return its password, which is told once; None afterwards.

    Of several first starts at once one makes it; the others return None.
    """
    if await store.accounts():
        return None
    password = generate_password()
    try:
        await create_account(
            store,
            directory,
            username=FIRST_ADMIN,
            full_name=FIRST_ADMIN_NAME,
            role=Role.ADMIN,
            password=password,
            now=now,
        )
    except Invalid:
        # Another process made it since we looked, and tells its password: ours opens nothing.
        if await store.account_named(FIRST_ADMIN) is None:
            raise
        return None
    return password
