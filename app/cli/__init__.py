"""Commands of `flask --app wsgi`, thin like web. Results on standard output, messages on standard error."""

from flask import Flask

from app.cli.contacts import contacts
from app.cli.demo import demo
from app.cli.doctor import doctor
from app.cli.keys import keys
from app.cli.operations import database, sending
from app.cli.sandbox import sandbox
from app.cli.users import users
from app.cli.worker import worker
from app.cli.workspaces import workspaces

COMMANDS = (database, sending, sandbox, worker, workspaces, users, keys, contacts, demo, doctor)


def register(app: Flask) -> None:
    """Every group and command, one line each in COMMANDS."""
    for command in COMMANDS:
        app.cli.add_command(command)
