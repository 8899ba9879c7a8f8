"""`complaints read`: what a mail alias pipes into us."""

import os

import pytest
from click.testing import Result
from sqlalchemy import func, select

from app import cli
from app.models import Complaint, Message
from app.runtime import Runtime
from app.web import create_app
from tests.reports import headers, report_about
from tests.world import World


def read(runtime: Runtime, mail: bytes) -> Result:
    app = create_app(runtime)
    cli.register(app)
    with app.app_context():
        return app.test_cli_runner().invoke(args=["complaints", "read"], input=mail)


def number(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count(Complaint.id))) or 0


def test_a_report_is_recorded_once(runtime: Runtime, world: World) -> None:
    workspace = world.workspace()
    world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    with runtime.db.read() as session:
        mail = report_about(headers(session.scalars(select(Message.id)).one()))
    first, again = read(runtime, mail), read(runtime, mail)
    assert (first.exit_code, first.stdout, first.stderr) == (
        0,
        "",
        "Recorded: nothing is sent there again.\n",
    )
    assert (again.exit_code, again.stderr) == (0, "It was known already.\n")
    assert number(runtime) == 1


@pytest.mark.parametrize(
    "mail", [b"", b"Subject: hello\n\nhello\n", report_about(headers("x" * 26)), b"x" * 900_000]
)
def test_any_other_mail_is_given_back(runtime: Runtime, mail: bytes) -> None:
    refused = read(runtime, mail)
    assert refused.exit_code == os.EX_DATAERR
    assert refused.stderr.startswith("Error: This ")
    assert number(runtime) == 0
