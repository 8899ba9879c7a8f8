"""`db` and `sending`: the database's shape, its copies, and the big switch."""

import sys
from pathlib import Path

import click

from app.cli.context import runtime_of, unchecked_runtime
from app.cli.refusals import refusals
from app.services import backup as copies
from app.services import migrating, resuming, schema, scrubbing, switch
from app.services.backup import Restored
from app.services.journal_replay import Replayed

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("db")
def database() -> None:
    """Migrations and backups."""


@database.command("upgrade")
def upgrade() -> None:
    """Bring the tables up to date; running it again changes nothing."""
    with refusals("There is no such database."):
        migrating.make_ready(unchecked_runtime().db)
    click.echo(f"The database is at {schema.head()}.", err=True)


@database.command("check")
def check() -> None:
    """Are the tables those of this code? Exit status 1 if not."""
    runtime = unchecked_runtime()
    trouble = schema.trouble(runtime.db)
    problems = [trouble] if trouble else migrating.differences(runtime.db)
    for each in problems:
        click.echo(each, err=True)
    sys.exit(1 if problems else 0)


@database.command("backup")
@FILE
def backup(file: Path) -> None:
    """Copy everything to FILE while all goes on. Only its owner can read it."""
    with refusals("There is no such database."):
        size = copies.backup(unchecked_runtime(), file)
    click.echo(f"{size:,} bytes. Keep KEYS_DIR out of the place where this is kept.", err=True)
    click.echo(file)


@database.command("scrub")
def scrub() -> None:
    """Write the tables of people anew, so that no byte of whoever was erased is left in them.

    SQLite needs no such thing. On PostgreSQL each table is locked meanwhile: choose a quiet hour.
    """
    if left := scrubbing.scrub_wholly(runtime_of()):
        raise click.ClickException(f"Somebody held {', '.join(left)}. The others are done: run it again.")
    click.echo("Done. PostgreSQL's own log (WAL) keeps its older pages until it is recycled.", err=True)


@database.command("restore")
@FILE
@click.option("--force", is_flag=True, help="Replace a database that has data in it.")
def restore(file: Path, force: bool) -> None:
    """Put the copy in FILE in the place of this database, with sending paused."""
    with refusals("There is no such database."):
        found = copies.restore(unchecked_runtime(), file, force=force)
    for sentence in _after_restoring(found):
        click.echo(sentence, err=True)


def _after_restoring(found: Restored) -> list[str]:
    sentences = [
        "The copy is in place, and sending is paused: nothing leaves.",
        "Answers made since are not in it.",
        *_after_replaying(found.journal),
    ]
    if found.waiting:
        sentences.append(
            f"{found.waiting} messages had not left when it was made. What has left since would leave again:"
            " look at the schedules first, and cancel what has run."
        )
    if found.lost_keys:
        sentences.append(
            f"{found.lost_keys} of {found.open_pulses} open pulses have no key in KEYS_DIR: they close void."
        )
    return [*sentences, "Then: flask --app wsgi sending resume"]


def _after_replaying(done: Replayed) -> list[str]:
    if not done.found:
        return [
            "!! There is NO JOURNAL of this installation in JOURNAL_DIR.",
            "!! Opt-outs and erasures made since the copy ARE MISSING: people who said no would be asked.",
            "!! Bring its files there before you resume sending.",
        ]
    sentences = [
        f"From the journal: {done.opt_outs} opt-outs, {done.liftings} opt-ins and {done.erasures} erasures"
        " made since were applied again."
    ]
    if done.files:
        sentences.append(
            f"{done.files} files of people are gone: whoever was erased since may stand in them."
        )
    if done.torn:
        sentences.append(f"{done.torn} lines of it are cut off: a crash came before they counted.")
    return sentences


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
    """Send again what is due, once the journal is applied."""
    done = resuming.resume(runtime_of())
    if done is not None:
        for sentence in _after_replaying(done):
            click.echo(sentence, err=True)
    click.echo("Sending is on.", err=True)


@sending.command("status")
def status() -> None:
    """`paused` or `on`."""
    click.echo("paused" if switch.status(runtime_of()) else "on")
