"""The audit as owners read it, and the check that nothing of it was altered, taken away or cut off (N06).

Now and then the ends of the chains are also written to the journal: whoever cuts a chain short, or writes
it anew, would have to change that as well.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.journal import Journal, Line
from app.models import ApiKey, AuditChain, AuditRow, Contact, User, new_id
from app.runtime import Runtime
from app.services import address_keys, audit, journal
from app.services.access import Visitor
from app.services.paging import PAGE, Page, cursor_at, place_of

END, RESTORED = "audit_end", "restored"  # lines of the journal
AT_ONCE = 500


@dataclass(frozen=True)
class Deed:
    """One row as people read it. The name is today's; None where there is nobody of that id any more."""

    number: int
    at: datetime
    actor_kind: str
    actor_id: str | None
    actor: str | None
    action: str
    subject_id: str | None
    subject: str | None
    facts: tuple[tuple[str, str], ...]
    forgotten: bool


@dataclass(frozen=True)
class Actor:
    """Somebody who did something here."""

    id: str
    name: str


@dataclass(frozen=True)
class Log:
    """A page of it, and who may be chosen to see their deeds alone."""

    page: Page[Deed]
    actors: tuple[Actor, ...]


@dataclass(frozen=True)
class Checked:
    """What the check found: nothing wrong, or every break in words for an operator."""

    chains: int
    rows: int
    compared: int  # ends that the journal knows
    breaks: tuple[str, ...]


@dataclass
class _Followed:
    """One chain from its first row to its end."""

    rows: int = 0
    breaks: list[str] = field(default_factory=list)
    known: dict[tuple[str, int], str] = field(default_factory=dict)


def log(
    runtime: Runtime, who: Visitor, *, kind: str = "", actor_id: str = "", cursor: str | None = None
) -> Log:
    """What was done in the visitor's workspace, the latest first."""
    query = select(AuditRow).where(AuditRow.chain == who.workspace_id)
    if kind:
        query = query.where(AuditRow.action.startswith(f"{kind}.", autoescape=True))
    if actor_id:
        query = query.where(AuditRow.actor_id == actor_id.replace("\0", "?"))
    if cursor:
        (number,) = place_of(cursor, int)
        query = query.where(AuditRow.number < number)
    with runtime.db.read() as session:
        rows = session.scalars(query.order_by(AuditRow.number.desc()).limit(PAGE + 1)).all()
        shown = _deeds(session, who, rows[:PAGE])
        more = cursor_at((rows[PAGE - 1].number,)) if len(rows) > PAGE else None
        return Log(Page(shown, more), _actors(session, who))


def check(runtime: Runtime) -> Checked:
    """Follow every chain from its first row to its end, and compare what the journal knows of the ends."""
    expected = _expected(runtime)  # before the rows are read: what it knows, they must have
    with runtime.db.read() as session:
        ends = set(session.scalars(select(AuditChain.chain)))
        breaks = [f"{chain}: its end is missing" for chain in _chains_of_rows(session) if chain not in ends]
    rows, known = 0, dict[tuple[str, int], str]()
    for chain in sorted(ends):
        followed = _follow(runtime, chain, expected)
        rows += followed.rows
        breaks += followed.breaks
        known |= followed.known
    breaks += [
        f"{chain}: row {number} is not the one that the journal knows"
        for (chain, number), hash in sorted(expected.items())
        if known.get((chain, number)) != hash
    ]
    return Checked(len(ends), rows, len(expected), tuple(breaks))


def _chains_of_rows(session: Session) -> Iterator[str]:
    """By one look into the index for each: there may be millions of rows."""
    after = ""
    while chain := session.scalar(select(func.min(AuditRow.chain)).where(AuditRow.chain > after)):
        yield chain
        after = chain


def _follow(runtime: Runtime, chain: str, expected: Collection[tuple[str, int]]) -> _Followed:
    found = _Followed()
    previous, number = audit.BEGINNING, 0
    length, hash = 0, ""
    for page, end in _pages(runtime, chain):
        length, hash = (end.length, end.hash) if end else (0, "")
        for row in page:
            found.rows, number = found.rows + 1, number + 1
            if trouble := _broken(row, number, previous):
                found.breaks.append(f"{chain}: row {row.number} {trouble}")
                number = row.number
            previous = row.hash
            if (chain, row.number) in expected:
                found.known[chain, row.number] = row.hash
    if (length, hash) != (number, previous):
        found.breaks.append(f"{chain}: it ends at row {number}, of {length}: rows are missing")
    return found


def _pages(runtime: Runtime, chain: str) -> Iterator[tuple[Sequence[AuditRow], AuditChain | None]]:
    """Some rows at a time, with the end as it was then: rows are only added, so no snapshot need last."""
    after = -1  # also a row that somebody put before the first
    while True:
        query = select(AuditRow).where(AuditRow.chain == chain, AuditRow.number > after)
        with runtime.db.read() as session:
            rows = session.scalars(query.order_by(AuditRow.number).limit(AT_ONCE)).all()
            end = session.get(AuditChain, chain)
        yield rows, end
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].number


def _expected(runtime: Runtime) -> dict[tuple[str, int], str]:
    if runtime.db.journal is None:
        return {}
    with runtime.db.read() as session:
        installation = address_keys.installation(session)
    return ends_in_journal(runtime.db.journal, installation)[1]


def new_ends(session: Session, kept: Journal, installation: str, now: datetime) -> Iterator[Line]:
    """The lines that tell the journal how far each chain has come, where it does not know yet."""
    restores, known = ends_in_journal(kept, installation)
    for end in session.scalars(select(AuditChain).order_by(AuditChain.chain)):
        if (end.chain, end.length) not in known:
            yield {
                "what": END, "id": new_id(), "chain": end.chain, "length": end.length, "hash": end.hash,
                "restores": restores, "at": now.isoformat(),
            }  # fmt: skip


def begin_again(session: Session, now: datetime) -> None:
    """A copy was restored: its chains count from here on, and no end that the journal knew before."""
    journal.note_restored(session, {"what": RESTORED, "id": new_id(), "at": now.isoformat()})


def ends_in_journal(kept: Journal, installation: str) -> tuple[int, dict[tuple[str, int], str]]:
    """How often a copy was restored, and the ends since the last time, by chain and length."""
    found: list[Line] = []
    restores = set()
    for line in filter(None, kept.lines(installation)):
        if line.get("what") == END:
            found.append(line)
        elif line.get("what") == RESTORED:
            restores.add(line["id"])
    last = [line for line in found if line["restores"] == len(restores)]
    return len(restores), {(line["chain"], line["length"]): line["hash"] for line in last}


def _broken(row: AuditRow, number: int, previous: str) -> str | None:
    if row.number != number:
        return f"follows a gap: row {number} is missing"
    if row.previous != previous:
        return "does not follow the row before it"
    if row.hash != audit.hash_of(row):
        return "was altered"
    if row.salt is None:
        return "has a payload that does not belong to it" if row.payload is not None else None
    return "has a payload that was altered" if row.digest != audit.digest_of(row.salt, row.payload) else None


def _deeds(session: Session, who: Visitor, rows: Sequence[AuditRow]) -> tuple[Deed, ...]:
    names = _names(session, rows)
    subjects = {each.subject_id for each in rows if each.action.startswith("contact.")}
    people = select(Contact).where(Contact.id.in_(subjects), Contact.workspace_id == who.workspace_id)
    named: dict[str | None, str] = {
        each.id: each.label for each in session.scalars(people) if each.erased_at is None
    }
    return tuple(
        Deed(
            number=row.number, at=row.at, actor_kind=row.actor_kind, actor_id=row.actor_id,
            actor=names.get(row.actor_id), action=row.action, subject_id=row.subject_id,
            subject=named.get(row.subject_id) or names.get(row.subject_id), facts=_facts(row.payload),
            forgotten=row.salt is None,
        )
        for row in rows
    )  # fmt: skip


def _facts(payload: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, _written(value)) for name, value in (payload or {}).items())


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_written(each)}" for name, each in value.items())
    return str(value)


def _names(session: Session, rows: Sequence[AuditRow]) -> dict[str | None, str]:
    ids = {id for row in rows for id in (row.actor_id, row.subject_id) if id}
    users = session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    keys = session.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(ids)))
    return {id: name for found in (users, keys) for id, name in found}


def _actors(session: Session, who: Visitor) -> tuple[Actor, ...]:
    acted = select(AuditRow.actor_id).where(AuditRow.chain == who.workspace_id).distinct()
    users = select(User.id, User.name).where(User.id.in_(acted))
    keys = select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(acted))
    found = [Actor(id, name) for query in (users, keys) for id, name in session.execute(query)]
    return tuple(sorted(found, key=lambda each: each.name.casefold()))
