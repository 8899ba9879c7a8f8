"""Migrations are numbered, go up and down, and end where the models are, on both databases."""

from pathlib import Path

from sqlalchemy import inspect

from app.db import Database
from app.services import migrating, schema

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(path.stem for path in VERSIONS.glob("*.py"))
    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]


def test_the_newest_migration_makes_what_the_models_say(db: Database) -> None:
    assert schema.current(db) == schema.head()
    assert migrating.differences(db) == []


def test_every_migration_goes_down_and_up_again(db: Database) -> None:
    migrating.downgrade(db, "base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    migrating.upgrade(db)
    assert migrating.differences(db) == []
    migrating.upgrade(db)
    assert schema.current(db) == schema.head()
