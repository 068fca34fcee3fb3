"""The model the classify tests share: trained once per state of data and code, kept below var/ like any other."""

from pathlib import Path

import pytest

from services.classify.model import Model
from services.classify.model_file import load_or_train

MODELS = Path(__file__).parents[2] / "var" / "models"


@pytest.fixture(scope="session")
def model() -> Model:
    return load_or_train(MODELS)


@pytest.fixture(scope="session")
def models_dir(model: Model) -> Path:
    return MODELS
