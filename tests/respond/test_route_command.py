"""`hotline route` says in JSON who gets a ticket, and in one sentence what was wrong with the question."""

import json

import pytest
from click.testing import CliRunner, Result

from services.respond.command_route import route_command
from services.respond.commands import commands

BASE = ("--profile", "ha-giang-2023")


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(route_command, [*BASE, *arguments])


def told(*arguments: str) -> dict[str, object]:
    result = ask(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_it_is_one_of_the_commands():
    assert route_command in commands


def test_it_tells_everything_about_a_route():
    assert told("--code", "6.3#dien", "--commune", "00694", "--at", "2026-11-24") == {
        "agency": "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 1",
        "agency_id": "phong-kinh-te-xa-00694",
        "co_leads": [],
        "co_lead_ids": [],
        "implementers": ["Công ty Điện lực Tuyên Quang"],
        "implementer_ids": ["dien-luc-tq"],
        "answers": "Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 1",
        "answers_id": "phong-kinh-te-xa-00694",
        "rule": "hg-6.3-dien",
        "source": "seed 001, dòng 242",
        "reason": "6.3 (điện sinh hoạt): Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 1 theo dõi, Công ty Điện "
        "lực Tuyên Quang thực hiện; Phòng Kinh tế, Hạ tầng và Đô thị phường Hà Giang 1 trả lời và ghi lại ý kiến "
        "của Công ty Điện lực Tuyên Quang.",
        "excluded_ids": [],
        "is_inferred": False,
    }


def test_the_day_of_receipt_decides_which_bodies_existed():
    assert told("--code", "6.3#dien", "--at", "2023-09-01")["agency"] == "Phòng Kinh tế"
    assert told("--code", "6.3#dien", "--at", "2026-11-24")["agency"] == "Sở Công Thương tỉnh Tuyên Quang"


def test_without_a_commune_the_offices_of_communes_stand_as_the_plan_names_them():
    assert told("--code", "1.1", "--at", "2023-09-01")["implementers"] == ["UBND các xã, phường"]
    assert told("--code", "6.4", "--at", "2023-09-01")["implementers"] == ["Công an xã, phường"]
    assert told("--code", "1.1", "--kind", "to_cao", "--at", "2023-09-01")["implementers"] == []


def test_without_a_day_it_is_today():
    assert told("--code", "3.2")["agency"] == "Thanh tra tỉnh Tuyên Quang"


def test_kind_named_body_and_suspicion_are_heard():
    denounced = told(
        *("--code", "5.3", "--commune", "00691", "--kind", "to_cao", "--at", "2026-11-24"),
        *("--named", "ubnd-xa-00691", "--named", "phong-vhxh-xa-00691"),
    )
    assert denounced["answers_id"] == "ubnd-tinh-tq"
    assert {"ubnd-xa-00691", "phong-vhxh-xa-00691"} <= set(denounced["excluded_ids"])  # type: ignore[call-overload]
    suspected = told("--code", "6.1", "--commune", "00691", "--restricted", "--at", "2026-11-24")
    assert suspected["implementers"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--code", "9.9"), "HG-2023 has no code '9.9'; use one of 1.1, 1.2,"),
        (("--code", "1.1", "--commune", "99999"), "no commune has the code '99999'; give five digits, such as 00694"),
        (("--code", "1.1", "--at", "24/11/2026"), "'24/11/2026' is not a day; give it as 2026-11-24"),
        (("--code", "4.1", "--named", "khong-co"), "ha-giang-2023 has no agency 'khong-co'"),
        (("--code", "1.1", "--profile", "atlantis"), "no profile 'atlantis'; there are: ha-giang-2023"),
        (("--code", "1.1", "--profile", "../ha-giang-2023"), "no profile '../ha-giang-2023'; there are:"),
    ],
)
def test_a_bad_question_is_answered_in_one_sentence(arguments: tuple[str, ...], sentence: str):
    result = ask(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {sentence}")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("--code", "1.1", "--kind", "thu_khen")])
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...]):
    assert ask(*arguments).exit_code == 2


def test_a_commune_of_another_province_is_answered_and_said_to_be_outside():
    assert "ngoài địa bàn" in str(told("--code", "7.1", "--commune", "24688", "--at", "2026-11-24")["reason"])
