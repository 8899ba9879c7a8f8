"""The steps of an import: rows of a file become contacts, one chunk at a time, for real or only to look."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy.orm import Session

from app.domain.contact_files import Row
from app.domain.contacts import ContactValues, read_contact
from app.errors import Conflict, Invalid, Problem
from app.models import Contact, Workspace
from app.services import contact_rows, opt_outs
from app.services.contact_rows import Keyed

Outcome = Literal["created", "updated", "unchanged", "refused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class RowResult:
    """What became of one row. `label` is the name or address that stands in it, as it came."""

    number: int
    outcome: Outcome
    label: str
    problems: tuple[Problem, ...] = ()
    opted_out: bool = False


@dataclass(frozen=True)
class Report:
    """Every row of a file with what became of it, in order: nothing is silently left out."""

    rows: tuple[RowResult, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def refused(self) -> tuple[RowResult, ...]:
        return tuple(row for row in self.rows if row.outcome == "refused")

    @property
    def opted_out(self) -> int:
        return sum(row.opted_out for row in self.rows)


@dataclass(frozen=True)
class Preview:
    """A file that waits for its confirmation."""

    id: str
    file_name: str
    columns: tuple[tuple[str, str | None], ...]  # as written, and the field that it fills
    lawful_basis: str  # the workspace's own, offered first
    report: Report


class Known:
    """The contacts that a row may mean: those of the database and those that earlier rows made.

    With `pretend`, rows are detached copies that grow with the file, and nothing is written.
    """

    def __init__(self, *, pretend: bool = False) -> None:
        self.pretend = pretend
        self._rows: dict[str, Contact] = {}
        self._ids: dict[tuple[str, str], dict[str, None]] = {}  # in order, so that matching is repeatable

    def add(self, row: Contact) -> None:
        """Know this row by what identifies it now; what identified it before still leads to it."""
        self._rows.setdefault(row.id, row)
        for name in ("external_id", "email_key", "phone_key"):
            value = getattr(row, name)
            if value:
                self._ids.setdefault((name, value), {})[row.id] = None

    def load(self, session: Session, workspace_id: str, people: Sequence[Keyed]) -> None:
        """Know the contacts of the database that share something with these people."""
        for row in contact_rows.candidates(session, workspace_id, people):
            if self.pretend:
                session.expunge(row)
            if row.id not in self._rows:
                self.add(row)

    def near(self, person: Keyed) -> list[Contact]:
        """The rows that share something with this person."""
        marks = {
            "external_id": person.values.get("external_id"),
            "email_key": person.email_key,
            "phone_key": person.phone_key,
        }
        ids: dict[str, None] = {}
        for name, value in marks.items():
            ids |= self._ids.get((name, value), {}) if value else {}
        return [self._rows[id] for id in ids]


ReadRow = tuple[Row, ContactValues | tuple[Problem, ...]]


def read_rows(rows: Iterable[Row], region: str | None, origin: ContactValues) -> Iterator[ReadRow]:
    """Each row with its values or its problems; the slow half of the work, so no transaction waits for it.

    `origin` is the lawful basis and source of whoever turns out to be new.
    """
    for row in rows:
        if row.problems:
            yield row, row.problems
            continue
        try:
            yield row, {**read_contact({**row.fields, "attributes": row.attributes}, region), **origin}
        except Invalid as error:
            yield row, error.problems


@dataclass(frozen=True)
class Chunk:
    """Some rows inside one transaction."""

    session: Session
    workspace: Workspace
    known: Known
    now: datetime

    def take(self, rows: Sequence[ReadRow]) -> list[RowResult]:
        """Create or update who is meant, row by row, in their order."""
        people = [
            each if isinstance(each, tuple) else contact_rows.keyed(self.session, each) for _, each in rows
        ]
        readable = [each for each in people if isinstance(each, Keyed)]
        self.known.load(self.session, self.workspace.id, readable)
        keys = [key for each in readable for key in (each.email_key, each.phone_key) if key]
        silent = opt_outs.among(self.session, self.workspace.id, keys)
        return [
            self._take(row, person, silent)
            if isinstance(person, Keyed)
            else RowResult(row.number, "refused", _label(row), person)
            for (row, _), person in zip(rows, people, strict=True)
        ]

    def _take(self, row: Row, person: Keyed, silent: frozenset[str]) -> RowResult:
        try:
            contact, outcome = self._put(person)
        except Conflict as error:
            problems = (Problem("row", error.message, error.params),)
            return RowResult(row.number, "refused", _label(row), problems)
        except Invalid as error:
            return RowResult(row.number, "refused", _label(row), error.problems)
        self.known.add(contact)
        opted_out = bool({contact.email_key, contact.phone_key} & silent)
        return RowResult(row.number, outcome, _label(row), opted_out=opted_out)

    def _put(self, person: Keyed) -> tuple[Contact, Outcome]:
        found = contact_rows.matching(person, self.known.near(person))
        if found is not None:
            changed = contact_rows.update_row(found, person, self.now, keep_origin=True)
            return found, "updated" if changed else "unchanged"
        made = contact_rows.new_row(person, self.workspace, self.now)
        if not self.known.pretend:
            self.session.add(made)
        return made, "created"


def _label(row: Row) -> str:
    given = (row.fields.get(name, "") for name in ("name", "email", "phone", "external_id"))
    return next((text.strip()[:80] for text in given if text.strip()), "")
