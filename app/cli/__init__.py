"""Commands of `flask --app wsgi`, thin like web. Results on standard output, messages on standard error."""

from flask import Flask

from app.cli.contacts import contacts
from app.cli.operations import database, sending
from app.cli.worker import worker

COMMANDS = (database, sending, worker, contacts)


def register(app: Flask) -> None:
    """Every group and command, one line each in COMMANDS."""
    for command in COMMANDS:
        app.cli.add_command(command)
