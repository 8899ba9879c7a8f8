"""Bring the database's tables up to date, with alembic: all in one transaction, one process at a time."""

from collections.abc import Callable

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.db import Database, open_database
from app.errors import Refusal
from app.models import Base
from app.services import database_file, schema, scrubbing

How = Callable[[AlembicConfig, str], None]
LOCK = 7_265_746  # PostgreSQL's advisory lock of whoever migrates: a second one waits


def make_ready(db: Database) -> None:
    """Bring the tables up to date. Raises Refusal where that cannot be, and has changed nothing then."""
    path = database_file.path_of(db)
    if path and (trouble := database_file.why_unusable(path)):
        raise Refusal(trouble)
    upgrade(db)


def upgrade(db: Database, to: str = "head") -> None:
    """Bring the tables to a migration, all in one transaction; running it again changes nothing.

    What a migration has overwritten or deleted is asked to leave the files as well, by the worker.
    Raises Refusal when the database is newer than this code.
    """
    found = schema.current(db)
    if found is not None and found not in schema.known():
        raise Refusal(schema.trouble(db))
    is_behind = found not in (None, schema.head() if to == "head" else to)
    _migrate(db, command.upgrade, to, scrubbing.ask if is_behind else None)


def downgrade(db: Database, to: str) -> None:
    """Take the tables back to an earlier migration."""
    _migrate(db, command.downgrade, to)


def differences(db: Database) -> list[str]:
    """How the tables differ from the models; empty when they are the same."""
    with db.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        return [str(each) for each in compare_metadata(context, Base.metadata)]


def _migrate(db: Database, how: How, to: str, then: Callable[[Session], None] | None = None) -> None:
    if not db.is_sqlite:
        with db.write() as session:
            session.execute(text("SET LOCAL lock_timeout = 0"))  # a second one waits as long as it takes
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            _run(session, how, to, then)
        return
    # SQLite changes a table by making it anew, which rows that refer to it would forbid: looked at afterwards
    loose = open_database(db.engine.url.render_as_string(hide_password=False))
    event.listen(loose.engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF"))
    try:
        with loose.write() as session:
            _run(session, how, to, then)
            if session.execute(text("PRAGMA foreign_key_check")).first() is not None:
                raise Refusal("The migration would leave rows that refer to nothing; nothing was changed.")
    finally:
        loose.dispose()


def _run(session: Session, how: How, to: str, then: Callable[[Session], None] | None) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = session.connection()
    how(config, to)
    if then is not None:
        then(session)
