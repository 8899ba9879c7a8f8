"""A program of its own that reads the first sheet of the workbook on standard input, within its limits.

Standard output gets a line of JSON for each row, `[number, [cells]]`, then `"end"` or `{"refused": why}`. The
reader behind it aborts the process when memory ends and panics over some cells: here nobody else dies of it.
Knows nothing of `app`, so that it starts in a moment.
"""

import json
import os
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

MAX_CELLS = 2_000_000  # a sheet lies in memory as a whole while it is read, some 90 bytes a cell
MAX_UNPACKED = 256 * 1024 * 1024
MAX_WRITTEN = 256 * 1024 * 1024  # bytes of its rows, as a CSV may have
MAX_MEMBERS = 1_000
MEMORY = 1024 * 1024 * 1024  # bytes of this process: twice what the largest that may be read needs
SECONDS = 60  # of computing: the largest needs six
LONGEST_CELL = 32_767  # characters that a cell has room for
_START = 4 * 1024  # where a member would declare words

_OWN_WORDS = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class RefusedError(Exception):
    """Why this workbook is not read, in a word that the sentences stand behind."""


def run(most_columns: int) -> None:
    """Read and write, whatever stands in the file; dies of a signal where a limit is reached."""
    for ends_us in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ends_us, signal.SIG_IGN)  # whoever waits for us ends us
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    out = sys.stdout.buffer
    said: object = "end"
    try:
        for record in rows(sys.stdin.buffer, most_columns):
            out.write(_line(record))
    except RefusedError as refusal:
        said = {"refused": refusal.args}
    except MemoryError:
        os.abort()  # as the reader does
    out.write(_line(said))
    out.flush()


def rows(file: IO[bytes], most_columns: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first visible sheet that are not empty, by their number in it. Raises RefusedError."""
    refuse_by_its_list(file)
    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as book:
            sheet = _first_sheet(book)
    except (CalamineError, ValueError, OSError) as error:
        raise RefusedError("broken") from error
    if sheet.start is None:
        raise RefusedError("empty")
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise RefusedError("cells")
    for number, row in _numbered(sheet):
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield number, _cut(cells, most_columns)


def refuse_by_its_list(file: IO[bytes]) -> None:
    """What is packed in it, and how much by what it declares; a member that lies meets the limits later."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
                raise RefusedError("zip")
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise RefusedError("macros")
            if len(members) > MAX_MEMBERS or sum(each.file_size for each in members) > MAX_UNPACKED:
                raise RefusedError("cells")
            for member in members:
                with archive.open(member) as packed:
                    if _OWN_WORDS.search(packed.read(_START)):
                        raise RefusedError("words")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise RefusedError("broken") from error


def _first_sheet(book: CalamineWorkbook) -> CalamineSheet:
    for place, about in enumerate(book.sheets_metadata):
        if about.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_index(place)
    raise RefusedError("empty")


def _numbered(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    read, number = sheet.iter_rows(), 0
    while True:
        number += 1
        try:
            row = next(read)
        except StopIteration:
            return
        except MemoryError:
            raise
        except BaseException as error:  # a date beyond every calendar: some are errors, some a panic
            raise RefusedError("date", number) from error
        yield number, row


def _text(cell: Any) -> str:
    """As a CSV of the same sheet says it. A whole number has no point: phones and codes are often numbers."""
    if isinstance(cell, str):
        return cell.replace("\0", "")[:LONGEST_CELL]
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return (
            cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
        )
    if isinstance(cell, date | time):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _cut(cells: list[str], most: int) -> list[str]:
    """As many cells as a row may have, and one more that says whether anything stands beyond them."""
    if len(cells) <= most:
        return cells
    return [*cells[:most], next(cell for cell in cells[most:] if cell.strip())]


def _line(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


if __name__ == "__main__":
    run(int(sys.argv[1]))
