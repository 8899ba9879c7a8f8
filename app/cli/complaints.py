"""`complaints read`: a feedback report (ARF) from standard input, as a mail alias pipes it into us."""

import os
import sys

import click

from app.cli.context import runtime_of
from app.domain.feedback_reports import MOST_BYTES
from app.errors import Refusal, Unavailable
from app.services import complaints as verbs


class NoReport(click.ClickException):
    """Mail servers give it back to whoever sent it."""

    exit_code = os.EX_DATAERR


class Later(click.ClickException):
    """Mail servers keep it, and bring it again."""

    exit_code = os.EX_TEMPFAIL


@click.group("complaints")
def complaints() -> None:
    """Who called our mail spam."""


@complaints.command("read")
def read() -> None:
    """Record the complaint in the mail on standard input, if it names a message of ours.

    Exit status 0 once it is kept, 65 for any other mail, 75 while the database is busy: bring it again.
    """
    runtime = runtime_of()
    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        is_new = verbs.report(runtime, raw)
    except Refusal as error:
        raise NoReport(str(error)) from error
    except Unavailable as error:
        raise Later("The database is busy. Bring it again.") from error
    click.echo("Recorded: nothing is sent there again." if is_new else "It was known already.", err=True)
