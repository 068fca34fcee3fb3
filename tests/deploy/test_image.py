"""The image: only what running needs, by hash; not root; nothing written beside the data folder."""

import re
import subprocess

import pytest

from hotline.config import SETTINGS, load_settings
from tests.deploy.files import DEPLOY, ROOT, image_settings, tool
from tests.guards.test_dependencies import required
from tools.runtime_lock import BUILD_TOOLS, blocks_of, part_of, runtime_names

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
ONLY_TO_TEST = frozenset(required("requirements-dev.in")) - frozenset(required("requirements.in"))


def test_the_runtime_lock_holds_all_that_running_asks_for_and_nothing_only_tests_use() -> None:
    names = runtime_names(blocks_of(LOCK))
    assert set(required("requirements.in")) <= names
    # pyyaml is asked for by tests and by what reads models.
    assert names & ONLY_TO_TEST <= {"pyyaml"}
    assert not names & {"pip-tools", "playwright", "pytest", "hypothesis", "mypy"}


@pytest.mark.parametrize("names", [runtime_names(blocks_of(LOCK)), BUILD_TOOLS])
def test_each_package_of_a_part_keeps_its_version_and_every_hash(names: frozenset[str]) -> None:
    whole, part = blocks_of(LOCK), blocks_of(part_of(LOCK, names))
    assert set(part) == names
    for name, block in part.items():
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}", block)
        assert hashes and hashes == re.findall(r"--hash=sha256:[0-9a-f]{64}", whole[name])
        assert block.splitlines()[0] == whole[name].splitlines()[0]


def test_what_asks_only_through_another_belongs_to_the_part_too() -> None:
    asked_by = {"a": "-r requirements.in", "b": "\n    #   a\n    #   pytest", "c": "pytest"}
    lock = "".join(f"{name}==1 \\\n    # via {by}\n" for name, by in asked_by.items())
    assert runtime_names(blocks_of(lock)) == {"a", "b"}


@pytest.mark.live
def test_hadolint_finds_nothing() -> None:
    found = subprocess.run([tool("hadolint", "hadolint"), "Dockerfile"], cwd=DEPLOY, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize(
    ("promise", "pattern"),
    [
        ("two stages, so that no build tool stays", r"(?s)^FROM .* AS build$.*^FROM \$\{PYTHON_IMAGE\}$"),
        ("packages by hash", r"--require-hashes --no-deps --no-build-isolation -r runtime\.lock"),
        ("no pip in the image", r"pip uninstall --yes pip setuptools wheel"),
        ("a model that whoever runs it can read", r"hotline train \\\n.*chmod -R a\+rX /opt/hotline/models"),
        ("a user by number, as Kubernetes wants to see it is not root", r"^USER 10001:10001$"),
        ("a data folder of that user", r"install -d -o hotline -g hotline -m 0700 /data"),
        ("a health check that asks whether people can be answered", r"(?s)^HEALTHCHECK .*/readyz/pages"),
        ("signals reach hotline itself", r'^ENTRYPOINT \["hotline"\]$'),
    ],
)
def test_the_image_keeps(promise: str, pattern: str) -> None:
    assert re.search(pattern, DOCKERFILE, flags=re.MULTILINE), promise


def test_what_the_image_sets_are_settings_that_can_be_used() -> None:
    given = image_settings()
    ours = {setting.name for setting in SETTINGS} & set(given)
    assert ours == {"HOST", "PORT", "METRICS_HOST", "METRICS_PORT", "DATA_DIR", "MODELS_DIR"}
    settings = load_settings(given)
    assert settings.store_url == "sqlite:////data/hotline.db"
    assert not settings.models_dir.is_relative_to(settings.data_dir)


def test_only_what_the_dockerfile_copies_is_sent_to_the_builder() -> None:
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, flags=re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert rules[0] == "*"
    assert copied == allowed
