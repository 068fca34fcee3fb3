"""Decides what an account is, who may have which role, and whether a password is right.

`actions` signs people in with it, `hotline account` makes accounts, and a revoked one is told to the other
services by `account.changed`. A password is kept only as its Argon2id hash and never logged. Sessions are the
web shell's.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hotline.errors import FieldError, Invalid
from hotline.facts import AccountState
from hotline.roles import AGENCY_ROLES, Role, Session
from hotline.text import clean, fold
from services.respond.ticket import SCREENING_ROLES

MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 128
MIN_DIFFERENT_CHARACTERS = 5
MAX_NAME_CHARACTERS = 120
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,48}[a-z0-9])")
_HASHER = PasswordHasher()
# Verified when a username is unknown, so that an answer takes as long as for a known one; nobody has its password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$wFti9T8uhz8fyOLXEuPs0w$0v5Bh5mlJxHWHHIYOpm+AKLYntQwyk7wdAUEOrwFeE0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Someone who may sign in. `revoked_before`: sessions issued earlier no longer hold. `epoch`, `seq`:
    its facts."""

    account_id: str
    username: str
    full_name: str
    role: Role
    password_hash: str
    created_at: datetime
    agency_id: str | None = None
    is_screener: bool = False
    is_active: bool = True
    revoked_before: datetime | None = None
    version: int = 0
    epoch: int = 0
    seq: int = 0


def make_account(
    *,
    account_id: str,
    username: str,
    full_name: str,
    role: Role,
    password: str,
    now: datetime,
    agency_id: str | None = None,
    is_screener: bool = False,
) -> Account:
    """Return a new account with its password hashed; raises Invalid that names every fault. Takes about 50
    ms.

    The username is kept in lower case. Whether it is taken, and whether the agency exists, the caller asks.
    """
    username, full_name = clean(username).lower(), clean(full_name)
    faults = [
        *username_faults(username),
        *name_faults(full_name),
        *role_faults(role, agency_id, is_screener=is_screener),
        *password_faults(password, username),
    ]
    if faults:
        raise Invalid(faults)
    return Account(
        account_id=account_id,
        username=username,
        full_name=full_name,
        role=role,
        password_hash=hash_password(password),
        created_at=now,
        agency_id=agency_id,
        is_screener=is_screener,
    )


def username_faults(username: str) -> list[FieldError]:
    """A username is 3 to 50 of a-z, 0-9, dot, dash and underscore, beginning and ending with a letter or
    digit."""
    return [] if _USERNAME.fullmatch(username) else [FieldError(field="username", code="username_invalid")]


def name_faults(full_name: str) -> list[FieldError]:
    """A full name is given, as on official papers: a restricted ticket is kept from whom it names."""
    if not full_name:
        return [FieldError(field="full_name", code="full_name_required")]
    if len(full_name) > MAX_NAME_CHARACTERS:
        return [FieldError(field="full_name", code="input_too_long", params={"limit": str(MAX_NAME_CHARACTERS)})]
    return []


def role_faults(role: Role, agency_id: str | None, *, is_screener: bool = False) -> list[FieldError]:
    """Staff and heads belong to an agency and nobody else does; a screener is a triage officer or an
    inspector."""
    faults = []
    if role in AGENCY_ROLES and not agency_id:
        faults.append(FieldError(field="agency_id", code="agency_required"))
    if role not in AGENCY_ROLES and agency_id:
        faults.append(FieldError(field="agency_id", code="agency_not_for_role"))
    if is_screener and role not in SCREENING_ROLES:
        faults.append(FieldError(field="is_screener", code="screener_not_for_role"))
    return faults


def password_faults(password: str, username: str) -> list[FieldError]:
    """A password is 12 to 128 characters, not a few repeated, and does not contain the username (NIST SP
    800-63B)."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        limit = {"limit": str(MIN_PASSWORD_CHARACTERS)}
        return [FieldError(field="password", code="password_too_short", params=limit)]
    if len(password) > MAX_PASSWORD_CHARACTERS:
        limit = {"limit": str(MAX_PASSWORD_CHARACTERS)}
        return [FieldError(field="password", code="password_too_long", params=limit)]
    if len(set(password)) < MIN_DIFFERENT_CHARACTERS or fold(username) in fold(password):
        return [FieldError(field="password", code="password_too_easy")]
    return []


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, salted: two calls differ."""
    return _HASHER.hash(password)


def is_password_right(account: Account | None, password: str) -> bool:
    """Say whether a password opens an account; never for one that is inactive or None (an unknown username).

    Takes about as long in every case. Run it outside the event loop.
    """
    if len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    try:
        _HASHER.verify(account.password_hash if account else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return account is not None and account.is_active


def is_hash_outdated(account: Account) -> bool:
    """Say whether the hash was made with weaker settings than today's, to be made anew at the next
    sign-in."""
    return _HASHER.check_needs_rehash(account.password_hash)


def with_password(account: Account, password: str, now: datetime) -> Account:
    """Return the account with a new password; older sessions end. Raises Invalid."""
    if faults := password_faults(password, account.username):
        raise Invalid(faults)
    return replace(account, password_hash=hash_password(password), revoked_before=now)


def deactivate(account: Account, now: datetime) -> Account:
    """Return the account closed: no sign-in, no session."""
    return replace(account, is_active=False, revoked_before=now)


def activate(account: Account) -> Account:
    """Return the account opened again; sessions from before stay ended."""
    return replace(account, is_active=True)


def account_state(account: Account) -> AccountState:
    """Return what the other services must know: the state of `account.changed`."""
    return AccountState(
        account_id=account.account_id, is_active=account.is_active, revoked_before=account.revoked_before
    )


def session_for(account: Account, now: datetime, hours: int) -> Session:
    """Return the session of someone who just signed in, ending after some hours."""
    return Session(
        account_id=account.account_id,
        username=account.username,
        full_name=account.full_name,
        role=account.role,
        agency_id=account.agency_id,
        is_screener=account.is_screener,
        issued_at=now,
        expires_at=now + timedelta(hours=hours),
    )
