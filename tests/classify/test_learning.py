"""Learning from corrections: better is promoted, a tie and worse are not, the same labels give the same bytes."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hotline.taxonomy import PetitionKind
from hotline.text import fold
from services.classify.learning import (
    Refused,
    Verdict,
    choose,
    is_better,
    is_held_out,
    is_worse,
    learn,
    lessons_of,
    name_of,
    roll_back,
)
from services.classify.model_file import ModelFileBroken, digest_of, load_running, path_of
from services.classify.model_log import Figures, read_log, running_version, write_log
from services.classify.train import model_version
from services.classify.training_data import Example, load_messages
from tests.classify.lessons import (
    HEALTH,
    MATERIAL,
    NOW,
    SCHOOL,
    STRANGE,
    corrections,
    label,
    learned,
    restricted_words,
)

pytestmark = pytest.mark.slow

LATER = NOW + timedelta(days=1)
RUNNING = Figures(messages=100, right=70, restricted=20, restricted_found=18, urgent=5, urgent_found=4, closed=40)

# Changes against the running model's figures, whether that is better, and whether it is worse.
COMPARED: dict[str, tuple[dict[str, int], bool, bool]] = {
    "the same": ({}, False, False),
    "one code more right": ({"right": 71}, True, False),
    "one restricted more found": ({"restricted_found": 19}, True, False),
    "one danger more found": ({"urgent_found": 5}, True, False),
    "better codes, a restricted one missed": ({"right": 90, "restricted_found": 17}, False, True),
    "better codes, a danger missed": ({"right": 90, "urgent_found": 3}, False, True),
    "all restricted found, a code less right": ({"right": 69, "restricted_found": 20}, False, True),
    "fewer closed, nothing else": ({"closed": 20}, False, False),
}


@pytest.mark.parametrize("case", COMPARED)
def test_a_candidate_is_better_when_it_is_worse_in_nothing(case: str) -> None:
    changes, better, worse = COMPARED[case]
    candidate = replace(RUNNING, **changes)
    assert (is_better(candidate, RUNNING), is_worse(candidate, RUNNING)) == (better, worse)


def test_the_fixed_set_is_a_fifth_of_the_packaged_messages_and_no_copy_crosses_over() -> None:
    messages = load_messages()
    fixed = [message for message in messages if is_held_out(message)]
    assert 0.17 < len(fixed) / len(messages) < 0.23
    assert {message.origin for message in fixed} == {message.origin for message in messages}
    assert {message.code for message in fixed} == {message.code for message in messages}
    assert sum(message.is_restricted for message in fixed) > 20 and sum(message.is_urgent for message in fixed) > 5
    rest = {fold(message.text) for message in messages if not is_held_out(message)}
    assert not rest & {fold(message.text) for message in fixed}


def test_the_last_word_on_each_feedback_is_learned_whatever_the_order_and_the_ids() -> None:
    first, other = label(1, "Trạm xá", HEALTH), label(2, "Lớp học", SCHOOL)
    changed = replace(first, code=SCHOOL, at=LATER)
    lessons = lessons_of([first, other, changed])
    assert [(lesson.text, lesson.code) for lesson in lessons] == [("Lớp học", SCHOOL), ("Trạm xá", SCHOOL)]
    assert lessons_of([first, other, changed], until=NOW + timedelta(hours=1)) == lessons_of([other, first])
    renamed = [replace(one, feedback_id=f"x{one.feedback_id}") for one in (other, first, changed)]
    assert name_of("base", lessons_of(renamed)) == name_of("base", lessons) != name_of("base", lessons_of([first]))
    assert name_of("base", ()) == "base"


UNLEARNED = {
    "a denunciation": restricted_words(),
    "a matter of corruption": label(1, "Đòi tiền làm sổ đỏ", "4.1"),
    "a crime tip": replace(label(1, "Đánh bạc", SCHOOL), petition_kind=PetitionKind.TIN_BAO_TOI_PHAM),
    "a code of another taxonomy": label(1, "Lớp học", "99.9"),
}


@pytest.mark.parametrize("case", UNLEARNED)
def test_no_model_learns(case: str) -> None:
    assert lessons_of([UNLEARNED[case]]) == ()


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models in which right corrections were learned; the tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("taught")
    assert learned(folder, corrections()).verdict is Verdict.PROMOTED
    return folder


@pytest.fixture
def folder(taught: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    copy = tmp_path / "models"
    copy.mkdir()
    for path in taught.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def running(folder: Path) -> str:
    return running_version(read_log(folder), model_version())


def test_what_the_corrections_taught_is_known_and_kept_with_its_figures(taught: Path) -> None:
    model = load_running(taught)
    said = {code: model.score([f"{words} Hoa Ban"])[0].codes[0][0] for code, words in STRANGE.items()}
    assert said == {HEALTH: HEALTH, SCHOOL: SCHOOL}
    packaged, entry = read_log(taught).versions
    assert (packaged.version, packaged.labels, entry.version) == (model_version(), 0, model.version)
    assert entry.figures.right > packaged.figures.right
    assert entry.figures.restricted_found == packaged.figures.restricted_found == entry.figures.restricted > 0
    assert (entry.at, entry.learned_until, entry.labels) == (NOW, corrections()[-1].at, len(corrections()))
    assert entry.digest == digest_of(path_of(taught, entry.version))
    assert model.trained_on == {"messages": entry.messages, "cues": entry.cues, "labels": entry.labels}
    assert not any(one.text in (taught / "models.json").read_text() for one in corrections())


IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from tests.classify.lessons import corrections, learned
print(learned(Path(sys.argv[1]), corrections()[::-1]).candidate.digest)
"""


def test_the_same_labels_give_the_same_bytes_in_any_process_and_order(taught: Path, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path)],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == read_log(taught).versions[1].digest


def test_the_same_labels_again_change_nothing(folder: Path) -> None:
    before = read_log(folder)
    assert learned(folder, corrections(), at=LATER).verdict is Verdict.NOTHING_NEW
    assert read_log(folder) == before


def test_worse_labels_are_measured_kept_and_do_not_run(folder: Path) -> None:
    was = running(folder)
    outcome = learned(folder, [*corrections(), *corrections(right=False, first=100)], at=LATER)
    assert outcome.verdict is Verdict.KEPT and not outcome.must_forget
    assert outcome.candidate is not None and outcome.against is not None
    assert outcome.candidate.figures.right < outcome.against.right
    assert running(folder) == was == outcome.running
    assert path_of(folder, outcome.candidate.version).exists()
    assert choose(folder, outcome.candidate.version, at=LATER) == running(folder) != was
    assert roll_back(folder, at=LATER) == running(folder) == was


def test_a_tie_keeps_what_runs(folder: Path) -> None:
    was = running(folder)
    outcome = learned(folder, [*corrections(), label(500, f"{STRANGE[HEALTH]} Hoa Ban Hoa Ban", HEALTH)], at=LATER)
    assert outcome.candidate is not None and outcome.candidate.figures == outcome.against
    assert outcome.verdict is Verdict.KEPT and running(folder) == was


def test_a_model_that_knows_an_erased_feedback_gives_way_and_its_file_goes(folder: Path) -> None:
    was = running(folder)
    outcome = learned(folder, corrections()[1:], at=LATER)
    assert outcome.must_forget and outcome.candidate is not None and outcome.candidate.figures == outcome.against
    assert outcome.verdict is Verdict.PROMOTED and running(folder) != was
    assert not path_of(folder, was).exists()
    with pytest.raises(Refused, match="erased or restricted"):
        choose(folder, was, at=LATER)
    assert roll_back(folder, at=LATER) == running(folder) == model_version()


def test_what_a_person_went_back_from_does_not_run_again_by_itself(folder: Path) -> None:
    left = running(folder)
    roll_back(folder, at=LATER)
    for _ in range(2):
        outcome = learned(folder, corrections(), at=LATER)
        assert outcome.verdict is Verdict.WITHDRAWN and running(folder) == model_version()
    assert choose(folder, left, at=LATER) == running(folder)


def test_when_every_label_is_gone_the_packaged_model_runs_unless_it_is_worse(folder: Path) -> None:
    was = running(folder)
    outcome = learned(folder, [], at=LATER)
    assert outcome.must_forget and outcome.verdict is Verdict.KEPT and running(folder) == was
    choose(folder, model_version(), at=LATER)
    assert learned(folder, [], at=LATER).verdict is Verdict.NOTHING_NEW
    assert not path_of(folder, was).exists()


def test_what_a_person_does_while_a_candidate_is_made_stands(folder: Path) -> None:
    done: list[str] = []

    def meanwhile() -> None:
        if not done:
            done.append(roll_back(folder, at=LATER))

    outcome = learn(folder, corrections()[1:], at=LATER, progress=meanwhile, material=MATERIAL)
    assert outcome.verdict is Verdict.OVERTAKEN and outcome.candidate is not None
    assert done == [running(folder)] == [outcome.running] == [model_version()]
    assert choose(folder, outcome.candidate.version, at=LATER) == running(folder)


def test_a_label_that_repeats_a_text_of_the_fixed_set_does_not_flatter(tmp_path: Path) -> None:
    fixed = [message for message in MATERIAL.messages if is_held_out(message) and message.code == HEALTH]
    outcome = learned(tmp_path, [label(n, fold(one.text), HEALTH) for n, one in enumerate(fixed)])
    assert outcome.candidate is not None and outcome.candidate.figures == outcome.against
    assert outcome.verdict is Verdict.KEPT


def test_back_goes_to_the_packaged_model_and_no_further(folder: Path) -> None:
    learned_version = running(folder)
    assert roll_back(folder, at=LATER) == model_version() == load_running(folder).version
    with pytest.raises(Refused, match="nothing before"):
        roll_back(folder, at=LATER)
    assert choose(folder, learned_version, at=LATER) == load_running(folder).version


def test_a_version_that_cannot_run_is_refused_with_the_reason(folder: Path) -> None:
    with pytest.raises(Refused, match="models list"):
        choose(folder, "hg2023-nothing", at=LATER)
    with pytest.raises(Refused, match="runs already"):
        choose(folder, running(folder), at=LATER)
    log = read_log(folder)
    other = replace(log.versions[1], version="hg2023-000000000000+000000000000")
    (folder / "models.json").unlink()
    write_log(folder, log.with_entry(other))
    with pytest.raises(Refused, match="another release"):
        choose(folder, other.version, at=LATER)


def test_a_learned_file_that_was_changed_does_not_run_and_is_made_again_to_the_byte(folder: Path) -> None:
    path = path_of(folder, running(folder))
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")
    with pytest.raises(ModelFileBroken, match="models rollback"):
        load_running(folder)
    assert learned(folder, corrections(), at=LATER).verdict is Verdict.NOTHING_NEW
    assert path.read_bytes() == whole


def test_a_damaged_packaged_model_stops_learning_before_it_starts(folder: Path) -> None:
    path_of(folder, model_version()).write_bytes(b"half")
    with pytest.raises(ModelFileBroken, match="train --packaged"):
        learned(folder, corrections()[:-1], at=LATER)


def test_a_lesson_has_no_id_of_a_feedback() -> None:
    lessons: tuple[Example, ...] = lessons_of(corrections())
    assert not {lesson.id for lesson in lessons} & {one.feedback_id for one in corrections()}
