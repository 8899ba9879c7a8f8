"""Rows as a workbook: written to a file of this machine row by row, so that memory stays as it is."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

import xlsxwriter

from app.domain.formulas import inert
from app.rendering.csv_export import Cell, written

MOST_ROWS = 200_000  # more take a server too long while somebody waits: a CSV comes at once
LONGEST = 32_767  # characters that a cell takes
PIECE = 256 * 1024


def stream(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The whole workbook is made first, so that nobody is ever given half of one; then it comes in pieces.

    Numbers stay numbers; texts are texts and never formulas, with the same apostrophe as in a CSV.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the last piece has gone
    with xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(header):
            sheet.write_string(0, column, _text(name))
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, bool):
                    sheet.write_boolean(number, column, cell)
                elif isinstance(cell, int | float) and _is_exact(cell):
                    sheet.write_number(number, column, cell)
                elif cell is not None and cell != "":
                    sheet.write_string(
                        number, column, _text(cell) if isinstance(cell, str) else written(cell)
                    )
    file.seek(0)
    return _pieces(file)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _is_exact(number: float) -> bool:
    """Would it come back as it is? A workbook has fifteen digits of a whole number, sixteen of another."""
    return abs(number) < 1e15 and float(f"{number:.16G}") == number


def _text(text: str) -> str:
    return inert(text)[:LONGEST].encode("utf-8", "replace").decode("utf-8")
