"""`python -m tools.bench_classify MODELS`: what judging costs beside cutting the same messages into words, on one core.

Started by `bench` as a process of its own, as the scoring process is one: so the memory and the time to load are its
own. Both do the same packaged messages, in turn; the median of the rounds counts. Prints one JSON object.
"""

import gc
import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from services.classify.judging import judge
from services.classify.model_file import load_running, path_of
from tools.messages import load_messages

ROUNDS = 5
AT_ONCE = 16
KIB_PER_MIB = 1024
BYTES_PER_MB = 1_000_000


def age_s() -> float:
    """Return how long ago this process began."""
    began = float(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


def seconds_for(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Return how long the work takes for all texts, a few at a time as they come."""
    started = time.perf_counter()
    for at in range(0, len(texts), AT_ONCE):
        work(texts[at : at + AT_ONCE])
    return time.perf_counter() - started


def cut(texts: Sequence[str]) -> object:
    """Cut texts into words with underthesea, as its users do."""
    from underthesea import word_tokenize

    return [word_tokenize(text) for text in texts]


@click.command()
@click.argument("models_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(models_dir: Path) -> None:
    """Measure the model that runs in MODELS_DIR."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    model = load_running(models_dir)
    judge(model, ["Đường hỏng"])
    # With the start of the interpreter and all that it imports, as a clerk waits for it.
    ready_s = age_s()
    texts = [message.text for message in load_messages()]
    cut(texts[:AT_ONCE])
    gc.collect()
    times = [(seconds_for(cut, texts), seconds_for(lambda some: judge(model, some), texts)) for _ in range(ROUNDS)]
    cutting, judging = (statistics.median(column) for column in zip(*times, strict=True))
    numbers = {
        "classify_per_s": round(len(texts) / judging, 1),
        "word_tokenize_per_s": round(len(texts) / cutting, 1),
        "classify_ratio": round(cutting / judging, 3),
        "model_ready_s": round(ready_s, 2),
        "model_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB, 1),
        "model_file_mb": round(path_of(models_dir, model.version).stat().st_size / BYTES_PER_MB, 1),
    }
    click.echo(json.dumps(numbers))


if __name__ == "__main__":
    main()
