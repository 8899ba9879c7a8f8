"""`audit verify`: is what was noted of all changes still what was noted?"""

import sys

import click

from app.cli.context import runtime_of
from app.services import audit_log


@click.group("audit")
def audit() -> None:
    """What members, keys and commands changed."""


@audit.command("verify")
def verify() -> None:
    """Follow every chain of the audit. Exit status 1 where a row was altered, taken away or cut off."""
    found = audit_log.check(runtime_of())
    for each in found.breaks:
        click.echo(f"BROKEN  {each}", err=True)
    if found.breaks:
        sys.exit(1)
    click.echo(
        f"{found.rows} rows in {found.chains} chains are as they were written;"
        f" {found.compared} ends agree with the journal.",
        err=True,
    )
