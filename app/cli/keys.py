"""`keys`: API keys, printed once, listed without their secrets, revoked by id."""

import json

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.services import api_keys


@click.group("keys")
def keys() -> None:
    """API keys of workspaces."""


@keys.command("create")
@click.option("--workspace", "slug", required=True, metavar="SLUG")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="As in contacts:write; several times."
)
@click.option("--name", default="Command line", show_default=True, help="What the key is for.")
def create(slug: str, scopes: tuple[str, ...], name: str) -> None:
    """Make a key and print it, this once. Without --scope it may do everything in its workspace."""
    with refusals(f"There is no workspace called {slug}."):
        made = api_keys.create_for(runtime_of(), slug, name, scopes or None)
    click.echo(f"Its id is {made.id}. Keep the key now: it is not shown again.", err=True)
    click.echo(made.secret)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def list_all(as_json: bool) -> None:
    """Every key: id, workspace, how it begins, what it is for, whether it is revoked."""
    rows = [
        {
            "id": key.id,
            "workspace": slug,
            "prefix": key.prefix,
            "name": key.name,
            "scopes": key.scopes,
            "created_at": key.created_at.isoformat(),
            "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
        for key, slug in api_keys.list_all(runtime_of())
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        state = "revoked" if row["revoked_at"] else "in force"
        click.echo(f"{row['id']}\t{row['workspace']}\t{row['prefix']}…\t{state}\t{row['name']}")


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """End the key with this ID at once."""
    with refusals("There is no key with this id."):
        api_keys.revoke_by_id(runtime_of(), key_id)
    click.echo("Revoked.", err=True)
