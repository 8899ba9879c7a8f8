"""Reads a small CSV of contacts: encodings, separators and headers as offices export them, row by row."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import Invalid, Problem, problem

# The small import is read in one request and committed in one sitting; larger files will have their own.
MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_COLUMNS = 100
MAX_COLUMN_NAME = 60

_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "email": (
        *("email", "mail", "emailaddress", "enderecodeemail"),
        *("correo", "correoelectronico", "direcciondecorreo"),
    ),
    "phone": (
        *("phone", "phonenumber", "mobile", "mobilephone", "cell", "cellphone", "whatsapp"),
        *("telefone", "numerodetelefone", "telefonecelular", "celular", "fone", "tel"),
        *("telefono", "numerodetelefono", "telefonomovil", "movil"),
    ),
    "name": ("name", "fullname", "nome", "nomecompleto", "nombre", "nombrecompleto"),
    "external_id": (
        *("externalid", "id", "customerid", "employeeid", "code"),
        *("idexterno", "codigo", "iddocliente", "codigodocliente", "matricula"),
        *("iddelcliente", "codigodelcliente"),
    ),
    "locale": ("locale", "language", "lang", "idioma", "lingua", "lengua"),
    "time_zone": ("timezone", "zone", "tz", "fuso", "fusohorario", "zonahoraria", "husohorario", "huso"),
    "kind": ("kind", "type", "tipo"),
    "active": ("active", "ativo", "ativa", "activo", "activa"),
    "tags": ("tags", "tag", "etiquetas", "etiqueta", "marcadores", "marcador"),
}
_FIELD_OF = {heading: name for name, headings in _HEADINGS.items() for heading in headings}
_IDENTIFIES = ("email", "phone", "external_id")

# By content, never by the name of the file: what a renamed workbook, archive or page begins with.
_NOT_TEXT: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "This is a workbook or a zip file. Save it as CSV and send that."),
    (b"PK\x05\x06", "This is a workbook or a zip file. Save it as CSV and send that."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel file. Save it as CSV and send that."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and send the CSV inside."),
    (b"7z\xbc\xaf", "This file is compressed. Unpack it and send the CSV inside."),
    (b"Rar!", "This file is compressed. Unpack it and send the CSV inside."),
    (b"BZh", "This file is compressed. Unpack it and send the CSV inside."),
    (b"%PDF", "This is a PDF. Send a CSV."),
)
_MARKUP = re.compile(r"\s*<(?:\?xml|!doctype|html|table|workbook)", re.IGNORECASE)
_SEPARATORS = ";,\t"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it came. `number` is its row in a spreadsheet, where the header is row 1."""

    number: int
    fields: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class ContactFile:
    """A file whose header has been understood; `rows()` reads the rest, one row at a time."""

    encoding: str
    separator: str
    columns: tuple[str, ...]  # as written; empty for a column without a name
    meanings: tuple[str | None, ...]  # the contact's field, or None for an attribute
    _text: str

    def rows(self) -> Iterator[Row]:
        """Every row that is not empty. Raises Invalid at a broken quote and beyond MAX_ROWS."""
        lines = _records(self._text, self.separator)
        _, header = next(lines)
        for count, (number, cells) in enumerate(lines, start=1):
            if count > MAX_ROWS:
                raise Invalid([problem("file", "The file has more than %(most)s rows.", most=MAX_ROWS)])
            yield self._row(number, cells, repeats_header=cells == header)

    def _row(self, number: int, cells: Sequence[str], *, repeats_header: bool) -> Row:
        if repeats_header:
            return Row(number, problems=(problem("row", "This row repeats the header."),))
        fields: dict[str, str] = {}
        attributes: dict[str, str] = {}
        stray = any(cell.strip() for cell in cells[len(self.columns) :])
        for column, meaning, cell in zip(self.columns, self.meanings, cells, strict=False):
            if not cell.strip():
                continue
            if meaning is not None:
                fields[meaning] = cell
            elif column:
                attributes[column] = cell
            else:
                stray = True
        return Row(number, fields, attributes, _problems_of(fields, stray=stray))


def _problems_of(fields: Mapping[str, str], *, stray: bool) -> tuple[Problem, ...]:
    if stray:
        return (problem("row", "This row has more cells than the header has names."),)
    if not any(name in fields for name in _IDENTIFIES):
        return (problem("row", "This row has no e-mail, phone or external id."),)
    return ()


def read_contact_file(data: bytes) -> ContactFile:
    """Understand encoding, separator and header. Raises Invalid when the file cannot be taken at all.

    UTF-8 and UTF-16 with or without a byte order mark, else Windows-1252 (a superset of Latin-1's
    letters); `;`, `,` or tab. Files that are not text are refused by their first bytes.
    """
    if len(data) > MAX_BYTES:
        raise Invalid([problem("file", "The file is larger than %(most)s MB.", most=MAX_BYTES // 1024**2)])
    for start, message in _NOT_TEXT:
        if data.startswith(start):
            raise Invalid([problem("file", message)])
    text, encoding = _decoded(data)
    _refuse_what_is_no_table(text)
    separator = _separator(text)
    _, header = next(_records(text, separator), (1, []))
    columns, meanings = _header(header)
    return ContactFile(encoding, separator, columns, meanings, text)


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _strictly(data, encoding), encoding.removesuffix("-sig")
    even, odd = data[:2000:2].count(0), data[1:2000:2].count(0)
    if max(even, odd) > len(data[:2000]) // 5:  # text in our alphabets, two bytes a letter, without a mark
        return _strictly(data, "utf-16-le" if odd > even else "utf-16-be"), "utf-16"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        _refuse_damaged_utf8(data)
    try:
        return data.decode("cp1252"), "windows-1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _refuse_damaged_utf8(data: bytes) -> None:
    """One broken byte in a UTF-8 file must not turn every José into JosÃ©."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(not sign.isascii() for sign in text) > 2 * broken:
        line = text.count("\n", 0, text.index("\ufffd")) + 1
        raise Invalid([problem("file", "Line %(line)s is damaged: it is not readable text.", line=line)])


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Invalid([problem("file", "The file is damaged: it is not readable text.")]) from error


def _refuse_what_is_no_table(text: str) -> None:
    if not text.strip():
        raise Invalid([problem("file", "The file is empty.")])
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise Invalid(
            [problem("file", "Line %(line)s contains a null character: this is not a CSV.", line=line)]
        )
    if _MARKUP.match(text):
        raise Invalid([problem("file", "This is a web page or XML. Save it as CSV and send that.")])


def _separator(text: str) -> str:
    """What `sep=;` declares; else the one under which most of the header's names mean something."""
    declared = re.match(r"\s*sep=([;,\t])", text, re.IGNORECASE)
    if declared:
        return declared[1]
    header = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]

    def worth(separator: str) -> tuple[int, int]:
        names = header.split(separator)
        return sum(_plain(name) in _FIELD_OF for name in names), len(names)

    return max(_SEPARATORS, key=worth)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not empty, with their number; Excel's own `sep=` line is none."""
    # Strict: a lenient reader lets one stray quote swallow the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells) and not (number == 1 and cells[0].lower() == "sep="):
                yield number, cells
    except csv.Error as error:
        message = "The quotes around line %(line)s do not match, or a cell there is too long."
        raise Invalid([problem("file", message, line=reader.line_num)]) from error


def _header(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    columns = tuple(cell.strip() for cell in cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    if len(columns) > MAX_COLUMNS:
        raise Invalid([problem("file", "The file has more than %(most)s columns.", most=MAX_COLUMNS)])
    meanings = tuple(_FIELD_OF.get(_plain(column)) for column in columns)
    if not any(name in meanings for name in _IDENTIFIES):
        message = (
            "The first line must name the columns, and one of them must be e-mail, phone or external id."
        )
        raise Invalid([problem("file", message)])
    _refuse_clashes(columns, meanings)
    return columns, meanings


def _refuse_clashes(columns: Sequence[str], meanings: Sequence[str | None]) -> None:
    seen: dict[str, str] = {}
    for column, meaning in zip(columns, meanings, strict=True):
        if len(column) > MAX_COLUMN_NAME:
            message = "The column name “%(column)s…” is longer than %(most)s characters."
            raise Invalid([problem("file", message, column=column[:20], most=MAX_COLUMN_NAME)])
        key = meaning or _plain(column)
        if column and key in seen:
            message = "The columns “%(one)s” and “%(other)s” mean the same. Keep one, or rename the other."
            raise Invalid([problem("file", message, one=seen[key], other=column)])
        seen[key] = column


def _plain(heading: str) -> str:
    """A heading without case, accents, spaces and punctuation; one of only signs stays as it is."""
    letters = unicodedata.normalize("NFKD", heading).casefold()
    return "".join(sign for sign in letters if sign.isalnum()) or heading
