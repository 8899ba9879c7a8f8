"""Rows as CSV for a spreadsheet: RFC 4180, UTF-8 with its mark, streamed; no cell becomes a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from app.domain.formulas import inert

Cell = str | int | float | Decimal | bool | datetime | date | None

MARK = "\ufeff"  # spreadsheets take the file for their own old encoding without it
ROWS_PER_CHUNK = 500  # about 64 kB: few system calls, little memory


def stream(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The file in chunks of UTF-8: its mark and header at once, then rows as they come."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(MARK)
    writer.writerow([inert(name) for name in header])
    yield _taken(buffer)
    for number, row in enumerate(rows, start=1):
        writer.writerow([written(cell) for cell in row])
        if number % ROWS_PER_CHUNK == 0:
            yield _taken(buffer)
    rest = _taken(buffer)
    if rest:
        yield rest


def written(cell: Cell) -> str:
    """A cell as text, as it stands in the file."""
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
