"""The files of a deployment, read as the tools that use them read them."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE_FILES = ("compose.yaml", "compose.single.yaml")
SECRETS = {"SECRET_KEY": "k" * 48, "SEAL_KEYS": "2026:" + "s" * 48}
ENV_LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def compose(name: str) -> dict[str, Any]:
    """Return a compose file."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return read


def manifests(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each Kubernetes object of a folder with its file."""
    for file in sorted(folder.glob("*.yaml")):
        if file.name != "kustomization.yaml":
            for found in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                yield file, found


def all_manifests() -> list[tuple[Path, dict[str, Any]]]:
    """Return every object of base and example."""
    return [*manifests(KUBERNETES / "base"), *manifests(KUBERNETES / "overlays" / "example")]


def kustomization(folder: Path) -> dict[str, Any]:
    """Return what kustomize is told of a folder."""
    read: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return read


def image_settings() -> Mapping[str, str]:
    """Return what the image sets: the ENV of the Dockerfile's last stage."""
    last_stage = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    joined = last_stage.replace("\\\n", " ")
    lines = re.findall(r"^ENV (.*)$", joined, flags=re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def tool(name: str, package: str) -> str:
    """Return a program of this environment or of the machine, or skip with the remedy."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed: sudo apt-get install {package}")
    return found


def example_settings() -> dict[str, str]:
    """Return what deploy/env.example sets, with the secrets that its reader is told to fill in."""
    lines = ENV_LINE.findall((DEPLOY / "env.example").read_text(encoding="utf-8"))
    return {name: value for sign, name, value in lines if not sign} | SECRETS
