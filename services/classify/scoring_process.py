"""The child process that holds the model: judging is pure computing and must not hold up whoever takes feedback in.

Started by `scorer` alone. Loads or trains the model once, judges lists of texts, and ends when its parent has died.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from services.classify.classification import Judgement
from services.classify.model import Model
from services.classify.parent import end_with_parent

# Taking feedback in comes first where the processor is short.
NICENESS = 19

_models: list[Model] = []


def start(parent_pid: int) -> None:
    """Prepare the process: lower its priority and watch the parent."""
    os.nice(NICENESS)
    end_with_parent(parent_pid)


def load_model(models_dir: Path) -> None:
    """Load (at the first start: train) the model that `judge_texts` asks. Raises what `load_running` raises."""
    # The server imports this file too: what only the child needs (scikit-learn takes seconds) is imported here.
    from services.classify.model_file import load_running

    _models.append(load_running(models_dir))


def judge_texts(texts: Sequence[str]) -> tuple[str, list[Judgement]]:
    """Return the model's version and its judgement of each text, in order."""
    from services.classify.judging import judge

    model = _models[0]
    return model.version, judge(model, texts)
