"""Training: same data, same model; a damaged file is refused with its remedy; the data hold to the rules."""

from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pytest

from hotline.taxonomy import PetitionKind, load_taxonomy
from hotline.text import nfc
from services.classify import fitting
from services.classify.evaluate import SHARES, learning_curve
from services.classify.model import Model
from services.classify.model_file import ModelFileBroken, load, load_or_train, path_of, save
from services.classify.train import COPIES, FOLDS, counting_of, folds_of, model_version, review_thresholds, train
from services.classify.training_data import REAL_CONTENT, BadRow, Example, load_cues, load_messages, read_row

pytestmark = pytest.mark.slow


# What a rule of training needs to show, in seconds.
FEW = 1_200


@pytest.fixture(scope="module")
def few() -> list[Example]:
    return [message for message in load_messages() if message.code in {"6.1", "6.2", "4.1", "6.4"}][:FEW]


def test_training_twice_gives_the_same_model_on_one_processor_or_two(
    few: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(few, ())
    monkeypatch.setattr(fitting, "MOST_PROCESSES", 1)
    second = train(few, ())
    assert first.version == second.version
    for one, other in ((first.linear, second.linear), (first.calibration, second.calibration)):
        assert joblib.hash(one) == joblib.hash(other)
    assert first.thresholds == second.thresholds
    assert first.vectoriser.columns == second.vectoriser.columns
    texts = ["Trạm y tế không có bác sĩ", "cong an doi tien", ""]
    assert first.score(texts) == second.score(texts)


def test_a_saved_model_scores_the_same_and_is_found_again(model: Model, tmp_path: Path) -> None:
    path = save(model, tmp_path)
    assert path == path_of(tmp_path, model.version)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    again = load_or_train(tmp_path)
    assert again.score(["Đường hỏng, đèn không sáng"]) == model.score(["Đường hỏng, đèn không sáng"])


def broken_half(path: Path, model: Model) -> None:
    save(model, path.parent)
    path.write_bytes(path.read_bytes()[:5_000])


def broken_empty(path: Path, model: Model) -> None:
    path.write_bytes(b"")


def broken_other_thing(path: Path, model: Model) -> None:
    joblib.dump({"not": "a model"}, path)


def broken_other_version(path: Path, model: Model) -> None:
    save(model, path.parent)
    path.rename(path.with_name("hg2023-000000000000.joblib"))


@pytest.mark.parametrize("damage", [broken_half, broken_empty, broken_other_thing, broken_other_version])
def test_a_damaged_model_file_is_refused_with_its_remedy(model: Model, tmp_path: Path, damage: object) -> None:
    path = path_of(tmp_path, model.version)
    damage(path, model)  # type: ignore[operator]
    (left,) = tmp_path.iterdir()
    with pytest.raises(ModelFileBroken, match="hotline train"):
        load(left)


def test_a_damaged_file_stops_the_start(model: Model, tmp_path: Path) -> None:
    path_of(tmp_path, model_version()).write_bytes(b"half")
    with pytest.raises(ModelFileBroken, match="hotline train"):
        load_or_train(tmp_path)


def test_every_label_has_messages_and_at_least_fifteen_cues() -> None:
    labels = set(load_taxonomy().labels)
    messages = Counter(message.code for message in load_messages())
    cues = Counter(cue.code for cue in load_cues() if cue.code)
    assert set(messages) == labels == set(cues)
    assert min(messages.values()) >= 15 and min(cues.values()) >= 15


def test_a_cue_stands_for_one_label_and_is_no_message() -> None:
    texts = [cue.text for cue in load_cues() if cue.code]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {message.text for message in load_messages()}
    assert all(cue.text == nfc(cue.text) for cue in load_cues())


def test_an_emergency_is_urgent_and_a_denunciation_restricted() -> None:
    for message in load_messages():
        assert message.is_urgent or message.kind is not PetitionKind.KHAN_CAP
        assert message.is_restricted or message.kind is not PetitionKind.TO_CAO


def test_each_fold_holds_other_messages_and_all_are_held_once() -> None:
    held = [place for fold in folds_of(load_messages(), FOLDS) for place in fold.tolist()]
    assert sorted(held) == list(range(len(load_messages())))


def judged(label: int, confidence: float, right: int, wrong: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts given this label with this confidence, of which so many are right."""
    rest = (1 - confidence) / (len(load_taxonomy().labels) - 1)
    chances = np.full((right + wrong, len(load_taxonomy().labels)), rest)
    chances[:, label] = confidence
    return chances, np.array([label] * right + [label + 1] * wrong)


def test_a_code_is_trusted_from_where_a_wrong_agency_costs_less_than_a_look() -> None:
    labels = load_taxonomy().labels
    parts = (
        judged(0, 0.5, right=3000, wrong=0),
        judged(4, 0.6, right=1500, wrong=1500),
        judged(4, 0.9, right=3000, wrong=30),
        judged(8, 0.9, right=1500, wrong=1500),
    )
    chances, answers = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = review_thresholds(chances, answers, np.ones(len(answers)))
    assert tuple(found) == labels
    assert found[labels[0]] <= 0.5 < 0.6 < found[labels[4]] <= 0.9 < found[labels[8]]


def test_what_really_arrives_counts_half_in_what_a_probability_means(few: list[Example]) -> None:
    some = [message for message in few if message.origin == REAL_CONTENT][:5] + few[:200]
    counting = counting_of(some).reshape(len(COPIES), -1)[0]
    real = np.array([message.origin == REAL_CONTENT for message in some])
    assert counting[real].sum() == pytest.approx(counting[~real].sum())


def test_a_learning_curve_judges_the_same_messages_after_more_and_more(
    few: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST_PROCESSES", 1)  # fits so small are done before a second process is there
    points = learning_curve(few, ())
    assert [point.learnt_from for point in points] == sorted({point.learnt_from for point in points})
    assert len({point.figures.messages for point in points}) == 1 and len(points) == len(SHARES)
    assert points[-1].figures.code_accuracy > points[0].figures.code_accuracy


BAD_ROWS = (
    ("not json", "malformed"),
    ('{"text": "a", "code": "6.1"}', "petition_kind"),
    ('{"text": "a", "code": "9.9", "petition_kind": "khac"}', "9.9"),
    ('{"text": "a", "code": "6.1", "petition_kind": "khen"}', "khen"),
    ('{"text": 3, "code": "6.1", "petition_kind": "khac"}', "text"),
)


@pytest.mark.parametrize(("line", "said"), BAD_ROWS)
def test_a_bad_row_says_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(BadRow, match=said):
        read_row(line)
