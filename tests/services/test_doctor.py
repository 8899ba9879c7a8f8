"""The doctor looks at everything, and each thing that is wrong is named with what to do."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.channels.base import DeliveryError, Outcome, Outgoing
from app.db import open_database
from app.runtime import Runtime, now
from app.services import database_file, doctor, heartbeats, migrating, switch
from app.services.doctor import Check
from tests.pulse_world import open_pulse
from tests.world import World


@pytest.fixture
def today(runtime: Runtime) -> Runtime:
    """With the real clock: the database's own cannot be moved."""
    return replace(runtime, clock=now)


def look(runtime: Runtime, name: str) -> Check:
    return next(each for each in doctor.examine(runtime) if each.name == name)


def test_a_healthy_installation_has_nothing_to_mend(today: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_file, "PASSING", ())  # where the tests' own files may lie
    heartbeats.beat(today)
    heartbeats.hold_clock(today)
    states = {each.name: each.state for each in doctor.examine(today)}
    assert set(states.values()) == {"ok"}
    assert {"database", "clock", "worker", "sending", "messages", "keys", "disk", "email"} <= set(states)


def test_d09_clocks_that_are_apart_fail(runtime: Runtime) -> None:
    found = look(runtime, "clock")
    assert found.state == "failed", "the tests' clock stands still in another year"
    assert "NTP" in found.says
    for apart, state in ((1, "ok"), (-1, "ok"), (9, "failed"), (-9, "failed")):
        there = replace(runtime, clock=lambda apart=apart: now() + timedelta(seconds=apart))
        assert look(there, "clock").state == state


def test_without_a_worker_nothing_is_sent(today: Runtime) -> None:
    found = look(today, "worker")
    assert found.state == "failed"
    assert "flask --app wsgi worker" in found.says


def test_a_pause_is_told_with_its_reason(today: Runtime) -> None:
    switch.pause(today, "restored from a backup")
    found = look(today, "sending")
    assert (found.state, "restored from a backup" in found.says) == ("warning", True)


def test_messages_that_failed_are_counted(today: Runtime, world: World) -> None:
    workspace = world.workspace()
    world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    with today.db.write() as session:
        session.execute(text("UPDATE messages SET state = 'failed', created_at = :now"), {"now": str(now())})
    found = look(today, "messages")
    assert (found.state, "1 failed" in found.says) == ("warning", True)


def test_the_key_of_an_open_pulse_that_is_missing_fails(today: Runtime, world: World) -> None:
    pulse = open_pulse(world, 2).pulse
    assert look(today, "keys").state == "ok"
    (today.config.keys_dir / f"{pulse.id}.key").unlink()
    assert "close void" in look(today, "keys").says


def test_keys_that_others_can_read_fail(today: Runtime) -> None:
    today.config.keys_dir.mkdir(mode=0o755)
    today.config.keys_dir.chmod(0o755)
    found = look(today, "keys")
    assert (found.state, "chmod 700" in found.says) == ("failed", True)


@pytest.mark.on_both
def test_keys_beside_the_database_are_for_trying_out_only(today: Runtime) -> None:
    if not today.db.is_sqlite:
        pytest.skip("PostgreSQL's files are elsewhere")
    beside = replace(today.config, keys_dir=Path(today.db.engine.url.database or "").parent / "keys")
    public = replace(beside, public_url="https://retorno.example")
    assert look(replace(today, config=beside), "keys").state == "ok"
    assert look(replace(today, config=public), "keys").state == "warning"


def test_secrets_that_others_can_read_fail(today: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("x")
    file.chmod(0o644)
    found = look(replace(today, config=replace(today.config, secret_files=(file,))), "secrets")
    assert (found.state, f"chmod 600 {file}" in found.says) == ("failed", True)


def test_a_secret_of_a_provider_that_was_changed_is_not_kept_for_ever(today: Runtime) -> None:
    kept = replace(today.config, twilio_auth_token_previous="0123456789abcdef0123456789abcdef")
    found = look(replace(today, config=kept), "secrets")
    assert (found.state, "TWILIO_AUTH_TOKEN_PREVIOUS" in found.says) == ("warning", True)


class Broken:
    """A channel whose provider is away."""

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        yield from ()

    def probe(self) -> None:
        raise DeliveryError("unreachable", pause_seconds=60, detail="no route to smtp.example")

    def close(self) -> None:
        """Nothing is open."""


def test_a_channel_whose_provider_is_away_fails(today: Runtime) -> None:
    config = replace(today.config, smtp_url="smtp://smtp.example", mail_from="ola@loja.example")
    found = look(replace(today, config=config, channels={"email": Broken()}), "email")
    assert (found.state, "no route" in found.says) == ("failed", True)


def test_a_database_that_is_away_or_empty_fails_and_the_rest_is_still_looked_at(
    today: Runtime, tmp_path: Path
) -> None:
    away = open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    empty = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    for db, words in ((away, "cannot be reached"), (empty, "db upgrade")):
        found = {each.name: each for each in doctor.examine(replace(today, db=db))}
        assert found["database"].state == "failed"
        assert words in found["database"].says
        assert "worker" not in found
        assert "email" in found
        db.dispose()


def test_a_damaged_page_is_found_by_doctor_and_by_the_job(tmp_path: Path, today: Runtime) -> None:
    path = tmp_path / "damaged.db"
    db = open_database(f"sqlite:///{path}")
    migrating.upgrade(db)
    db.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'answers'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    damaged = replace(today, db=open_database(f"sqlite:///{path}"))
    assert look(damaged, "file").state == "failed"
    assert doctor.check_pages(damaged) == 1
    assert doctor.check_pages(today) == 0
    damaged.db.dispose()


def test_room_on_the_disk_is_told(today: Runtime, tmp_path: Path) -> None:
    found = look(today, "disk")
    assert "GB left" in found.says
    assert database_file.space(tmp_path).free > 0
