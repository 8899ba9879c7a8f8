"""`contacts`: a CSV or a workbook of people into a workspace, and one person out of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.domain.contacts import LAWFUL_BASES, MAX_LINE
from app.errors import Conflict, Invalid, NotFound
from app.runtime import Runtime
from app.services import contact_imports, import_pages, person_export
from app.services.access import Visitor
from app.services.import_pages import ImportPage, Reject
from app.services.operators import operator


@click.group("contacts")
def contacts() -> None:
    """The people who may be asked."""


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workspace", "slug", required=True, metavar="SLUG", help="Whose people they are.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, row by row, and change nothing.")
@click.option("--basis", type=click.Choice(LAWFUL_BASES), help="Lawful basis; default: the workspace's own.")
@click.option("--source", help="Where these people come from; default: the name of the file.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on standard output.")
def import_file(
    *, file: Path, slug: str, dry_run: bool, basis: str | None, source: str | None, as_json: bool
) -> None:
    """Create or update the people in FILE: rows are matched, so the same file again changes nothing.

    Exit status 1 when the file or a row of it was refused. Killed on the way, the worker goes on with it.
    """
    runtime = runtime_of()
    try:
        who = operator(runtime, slug)
    except NotFound:
        raise click.ClickException(f"There is no workspace called {slug}.") from None
    try:
        with file.open("rb") as opened:
            done = contact_imports.run(
                runtime,
                who,
                file.name,
                opened,
                lawful_basis=basis or contact_imports.usual_basis(runtime, who),
                source=source or file.name[:MAX_LINE],
                dry_run=dry_run,
                progress=_say_progress,
            )
    except Invalid as error:
        raise click.ClickException("\n".join(str(each) for each in error.problems)) from None
    except Conflict as error:
        raise click.ClickException(str(error)) from None
    rejects = import_pages.every_reject(runtime, who, done.id)
    _say(done, rejects, dry_run=dry_run)
    if as_json:
        click.echo(_json(runtime, who, done))
    if dry_run:
        contact_imports.discard(runtime, who, done.id)
    if done.state not in ("done", "checked"):
        raise click.ClickException("The import did not come to its end. Another worker may go on with it.")
    if done.counts["refused"]:
        raise click.exceptions.Exit(1)


@contacts.command("export")
@click.argument("contact", metavar="ID")
@click.option("--workspace", "slug", required=True, metavar="SLUG", help="Whose person it is.")
def export(contact: str, slug: str) -> None:
    """Everything that we hold of one person, as JSON on standard output: what they may ask for."""
    runtime = runtime_of()
    with refusals(f"There is no such person in a workspace called {slug}."):
        click.echo(person_export.export(runtime, operator(runtime, slug), contact), nl=False)


def _say_progress(now: ImportPage) -> None:
    if now.state == "reading":
        click.echo(f"{now.total} rows read", err=True)
    else:
        speed = f", {now.rate:.0f} a second" if now.rate else ""
        click.echo(f"{now.done} of {now.total} rows{speed}", err=True)


def _say(done: ImportPage, rejects: Iterator[Reject], *, dry_run: bool) -> None:
    for row in rejects:
        for each in row.problems:
            field = "" if each.field == "row" else f"{each.field}: "
            click.echo(f"row {row.row}: {field}{each}", err=True)
    counts = ", ".join(f"{number} {outcome}" for outcome, number in done.counts.items())
    click.echo(f"{'Nothing was changed; it would be: ' if dry_run else ''}{counts}.", err=True)
    if done.forgotten:
        click.echo(
            f"{done.forgotten} refused: somebody was erased meanwhile and may stand in them.", err=True
        )
    if done.opted_out:
        click.echo(f"{done.opted_out} of them opted out and will not be asked.", err=True)


def _json(runtime: Runtime, who: Visitor, done: ImportPage) -> str:
    return json.dumps(
        {
            **done.counts,
            "opted_out": done.opted_out,
            "rows": [
                {
                    "row": row.row,
                    "outcome": row.outcome,
                    "errors": [{"field": each.field, "message": str(each)} for each in row.problems],
                }
                for row in import_pages.every_reject(runtime, who, done.id)
            ],
        },
        ensure_ascii=False,
    )
