"""Commands of `flask --app wsgi`, thin like web. Results on standard output, messages on standard error."""

import sys

import click
from flask import Flask

from app.cli.audit import audit
from app.cli.bounces import bounces
from app.cli.complaints import complaints
from app.cli.contacts import contacts
from app.cli.demo import demo
from app.cli.doctor import doctor
from app.cli.keys import keys
from app.cli.operations import database, sending
from app.cli.replies import replies
from app.cli.sandbox import sandbox
from app.cli.users import users
from app.cli.worker import worker
from app.cli.workspaces import workspaces

COMMANDS = (
    database, sending, sandbox, worker, workspaces, users, keys, contacts, bounces, complaints, audit,
    replies, demo, doctor,
)  # fmt: skip
NEED_NOTHING = (replies,)  # neither settings nor a database


def register(app: Flask) -> None:
    """Every group and command, one line each in COMMANDS."""
    for command in COMMANDS:
        app.cli.add_command(command)


def needs_nothing(asked: click.Context) -> bool:
    """Does this command run without settings? `asked` is the context in which `flask` loads us.

    While it looks for the command, click keeps its name nowhere: the words are read a second time.
    """
    if not isinstance(asked.command, click.Group):
        return False
    _, words, _ = asked.command.make_parser(asked).parse_args(sys.argv[1:])
    return bool(words) and words[0] in {command.name for command in NEED_NOTHING}
