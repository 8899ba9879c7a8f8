"""`replies check` as somebody runs it who has nothing but a file: no settings, no database."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import cli

Check = Callable[[str | bytes], Result]
ROOT = Path(__file__).parents[2]
HEAD = "metric\tlocale\ttext\tallowed\tmust\n"


@pytest.fixture
def check(tmp_path: Path) -> Check:
    app = Flask("commands")
    cli.register(app)

    def invoke(content: str | bytes) -> Result:
        file = tmp_path / "replies.tsv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return app.test_cli_runner().invoke(args=["replies", "check", str(file)])

    return invoke


def flask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_what_is_read_as_allowed_ends_in_one_line_and_status_0(check: Check) -> None:
    done = check(f"{HEAD}nps\tpt-BR\tnota 8\t8\t1\ncsat\ten\t8\task\t0\nces\tes\tsalir\toptout\t1\n")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "3 replies, 0 wrong, recall 1.000\n"


def test_wrong_readings_are_named_before_the_count_and_the_status_is_1(check: Check) -> None:
    done = check(f"{HEAD}nps\tpt-BR\t8\t9\t0\nnps\ten\teigth\t8\t1\nnps\ten\t7\t8\t1\nnps\ten\t7\t7\t1\n")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "wrong: line 2, nps, pt-BR, '8', allowed 9, read as 8",
        "wrong: line 4, nps, en, '7', allowed 8, read as 7",
        "not read: line 3, nps, en, 'eigth', allowed 8, read as ask",
        "4 replies, 2 wrong, recall 0.333",
    ]


def test_a_plain_form_that_was_not_read_is_named_and_the_status_stays_0(check: Check) -> None:
    done = check(f'{HEAD}nps\ten\t"two or\nlines {"and more " * 20}\u202e"\t8|optin\t1\n')
    assert done.exit_code == 0
    first, last = done.stdout.splitlines()
    assert first.startswith(r"not read: line 2, nps, en, 'two or\nlines and more")
    assert first.endswith("…', allowed 8|optin, read as ask")
    assert "\u202e" not in done.stdout
    assert last == "1 replies, 0 wrong, recall 0.000"


def test_a_file_as_spreadsheets_write_it_is_taken(check: Check) -> None:
    done = check(b"\xef\xbb\xbf" + f"{HEAD}nps\ten\t9️⃣\t9\t1\n".replace("\n", "\r\n").encode())
    assert (done.exit_code, done.stdout) == (0, "1 replies, 0 wrong, recall 1.000\n")


def test_a_reply_of_any_length_is_judged(check: Check) -> None:
    done = check(f"{HEAD}nps\ten\t{'9' * 300_000}\task\t0\n")
    assert (done.exit_code, done.stdout) == (0, "1 replies, 0 wrong, recall 1.000\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "must name each column once"),
        ("metric\ttext\n", "must name each column once: locale, allowed, must."),
        (f"{HEAD}nps\ten\t8\tok\t1\n", "Line 2: 'ok' is no reading; say a number, ask, help, optin, optout."),
        (HEAD.encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_judged_says_why_with_status_2(
    check: Check, content: str | bytes, says: str
) -> None:
    done = check(content)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "replies.tsv" in done.stderr
    assert says in done.stderr


def test_it_runs_without_any_setting_on_our_own_set() -> None:
    done = flask("replies", "check", "tests/domain/replies.tsv")
    assert (done.returncode, done.stderr) == (0, "")
    assert " replies, 0 wrong, recall " in done.stdout


def test_it_runs_with_settings_that_nothing_else_runs_with_and_a_missing_file_is_status_2() -> None:
    bad = {"SECRET_KEY": "bad", "DATABASE_URL": "nowhere", "SANDBOX": "maybe"}
    done = flask("replies", "check", "no such file.tsv", **bad)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such file.tsv" in done.stderr
    refused = flask("users", "create", "replies", **bad)
    assert refused.returncode == 1
    assert "SECRET_KEY: is too easy to guess" in refused.stderr
