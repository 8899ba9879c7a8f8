"""What becomes of each row of an import: who is meant, in the order of the rows, without writing anything."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from app.domain.contact_files import Record
from app.domain.contacts import ContactValues
from app.domain.import_undoing import ATTRIBUTES, BROUGHT_BACK, VALUES, changes
from app.domain.imported_rows import RowReader, as_they_are
from app.errors import Conflict, Invalid, Problem, problem
from app.models import Contact, new_ids
from app.services import contact_rows
from app.services.contact_rows import Keyed, Marks
from app.services.import_erasures import Erased

Outcome = Literal["created", "updated", "unchanged", "repeated", "refused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row with who stands in it, or with what is wrong."""

    number: int
    cells: list[str]
    person: Keyed | None
    opted_out: bool = False
    problems: tuple[Problem, ...] = ()
    opted_out_on: tuple[str, ...] = ()  # channels


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row. `new` are the columns of somebody new."""

    row: ReadRow
    outcome: Outcome
    contact_id: str = ""
    keys: tuple[str | None, ...] = ()
    new: dict[str, Any] | None = None
    changes: dict[str, object] | None = None  # of somebody who is updated: what was, and what it is now
    problems: tuple[Problem, ...] = ()
    by_itself: Marks | None = None  # whom a row means that changes nobody, where it is another one
    is_forgotten: bool = False  # whoever was erased meanwhile may stand in it


class Mark(NamedTuple):
    """What somebody who is new in this file is recognised by in its later rows."""

    id: str
    external_id: str | None
    email_key: str | None
    phone_key: str | None


def read_rows(
    records: Iterable[Record], reader: RowReader, key_of: Callable[[str], str], origin: ContactValues
) -> list[ReadRow]:
    """Each row with its person or its problems: the slow half of the work, so no transaction waits for it.

    `origin` is the lawful basis and source of whoever turns out to be new.
    """
    rows = []
    for number, cells in records:
        try:
            read = reader.read(cells)
        except Invalid as error:
            rows.append(ReadRow(number, cells, None, problems=error.problems))
            continue
        read.values.update(origin)
        email, phone = read.values.get("email"), read.values.get("phone")
        keyed = Keyed(read.values, key_of(email.key) if email else None, key_of(phone.key) if phone else None)
        rows.append(ReadRow(number, cells, keyed, read.opted_out, opted_out_on=read.opted_out_on))
    return rows


class Known:
    """The contacts that rows may mean, and those that this file has met already, by the row that met them."""

    def __init__(
        self,
        contacts: Iterable[Marks],
        met: Mapping[str, int],
        withdrew: Collection[str] = (),
        put_away: Collection[str] = (),
        *,
        erased: Erased | None = None,
    ) -> None:
        self.met = dict(met)
        self.withdrew = withdrew  # who has no basis because somebody said so
        self.put_away = put_away  # who is inactive only because an import was undone
        self.erased = erased  # who was erased since the import began
        self._rows: dict[str, Marks] = {}
        self._ids: dict[tuple[str, str], dict[str, None]] = {}  # in order, so that matching is repeatable
        for each in contacts:
            self.add(each)

    def add(self, row: Marks) -> None:
        """Know this contact by what identifies it now; what identified it before still leads to it."""
        self._rows[row.id] = row
        for name in ("external_id", "email_key", "phone_key"):
            value = getattr(row, name)
            if value:
                self._ids.setdefault((name, value), {})[row.id] = None

    def marks_of(self, id: str) -> Mark:
        """What somebody who is known is recognised by now."""
        row = self._rows[id]
        return Mark(row.id, row.external_id, row.email_key, row.phone_key)

    def meant_by(self, person: Keyed) -> tuple[Marks | None, Marks | None]:
        """Who stands in a row, and whom it would mean by itself. Raises Conflict when several may be meant.

        An address that a row of this file has said stays with whom it met there: a row that says it too
        repeats them, whoever else it may mean, so that the file says the same when it is taken again.
        """
        among = [self._rows[id] for id in self._led_to_by(person)]
        found = contact_rows.matching(person, among) if among else None
        if found is None or found.id in self.met:
            return found, found
        return next((row for row in among if row.id in self.met and _may_be(row, person)), found), found

    def _led_to_by(self, person: Keyed) -> dict[str, None]:
        ids: dict[str, None] = {}
        for mark in (
            ("external_id", person.values.get("external_id")),
            ("email_key", person.email_key),
            ("phone_key", person.phone_key),
        ):
            if mark[1]:
                ids |= self._ids.get(mark, {})  # type: ignore[arg-type]  # None went a line above
        return ids


def _may_be(row: Marks, person: Keyed) -> bool:
    """Do they share an address, and does no id say that they are two?"""
    shared = {row.email_key, row.phone_key} & {person.email_key, person.phone_key}
    return any(shared) and not (row.external_id and person.values.get("external_id"))


def decide(rows: Sequence[ReadRow], known: Known, base: Mapping[str, Any], now: datetime) -> list[Verdict]:
    """A verdict for each row, in their order; contacts of the database take over what is new about them."""
    ids = new_ids(len(rows))
    return [_decide(row, id, known, base, now) for row, id in zip(rows, ids, strict=True)]


def _decide(row: ReadRow, id: str, known: Known, base: Mapping[str, Any], now: datetime) -> Verdict:
    if row.person is None:
        return Verdict(row, "refused", problems=row.problems)
    try:
        found, by_itself = known.meant_by(row.person)
    except Conflict as error:
        return Verdict(row, "refused", problems=(Problem("row", error.message, error.params),))
    if known.erased is not None and known.erased.may_stand_in(row.person, found):
        return _left_out(row)
    if found is None:
        new = contact_rows.new_values(id, row.person, base, now)
        mark = Mark(new["id"], new["external_id"], new["email_key"], new["phone_key"])
        return _met(row, known, mark, "created", new)
    if found.id in known.met:
        message = "This person stands in row %(row)s already; only that row counts."
        repeats = (problem("row", message, row=known.met[found.id]),)
        return Verdict(
            row, "repeated", found.id, (found.email_key, found.phone_key), problems=repeats,
            by_itself=None if by_itself is found else by_itself,
        )  # fmt: skip
    assert isinstance(found, Contact)  # whoever is only a mark has been met
    return _taken_over(row, row.person, found, known, now)


def _taken_over(row: ReadRow, person: Keyed, found: Contact, known: Known, now: datetime) -> Verdict:
    keeps_origin = found.lawful_basis != "none" or found.id in known.withdrew
    try:
        before = _values(found)
        said = _said_of(found, person, known)
        changed = contact_rows.update_row(found, said, now, keep_origin=keeps_origin)
    except Invalid as error:
        return Verdict(row, "refused", problems=error.problems, by_itself=found)
    verdict = _met(row, known, found, "updated" if changed else "unchanged")
    return replace(verdict, changes=_changes(before, found, known)) if changed else verdict


def _left_out(row: ReadRow) -> Verdict:
    """Whoever was erased meanwhile may stand in it: nothing of it is kept but that they want no more."""
    why = "Somebody was erased while this file was being imported, and may stand in this row."
    return Verdict(replace(row, cells=[]), "refused", problems=(problem("row", why),), is_forgotten=True)


def _changes(before: Mapping[str, object], row: Contact, known: Known) -> dict[str, object]:
    back = {BROUGHT_BACK: [False, True]} if row.active and row.id in known.put_away else {}
    return changes(before, _values(row)) | back


def _said_of(row: Contact, person: Keyed, known: Known) -> Keyed:
    """What a row of a file says of somebody who is here: whom an undone one put away, it brings back."""
    if row.id in known.put_away and "active" not in person.values:
        person = replace(person, values={**person.values, "active": True})
    given = person.values.get("attributes")
    if not given or not row.attributes:
        return person
    return replace(person, values={**person.values, "attributes": as_they_are(given, row.attributes)})


def _values(row: Contact) -> dict[str, object]:
    """What an import can change of somebody, as it stands now."""
    return {name: getattr(row, name) for name in (*VALUES, ATTRIBUTES)}


def _met(
    row: ReadRow, known: Known, who: Marks, outcome: Outcome, new: dict[str, Any] | None = None
) -> Verdict:
    known.add(who)
    known.met[who.id] = row.number
    return Verdict(row, outcome, who.id, (who.email_key, who.phone_key), new)
