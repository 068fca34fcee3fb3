"""Carries out the `hotline dead-letters` verbs. Called by `services/cli.py` alone."""

import click
import msgspec

from hotline.config import Settings
from hotline.plumbing.backend import open_backend
from hotline.plumbing.bus import DeadLetter


async def work_on_letters(settings: Settings, verb: str, letter_id: int | None) -> None:
    """List, show, replay or discard; raises ClickException when there is no such letter."""
    async with open_backend(settings) as backend:
        bus = backend.bus
        letters = {letter.letter_id: letter for letter in await bus.dead_letters()}
        if letter_id is None:
            for letter in letters.values():
                print_letter(letter)
            return
        if letter_id not in letters:
            raise click.ClickException(f"there is no dead letter {letter_id}; `hotline dead-letters list` names them")
        if verb == "show":
            print_letter(letters[letter_id])
        elif verb == "replay":
            await bus.replay(letter_id)
            click.echo(f"dead letter {letter_id} goes to {letters[letter_id].group} again", err=True)
        elif verb == "discard":
            await bus.discard(letter_id)
            click.echo(f"dead letter {letter_id} is discarded", err=True)


def print_letter(letter: DeadLetter) -> None:
    """Print one letter as a line of JSON."""
    click.echo(msgspec.json.encode(letter).decode())
