"""`doctor`: is everything all right, and what to do where it is not."""

import dataclasses
import json
import sys

import click

from app.cli.context import unchecked_runtime
from app.services import doctor as examination

MARKS = {"ok": "ok", "warning": "look", "failed": "FAIL"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def doctor(as_json: bool) -> None:
    """Look at channels, database, clock, worker, keys and disk. Exit status 1 if anything failed."""
    checks = examination.examine(unchecked_runtime())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in checks], ensure_ascii=False))
    else:
        for each in checks:
            click.echo(f"{MARKS[each.state]:4}  {each.name:9} {each.says}")
    sys.exit(1 if any(each.state == "failed" for each in checks) else 0)
