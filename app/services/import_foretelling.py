"""The dry run of an import: what would become of each row, with the rows before it in mind."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from app.models import ContactImport, Workspace
from app.services import contact_rows
from app.services.contact_rows import Marks
from app.services.import_chunks import (
    Tally,
    base_of,
    names_silenced_by,
    silent_before,
    tally_of,
    withdrawn,
)
from app.services.import_deciding import Known, Mark, ReadRow, Verdict, decide
from app.services.import_taking_back import put_away

MARKS = frozenset(("external_id", "email_key", "phone_key"))
CACHE = 32 * 1024  # kB of memory; the rest lies in a file that nobody else sees


class Foretold:
    """Whom the rows so far would have met, and by what they would be recognised then.

    A file of SQLite's own, for either database: a million people in it take none of our memory.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.moved = 0  # people of the database who would be recognised by something else
        for pragma in (f"cache_size=-{CACHE}", "journal_mode=OFF", "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "CREATE TABLE people"
            " (id TEXT PRIMARY KEY, external_id TEXT, email_key TEXT, phone_key TEXT, place INTEGER)"
            " WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE silenced (name TEXT PRIMARY KEY) WITHOUT ROWID")
        for name in ("external_id", "email_key", "phone_key"):
            connection.execute(
                f"CREATE INDEX by_{name} ON people ({name}, external_id) WHERE {name} IS NOT NULL"
            )

    def foretell(
        self, session: Session, each: ContactImport, rows: Sequence[ReadRow], now: datetime
    ) -> Tally:
        """What would become of these rows, after all those before them."""
        workspace = session.get_one(Workspace, each.workspace_id)
        people = [row.person for row in rows if row.person is not None]
        found = contact_rows.candidates(session, workspace.id, people, moved=self.moved)
        withdrew, gone = withdrawn(session, found), put_away(session, workspace.id, found)
        session.expunge_all()
        ids = [contact.id for contact in found]
        met = self._recalled("id", ids)
        for name, values in (
            ("external_id", {person.values.get("external_id") for person in people}),
            ("email_key", {person.email_key for person in people}),
            ("phone_key", {person.phone_key for person in people}),
        ):
            met |= self._recalled(name, [value for value in values if value])
        marks = {id: mark for id, (mark, _) in met.items()}
        # Whoever has been met is what the rows would have made of them
        unmet: list[Marks] = [contact for contact in found if contact.id not in marks]
        known = Known(
            [*unmet, *marks.values()], {id: place for id, (_, place) in met.items()}, withdrew, gone
        )
        verdicts = decide(rows, known, base_of(workspace, now), now)
        self._remember(verdicts, known)
        self.moved += sum(not MARKS.isdisjoint(verdict.changes or ()) for verdict in verdicts)
        silent = silent_before(session, workspace.id, verdicts) | self._silenced_among(verdicts)
        names = {name for verdict in verdicts for name in names_silenced_by(verdict)}
        self.connection.executemany("INSERT OR IGNORE INTO silenced VALUES (?)", [(name,) for name in names])
        return tally_of(verdicts, silent)

    def _silenced_among(self, verdicts: Sequence[Verdict]) -> frozenset[str]:
        names = [
            name
            for verdict in verdicts
            for name in (verdict.contact_id, *verdict.keys, *names_silenced_by(verdict))
        ]
        marks = ", ".join("?" * len(names))
        query = f"SELECT name FROM silenced WHERE name IN ({marks})"  # noqa: S608 - our own name
        return frozenset(name for (name,) in self.connection.execute(query, names))

    def _recalled(self, name: str, values: Collection[str]) -> dict[str, tuple[Mark, int]]:
        """Of an address that many share, two of each sort, with and without an id: they stay as they are."""
        met: dict[str, tuple[Mark, int]] = {}
        for sort in ("1", "external_id IS NULL"):
            few = f"SELECT id FROM people WHERE {name} = mark.value AND {sort} LIMIT 2"  # noqa: S608 - ours
            query = f"SELECT people.* FROM json_each(?) AS mark JOIN people ON people.id IN ({few})"  # noqa: S608 - ours
            rows = self.connection.execute(query, [json.dumps(list(values))])
            met |= {row[0]: (Mark(*row[:4]), row[4]) for row in rows}
        return met

    def _remember(self, verdicts: Sequence[Verdict], known: Known) -> None:
        self.connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)",
            [
                (*known.marks_of(verdict.contact_id), verdict.row.number)
                for verdict in verdicts
                if verdict.outcome in ("created", "updated", "unchanged")
            ],
        )


@contextmanager
def foretelling() -> Iterator[Foretold]:
    """Begins with nothing in mind, and forgets everything at its end."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        yield Foretold(connection)
    finally:
        connection.close()
