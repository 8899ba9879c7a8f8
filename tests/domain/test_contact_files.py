"""How the files that offices export are read: encodings, separators, headers, and what is refused."""

import csv
import io
import tracemalloc
import zipfile
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import contact_columns, contact_files
from app.domain.contact_columns import MAX_COLUMNS
from app.domain.contact_files import kind_of, read_csv
from app.domain.imported_rows import RowReader
from app.errors import Invalid

PLAIN = "Nome;E-mail;Celular;Plano\nMaria Conceição;maria@bemtevi.example;11 98765-4321;Anual\n"


@dataclass(frozen=True)
class Row:
    """A row as its reader understands it."""

    number: int
    fields: dict[str, object]
    attributes: dict[str, object]
    problem: str = ""


@dataclass(frozen=True)
class File:
    columns: tuple[str, ...]
    meanings: tuple[contact_columns.Meaning, ...]
    rows: list[Row]


def read(data: bytes, name: str = "clientes.csv") -> File:
    """All the way that a CSV goes: what it is, its cells, what its columns mean, its people."""
    assert kind_of(data[:16], name) == "csv"
    table = read_csv(io.BytesIO(data))
    records = list(table.records)
    meanings = contact_columns.guess(table.columns, [cells for _, cells in records], "BR")
    reader = RowReader(table.columns, meanings, "BR")
    return File(table.columns, meanings, [_row(reader, number, cells) for number, cells in records])


def _row(reader: RowReader, number: int, cells: list[str]) -> Row:
    try:
        values = dict(reader.read(cells).values)
    except Invalid as error:
        return Row(number, {}, {}, str(error.problems[0]))
    attributes = values.pop("attributes", {})
    assert isinstance(attributes, dict)
    return Row(number, {key: getattr(each, "text", each) for key, each in values.items()}, attributes)


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read(data)
    (only,) = caught.value.problems
    assert only.field == "file"
    return str(only)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
)
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_j01_every_encoding_separator_and_line_ending_reads_alike(encoding: str, separator: str, ending: str):
    text = PLAIN.replace(";", separator).replace("\n", ending)
    file = read(text.encode(encoding))
    assert file.meanings == ("name", "email", "phone", "attribute")
    (row,) = file.rows
    assert row.number == 2
    assert row.fields == {
        "name": "Maria Conceição",
        "email": "maria@bemtevi.example",
        "phone": "+5511987654321",
    }
    assert row.attributes == {"Plano": "Anual"}


def test_j01_windows_quotes_and_the_euro_sign_survive():
    (row,) = read("name,email,plan\n“Ana”,a@x.com,€ 10\n".encode("cp1252")).rows
    assert row.fields["name"] == "“Ana”"
    assert row.attributes == {"plan": "€ 10"}


def test_j01_quotes_hold_separators_quotes_and_newlines():
    data = b'nome;e-mail;obs\n"Silva; ""Mia""";a@x.com;"uma\nduas"\nBia;b@x.com;\n'
    first, second = read(data).rows
    assert first.fields["name"] == 'Silva; "Mia"'
    assert first.attributes == {"obs": "uma\nduas"}
    assert (first.number, second.number) == (2, 3)


def test_many_long_rows_of_several_lines_are_no_row_without_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contact_files, "MAX_LINE", 60)
    data = b"e-mail;obs\n" + b'a@x.com;"uma\nduas\ntres\nquatro"\n' * 20
    assert len(read(data).rows) == 20


def test_excels_own_separator_line_is_honoured_and_keeps_the_row_numbers():
    (row,) = read(b"sep=;\r\nname;email\r\nAna;a@x.com\r\n").rows
    assert row.number == 3


def test_a_column_may_be_called_by_a_year_or_a_day():
    columns = ("email", "2024", "20240229", "29/02/2024", "1 a 5")
    assert read((";".join(columns) + "\na@x.com;1;2;3;4\n").encode()).columns == columns


def test_one_column_of_addresses_is_enough():
    (row,) = read(b"email\na@x.com\n").rows
    assert row.fields == {"email": "a@x.com"}


def test_empty_rows_and_the_empty_columns_of_excel_are_nothing():
    rows = read(b"name;email;;\nAna;a@x.com;;\n;;;\n\n  ;;;\nBia;b@x.com;;\n").rows
    assert [(row.number, row.problem) for row in rows] == [(2, ""), (6, "")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n \n", "empty"),
        (b"name;email\nA\x00na;a@x.com\n", "null character"),
        (b"ana@x.com;Ana\nbia@x.com;Bia\n", "must name the columns"),
        (b"Maria Silva;+5511987654321\nBia;+5511987654322\n", "must name the columns"),
        (b"Maria Silva;(11) 98765-4321\nBia;(11) 98765-4322\n", "must name the columns"),
        (b"Maria Silva;11987654321\nBia;11987654322\n", "must name the columns"),
        (b'email;name\na@x.com;"Ana\nb@x.com;Bia\n', "quotes around line"),
        (b'email;name\na@x.com;"Ana" Souza\n', "quotes around line"),
        (b"\xff\xfea\x00b", "damaged"),
        ("email;name\na@x.com;José\nb@x.com;Conceição\n".encode() + b"c@x.com;Jo\xe9\n", "Line 4 is damaged"),
        (("email;" + "x" * 61).encode(), "longer than 60"),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>", "XML"),
        (b"<html><table><tr><td>email</td></tr></table></html>", "web page"),
        (b"%PDF-1.7 email", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 macros", "protected Excel"),
        (b"\x1f\x8b\x08\x00email", "compressed"),
    ],
)
def test_j01_what_cannot_be_taken_is_refused_whole_with_its_reason(data: bytes, words: str):
    assert words in refusal(data)


def test_j02_a_workbook_renamed_to_csv_is_refused_before_anything_is_unpacked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    assert "workbook or a zip file under another name" in refusal(packed.getvalue())


def test_j01_limits_are_held_and_named(monkeypatch: pytest.MonkeyPatch):
    wide = ";".join(["email", *(f"c{number}" for number in range(MAX_COLUMNS))])
    assert f"more than {MAX_COLUMNS} columns" in refusal(wide.encode())
    assert f"more than {MAX_COLUMNS} columns" in refusal(";".join(f"c{n}" for n in range(10_000)).encode())
    assert "no end" in refusal(b"email;nome\n" + b"a" * 3_000_000)
    assert "no end" in refusal(b"email;nome\n" + b'"\n";' * 600_000)
    monkeypatch.setattr(contact_files, "MAX_ROWS", 10)
    assert "more than 10 rows" in refusal(b"id\n" + b"1\n" * 11)
    assert len(read(b"id\n" + b"1\n" * 10).rows) == 10


def test_j01_however_many_rows_they_are_read_one_by_one():
    table = read_csv(io.BytesIO(b"id\n" + b"1\n" * 200_000))
    tracemalloc.start()
    assert sum(1 for _ in table.records) == 200_000
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_j01_rows_that_do_not_fit_are_listed_and_the_others_still_read():
    data = b"name;email;\nAna;a@x.com\nname;email;\nBia;b@x.com;;stray\nCaio;;\nDuda;d@x.com;\n"
    assert [row.problem for row in read(data).rows] == [
        "",
        "This row repeats the header.",
        "This row has more cells than the header has names.",
        "This row has no e-mail, phone or external id.",
        "",
    ]


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "@SUM(1+1)", "+55 11 98765-4321", "-1", "\t=1", "＝1"]
)
def test_j05_formula_text_is_read_verbatim(text: str):
    (row,) = read(f"email;nome;obs\na@x.com;{text};{text}\n".encode()).rows
    assert row.fields["name"] == text.strip()
    assert row.attributes["obs"] == text


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: f"email;nome\n{text}".encode("utf-8", "replace"))
)
def test_j01_any_bytes_are_read_or_refused_with_a_reason(data: bytes):
    try:
        rows = read(data).rows
    except Invalid as error:
        assert error.problems
        return
    assert all(row.problem or row.fields for row in rows)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.text(
            alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=20,
        ),
        min_size=1,
        max_size=10,
    )
)
def test_whatever_a_csv_writer_writes_is_read_back(names: list[str]):
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "nome"])
    writer.writerows([str(number), name] for number, name in enumerate(names))
    records = list(read_csv(io.BytesIO(written.getvalue().encode("utf-8-sig"))).records)
    assert [cells[1] for _, cells in records] == names
