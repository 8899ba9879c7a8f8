"""Rows of a file of contacts as people: what each cell says by what its column means, or what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.channel_choice import read_channels
from app.domain.contact_columns import IDENTIFIES, Meaning, attribute_name
from app.domain.contacts import ContactValues, Scalar, read_contact, read_yes_or_no
from app.domain.formulas import bared
from app.errors import Invalid, problem

LABEL = 80  # characters of what is shown of a row
_CALLED: tuple[Meaning, ...] = ("name", "email", "phone", "external_id")


@dataclass(frozen=True, slots=True)
class RowPerson:
    """What a row says about somebody. `opted_out`: they said elsewhere that they want no more."""

    values: ContactValues
    opted_out: bool = False
    opted_out_on: tuple[str, ...] = ()  # no more on these channels, whatever else they want


def as_they_are(given: Mapping[str, Scalar | None], here: Mapping[str, Scalar]) -> dict[str, Scalar | None]:
    """A file knows texts only: one that says a number or a yes that stands there already is that."""
    return {
        name: here[name] if name in here and value in _written(here[name]) else value
        for name, value in given.items()
    }


def _written(value: Scalar) -> tuple[str, ...]:
    """How our export and a spreadsheet say it."""
    if isinstance(value, str):
        return ()
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    return (str(value), str(int(value))) if isinstance(value, float) and value.is_integer() else (str(value),)


class RowReader:
    """Reads rows by what their columns mean; columns that are left out are not looked at."""

    def __init__(self, columns: Sequence[str], meanings: Sequence[Meaning], region: str | None) -> None:
        self.columns = columns
        self.region = region
        self._fields = [
            (place, meaning)
            for place, meaning in enumerate(meanings)
            if meaning not in ("attribute", "skip", "opted_out", "opted_out_on")
        ]
        self._attributes = [
            (place, attribute_name(columns[place]))
            for place, meaning in enumerate(meanings)
            if meaning == "attribute"
        ]
        self._opted_out = meanings.index("opted_out") if "opted_out" in meanings else None
        self._opted_out_on = meanings.index("opted_out_on") if "opted_out_on" in meanings else None
        self._unnamed = [place for place, column in enumerate(columns) if not column]
        self._header = list(columns)
        self._called = [meanings.index(meaning) for meaning in _CALLED if meaning in meanings]

    def read(self, cells: Sequence[str]) -> RowPerson:
        """Who stands in this row. Raises Invalid with everything that is wrong in it."""
        cells = [bared(cell) if cell[:1] == "'" else cell for cell in cells]
        width = len(cells)
        raw: dict[str, object] = {
            meaning: cells[place]
            for place, meaning in self._fields
            if place < width and cells[place] and not cells[place].isspace()
        }
        self._refuse_misfits(cells, raw)
        attributes = {
            name: cells[place]
            for place, name in self._attributes
            if place < width and cells[place] and not cells[place].isspace()
        }
        if attributes:
            raw["attributes"] = attributes
        opted_out = self._says_no_more(cells)
        on = self._says_no_more_on(cells, opted_out)
        return RowPerson(read_contact(raw, self.region), opted_out, on)

    def label(self, cells: Sequence[str]) -> str:
        """The name or address that stands in the row, as it came."""
        given = (cells[place].strip() for place in self._called if place < len(cells))
        return next((text[:LABEL] for text in given if text), "")

    def _refuse_misfits(self, cells: Sequence[str], raw: dict[str, object]) -> None:
        width = len(self.columns)
        beyond = len(cells) > width and any(cell.strip() for cell in cells[width:])
        if beyond or any(place < len(cells) and cells[place].strip() for place in self._unnamed):
            raise Invalid([problem("row", "This row has more cells than the header has names.")])
        if not any(name in raw for name in IDENTIFIES):
            raise Invalid([problem("row", "This row has no e-mail, phone or external id.")])
        if cells[0].strip() == self.columns[0] and [cell.strip() for cell in cells[:width]] == self._header:
            raise Invalid([problem("row", "This row repeats the header.")])

    def _says_no_more(self, cells: Sequence[str]) -> bool:
        place = self._opted_out
        if place is None or place >= len(cells) or not cells[place].strip():
            return False
        return read_yes_or_no("opted_out", cells[place])

    def _says_no_more_on(self, cells: Sequence[str], everywhere: bool) -> tuple[str, ...]:
        place = self._opted_out_on
        if place is None or place >= len(cells):
            return ()
        try:
            return read_channels(cells[place])
        except Invalid:
            if everywhere:  # it holds on every channel, whatever stands here
                return ()
            raise
