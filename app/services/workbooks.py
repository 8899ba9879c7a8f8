"""Reads the first sheet of an .xlsx workbook, after looking at what is packed in it, and how much."""

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from app.domain.contact_columns import MAX_COLUMNS, header
from app.domain.contact_files import MAX_ROWS, Record, Table
from app.errors import Invalid, Problem, problem

# A sheet lies in memory as a whole while it is read, some 90 bytes for each of its cells
MAX_CELLS = 2_000_000
MAX_UNPACKED = 256 * 1024 * 1024
MAX_MEMBERS = 1_000
PIECE = 256 * 1024
_OVERLAP = 64  # bytes: a cell's address is not cut in two

_WORKSHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_PLACE = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{0,8})([0-9]{1,12})\s*["']""")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_OWN_WORDS = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read_workbook(file: IO[bytes]) -> Table:
    """The first visible sheet as a table; cells become the text that a person reads there. Raises Invalid."""
    _refuse_bombs(file)
    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as book:
            sheet = _first_sheet(book)
    except (CalamineError, ValueError, OSError) as error:
        raise Invalid([_broken()]) from error
    records = _records(sheet)
    _, cells = next(records, (1, []))
    return Table(header(cells), records)


def _refuse_bombs(file: IO[bytes]) -> None:
    """Look at the sizes that are declared, then unpack once without keeping anything: they may lie."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
                raise Invalid([problem("file", "This is a zip file, not a workbook. Unpack it first.")])
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Invalid([problem("file", "This workbook carries macros. Save it as .xlsx or CSV.")])
            if len(members) > MAX_MEMBERS or sum(each.file_size for each in members) > MAX_UNPACKED:
                raise Invalid([_too_large()])
            for member in members:
                _unpack(archive, member)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise Invalid([_broken()]) from error


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raises BadZipFile where the size or the sum is another than declared."""
    extent = _Extent() if _WORKSHEET.fullmatch(member.filename) else None
    before = b""
    with archive.open(member) as packed:
        while piece := packed.read(PIECE):
            seen = before + piece
            if _OWN_WORDS.search(seen):
                raise Invalid(
                    [problem("file", "This workbook declares words of its own, which is not safe.")]
                )
            if extent is not None:
                extent.look_at(seen)
            before = seen[-_OVERLAP:]


class _Extent:
    """How far a sheet reaches: one cell at its far corner is as large in memory as a full one."""

    def __init__(self) -> None:
        self.rows = self.columns = self.cells = 0

    def look_at(self, seen: bytes) -> None:
        self.cells += len(_CELL.findall(seen))
        for letters, number in set(_PLACE.findall(seen)):
            self.rows = max(self.rows, int(number))
            self.columns = max(self.columns, _column(letters))
        if self.cells > MAX_CELLS or self.rows * max(1, self.columns) > MAX_CELLS:
            raise Invalid([_too_large()])


def _column(letters: bytes) -> int:
    place = 0
    for letter in letters.upper():
        place = place * 26 + letter - 64
    return place


def _too_large() -> Problem:
    message = "This workbook has more than %(most)s cells. Save it as CSV and send that."
    return problem("file", message, most=MAX_CELLS)


def _broken() -> Problem:
    return problem(
        "file", "This workbook is damaged or protected by a password. Save it as CSV and send that."
    )


def _first_sheet(book: CalamineWorkbook) -> CalamineSheet:
    for place, about in enumerate(book.sheets_metadata):
        if about.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_index(place)
    raise Invalid([problem("file", "The file is empty.")])


def _records(sheet: CalamineSheet) -> Iterator[Record]:
    """Rows that are not empty, under their number in the sheet."""
    if sheet.start is None:
        raise Invalid([problem("file", "The file is empty.")])
    count = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        count += 1
        if count > MAX_ROWS + 1:
            raise Invalid([problem("file", "The file has more than %(most)s rows.", most=MAX_ROWS)])
        yield number, cells[: MAX_COLUMNS + 1]


def _text(cell: Any) -> str:
    """A number that is whole has no point: phones and codes are often kept as numbers."""
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return (
            cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
        )
    if isinstance(cell, date | time):
        return cell.isoformat()
    return "" if cell is None else str(cell)
