"""Judges messages off the event loop, many at a time, in a process of its own.

Called by `actions.classify` through the consumer. Texts that wait together are judged together. A child that dies is
the world being down, never a bad message: it is started anew and the texts are tried again by their consumer. A text
on which judging itself breaks is that fact's failure alone. A model that was promoted or rolled back to is taken up
between two batches: texts wait some seconds for the next child, and none is judged twice or lost.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hotline.facts import ClassificationState
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from services.classify.classification import Judgement, state_of
from services.classify.model_log import Event, ModelLogBroken, read_log
from services.classify.scoring_process import judge_texts, load_model, start

MAX_BATCH = 64


class ClassifierDown(WorldIsDown):
    """The process that holds the model has died or could not load it: try again."""


class ModelNotLoaded(Exception):
    """The child lives but could not load or train the model; the message names the error."""


@dataclass(slots=True)
class Waiting:
    """One text and whoever waits for its judgement."""

    text: str
    future: "asyncio.Future[tuple[str, Judgement]]"


def new_child() -> ProcessPoolExecutor:
    """Prepare the process that will hold the model; it starts with the first call."""
    return ProcessPoolExecutor(
        max_workers=1, mp_context=multiprocessing.get_context("spawn"), initializer=start, initargs=(os.getpid(),)
    )


def answer_with(error: Exception, batch: Sequence[Waiting]) -> None:
    """Answer everyone in a batch who still waits with a failure."""
    for asked in batch:
        if not asked.future.done():
            asked.future.set_exception(error)


@dataclass(slots=True)
class Scorer:
    """The way to the model; `run` must have been started for `judge` to answer, and `close` ends it.

    `trouble` says that the child has died and the next has not answered yet; None when all is well.
    """

    models_dir: Path
    child: ProcessPoolExecutor | None = None
    child_pid: int | None = None
    # What had been done to the log of models when the child was started.
    events: tuple[Event, ...] = ()
    working: "asyncio.Task[None] | None" = None
    waiting: "asyncio.Queue[Waiting]" = field(default_factory=asyncio.Queue)
    trouble: str | None = None

    async def judge(self, text: str, now: datetime) -> ClassificationState:
        """Return what the model says of a text, as decided at `now`. Raises ClassifierDown."""
        asked = Waiting(text, asyncio.get_running_loop().create_future())
        await self.waiting.put(asked)
        version, judgement = await asked.future
        return state_of(judgement, model_version=version, at=now)

    async def run(self) -> None:
        """Judge what waits until cancelled; judging itself goes on until `close`.

        At a stop every loop is cancelled at once, and the consumer still finishes what it has in hand.
        """
        self.working = asyncio.create_task(self.work())
        await asyncio.shield(self.working)

    async def work(self) -> None:
        """Load the model, then judge batch after batch."""
        step("model_loading")
        await self.score([])
        step("model_loaded")
        while True:
            batch = [await self.waiting.get()]
            while len(batch) < MAX_BATCH and not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
            await self.score(batch)

    async def score(self, batch: Sequence[Waiting]) -> None:
        """Judge a batch and answer everyone in it, with the failure if there is one; never raises one."""
        loop = asyncio.get_running_loop()
        await self.follow_promotions()
        try:
            child = self.child or await self.start_child()
            version, judged = await loop.run_in_executor(child, judge_texts, [asked.text for asked in batch])
        except (BrokenProcessPool, ModelNotLoaded, OSError) as error:
            # OSError: no other process can be started now, for want of memory, files or the program itself.
            self.trouble = str(error) if isinstance(error, ModelNotLoaded) else type(error).__name__
            step("classifier_down", level="ERROR", error=self.trouble)
            if isinstance(error, BrokenProcessPool):
                self.child_pid = None  # the pool has ended it, and its number may be another's by now
            self.end_child()
            answer_with(ClassifierDown("the process that holds the model has died"), batch)
            return
        except Exception as error:  # noqa: BLE001 - one text that breaks the model must not end the judging of others
            await self.score_one_by_one(batch, error)
            return
        self.trouble = None
        for asked, judgement in zip(batch, judged, strict=True):
            if not asked.future.done():
                asked.future.set_result((version, judgement))

    async def start_child(self) -> ProcessPoolExecutor:
        """Start a child that holds the model. Raises ModelNotLoaded, and what a child that dies raises."""
        loop = asyncio.get_running_loop()
        child = self.child = new_child()
        # Before the model: training it takes minutes, and whoever closes meanwhile must know whom to end.
        self.child_pid = await loop.run_in_executor(child, os.getpid)
        try:
            await loop.run_in_executor(child, load_model, self.models_dir)
        except (BrokenProcessPool, OSError):
            raise
        except Exception as error:
            # Loading meets no citizen's words: its errors can be told whole, and name the remedy.
            raise ModelNotLoaded(f"{type(error).__name__}: {error}") from error
        return child

    async def follow_promotions(self) -> None:
        """End a child that holds another model than the one promoted since; never between a batch and its answers."""
        try:
            events = (await asyncio.to_thread(read_log, self.models_dir)).events
        except (ModelLogBroken, OSError) as error:
            # What runs goes on; a child that is to be started now says what is wrong itself.
            step("model_log_unreadable", level="ERROR", error=type(error).__name__)
            return
        if events != self.events and self.child is not None:
            step("model_changed", model_version=events[-1].version if events else None)
            self.end_child()
        self.events = events

    async def score_one_by_one(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Judge the texts of a batch that broke each alone: only the one that breaks has the error."""
        if len(batch) > 1:
            for asked in batch:
                await self.score([asked])
            return
        step("judging_failed", level="ERROR", error=type(error).__name__)
        answer_with(error, batch)

    async def close(self) -> None:
        """End the judging and the child; calling twice is safe."""
        if self.working is not None:
            self.working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.working
        self.end_child()

    def end_child(self) -> None:
        """End the child, if there is one; the next batch starts another."""
        if self.child_pid is not None:
            # It holds nothing that must be kept, and an orderly shutdown can wait for it for ever.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child_pid, signal.SIGKILL)
            self.child_pid = None
        if self.child is not None:
            self.child.shutdown(wait=False, cancel_futures=True)
            self.child = None
