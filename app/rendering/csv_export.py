"""Rows as CSV for a spreadsheet: RFC 4180, UTF-8 with its mark, streamed; no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

Cell = str | int | float | Decimal | bool | datetime | date | None

MARK = "\ufeff"  # spreadsheets take the file for their own old encoding without it
ROWS_PER_CHUNK = 500  # about 64 kB: few system calls, little memory

# What spreadsheets take for the beginning of a formula, in both widths (OWASP, "CSV Injection"). Blanks and
# quotes before it count as well: some programs strip them first.
_FORMULA = re.compile(r"""[\s\0\ufeff\u200b"']*[=+\-@＝＋－＠]|[\t\r\n\0]""")
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?", re.ASCII)


def inert(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it; a plain number stays a number."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def stream(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The file in chunks of UTF-8: its mark and header at once, then rows as they come."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(MARK)
    writer.writerow([inert(name) for name in header])
    yield _taken(buffer)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_written(cell) for cell in row])
        if number % ROWS_PER_CHUNK == 0:
            yield _taken(buffer)
    rest = _taken(buffer)
    if rest:
        yield rest


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return inert(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")  # half a surrogate pair must not end a download in the middle
