"""Whatever a ticket or an account is refused for, a person reads why and what to do, in both languages."""

import re
import tomllib
from pathlib import Path

import pytest

from services.respond import accounts, inputs
from services.respond.transitions import TRANSITIONS, Condition

FOLDER = Path(inputs.__file__).parent
CODE = re.compile(r'code="([a-z_]+)"')


def codes() -> set[str]:
    """Return every code that the workflow and the accounts can raise."""
    written = {
        code for module in (inputs, accounts) for code in CODE.findall(Path(str(module.__file__)).read_text("utf-8"))
    }
    required = {f"{name}_required" for row in TRANSITIONS for name in row.requires}
    return written | required


def not_allowed() -> set[str]:
    """Return every reason for which an action may not happen."""
    return {*Condition, "not_received_yet", "not_yours", "not_in_this_status"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_fault_has_its_sentence(language: str) -> None:
    said = tomllib.loads((FOLDER / f"messages_{language}.toml").read_text("utf-8"))["errors"]
    assert codes() - set(said) == set()
    assert not_allowed() - set(said["not_allowed"]) == set()
