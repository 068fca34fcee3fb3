"""Every status, action, party and clock has its words on the pages, in both languages."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from hotline.facts import Channel, FollowUpKind, Outcome
from hotline.taxonomy import PetitionKind
from hotline.web.messages import LANGUAGES, load_messages
from services.respond import ticket_view
from services.respond.action_inputs import FIELDS, HOWS
from services.respond.register import COLUMNS
from services.respond.ticket import Action, ClockKind, Party, Status, StepKind
from services.respond.ticket_view import ClockStanding
from services.respond.transitions import TRANSITIONS

MESSAGES = load_messages([Path(str(ticket_view.__file__)).parent])
WORDS: dict[str, Iterable[str]] = {
    "status": Status,
    "action": Action,
    "happened": Action,
    "explain": FIELDS,
    "party": Party,
    "outcome": Outcome,
    "clock": ClockKind,
    "step": StepKind,
    "standing": ClockStanding,
    "how": (*HOWS, "call"),
    "follow_up": FollowUpKind,
    "channel": Channel,
    "kind": PetitionKind,
    "register": COLUMNS,
    "note": [action for action, fields in FIELDS.items() if "note" in fields],
}


@pytest.mark.parametrize("table", WORDS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_has_its_words(table: str, lang: str) -> None:
    for name in WORDS[table]:
        assert MESSAGES.message(lang, f"{table}.{name}")


def test_whatever_a_person_may_do_has_a_form() -> None:
    of_people = {row.action for row in TRANSITIONS if row.parties - {Party.CITIZEN, Party.SYSTEM}}
    assert set(FIELDS) == of_people


def test_the_forms_ask_all_that_the_workflow_requires() -> None:
    computed = {"agency_due_at", "screening_due_at", "promise"}
    for row in TRANSITIONS:
        if row.parties - {Party.CITIZEN, Party.SYSTEM}:
            asked = {"route" if name == "agency" else name for name in FIELDS[row.action]}
            assert set(row.requires) - computed <= asked, row.action
