"""How a command gets at the runtime."""

from typing import cast

import click
from flask import current_app

from app.runtime import Runtime
from app.services import starting


def runtime_of() -> Runtime:
    """The runtime that wsgi.py built, over a database that this code may work on."""
    runtime = unchecked_runtime()
    if trouble := starting.why_not(runtime):
        raise click.ClickException(trouble)
    return runtime


def unchecked_runtime() -> Runtime:
    """The same for commands that are there to look at a database and to mend it."""
    return cast(Runtime, current_app.extensions["runtime"])
