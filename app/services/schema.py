"""The database's shape: bring it up to date, or say how far behind or ahead it is."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.db import Database
from app.errors import Refusal
from app.models import Base

MIGRATIONS = Path(__file__).parents[2] / "migrations"
LOCK = 7_265_746  # PostgreSQL's advisory lock of whoever migrates: a second one waits


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def head() -> str:
    """The newest migration that this code knows."""
    return ScriptDirectory.from_config(_alembic()).get_current_head() or ""


def current(db: Database) -> str | None:
    """The migration that the database stands at; none when it is empty."""
    with db.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


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


def known() -> set[str]:
    """Every migration of this code."""
    return {each.revision for each in ScriptDirectory.from_config(_alembic()).walk_revisions()}


def upgrade(db: Database, to: str = "head") -> None:
    """Bring the tables to a migration, all in one transaction; running it again changes nothing.

    Raises Refusal when the database is newer than this code.
    """
    found = current(db)
    if found is not None and found not in known():
        raise Refusal(trouble(db))
    _migrate(db, command.upgrade, to)


def downgrade(db: Database, to: str) -> None:
    """Take the tables back to an earlier migration."""
    _migrate(db, command.downgrade, to)


def _migrate(db: Database, how: object, to: str) -> None:
    config = _alembic()
    with db.write() as session:
        if not db.is_sqlite:
            session.execute(text("SET LOCAL lock_timeout = 0"))  # a second one waits as long as it takes
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = session.connection()
        how(config, to)  # type: ignore[operator]  # alembic's commands share no type


def differences(db: Database) -> list[str]:
    """How the tables differ from the models; empty when they are the same."""
    with db.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        return [str(each) for each in compare_metadata(context, Base.metadata)]
