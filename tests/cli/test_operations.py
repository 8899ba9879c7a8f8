"""Commands of whoever runs it: results on standard output, sentences on standard error, an honest status."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text

from app import cli
from app.runtime import Runtime
from app.services import schema
from app.web import create_app
from tests.world import World

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(runtime: Runtime) -> Run:
    app = create_app(runtime)
    cli.register(app)

    def invoke(*words: str) -> Result:
        with app.app_context():  # as the `flask` command pushes it
            return app.test_cli_runner().invoke(args=list(words))

    return invoke


def test_doctor_fails_while_something_is_wrong_and_says_what_to_do(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL  worker" in result.stdout
    assert "flask --app wsgi worker" in result.stdout


def test_doctor_speaks_json_too(run: Run) -> None:
    checks = json.loads(run("doctor", "--json").stdout)
    assert {"name", "state", "says"} == set(checks[0])
    assert {"ok", "failed"} <= {each["state"] for each in checks}


def test_backup_prints_the_file_and_restore_says_that_nothing_leaves(
    run: Run, world: World, tmp_path: Path
) -> None:
    world.workspace()
    file = tmp_path / "backup"
    made = run("db", "backup", str(file))
    assert (made.exit_code, made.stdout) == (0, f"{file}\n")
    refused = run("db", "restore", str(file))
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    restored = run("db", "restore", str(file), "--force")
    assert restored.exit_code == 0
    assert "sending is paused" in restored.stderr
    assert "sending resume" in restored.stderr
    assert run("sending", "status").stdout == "paused\n"


def test_demo_prints_the_link_alone(run: Run, runtime: Runtime) -> None:
    result = run("demo")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{runtime.config.public_url}/link/")
    assert result.stdout.count("\n") == 1


def test_demo_refuses_where_real_data_is(run: Run, world: World) -> None:
    world.workspace()
    result = run("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "real data" in result.stderr


def test_a_command_refuses_a_database_that_is_newer_but_doctor_and_check_look_at_it(
    run: Run, runtime: Runtime
) -> None:
    with runtime.db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        for command in (("worker", "--once"), ("sending", "resume"), ("demo",), ("db", "upgrade")):
            result = run(*command)
            assert result.exit_code == 1
            assert "newer (9999)" in result.stderr
        assert "newer (9999)" in run("doctor").stdout
        assert run("db", "check").exit_code == 1
    finally:
        with runtime.db.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": schema.head()})


def test_a_web_server_does_not_start_on_a_database_it_cannot_work_on(tmp_path: Path) -> None:
    """As a web server loads it: the sentence, not a traceback."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path / 'not mounted' / 'retorno.db'}",
        "SECRET_KEY": "kM3vX9qLr2Tz8Wb5Yp0Nc7Hd4Jf1Ga6Se",
    }
    started = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert started.stderr.startswith("Retorno does not start: The folder ")
    assert "Traceback" not in started.stderr


def test_make_run_does_not_start_on_it_either(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path / 'not mounted' / 'retorno.db'}",
        "SECRET_KEY": "kM3vX9qLr2Tz8Wb5Yp0Nc7Hd4Jf1Ga6Se",
    }
    started = subprocess.run(
        [sys.executable, "-m", "app.cli.serve"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert "Retorno does not start: The folder " in started.stderr
    assert "Traceback" not in started.stderr
