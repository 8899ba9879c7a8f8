"""`contacts`: a CSV of people into a workspace, with every refused row named; one person out of it."""

import json
from pathlib import Path

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.domain.contact_files import MAX_BYTES
from app.domain.contacts import LAWFUL_BASES, MAX_LINE
from app.errors import Invalid, NotFound
from app.services import contact_import, person_export
from app.services.import_rows import OUTCOMES, Report
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

    Exit status 1 when the file or a row of it was refused.
    """
    runtime = runtime_of()
    try:
        who = operator(runtime, slug)
    except NotFound:
        raise click.ClickException(f"There is no workspace called {slug}.") from None
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    try:
        if dry_run:
            report = contact_import.look(runtime, who, data)
        else:
            report = contact_import.run(
                runtime,
                who,
                data,
                lawful_basis=basis or contact_import.usual_basis(runtime, who),
                source=source or file.name[:MAX_LINE],
                progress=_say_progress,
            )
    except Invalid as error:
        raise click.ClickException("\n".join(str(each) for each in error.problems)) from None
    _say(report, dry_run=dry_run)
    if as_json:
        click.echo(_json(report))
    if report.refused:
        raise click.exceptions.Exit(1)


@contacts.command("export")
@click.argument("contact", metavar="ID")
@click.option("--workspace", "slug", required=True, metavar="SLUG", help="Whose person it is.")
def export(contact: str, slug: str) -> None:
    """Everything that we hold of one person, as JSON on standard output: what they may ask for."""
    runtime = runtime_of()
    with refusals(f"There is no such person in a workspace called {slug}."):
        click.echo(person_export.export(runtime, operator(runtime, slug), contact), nl=False)


def _say_progress(done: int, rows: int) -> None:
    click.echo(f"{done} of {rows} rows", err=True)


def _say(report: Report, *, dry_run: bool) -> None:
    for row in report.refused:
        for each in row.problems:
            field = "" if each.field == "row" else f"{each.field}: "
            click.echo(f"row {row.number}: {field}{each}", err=True)
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in OUTCOMES)
    click.echo(f"{'Nothing was changed; it would be: ' if dry_run else ''}{counts}.", err=True)
    if report.opted_out:
        click.echo(f"{report.opted_out} of them opted out earlier and will not be asked.", err=True)


def _json(report: Report) -> str:
    return json.dumps(
        {
            **{outcome: report.count(outcome) for outcome in OUTCOMES},
            "opted_out": report.opted_out,
            "rows": [
                {
                    "row": row.number,
                    "outcome": row.outcome,
                    "errors": [{"field": each.field, "message": str(each)} for each in row.problems],
                }
                for row in report.rows
            ],
        },
        ensure_ascii=False,
    )
