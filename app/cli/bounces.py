"""`bounces read`: a delivery report (RFC 3464) from standard input, as a mail alias pipes it into us."""

import sys

import click

from app.cli.complaints import Later, NoReport
from app.cli.context import runtime_of
from app.domain.feedback_reports import MOST_BYTES
from app.errors import Refusal, Unavailable
from app.services import returned_mail

SAID = {
    "new": "Recorded: it did not arrive.",
    "known": "It was known already.",
    "late": "It is only late: nothing is recorded.",
}


@click.group("bounces")
def bounces() -> None:
    """Which of our mail came back."""


@bounces.command("read")
def read() -> None:
    """Record the bounce in the mail on standard input, if it names a message of ours.

    Exit status 0 once it is kept, 65 for any other mail, 75 while the database is busy: bring it again.
    """
    runtime = runtime_of()
    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        outcome = returned_mail.report(runtime, raw)
    except Refusal as error:
        raise NoReport(str(error)) from error
    except Unavailable as error:
        raise Later("The database is busy. Bring it again.") from error
    click.echo(SAID[outcome], err=True)
