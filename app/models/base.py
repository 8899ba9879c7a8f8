"""What all rows share: ids, UTC times, JSON, the naming of constraints."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 26
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # for each of 256 bytes one, each as often


def new_id() -> str:
    """130 random bits as 26 characters that survive URLs, double clicks and command lines."""
    return secrets.token_bytes(ID_LENGTH).translate(_LETTERS).decode("ascii")


def new_ids(number: int) -> list[str]:
    """As many at once: the system is asked for its randomness only once."""
    letters = secrets.token_bytes(ID_LENGTH * number).translate(_LETTERS).decode("ascii")
    return [letters[start : start + ID_LENGTH] for start in range(0, len(letters), ID_LENGTH)]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment on both databases; refuses naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The one metadata, with names for every constraint so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way of saying it
        datetime: UtcDateTime,
        dict[str, Any]: JSON().with_variant(JSONB, "postgresql"),
        list[str]: JSON().with_variant(JSONB, "postgresql"),
        list[Any]: JSON().with_variant(JSONB, "postgresql"),
    }


class HasId:
    """A random public id; never a capability, never sequential."""

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
