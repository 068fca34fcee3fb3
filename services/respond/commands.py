"""The verbs respond adds to the `hotline` command; each lives in its own `command_*` file."""

import click

from services.respond.command_due import due_command
from services.respond.command_route import route_command
from services.respond.command_user import user

commands: tuple[click.Command, ...] = (route_command, due_command, user)
