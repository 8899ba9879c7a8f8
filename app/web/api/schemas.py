"""What bodies, queries and resources of the API have in common: strict in, honest out, described once."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)  # fmt: skip

from app.models.base import ID_LENGTH
from app.services.paging import MOST, PAGE

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
LONGEST_WORD = 200  # characters of anything that is looked for
Item = TypeVar("Item")


class Body(BaseModel):
    """What is sent: no other fields, no other types; what is absent stays as it is."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    def given(self) -> dict[str, Any]:
        """Only what was sent."""
        return self.model_dump(exclude_unset=True)


class Query(BaseModel):
    """The parameters after the question mark; others are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Resource(BaseModel):
    """What is answered: a response that does not fit its own description is a mistake of ours."""

    model_config = ConfigDict(from_attributes=True, extra="ignore", defer_build=True)


class PageOf(Resource, Generic[Item]):
    """Some items in their order, and where the next ones begin."""

    items: list[Item]
    next_cursor: str | None = Field(description="Null on the last page.")


def _read_moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and MOMENT.fullmatch(value):
        moment = datetime.fromisoformat(value.upper())
        if 1970 <= moment.year <= 9000:  # room for every zone and rule
            return moment
    raise ValueError("This has to be a moment with its zone, as 2026-12-01T13:00:00Z.")


def _read_number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        return int(value)
    raise ValueError("This has to be a whole number.")


def _readable(value: str) -> str:
    if "\0" in value or not value.isprintable():
        raise ValueError("This contains a character that nobody can see.")
    return value


Moment = Annotated[
    datetime, BeforeValidator(_read_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Id = Annotated[str, Field(max_length=ID_LENGTH), AfterValidator(_readable)]
Word = Annotated[str, Field(max_length=LONGEST_WORD), AfterValidator(_readable)]
Limit = Annotated[int, BeforeValidator(_read_number), Field(ge=1, le=MOST)]
Scalar = Annotated[Any, WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Locale = Literal["pt-BR", "en", "es"]
Channel = Literal["email", "sms", "whatsapp", "telegram"]
MetricName = Literal["nps", "csat", "ces", "enps"]


def absent(description: str | None = None) -> Any:
    """The default of a field that may be absent but not null."""
    return Field(None, description=description)


class Paged(Query):
    """A list is read page by page."""

    limit: Limit = PAGE
    cursor: Word | None = Field(None, description="`next_cursor` of the page before.", max_length=2_000)
