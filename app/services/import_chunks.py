"""The steps on some rows of an import, in one transaction: taken for real, counted, and listed."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.channel_choice import CHANNELS
from app.domain.import_undoing import were
from app.models import ConsentChange, Contact, ContactImport, ImportPerson, ImportReject, Workspace
from app.services import access, bases, contact_rows, import_erasures, import_opt_outs
from app.services.bases import UNDONE
from app.services.contact_rows import Keyed
from app.services.import_deciding import OUTCOMES, Known, ReadRow, Verdict, decide
from app.services.import_opt_outs import Silenced
from app.services.import_taking_back import forget_marks, put_away
from app.services.many_rows import insert_many, rows_with

_KEYS = frozenset(("email_key", "phone_key"))  # one is among the changes of whoever has another address now


@dataclass(frozen=True)
class Tally:
    """What became of some rows; `rejects` are those that were not taken."""

    rows: int
    outcomes: Counter[str] = field(default_factory=Counter)
    opted_out: int = 0
    forgotten: int = 0
    rejects: tuple[Verdict, ...] = ()


def take(
    session: Session, each: ContactImport, rows: Sequence[ReadRow], base: Mapping[str, Any], now: datetime
) -> Tally:
    """Create or update who is meant, and remember whom we met; `base` is what all who are new have."""
    workspace = access.hold_workspace(session, each.workspace_id)  # who is meant has one decider
    people = [row.person for row in rows if row.person is not None]
    found = contact_rows.candidates(session, workspace.id, people, lock=True, met_in=each.id)
    gone = put_away(session, workspace.id, found)
    erased = import_erasures.during(session, each.id)
    known = Known(found, _met(session, each.id, found), withdrawn(session, found), gone, erased=erased)
    verdicts = decide(rows, known, base, now)
    session.flush()
    insert_many(session, Contact, [verdict.new for verdict in verdicts if verdict.new is not None])
    first = [verdict for verdict in verdicts if verdict.outcome in ("created", "updated", "unchanged")]
    insert_many(
        session,
        ImportPerson,
        [
            {
                "import_id": each.id,
                "contact_id": verdict.contact_id,
                "row": verdict.row.number,
                "outcome": verdict.outcome,
                "changes": verdict.changes,
            }
            for verdict in first
        ],
    )
    forget_marks(session, workspace.id, [verdict.contact_id for verdict in first if _says_no(verdict, gone)])
    silent = silent_before(session, workspace.id, verdicts)
    wishes = [each for verdict in verdicts for each in silenced_by(verdict)]
    import_opt_outs.silence(session, workspace.id, wishes, now)
    for channel in CHANNELS:
        ones = [verdict for verdict in verdicts if channel in verdict.row.opted_out_on]
        theirs = [each for verdict in ones for each in _who_speaks(verdict)]
        import_opt_outs.silence_on(session, workspace.id, theirs, channel, now)
    _note_bases(session, workspace.id, first, {each.id: each for each in found}, now)
    return tally_of(verdicts, silent)


def _note_bases(
    session: Session,
    workspace_id: str,
    verdicts: Iterable[Verdict],
    known: Mapping[str, Contact],
    now: datetime,
) -> None:
    """Whom the file brought without a basis, to whom it gave one, and where the law says no from now on."""
    none: list[Silenced] = []
    given: list[Contact] = []
    moved: dict[str, Contact] = {}
    had: dict[str, list[object]] = {}
    for verdict in verdicts:
        row, person = known.get(verdict.contact_id), verdict.row.person
        if row is not None and not _KEYS.isdisjoint(verdict.changes or ()):
            moved[row.id] = row
            had.setdefault(row.id, []).extend(were(verdict.changes or {}, _KEYS))
        if "lawful_basis" in (verdict.changes or ()) and row is not None:
            given.append(row)  # a file takes nobody's away
        elif person is not None and person.values.get("lawful_basis") == "none":
            if row is None:
                none.append(Silenced(verdict.contact_id, verdict.keys))
            elif row.lawful_basis == "none":
                none.append(Silenced(row.id, bases.keys_of(row)))
    for row in given:
        bases.log(session, row, "none", now)
    bases.given(session, workspace_id, [row.id for row in given], now, bases.GIVEN)
    bases.reach(session, workspace_id, moved.values(), had, now)
    bases.silent(session, workspace_id, none, now)


def _says_no(verdict: Verdict, gone: Collection[str]) -> bool:
    """Does the file itself want somebody inactive whom an undone one had put away?"""
    person = verdict.row.person
    return verdict.contact_id in gone and person is not None and person.values.get("active") is False


def silenced_by(verdict: Verdict) -> list[Silenced]:
    """Who wants no more by a row, whatever else became of it."""
    return _who_speaks(verdict) if verdict.row.opted_out else []


def _who_speaks(verdict: Verdict) -> list[Silenced]:
    """Who stands in a row, whom it means by itself, and whoever has an address that it says."""
    person = verdict.row.person
    if person is None:
        return []
    own: tuple[str | None, ...] = (person.email_key, person.phone_key)
    other = verdict.by_itself
    if other is None:
        return [Silenced(verdict.contact_id or None, (*verdict.keys, *own))]
    theirs = other.email_key, other.phone_key
    rest = tuple(key for key in own if key not in theirs)
    return [Silenced(other.id, theirs), Silenced(verdict.contact_id or None, (*verdict.keys, *rest))]


def names_silenced_by(verdict: Verdict) -> frozenset[str]:
    """The people and addresses that a row silences, as it is asked who is silent."""
    wishes = silenced_by(verdict)
    return frozenset(name for each in wishes for name in (each.contact_id, *each.address_keys) if name)


def _met(session: Session, import_id: str, contacts: Sequence[Contact]) -> dict[str, int]:
    people = select(ImportPerson.contact_id, ImportPerson.row).where(ImportPerson.import_id == import_id)
    ids = [contact.id for contact in contacts]
    met = rows_with(session, people, ImportPerson.contact_id, ids)
    return {found.contact_id: found.row for found in met}


def withdrawn(session: Session, contacts: Iterable[Contact]) -> frozenset[str]:
    """Those of them who have no basis because somebody noted so, whom no file gives one again.

    Whoever came without one, and whose import was undone, takes the basis of the file.
    """
    ids = [contact.id for contact in contacts if contact.lawful_basis == "none"]
    noted = select(ConsentChange.contact_id).where(
        ConsentChange.lawful_basis == "none", ConsentChange.evidence.is_distinct_from(UNDONE)
    )
    return frozenset(row.contact_id for row in rows_with(session, noted, ConsentChange.contact_id, ids))


def base_of(workspace: Workspace, now: datetime) -> Mapping[str, Any]:
    """What every new contact of the workspace has, for each column of the table."""
    row = contact_rows.new_row(Keyed({}, None, None), workspace, now)
    base: dict[str, Any] = {}
    for column in Contact.__table__.columns:
        value = getattr(row, column.name)
        if value is None and column.default is not None and hasattr(column.default, "arg"):
            value = column.default.arg(None) if column.default.is_callable else column.default.arg
        base[column.name] = value
    return base


def silent_before(session: Session, workspace_id: str, verdicts: Sequence[Verdict]) -> frozenset[str]:
    """The people and addresses of these rows for whom an opt-out stood before them."""
    known = [verdict.contact_id for verdict in verdicts if verdict.contact_id and verdict.new is None]
    keys = [key for verdict in verdicts for key in (*verdict.keys, *names_silenced_by(verdict)) if key]
    return import_opt_outs.silent_among(session, workspace_id, known, keys)


def tally_of(verdicts: Sequence[Verdict], silent: frozenset[str]) -> Tally:
    """The counts: somebody is opted out once, in the row where they are met or where the file says so."""
    opted_out, out = set[str](), set(silent)
    for verdict in verdicts:  # in their order: what one of them says holds for the next
        was = verdict.contact_id in out or any(key in out for key in verdict.keys)
        if verdict.outcome in ("created", "updated", "unchanged"):
            if was or verdict.row.opted_out:
                opted_out.add(verdict.contact_id)
        elif verdict.outcome == "repeated" and verdict.row.opted_out and not was:
            opted_out.add(verdict.contact_id)
        silenced = names_silenced_by(verdict)
        if verdict.outcome == "refused" and not silenced <= out:  # nobody in particular: whoever is there
            opted_out.add(min(silenced))
        out |= silenced
    return Tally(
        len(verdicts),
        Counter(verdict.outcome for verdict in verdicts),
        len(opted_out),
        sum(verdict.is_forgotten for verdict in verdicts),
        tuple(verdict for verdict in verdicts if verdict.outcome in ("repeated", "refused")),
    )


def write_down(session: Session, each: ContactImport, tally: Tally, phase: str) -> None:
    """The counts grow and the rejects are listed, in the transaction of what was done."""
    each.done += tally.rows
    if phase == "importing":  # a dry run begins again: it has come no further before it is over
        each.failures = 0
    each.opted_out += tally.opted_out
    each.forgotten += tally.forgotten
    for outcome in OUTCOMES:
        setattr(each, outcome, getattr(each, outcome) + tally.outcomes[outcome])
    insert_many(
        session,
        ImportReject,
        [
            {
                "import_id": each.id,
                "phase": phase,
                "row": verdict.row.number,
                "outcome": verdict.outcome,
                "cells": verdict.row.cells,
                "problems": [
                    {"field": wrong.field, "message": wrong.message, "params": wrong.params}
                    for wrong in verdict.problems
                ],
            }
            for verdict in tally.rejects
        ],
    )


def begin_again(each: ContactImport) -> None:
    """Nothing of the rows has been done yet."""
    each.done = each.opted_out = each.forgotten = 0
    for outcome in OUTCOMES:
        setattr(each, outcome, 0)
