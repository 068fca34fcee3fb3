"""Judging off the event loop: a text that breaks it harms only itself, a child that dies is only a pause."""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from services.classify.app import MeasuredJudge
from services.classify.learning import choose, roll_back
from services.classify.model_file import path_of
from services.classify.model_log import read_log, running_version
from services.classify.scorer import MAX_BATCH, ClassifierDown, Scorer, Waiting
from services.classify.train import model_version
from tests.classify.lessons import HEALTH, STRANGE, corrections, learned
from tests.ingest.builders import NOW

pytestmark = pytest.mark.slow

ROAD = "Ổ gà to giữa đường, xe máy ngã suốt"
POWER = "Mất điện cả đêm, điện lực không báo"
# No text at all: what a fault of ours could hand to the model.
BROKEN: Any = None


@pytest.fixture
async def scorer(models_dir: Path) -> AsyncIterator[Scorer]:
    scorer = Scorer(models_dir=models_dir)
    running = asyncio.create_task(scorer.run())
    yield scorer
    running.cancel()
    await scorer.close()


async def test_a_text_that_breaks_the_model_fails_alone_and_the_judging_goes_on(scorer: Scorer) -> None:
    judged = await asyncio.gather(*(scorer.judge(text, NOW) for text in (ROAD, BROKEN, POWER)), return_exceptions=True)
    assert [getattr(one, "code", None) for one in judged] == ["6.3#giao_thong", None, "6.3#dien"]
    assert isinstance(judged[1], Exception) and not isinstance(judged[1], ClassifierDown)
    assert (await scorer.judge(POWER, NOW)).code == "6.3#dien"


async def test_whoever_has_gone_is_not_answered_and_harms_nobody(scorer: Scorer) -> None:
    loop = asyncio.get_running_loop()
    gone, staying = Waiting(BROKEN, loop.create_future()), Waiting(ROAD, loop.create_future())
    gone.future.cancel()
    await scorer.score([gone, staying])
    assert (await staying.future)[1].code == "6.3#giao_thong"


async def test_a_child_that_dies_is_the_world_being_down_and_another_is_started(scorer: Scorer) -> None:
    await scorer.judge(ROAD, NOW)
    assert scorer.child_pid is not None
    os.kill(scorer.child_pid, signal.SIGKILL)
    with pytest.raises(ClassifierDown):
        await scorer.judge(ROAD, NOW)
    assert scorer.trouble is not None
    assert (await scorer.judge(ROAD, NOW)).code == "6.3#giao_thong"
    assert scorer.trouble is None


async def test_a_machine_that_can_start_no_child_is_the_world_being_down(scorer: Scorer) -> None:
    await scorer.judge(ROAD, NOW)
    scorer.end_child()
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
    try:
        with pytest.raises(ClassifierDown):
            await scorer.judge(ROAD, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    assert (await scorer.judge(ROAD, NOW)).code == "6.3#giao_thong"


async def test_a_stop_while_the_model_is_made_waits_for_nobody(tmp_path: Path) -> None:
    scorer = Scorer(models_dir=tmp_path)
    running = asyncio.create_task(scorer.run())
    while scorer.child_pid is None:  # noqa: ASYNC110 - nobody is told when a child starts
        await asyncio.sleep(0.01)
    (child,) = [process for process in multiprocessing.active_children() if process.pid == scorer.child_pid]
    running.cancel()
    await scorer.close()
    # Not `join`: the pool's own thread may have taken the child's end from the system and not written it down yet.
    while child.exitcode is None:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    assert child.exitcode == -signal.SIGKILL
    assert not models_in(tmp_path)


def models_in(folder: Path) -> list[Path]:
    """Return the model files of a folder."""
    return list(folder.glob("*.joblib"))


async def test_each_verdict_is_counted_with_how_sure_the_model_was(scorer: Scorer) -> None:
    measured = MeasuredJudge(scorer.judge)
    said = [await measured.judge(text, NOW) for text in (ROAD, POWER, "ừ")]
    counts = {sample.labels["review"]: sample.value for sample in samples_of(measured.classifications, "_total")}
    reviewed = sum(one.needs_review for one in said)
    assert reviewed > 0
    assert counts == {"yes": reviewed, "no": len(said) - reviewed}
    assert samples_of(measured.confidence, "_sum")[0].value == pytest.approx(sum(one.confidence for one in said))


def samples_of(measure: Collector, suffix: str) -> list[Sample]:
    """Return the samples of a measure whose names end so."""
    return [sample for family in measure.collect() for sample in family.samples if sample.name.endswith(suffix)]


async def test_a_promoted_model_is_taken_up_between_texts_and_none_of_them_is_lost(tmp_path: Path) -> None:
    learned(tmp_path, corrections())
    taught = running_version(read_log(tmp_path), model_version())
    packaged = roll_back(tmp_path, at=NOW)
    scorer = Scorer(models_dir=tmp_path)
    running = asyncio.create_task(scorer.run())
    try:
        assert (await scorer.judge(STRANGE[HEALTH], NOW)).model_version == packaged
        asked = [asyncio.create_task(scorer.judge(f"{STRANGE[HEALTH]} {n}", NOW)) for n in range(MAX_BATCH * 2)]
        await asyncio.sleep(0)
        choose(tmp_path, taught, at=NOW)
        said = await asyncio.gather(*asked)
        assert {one.model_version for one in said} <= {taught, packaged}
        assert (await scorer.judge(STRANGE[HEALTH], NOW)).model_version == taught
        assert scorer.trouble is None
        (tmp_path / "models.json").write_bytes(b"half")
        assert (await scorer.judge(STRANGE[HEALTH], NOW)).model_version == taught
    finally:
        running.cancel()
        await scorer.close()


async def test_a_rollback_mends_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    learned(tmp_path, corrections())
    path_of(tmp_path, running_version(read_log(tmp_path), model_version())).write_bytes(b"half")
    scorer = Scorer(models_dir=tmp_path)
    running = asyncio.create_task(scorer.run())
    try:
        with pytest.raises(ClassifierDown):
            await scorer.judge(STRANGE[HEALTH], NOW)
        assert scorer.trouble is not None and "hotline models rollback" in scorer.trouble
        packaged = roll_back(tmp_path, at=NOW)
        assert (await scorer.judge(STRANGE[HEALTH], NOW)).model_version == packaged == model_version()
        assert scorer.trouble is None
    finally:
        running.cancel()
        await scorer.close()
