"""`replies check`: how typed replies are read, against a file of labelled ones; needs no settings."""

import csv
from pathlib import Path

import click

from app.domain.reply_sets import Judged, judge, labelled_in
from app.errors import Refusal

MOST_BYTES = 64 * 1024 * 1024
SHOWN = 100  # characters of a reply; the line of the file is named


class BadFile(click.ClickException):
    """A file that cannot be judged at all, unlike one with wrong readings."""

    exit_code = 2


@click.group("replies")
def replies() -> None:
    """What people type back."""


@replies.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
def check(file: Path) -> None:
    """Read every reply of FILE and name those that are read otherwise than FILE allows.

    FILE is tab-separated with CSV quoting, in UTF-8, with the columns metric, locale, text, allowed and must.
    Exit status 1 when a reading is wrong, 2 when FILE cannot be used.
    """
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadFile(f"{file} is larger than {MOST_BYTES // 1024 // 1024} MB.")
    csv.field_size_limit(MOST_BYTES)  # a reply of any length is to be judged
    try:
        verdict = judge(labelled_in(data))
    except Refusal as error:
        raise BadFile(f"{file}: {error}") from error
    for each in verdict.wrong:
        _say("wrong", each)
    for each in verdict.missed:
        if not each.is_wrong:
            _say("not read", each)
    click.echo(f"{len(verdict.judged)} replies, {len(verdict.wrong)} wrong, recall {verdict.recall:.3f}")
    if verdict.wrong:
        raise click.exceptions.Exit(1)


def _say(what: str, judged: Judged) -> None:
    reply = judged.labelled
    text = reply.text if len(reply.text) <= SHOWN else f"{reply.text[:SHOWN]}\u2026"
    click.echo(
        f"{what}: line {reply.line}, {reply.metric}, {reply.locale}, {text!r},"
        f" allowed {'|'.join(reply.allowed)}, read as {judged.reading}"
    )
