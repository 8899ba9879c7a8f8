"""Deliberate errors as a command says them: on standard error, exit status 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.errors import Conflict, Invalid, NotFound, Refusal


@contextmanager
def refusals(missing: str) -> Iterator[None]:
    """What a verb refuses becomes a message; `missing` is the sentence for what was not found."""
    try:
        yield
    except NotFound as error:
        raise click.ClickException(missing) from error
    except (Conflict, Refusal) as error:
        raise click.ClickException(str(error)) from error
    except Invalid as error:
        raise click.ClickException("\n".join(str(each) for each in error.problems)) from error
