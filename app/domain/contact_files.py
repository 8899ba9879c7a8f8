"""Reads a CSV of contacts: encodings and separators as offices export them, row by row, never all at once."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal

from app.domain.contact_columns import MAX_COLUMNS, header, names_a_field
from app.errors import Invalid, problem

MAX_BYTES = 256 * 1024 * 1024  # a million rows of 250 bytes
MAX_ROWS = 1_000_000
MAX_LINE = 1024 * 1024  # characters of a row: whoever sends one without an end does not fill our memory
PIECE = 256 * 1024  # bytes read at once

Kind = Literal["csv", "xlsx"]
Record = tuple[int, list[str]]  # its row in a spreadsheet, where the header is row 1, and its cells

# By content, never by the name of the file: what a renamed workbook, archive or page begins with.
_NOT_TEXT: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "This is an old or a protected Excel file. Save it as .xlsx or CSV and send that."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and send the CSV inside."),
    (b"7z\xbc\xaf", "This file is compressed. Unpack it and send the CSV inside."),
    (b"Rar!", "This file is compressed. Unpack it and send the CSV inside."),
    (b"BZh", "This file is compressed. Unpack it and send the CSV inside."),
    (b"\xfd7zXZ", "This file is compressed. Unpack it and send the CSV inside."),
    (b"%PDF", "This is a PDF. Send a CSV or a workbook."),
)
_ZIPPED = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MARKUP = re.compile(r"\s*<(?:\?xml|!doctype|html|table|workbook)", re.IGNORECASE)
_SEPARATORS = ";,\t|"


@dataclass(frozen=True)
class Table:
    """A file whose header has been understood; `records` are the rows after it, one at a time."""

    columns: tuple[str, ...]  # as written; empty for a column without a name
    records: Iterator[Record]


def kind_of(start: bytes, file_name: str) -> Kind:
    """What a file is by its first bytes. Raises Invalid for what is no table, and for one that lies."""
    if not start:
        raise Invalid([problem("file", "The file is empty.")])
    for sign, message in _NOT_TEXT:
        if start.startswith(sign):
            raise Invalid([problem("file", message)])
    if not start.startswith(_ZIPPED):
        return "csv"
    if not file_name.lower().endswith(".xlsx"):
        message = "This is a workbook or a zip file under another name. Send a workbook as .xlsx, or a CSV."
        raise Invalid([problem("file", message)])
    return "xlsx"


def read_csv(file: IO[bytes]) -> Table:
    """Understand encoding, separator and header of a file that can be read again from its beginning.

    UTF-8 and UTF-16 with or without a byte order mark, else Windows-1252 (a superset of Latin-1's letters);
    `;`, `,`, tab or `|`. Raises Invalid when it cannot be taken at all, here or at the row where it breaks.
    """
    encoding = _encoding(file)
    text = _opened(file, encoding)
    separator = _separator(_start_of(text))
    records = _records(_opened(file, encoding), separator)
    _, cells = next(records, (1, []))
    return Table(header(cells), records)


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(2000)
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 5:  # text in our alphabets, two bytes a letter, without a mark
        return "utf-16-le" if odd > even else "utf-16-be"
    if _decodes(file, "utf-8"):
        return "utf-8"
    _refuse_damaged_utf8(file)
    return "cp1252" if _decodes(file, "cp1252") else "latin-1"


def _decodes(file: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(file):
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_damaged_utf8(file: IO[bytes]) -> None:
    """One broken byte in a UTF-8 file must not turn every José into JosÃ©."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = others = lines = 0
    first: int | None = None
    for piece in _pieces(file):
        text = decoder.decode(piece)
        here = text.count("\ufffd")
        if here and first is None:
            first = lines + text.count("\n", 0, text.index("\ufffd")) + 1
        broken += here
        others += sum(not sign.isascii() for sign in text) - here
        lines += text.count("\n")
    if others > broken:
        raise Invalid([problem("file", "Line %(line)s is damaged: it is not readable text.", line=first)])


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def _opened(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    file.seek(0)
    return io.TextIOWrapper(io.BufferedReader(_Lent(file), PIECE), encoding=encoding, newline="")


class _Lent(io.RawIOBase):
    """The file of somebody else: whoever wraps it does not close it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any, /) -> int:
        view = memoryview(room)
        piece = self.file.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


def _start_of(text: io.TextIOWrapper) -> str:
    try:
        start = text.read(64 * 1024)
    except UnicodeDecodeError as error:
        raise Invalid([problem("file", "The file is damaged: it is not readable text.")]) from error
    if not start.strip():
        raise Invalid([problem("file", "The file is empty.")])
    if _MARKUP.match(start):
        raise Invalid([problem("file", "This is a web page or XML. Save it as CSV and send that.")])
    return start


def _separator(start: str) -> str:
    """What `sep=;` declares; else the one under which most of the header's names mean something."""
    declared = re.match(r"\s*sep=([;,\t|])", start, re.IGNORECASE)
    if declared:
        return declared[1]
    first = re.split(r"[\r\n]", start.lstrip("\r\n"), maxsplit=1)[0]

    def worth(separator: str) -> tuple[int, int]:
        names = first.split(separator)
        return sum(map(names_a_field, names)), len(names)

    return max(_SEPARATORS, key=worth)


def _records(text: io.TextIOWrapper, separator: str) -> Iterator[Record]:
    """Records that are not empty, with their number; Excel's own `sep=` line is none."""
    # Strict: a lenient reader lets one stray quote swallow the rest of the file without a word.
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        count = 0
        for number, cells in enumerate(reader, start=1):
            lines.of_record = 0
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            if number == 1 and cells[0].lower() == "sep=":
                continue
            count += 1
            if count > MAX_ROWS + 1:
                raise Invalid([problem("file", "The file has more than %(most)s rows.", most=MAX_ROWS)])
            yield number, _cut(cells)
    except csv.Error as error:
        message = "The quotes around line %(line)s do not match, or a cell there is too long."
        raise Invalid([problem("file", message, line=reader.line_num)]) from error
    except UnicodeDecodeError as error:
        raise Invalid([problem("file", "The file is damaged: it is not readable text.")]) from error


def _cut(cells: list[str]) -> list[str]:
    """As many cells as a row may have, and one more that says whether anything stands beyond them."""
    if len(cells) <= MAX_COLUMNS:
        return cells
    return [*cells[:MAX_COLUMNS], next((cell for cell in cells[MAX_COLUMNS:] if cell.strip()), "")]


class _Lines:
    """The lines of a text, of which one record may have many in its quotes, but not without end."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.number = 0
        self.of_record = 0  # characters since the last whole one

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.of_record += len(line)
        if "\x00" in line:
            message = "Line %(line)s contains a null character: this is not a CSV."
            raise Invalid([problem("file", message, line=self.number)])
        if self.of_record >= MAX_LINE:
            raise Invalid([problem("file", "Line %(line)s has no end: this is not a CSV.", line=self.number)])
        return line
