"""`hotline classify`, `train` and `evaluate` as a user meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.classify.commands import classify, commands, evaluate
from services.classify.training_data import load_messages

pytestmark = pytest.mark.slow

LINES = (
    '{"id": "a", "text": "Ổ gà to giữa đường, xe máy ngã suốt"}',
    "{not json",
    "",
    '{"id": 7, "text": "Can bo dia chinh doi 5 trieu moi lam so do"}',
    '{"id": "no text"}',
    '{"text": "The street is flooded every day, please help us"}',
    '{"id": "z", "text": ""}',
    '{"id": "n", "text": 5}',
)
KEYS = {
    "id",
    "code",
    "second",
    "scores",
    "petition_kind",
    "restricted",
    "urgent",
    "language",
    "needs_review",
    "why",
    "reasons",
}


def run(models_dir: Path, *arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(classify, [*arguments, "--models-dir", str(models_dir)], input=given)


def test_good_lines_are_answered_and_bad_ones_named(models_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(LINES), encoding="utf-8")
    result = run(models_dir, str(file))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", 7, None, "z"]
    assert [row["code"] for row in rows] == ["6.3#giao_thong", "4.1", "0", "0"]
    assert [row["language"] for row in rows] == ["vi", "vi", "en", "und"]
    # Too short to hold an accusation, and read by a person anyway.
    assert [row["restricted"] for row in rows] == [False, True, True, False]
    assert all(set(row) == KEYS and len(row["scores"]) == 5 for row in rows)
    assert all(f"line {number}:" in result.stderr for number in (2, 5, 8))
    assert result.exit_code == 1


def test_a_clean_file_ends_with_zero_and_dash_reads_standard_input(models_dir: Path) -> None:
    result = run(models_dir, "-", given='{"text": "Mất điện cả đêm, điện lực không báo"}\n')
    assert result.exit_code == 0
    assert json.loads(result.stdout)["code"] == "6.3#dien"
    assert result.stderr == ""


BROKEN = (b'{"text": "\xff\xfe"}\n', b'{"text": "a\\u0000b"}\n', b'{"text": "\\ud800"}\n', b"[1]\n", b"\x00\n")


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_never_stops_the_others(models_dir: Path, line: bytes) -> None:
    good = '{"id": 1, "text": "Nước máy yếu quá"}\n'.encode()
    result = run(models_dir, "-", given=line + good)
    assert [json.loads(row)["id"] for row in result.stdout.splitlines()] == [1]
    assert "line 1:" in result.stderr and result.exit_code == 1


def test_more_lines_than_a_batch_come_out_in_order(models_dir: Path) -> None:
    given = "".join(f'{{"id": {i}, "text": "Đường hỏng số {i}"}}\n' for i in range(150))
    result = run(models_dir, "-", given=given)
    assert [json.loads(row)["id"] for row in result.stdout.splitlines()] == list(range(150))


def test_a_missing_file_is_wrong_usage(models_dir: Path) -> None:
    assert run(models_dir, "no-such-file.jsonl").exit_code == 2


def test_a_damaged_model_is_told_with_its_remedy(tmp_path: Path, models_dir: Path) -> None:
    for file in models_dir.glob("*.joblib"):
        (tmp_path / file.name).write_bytes(b"half")
    result = run(tmp_path, "-", given='{"text": "a"}')
    assert result.exit_code == 1 and "hotline train" in result.stderr and "Traceback" not in result.stderr


def test_evaluate_prints_the_figures_of_a_labelled_file(models_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    rows = [
        {"id": m.id, "text": m.text, "code": m.code, "petition_kind": m.kind, "origin": m.origin}
        for m in load_messages()[::20]
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = CliRunner().invoke(evaluate, [str(file), "--models-dir", str(models_dir)])
    assert result.exit_code == 0
    assert f"on {len(rows)} messages" in result.stdout
    assert all(name in result.stdout for name in ("| code |", "restricted recall", "without diacritics"))


def test_evaluate_writes_between_the_marks_only(models_dir: Path, tmp_path: Path) -> None:
    page, file = tmp_path / "page.md", tmp_path / "rows.jsonl"
    file.write_text('{"text": "Trạm y tế hết thuốc", "code": "6.1", "petition_kind": "phan_anh_kien_nghi"}\n')
    begin, end = "<!-- figures: written by `hotline evaluate` -->", "<!-- end of figures -->"
    page.write_text(f"before\n{begin}\nfigures of before\n{end}\nafter\n")
    for _ in range(2):
        result = CliRunner().invoke(evaluate, [str(file), "--write", str(page), "--models-dir", str(models_dir)])
        assert result.exit_code == 0
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n") and written.endswith("after\n")
    assert "figures of before" not in written and written.count("## Model") == 1


def test_evaluate_wants_a_file_or_cross_validation(models_dir: Path) -> None:
    assert CliRunner().invoke(evaluate, ["--models-dir", str(models_dir)]).exit_code == 2


def test_evaluate_names_the_bad_line(models_dir: Path) -> None:
    result = CliRunner().invoke(evaluate, ["-", "--models-dir", str(models_dir)], input='{"text": "a"}\n')
    assert result.exit_code == 1 and "line 1" in result.stderr


@pytest.mark.parametrize("command", commands, ids=lambda command: command.name)
def test_every_command_says_what_it_does(command: object) -> None:
    result = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert result.exit_code == 0 and "Usage:" in result.stdout
