"""`hotline train` and `hotline models` as an operator meets them: labels out of a real store, small models."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline.config import load_settings
from hotline.plumbing.backend import open_backend
from services.classify import learning
from services.classify import train as training
from services.classify.command_models import models, train
from services.classify.documents import Classification
from services.classify.model_file import load_running, path_of
from services.classify.opening import open_store
from services.classify.store import Label
from services.classify.train import model_version
from tests.classify.lessons import MATERIAL, NOW, corrections
from tests.stores.classifications import classification, decided_by_lan

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, in a release that packages only a few messages."""
    for name in ("MODELS_DIR", "STORE_URL", "BUS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "a secret of at least thirty-two characters")
    for module in (learning, training):
        monkeypatch.setattr(module, "load_messages", lambda: MATERIAL.messages)
        monkeypatch.setattr(module, "load_cues", lambda: MATERIAL.cues)
    return tmp_path


def in_store(home: Path, labels: Sequence[Label]) -> None:
    """Let a reviewer have decided these in the store of `home`."""

    async def write() -> None:
        settings = load_settings({"DATA_DIR": str(home), "SECRET_KEY": "a secret of at least thirty-two characters"})
        async with open_backend(settings, lambda: NOW) as backend:
            store = await open_store(backend)
            for label in labels:
                first: Classification = replace(classification(label.feedback_id), text=label.text)
                await store.add(first, ())
                await store.save(decided_by_lan(first, label.at, code=label.code), (), label)

    asyncio.run(write())


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def listed() -> list[dict[str, object]]:
    result = run(models, "list")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_without_a_store_the_packaged_model_is_made_and_no_store_comes_to_be(home: Path) -> None:
    result = run(train)
    assert result.stdout == f"{path_of(home / 'models', model_version())}\n"
    assert not (home / "hotline.db").exists()
    assert listed() == [{"version": model_version(), "running": True}]


def test_corrections_in_the_store_are_learned_listed_and_rolled_back(home: Path) -> None:
    in_store(home, corrections())
    result = run(train)
    assert result.exit_code == 0, result.stderr
    assert "24 corrections" in result.stdout and "promoted: " in result.stdout
    packaged, learned = listed()
    assert (packaged["running"], learned["running"], learned["labels"]) == (False, True, 24)
    assert learned["last"] == {"what": "promoted", "at": learned["made_at"]}
    assert run(models, "rollback").stdout == f"{packaged['version']}\n"
    assert load_running(home / "models").version == packaged["version"]
    assert run(models, "promote", str(learned["version"])).stdout == f"{learned['version']}\n"
    assert load_running(home / "models").version == learned["version"]
    again = run(train)
    assert again.stdout.startswith("nothing new to learn")
    words = (result.output, json.dumps(listed(), ensure_ascii=False))
    assert not any(one.text in said for one in corrections() for said in words)


def test_a_store_without_corrections_gives_the_packaged_model(home: Path) -> None:
    in_store(home, ())
    assert run(train).stdout.endswith(f"{model_version()}.joblib\n")


def test_packaged_alone_asks_no_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_store(home, corrections()[:2])
    monkeypatch.setenv("STORE_URL", "nonsense")
    assert run(train, "--packaged").stdout.endswith(f"{model_version()}.joblib\n")
    assert run(train).exit_code == 2


REFUSED = {
    "rollback without a version before": (("rollback",), "nothing before"),
    "an unknown version": (("promote", "hg2023-x"), "hotline models list"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_said_in_one_sentence(home: Path, case: str) -> None:
    arguments, said = REFUSED[case]
    result = run(models, *arguments)
    assert result.exit_code == 1 and said in result.stderr and "Traceback" not in result.stderr


def test_a_damaged_log_and_a_folder_that_cannot_be_written_are_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "models").mkdir()
    (home / "models" / "models.json").write_text("half")
    for arguments in (("list",), ("rollback",)):
        assert "models.json is damaged" in run(models, *arguments).stderr
    (home / "file").write_text("")
    monkeypatch.setenv("MODELS_DIR", str(home / "file"))
    result = run(train, "--packaged")
    assert result.exit_code == 1 and "MODELS_DIR" in result.stderr
