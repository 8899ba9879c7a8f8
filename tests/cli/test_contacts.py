"""`contacts import` as an operator runs it: what stands on which stream, and the exit status."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import cli
from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import contacts
from app.services.operators import operator
from tests.world import World

GOOD = "nome;e-mail\nAna;ana@x.example\nBia;bia@x.example\n"


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace(slug="loja-sul")


@pytest.fixture
def commands(runtime: Runtime) -> Flask:
    app = Flask("commands")
    app.extensions["runtime"] = runtime
    cli.register(app)
    return app


def run(commands: Flask, folder: Path, text: str | bytes, *options: str) -> Result:
    file = folder / "clientes.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    arguments = ["contacts", "import", str(file), "--workspace", "loja-sul", *options]
    with commands.app_context():  # as the `flask` command pushes it
        return commands.test_cli_runner().invoke(args=arguments)


def names(runtime: Runtime) -> list[str]:
    found = contacts.find(runtime, operator(runtime, "loja-sul"))
    return [line.contact.name for line in found.items]


def test_a_good_file_is_taken_and_the_status_is_zero(
    runtime: Runtime, place: Workspace, commands: Flask, tmp_path: Path
):
    done = run(commands, tmp_path, GOOD)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "2 created, 0 updated, 0 unchanged, 0 repeated, 0 refused." in done.stderr
    assert names(runtime) == ["Ana", "Bia"]
    contact = contacts.find(runtime, operator(runtime, "loja-sul")).items[0].contact
    assert (contact.lawful_basis, contact.source) == ("legitimate_interest", "clientes.csv")
    again = run(commands, tmp_path, GOOD)
    assert "2 unchanged" in again.stderr and again.exit_code == 0


def test_refused_rows_are_named_and_the_status_says_so(
    runtime: Runtime, place: Workspace, commands: Flask, tmp_path: Path
):
    done = run(commands, tmp_path, "nome;e-mail;celular\nAna;ana@;12\n;;\nBia;bia@x.example;\nCaio;;\n")
    assert done.exit_code == 1
    assert "row 2: email: This address has no domain after the @." in done.stderr
    assert "row 2: phone: This phone number is too short." in done.stderr
    assert "row 5: This row has no e-mail, phone or external id." in done.stderr
    assert names(runtime) == ["Bia"]


def test_a_dry_run_changes_nothing(runtime: Runtime, place: Workspace, commands: Flask, tmp_path: Path):
    done = run(commands, tmp_path, GOOD, "--dry-run")
    assert done.exit_code == 0
    assert "Nothing was changed; it would be: 2 created" in done.stderr
    assert names(runtime) == []


def test_the_report_as_json_stands_alone_on_standard_output(
    place: Workspace, commands: Flask, tmp_path: Path
):
    done = run(commands, tmp_path, "e-mail\nana@x.example\nnada\n", "--json")
    report = json.loads(done.stdout)
    assert (report["created"], report["refused"]) == (1, 1)
    assert report["rows"][0]["errors"] == [{"field": "email", "message": "This address has no @."}]


def test_basis_and_source_can_be_said(runtime: Runtime, place: Workspace, commands: Flask, tmp_path: Path):
    assert run(commands, tmp_path, GOOD, "--basis", "contract", "--source", "CRM").exit_code == 0
    contact = contacts.find(runtime, operator(runtime, "loja-sul")).items[0].contact
    assert (contact.lawful_basis, contact.source) == ("contract", "CRM")
    assert run(commands, tmp_path, GOOD, "--basis", "because").exit_code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"", "empty"), (b"PK\x03\x04", "workbook"), (b"nome\nAna\n", "Say which column is the e-mail")],
)
def test_a_file_that_cannot_be_taken_says_why(
    place: Workspace, commands: Flask, tmp_path: Path, text: bytes, words: str
):
    done = run(commands, tmp_path, text)
    assert done.exit_code == 1
    assert words in done.stderr


def test_an_unknown_workspace_is_named(commands: Flask, tmp_path: Path):
    done = run(commands, tmp_path, GOOD)
    assert done.exit_code == 1
    assert "There is no workspace called loja-sul." in done.stderr


def test_the_operator_is_an_owner_and_no_member(runtime: Runtime, place: Workspace):
    who = operator(runtime, "loja-sul")
    assert (who.role, who.user_id, who.member_id) == (Role.OWNER, None, None)
