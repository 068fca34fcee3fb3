"""Training: same data, same model; a damaged file is refused with its remedy; the data hold to the rules."""

from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pytest

from hotline.taxonomy import PetitionKind, load_taxonomy
from hotline.text import nfc
from services.classify.model import Model
from services.classify.model_file import ModelFileBroken, load, load_or_train, path_of, save
from services.classify.train import folds_of, model_version, train
from services.classify.training_data import BadRow, Example, load_cues, load_messages, read_row

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def few() -> list[Example]:
    return [message for message in load_messages() if message.code in {"6.1", "6.2", "4.1", "6.4"}]


def test_training_twice_gives_the_same_scores(few: list[Example]) -> None:
    first, second = train(few, ()), train(few, ())
    assert first.version == second.version
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.offsets, second.offsets)
    assert np.array_equal(first.calibration.weights, second.calibration.weights)
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
    held = [place for fold in folds_of(load_messages()) for place in fold.tolist()]
    assert sorted(held) == list(range(len(load_messages())))


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
