"""Commands of privacy: the journal after a restore, the audit, one person's file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import delete

from app import cli
from app.domain.access import Role
from app.models import AuditRow, OptOut
from app.runtime import Runtime
from app.services import contacts, opt_outs, switch
from app.services.access import Visitor
from app.web import create_app
from tests.world import World

Run = Callable[..., Result]


@pytest.fixture
def run(runtime: Runtime) -> Run:
    app = create_app(runtime)
    cli.register(app)

    def invoke(*words: str) -> Result:
        with app.app_context():  # as the `flask` command pushes it
            return app.test_cli_runner().invoke(args=list(words))

    return invoke


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


def test_a_restore_tells_what_the_journal_brought_back(
    run: Run, runtime: Runtime, bea: Visitor, tmp_path: Path
):
    id = contacts.create(runtime, bea, {"name": "Ana", "email": "ana@x.example"})
    run("db", "backup", str(tmp_path / "copy"))
    opt_outs.opt_out(runtime, bea, id, "console")
    restored = run("db", "restore", str(tmp_path / "copy"), "--force")
    assert restored.exit_code == 0
    assert "1 opt-outs, 0 opt-ins and 0 erasures made since were applied again" in restored.stderr
    assert contacts.detail(runtime, bea, id).is_opted_out


def test_without_a_journal_it_says_so_loudly_and_again_before_sending(
    run: Run, runtime: Runtime, bea: Visitor, tmp_path: Path
):
    contacts.create(runtime, bea, {"name": "Ana", "email": "ana@x.example"})
    run("db", "backup", str(tmp_path / "copy"))
    restored = run("db", "restore", str(tmp_path / "copy"), "--force")
    assert "NO JOURNAL" in restored.stderr


def test_resuming_applies_what_a_journal_that_came_later_knows(run: Run, runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {"name": "Ana", "email": "ana@x.example"})
    opt_outs.opt_out(runtime, bea, id, "console")
    with runtime.db.write() as session:  # a copy was put in place by hand
        session.execute(delete(OptOut))
    switch.pause(runtime, "by hand")
    resumed = run("sending", "resume")
    assert "1 opt-outs" in resumed.stderr
    assert contacts.detail(runtime, bea, id).is_opted_out


def test_a_broken_audit_ends_with_status_1_in_its_command_and_in_doctor(
    run: Run, runtime: Runtime, bea: Visitor
):
    contacts.create(runtime, bea, {"name": "Ana"})
    contacts.create(runtime, bea, {"name": "Bia"})
    whole = run("audit", "verify")
    assert (whole.exit_code, "2 rows in 1 chains" in whole.stderr) == (0, True)
    with runtime.db.write() as session:
        session.execute(delete(AuditRow).where(AuditRow.number == 1))
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert "BROKEN" in broken.stderr
    assert "FAIL  audit" in run("doctor").stdout


def test_one_persons_file_stands_alone_on_standard_output(run: Run, runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {"name": "Ana", "email": "ana@x.example"})
    found = run("contacts", "export", id, "--workspace", bea.workspace_slug)
    assert found.exit_code == 0
    assert json.loads(found.stdout)["person"]["email"] == "ana@x.example"
    assert run("contacts", "export", "nobody", "--workspace", bea.workspace_slug).exit_code == 1
