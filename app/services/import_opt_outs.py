"""The steps that silence many at once, as a file says it: an import may silence, never the reverse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import OptOut, new_id
from app.services import journal
from app.services.many_rows import insert_many, rows_with
from app.services.opt_outs import BASIS_TOLD


@dataclass(frozen=True, slots=True)
class Silenced:
    """Somebody of whom the file says that they want no more; nobody in particular: whoever is there."""

    contact_id: str | None
    address_keys: tuple[str | None, ...]


def silent_among(
    session: Session, workspace_id: str, contact_ids: Sequence[str], address_keys: Sequence[str]
) -> frozenset[str]:
    """Those of these people and addresses for whom an opt-out (no bounce) stands.

    Not who only came without a basis: the look at a file comes before anybody says which it gives.
    """
    standing = select(OptOut.contact_id, OptOut.address_key).where(
        OptOut.workspace_id == workspace_id, OptOut.lifted_at.is_(None), OptOut.kind != "bounce",
        OptOut.channel.is_(None), OptOut.origin != BASIS_TOLD,
    )  # fmt: skip
    found = [
        *rows_with(session, standing, OptOut.contact_id, contact_ids),
        *rows_with(session, standing, OptOut.address_key, address_keys),
    ]
    wanted = {*contact_ids, *address_keys}
    return frozenset(each for row in found for each in row if each in wanted)


def silence(
    session: Session,
    workspace_id: str,
    people: Sequence[Silenced],
    now: datetime,
    *,
    kind: str = "own_wish",
    origin: str = "import",
) -> None:
    """One row for each address of each person, or one for the person alone; those that stand are left."""
    if not people:
        return
    wanted: dict[str | None, dict[str, None]] = {}
    for each in people:
        wanted.setdefault(each.contact_id, {}).update(dict.fromkeys(filter(None, each.address_keys)))
    known = _known(session, workspace_id, wanted, kind, origin)
    every = [(contact_id, key) for contact_id, keys in wanted.items() for key in keys or (None,)]
    new = [each for each in every if each not in known]
    _write(session, new, {"workspace_id": workspace_id, "kind": kind, "origin": origin, "created_at": now})


def silence_on(
    session: Session, workspace_id: str, people: Sequence[Silenced], channel: str, now: datetime
) -> None:
    """The same on one channel. Whoever says no there already, in whatever way, says nothing new."""
    if not people:
        return
    standing = select(OptOut.contact_id, OptOut.address_key).where(
        OptOut.workspace_id == workspace_id, OptOut.channel == channel,
        OptOut.lifted_at.is_(None), OptOut.kind != "bounce",
    )  # fmt: skip
    ids = {each.contact_id for each in people if each.contact_id}
    keys = {key for each in people for key in each.address_keys if key}
    stands = [
        *rows_with(session, standing, OptOut.contact_id, ids),
        *rows_with(session, standing, OptOut.address_key, keys),
    ]
    # What is another's at the same address says nothing of them
    silent = {row.contact_id or row.address_key for row in stands}
    anybodys = {row.address_key for row in stands}
    new: dict[tuple[str | None, str | None], None] = {}
    for each in people:
        given = [key for key in each.address_keys if key]
        if each.contact_id is None:
            new |= {(None, key): None for key in given if key not in anybodys}
        elif silent.isdisjoint((each.contact_id, *given)):
            new |= {(each.contact_id, key): None for key in given or (None,)}
    told = {"workspace_id": workspace_id, "kind": "own_wish", "origin": "import", "created_at": now}
    _write(session, list(new), told | {"channel": channel})


def _write(session: Session, pairs: Sequence[tuple[str | None, str | None]], told: dict[str, Any]) -> None:
    rows = [{"id": new_id(), "contact_id": id, "address_key": key, **told} for id, key in pairs]
    insert_many(session, OptOut, rows)
    journal.opted_out(session, (OptOut(**row) for row in rows))


def _known(
    session: Session,
    workspace_id: str,
    wanted: Mapping[str | None, Mapping[str, None]],
    kind: str,
    origin: str,
) -> set[tuple[str | None, str | None]]:
    """What stands for these people and addresses already."""
    standing = select(OptOut.contact_id, OptOut.address_key).where(
        OptOut.workspace_id == workspace_id,
        OptOut.kind == kind,
        OptOut.channel.is_(None),
        OptOut.lifted_at.is_(None),
        *([OptOut.origin == origin] if kind == "legal" else []),  # as for one: each ends without the other
    )
    stands = [
        *rows_with(session, standing, OptOut.contact_id, [id for id in wanted if id]),
        *rows_with(session, standing, OptOut.address_key, list(wanted.get(None, ()))),
    ]
    known = {(row.contact_id, row.address_key) for row in stands}
    return known | {(None, None), *((None, row.address_key) for row in stands)}
