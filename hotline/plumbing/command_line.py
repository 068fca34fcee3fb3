"""What every `hotline` verb shares: settings or a clear end, and one sentence for what is wrong with the world."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

import click
import uvloop

from hotline.agencies import UnknownLocality
from hotline.config import Settings, SettingsError, load_settings
from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.migrations import SchemaTooNew


def read_settings() -> Settings:
    """Read the environment; every fault is one line on standard error and the command ends with 2."""
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        for fault in error.faults:
            click.echo(f"hotline: setting {fault}", err=True)
        sys.exit(2)


def run_or_explain(work: Coroutine[Any, Any, None]) -> None:
    """Run `work`; an unavailable store, a newer schema, an unknown locality end the command with 1 and a sentence."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except (WorldIsDown, SchemaTooNew, UnknownLocality) as error:
        raise click.ClickException(str(error)) from error
