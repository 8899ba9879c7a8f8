"""Which migration the database stands at, and which this code knows; told without loading what migrates."""

from pathlib import Path

from sqlalchemy import inspect, text

from app.db import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def known() -> list[str]:
    """Every migration of this code, oldest first: the numbers that their files begin with."""
    return sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def head() -> str:
    """The newest migration that this code knows."""
    return known()[-1]


def current(db: Database) -> str | None:
    """The migration that the database stands at; none when it is empty."""
    with db.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def trouble(db: Database) -> str | None:
    """What to do before this code may work on the database; None when their shapes agree."""
    found = current(db)
    if found == head():
        return None
    if found is not None and found not in known():
        return (
            f"The database is newer ({found}) than this code ({head()}). Nothing was changed: install the"
            " newer version again, or restore a backup from before: flask --app wsgi db restore FILE"
        )
    return "The database is older than this code; run: flask --app wsgi db upgrade"
