"""The people of a workspace as a file, in short readings; our own import reads it back as it was."""

from collections.abc import Iterator, Sequence
from typing import Literal

from sqlalchemy import ColumnElement, func, select

from app.domain.channel_choice import CHANNELS
from app.domain.contact_columns import ATTRIBUTE, MAX_COLUMNS, OURS
from app.errors import Invalid, problem
from app.models import Contact
from app.rendering import csv_export, xlsx_export
from app.rendering.csv_export import Cell
from app.runtime import Runtime
from app.services import contact_lists
from app.services.access import Visitor
from app.services.attributes import attribute_names
from app.services.contact_search import EVERYBODY, Sought, found_by
from app.services.opt_outs import is_bounced, says_no

Ending = Literal["csv", "xlsx"]
BATCH = 1_000  # rows of one short transaction: PostgreSQL's time limit is for one of them, not for the file

# The names of the API, which the import knows; what it cannot take over begins with our name
FIELDS = (
    "external_id",
    "name",
    "email",
    "phone",
    "kind",
    "locale",
    "time_zone",
    "preferred_channel",
    "active",
)
ABOUT = ("id", "telegram_chat_id", "lawful_basis", "source", "created_at", "updated_at")


def export(runtime: Runtime, who: Visitor, ending: Ending, sought: Sought = EVERYBODY) -> Iterator[bytes]:
    """Everybody whom the list would show, in pieces.

    Raises Invalid when a workbook would be too large, or the file too wide to be imported again.
    """
    with runtime.db.read() as session:
        found = found_by(session, runtime, who, sought)
        conditions = [*found, *contact_lists.shown_as(sought.show, who)]
        names = attribute_names(session, Contact.attributes, conditions)
        if ending == "xlsx":
            refuse_too_many(session.scalar(select(func.count(Contact.id)).where(*conditions)) or 0)
    header = [
        *FIELDS, "tags", "opted_out", "opted_out_on",
        *(f"{OURS}{name}" for name in ("bounced", *ABOUT)),
        *(f"{ATTRIBUTE}{name}" for name in names),
    ]  # fmt: skip
    refuse_too_wide(len(header))
    rows = _rows(runtime, conditions, names)
    return xlsx_export.stream(header, rows) if ending == "xlsx" else csv_export.stream(header, rows)


def refuse_too_many(rows: int) -> None:
    """A workbook is made while somebody waits. Raises Invalid."""
    if rows > xlsx_export.MOST_ROWS:
        message = "A workbook holds at most %(most)s rows here. Download the CSV."
        raise Invalid([problem("export", message, most=xlsx_export.MOST_ROWS)])


def refuse_too_wide(columns: int) -> None:
    """Our own import shall read it back. Raises Invalid."""
    if columns > MAX_COLUMNS:
        message = (
            "These people have so many attributes that the file would have %(columns)s columns, and at most"
            " %(most)s can be imported again. Choose fewer people: by search, tag or segment."
        )
        raise Invalid([problem("export", message, columns=columns, most=MAX_COLUMNS)])


def _rows(
    runtime: Runtime, conditions: Sequence[ColumnElement[bool]], names: Sequence[str]
) -> Iterator[list[Cell]]:
    columns = [getattr(Contact, name) for name in (*FIELDS, *ABOUT)]
    query = (
        select(
            *columns,
            Contact.attributes,
            Contact.tags,
            says_no().label("opted_out"),
            *(says_no(channel).label(f"not_on_{channel}") for channel in CHANNELS),
            is_bounced().label("bounced"),
        )
        .where(*conditions)
        .order_by(Contact.id)
        .limit(BATCH)
    )
    last = ""
    while True:
        with runtime.db.read() as session:
            found = session.execute(query.where(Contact.id > last)).all()
        for row in found:
            given = row._mapping
            yield [
                *(given[name] for name in FIELDS),
                ", ".join(row.tags),
                bool(row.opted_out),
                ", ".join(channel for channel in CHANNELS if given[f"not_on_{channel}"]),
                bool(row.bounced),
                *(given[name] for name in ABOUT),
                *(row.attributes.get(name) for name in names),
            ]
        if len(found) < BATCH:
            return
        last = found[-1].id
