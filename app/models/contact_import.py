"""Imports of contacts: the file in parts, how far it is, who was met in it, which rows were not taken."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class ContactImport(HasId, Base):
    """One file on its way to being contacts. `done` counts its rows in order: it goes on there."""

    __tablename__ = "contact_imports"
    __table_args__ = (
        Index(None, "workspace_id", "created_at"),
        Index(None, "state", "progressed_at"),
        CheckConstraint("kind IN ('csv', 'xlsx')", name="kind"),
        CheckConstraint(
            "state IN ('arriving', 'reading', 'mapping', 'checking', 'checked', 'importing', 'done',"
            " 'stopped', 'failed', 'undoing', 'undone')",
            name="state",
        ),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))  # None: the command line
    file_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    columns: Mapped[list[str]] = mapped_column(default=list)  # as written in the file
    meanings: Mapped[list[str]] = mapped_column(default=list)  # the field that each column fills
    lawful_basis: Mapped[str | None] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(String(200))
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    # Of the refused: who was erased meanwhile may stand in them
    forgotten: Mapped[int] = mapped_column(default=0, server_default="0")
    opted_out: Mapped[int] = mapped_column(default=0)
    # By undoing it: who had come with it
    put_away: Mapped[int] = mapped_column(default=0, server_default="0")
    put_back: Mapped[int] = mapped_column(default=0, server_default="0")  # whom it had changed
    left_alone: Mapped[int] = mapped_column(default=0, server_default="0")  # touched or asked since
    failures: Mapped[int] = mapped_column(default=0)  # tries in a row that came no further
    problem: Mapped[dict[str, Any] | None]  # why it failed, as a sentence with its values
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    progressed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(26))
    lease_until: Mapped[datetime | None]


class ImportPart(Base):
    """A piece of the file as it came (`file`), or its rows (`rows`, by the place of the first one)."""

    __tablename__ = "import_parts"
    __table_args__ = (CheckConstraint("kind IN ('file', 'rows')", name="kind"),)

    import_id: Mapped[str] = mapped_column(ForeignKey("contact_imports.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class ImportPerson(Base):
    """Who was met in a file, and in which row first: a further row about them changes nothing.

    Kept for as long as the import can be undone, with what it takes; of whom that puts away, as long again.
    """

    __tablename__ = "import_people"

    import_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    contact_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    row: Mapped[int]
    outcome: Mapped[str | None] = mapped_column(String(16))  # created, updated, unchanged, or put_away
    changes: Mapped[dict[str, Any] | None]  # of whom it updated: each value as it was and as it became


class ImportErasure(HasId, Base):
    """Keyed hashes of somebody who was erased while a file was being taken, for as long as it is."""

    __tablename__ = "import_erasures"

    import_id: Mapped[str] = mapped_column(String(26), index=True)
    external_key: Mapped[str | None] = mapped_column(String(64))
    email_key: Mapped[str | None] = mapped_column(String(64))
    phone_key: Mapped[str | None] = mapped_column(String(64))


class ImportReject(Base):
    """A row that was not taken, as it came, with what is wrong; of the dry run or of the import itself."""

    __tablename__ = "import_rejects"
    __table_args__ = (
        CheckConstraint("phase IN ('checking', 'importing')", name="phase"),
        CheckConstraint("outcome IN ('refused', 'repeated')", name="outcome"),
    )

    import_id: Mapped[str] = mapped_column(ForeignKey("contact_imports.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(16), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(16))
    cells: Mapped[list[str]]
    problems: Mapped[list[Any]]


class ColumnMeaning(Base):
    """What somebody chose for a column of this name: the next file of the workspace begins with it."""

    __tablename__ = "column_meanings"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    heading: Mapped[str] = mapped_column(String(60), primary_key=True)
    meaning: Mapped[str] = mapped_column(String(32))
