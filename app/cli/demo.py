"""`demo`: something to look at."""

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.services import demo as demonstration


@click.command("demo")
def demo() -> None:
    """A believable pair of workspaces in an empty installation; prints the owner's sign-in link."""
    with refusals("The demonstration is not here any more."):
        link = demonstration.make(runtime_of())
    click.echo("Aroeira asks its customers, Aroeira Pessoas its team: six months of both.", err=True)
    click.echo("The link works once, within seven days, and sets a password for Denise Moura.", err=True)
    click.echo(link)
