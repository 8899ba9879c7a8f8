"""`users`: make a member, hand out one-time links, help somebody who lost a telephone."""

import json

import click

from app.cli.context import runtime_of
from app.cli.refusals import refusals
from app.domain.access import Role
from app.services import connect_links, members, recovery, second_factor

NOBODY = "There is no account with this address."


@click.group("users")
def users() -> None:
    """People who sign in."""


@users.command("create")
@click.argument("email")
@click.option("--workspace", "slug", required=True, metavar="SLUG")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
def create(email: str, slug: str, role: str) -> None:
    """Make EMAIL a member at once and print the link with which they choose a password."""
    with refusals(f"There is no workspace called {slug}."):
        link = members.create(runtime_of(), email, slug, role)
    click.echo(f"{email} is a member of {slug} now.", err=True)
    if link is None:
        click.echo("They have a password already and sign in with it.", err=True)
    else:
        click.echo("The link works once, within seven days.", err=True)
        click.echo(link)


@users.command("reset-link")
@click.argument("email")
def reset_link(email: str) -> None:
    """Print a link with which EMAIL sets a new password."""
    with refusals(NOBODY):
        link = recovery.reset_link(runtime_of(), email)
    click.echo("The link works once, within an hour.", err=True)
    click.echo(link)


@users.command("telegram-link")
@click.argument("email")
def telegram_link(email: str) -> None:
    """Print a link with which EMAIL connects Telegram for alerts."""
    with refusals(NOBODY):
        link = connect_links.for_address(runtime_of(), email)
    click.echo("The link works once, within a day.", err=True)
    click.echo(link.url)


@users.command("remove-second-factor")
@click.argument("email")
def remove_second_factor(email: str) -> None:
    """Turn off the second factor of EMAIL, who lost their telephone, and sign them out everywhere."""
    with refusals(NOBODY):
        second_factor.remove_for(runtime_of(), email)
    click.echo("Done. The password alone lets them in again.", err=True)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def list_all(as_json: bool) -> None:
    """Every membership: address, role, workspace."""
    rows = members.list_all(runtime_of())
    if as_json:
        click.echo(
            json.dumps([{"email": e, "role": r, "workspace": w} for e, r, w in rows], ensure_ascii=False)
        )
        return
    for email, role, slug in rows:
        click.echo(f"{email}\t{role}\t{slug}")
