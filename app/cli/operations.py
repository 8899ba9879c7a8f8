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
from app.services.perhaps_asked import GivenUp

LISTED = 40  # moments that did not take place, for whoever restores
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
@click.option("--nothing-ran-since", is_flag=True, help="Ask what was due since the copy: nothing else did.")
def restore(file: Path, force: bool, nothing_ran_since: bool) -> None:
    """Put the copy in FILE in the place of this database, with sending paused.

    What was due by now may have been asked since the copy was made, so it is not asked again.
    """
    with refusals("There is no such database."):
        found = copies.restore(unchecked_runtime(), file, force=force, nothing_ran_since=nothing_ran_since)
    for sentence in _after_restoring(found):
        click.echo(sentence, err=True)


def _after_restoring(found: Restored) -> list[str]:
    sentences = [
        "The copy is in place, and sending is paused: nothing leaves.",
        "Answers made since are not in it.",
        *_after_replaying(found.journal),
    ]
    sentences += _not_asked(found.given_up)
    if found.waiting:
        sentences.append(
            f"{found.waiting} messages wait that had not left when it was made. What has left since would"
            " leave again: look at them first."
        )
    if found.lost_keys:
        sentences.append(
            f"{found.lost_keys} of {found.open_pulses} open pulses have no key in KEYS_DIR: they close void."
        )
    return [*sentences, "Then: flask --app wsgi sending resume"]


def _not_asked(given_up: GivenUp) -> list[str]:
    """What does not take place because it may have done so since the copy."""
    if given_up == GivenUp():
        return []
    moments = [
        f"  {each.at:%Y-%m-%d %H:%M} UTC  {each.schedule} ({each.workspace})" for each in given_up.moments
    ]
    more = [f"  and {len(moments) - LISTED} more"] if len(moments) > LISTED else []
    return [
        "What was to be asked by now may have left since the copy was made: it is not asked again.",
        *moments[:LISTED],
        *more,
        f"  {given_up.asks} asks and {given_up.reminders} reminders that waited, were held or were due",
        f"  to be asked again after a closed follow-up: {given_up.closures}",
        "Did nothing run since the copy was made? Restore it once more, with --nothing-ran-since.",
    ]


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
