"""Accounts: who may have which role, and passwords that are kept as hashes only."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.errors import Invalid
from hotline.roles import Role
from services.respond.accounts import (
    _NOBODY,
    Account,
    account_state,
    activate,
    deactivate,
    is_hash_outdated,
    is_password_right,
    make_account,
    password_faults,
    role_faults,
    session_for,
    with_password,
)
from tests.respond.builders import LEAD, at

PASSWORD = "Sông Lô nước xanh 2026"
NOW = at("2026-11-18 08:00")
GIVEN: dict[str, Any] = {
    "account_id": "a1",
    "username": "binh.nv",
    "full_name": "Nguyễn Văn Bình",
    "role": Role.AGENCY_STAFF,
    "agency_id": LEAD,
    "password": PASSWORD,
    "now": NOW,
}
ACCOUNT = make_account(**GIVEN)


def codes(**changes: Any) -> list[str]:
    """Return the faults of an account made with these changes."""
    with pytest.raises(Invalid) as caught:
        make_account(**{**GIVEN, **changes})
    return [error.code for error in caught.value.errors]


def test_the_password_is_kept_as_an_argon2id_hash() -> None:
    assert ACCOUNT.password_hash.startswith("$argon2id$")
    assert PASSWORD not in repr(ACCOUNT)
    assert not is_hash_outdated(ACCOUNT)


def test_the_right_password_opens_an_active_account() -> None:
    assert is_password_right(ACCOUNT, PASSWORD)
    assert not is_password_right(ACCOUNT, PASSWORD + "x")
    assert not is_password_right(deactivate(ACCOUNT, NOW), PASSWORD)
    assert is_password_right(activate(deactivate(ACCOUNT, NOW)), PASSWORD)


def test_an_unknown_username_and_an_endless_password_open_nothing() -> None:
    assert not is_password_right(None, PASSWORD)
    assert not is_password_right(ACCOUNT, "x" * 1_000_000)
    assert not is_password_right(replace(ACCOUNT, password_hash="broken"), PASSWORD)


def test_refusing_an_unknown_username_is_as_much_work_as_refusing_a_known_one() -> None:
    assert not is_hash_outdated(replace(ACCOUNT, password_hash=_NOBODY))


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("ngắn quá", "password_too_short"),
        ("x" * 129, "password_too_long"),
        ("aaaaaaaaaaaaaaaa", "password_too_easy"),
        ("toi la Binh.NV day", "password_too_easy"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, code: str) -> None:
    assert [fault.code for fault in password_faults(password, "binh.nv")] == [code]


@pytest.mark.parametrize("username", ["ab", "Bình", "a b c", ".abc", "abc-", "x" * 51, ""])
def test_a_username_is_plain_letters_and_digits(username: str) -> None:
    assert codes(username=username)[0] == "username_invalid"


def test_a_username_is_kept_in_lower_case() -> None:
    assert make_account(**{**GIVEN, "username": " Hoa_LT "}).username == "hoa_lt"


@pytest.mark.parametrize(
    ("role", "agency_id", "is_screener", "expected"),
    [
        (Role.AGENCY_STAFF, LEAD, False, []),
        (Role.AGENCY_HEAD, None, False, ["agency_required"]),
        (Role.AGENCY_HEAD, "", False, ["agency_required"]),
        (Role.TRIAGE_OFFICER, LEAD, False, ["agency_not_for_role"]),
        (Role.TRIAGE_OFFICER, None, True, []),
        (Role.INSPECTOR, None, True, []),
        (Role.OPERATOR, None, True, ["screener_not_for_role"]),
        (Role.AGENCY_HEAD, None, True, ["agency_required", "screener_not_for_role"]),
        (Role.ADMIN, None, False, []),
    ],
)
def test_role_and_agency_fit_together(
    role: Role, agency_id: str | None, is_screener: bool, expected: list[str]
) -> None:
    assert [fault.code for fault in role_faults(role, agency_id, is_screener=is_screener)] == expected


def test_all_faults_at_once() -> None:
    found = codes(username="?", full_name=" ", role=Role.OPERATOR, is_screener=True, password="x")
    assert found == [
        "username_invalid",
        "full_name_required",
        "agency_not_for_role",
        "screener_not_for_role",
        "password_too_short",
    ]


def test_a_new_password_ends_older_sessions() -> None:
    later = at("2026-11-19 08:00")
    changed = with_password(ACCOUNT, "Một mật khẩu khác hẳn", later)
    assert is_password_right(changed, "Một mật khẩu khác hẳn")
    assert changed.revoked_before == later
    with pytest.raises(Invalid):
        with_password(ACCOUNT, "ngắn", later)


def test_the_other_services_hear_that_sessions_ended() -> None:
    state = account_state(deactivate(ACCOUNT, NOW))
    assert (state.account_id, state.is_active, state.revoked_before) == ("a1", False, NOW)


def test_a_session_says_who_signed_in_and_ends() -> None:
    session = session_for(ACCOUNT, NOW, hours=8)
    assert (session.role, session.agency_id, session.full_name) == (Role.AGENCY_STAFF, LEAD, "Nguyễn Văn Bình")
    assert session.expires_at == at("2026-11-18 16:00")


def test_an_account_holds_no_clear_password() -> None:
    assert "password" not in {name for name in Account.__slots__ if name != "password_hash"}
