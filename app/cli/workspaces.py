"""`workspaces`: make one, list them."""

import json

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.rendering.languages import LOCALES
from app.services import workspaces as verbs


@click.group("workspaces")
def workspaces() -> None:
    """Workspaces: everything belongs to one."""


@workspaces.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(verbs.KINDS), default="customers", show_default=True)
@click.option(
    "--time-zone", default="UTC", show_default=True, metavar="ZONE", help="As in America/Sao_Paulo."
)
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True)
def create(name: str, kind: str, time_zone: str, locale: str) -> None:
    """Make an empty workspace called NAME and print its slug."""
    with refusals("There is no such workspace."):
        slug = verbs.create(runtime_of(), name, kind, time_zone, locale)
    click.echo(slug)


@workspaces.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def list_all(as_json: bool) -> None:
    """Every workspace: slug, kind, name."""
    rows = [
        {"slug": each.slug, "kind": each.kind, "name": each.name, "time_zone": each.time_zone}
        for each in verbs.list_all(runtime_of())
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['slug']}\t{row['kind']}\t{row['name']}")
