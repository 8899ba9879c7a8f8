"""A workspace with very many contacts and nothing asked yet, written as fast as the database takes it."""

from datetime import UTC, datetime

from sqlalchemy import insert, text

from app.db import Database
from app.models import Contact, new_id
from app.services import migrating
from benchmarks.seed import open_place

CHUNK = 5_000
_COPY = (
    "COPY contacts (id, workspace_id, name, search_name, email, email_key, kind, locale, attributes, active,"
    " lawful_basis, revision, created_at, updated_at) FROM STDIN"
)


def crowd(db: Database, people: int) -> dict[str, str]:
    """Migrate and fill an empty database; the ids of its workspace and published survey."""
    migrating.upgrade(db)
    now = datetime.now(UTC)
    place = open_place(db, now)
    if db.is_sqlite:
        fill(db, place, people)
        return place
    raw = db.engine.raw_connection()
    try:
        raw.cursor().execute("SET statement_timeout = 0")
        with raw.cursor().copy(_COPY) as copy:
            for number in range(people):
                row = _row(place, number, now) | {"attributes": '{"plano": "ouro"}'}
                copy.write_row(tuple(row.values()))
        raw.commit()
    finally:
        raw.invalidate()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.invalidate()
    return place


def fill(db: Database, place: dict[str, str], people: int) -> None:
    """So many contacts more, in usual statements."""
    now = datetime.now(UTC)
    for start in range(0, people, CHUNK):
        with db.write() as session:
            rows = [_row(place, number, now) for number in range(start, min(people, start + CHUNK))]
            session.connection().execute(insert(Contact), rows)


def _row(place: dict[str, str], number: int, now: datetime) -> dict[str, object]:
    id = new_id()
    email = f"maria{number}.{id[:8]}@bemtevi.example"
    return {
        "id": id, "workspace_id": place["workspace"], "name": f"Maria Figueiredo {number}",
        "search_name": email, "email": email, "email_key": id * 2, "kind": "customer", "locale": "pt-BR",
        "attributes": {"plano": "ouro"}, "active": True, "lawful_basis": "consent", "revision": 1,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
