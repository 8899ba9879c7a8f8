"""`db` and `sending`: the database's shape and the big switch."""

import sys

import click

from app.cli.context import runtime_of
from app.services import schema, switch


@click.group("db")
def database() -> None:
    """Migrations."""


@database.command("upgrade")
def upgrade() -> None:
    """Bring the tables up to date; running it again changes nothing."""
    runtime = runtime_of()
    schema.upgrade(runtime.db)
    click.echo(f"The database is at {schema.head()}.", err=True)


@database.command("check")
def check() -> None:
    """Are the tables those of this code? Exit status 1 if not."""
    runtime = runtime_of()
    problems = [] if schema.current(runtime.db) == schema.head() else ["run: flask --app wsgi db upgrade"]
    problems = problems or schema.differences(runtime.db)
    for each in problems:
        click.echo(each, err=True)
    sys.exit(1 if problems else 0)


@click.group("sending")
def sending() -> None:
    """The big switch, for all channels."""


@sending.command("pause")
def pause() -> None:
    """Nothing leaves until `sending resume`."""
    switch.pause(runtime_of(), "by command")
    click.echo("Sending is paused. Resume it with: flask --app wsgi sending resume", err=True)


@sending.command("resume")
def resume() -> None:
    """Send again what is due."""
    switch.resume(runtime_of())
    click.echo("Sending is on.", err=True)


@sending.command("status")
def status() -> None:
    """`paused` or `on`."""
    click.echo("paused" if switch.status(runtime_of()) else "on")
