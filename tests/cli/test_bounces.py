"""`bounces read`: what a mail alias pipes into us."""

import os

import pytest
from click.testing import Result
from sqlalchemy import select

from app import cli
from app.models import Message
from app.runtime import Runtime
from app.web import create_app
from tests.reports import headers
from tests.returned import came_back
from tests.world import World


def read(runtime: Runtime, mail: bytes) -> Result:
    app = create_app(runtime)
    cli.register(app)
    with app.app_context():
        return app.test_cli_runner().invoke(args=["bounces", "read"], input=mail)


def asked(runtime: Runtime, world: World) -> str:
    workspace = world.workspace()
    world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    with runtime.db.read() as session:
        return session.scalars(select(Message.id)).one()


def state(runtime: Runtime) -> str:
    with runtime.db.read() as session:
        return session.scalars(select(Message.state)).one()


@pytest.mark.parametrize("server", ["postfix", "exim", "microsoft"])
def test_a_report_is_recorded_once(runtime: Runtime, world: World, server: str) -> None:
    mail = came_back(headers(asked(runtime, world)), server)
    first, again = read(runtime, mail), read(runtime, mail)
    assert (first.exit_code, first.stdout, first.stderr) == (0, "", "Recorded: it did not arrive.\n")
    assert (again.exit_code, again.stderr) == (0, "It was known already.\n")
    assert state(runtime) == "failed"


def test_one_that_is_only_late_is_taken_and_changes_nothing(runtime: Runtime, world: World) -> None:
    late = read(runtime, came_back(headers(asked(runtime, world)), action="delayed", status="4.4.1"))
    assert (late.exit_code, late.stderr) == (0, "It is only late: nothing is recorded.\n")
    assert state(runtime) == "sent"


@pytest.mark.parametrize(
    "mail", [b"", b"Subject: hello\n\nhello\n", came_back(headers("x" * 26)), b"x" * 900_000]
)
def test_any_other_mail_is_given_back(runtime: Runtime, mail: bytes) -> None:
    refused = read(runtime, mail)
    assert refused.exit_code == os.EX_DATAERR
    assert refused.stderr.startswith("Error: This ")
