"""`sandbox`: forget what was played."""

import click

from app.cli.context import runtime_of
from app.services import sandbox_clearing


@click.group("sandbox")
def sandbox() -> None:
    """The pretend mailbox."""


@sandbox.command("clear")
def clear() -> None:
    """Remove what was asked and answered in the sandbox, and nothing else. Opt-outs stay."""
    done = sandbox_clearing.clear(runtime_of())
    click.echo(
        f"Removed {done.invitations} invitations, {done.answers} answers, {done.followups} follow-ups"
        f" and {done.pulses} pulses of the sandbox. Opt-outs stay.",
        err=True,
    )
