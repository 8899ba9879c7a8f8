"""Workbooks as they come: read by what a person sees in them; bombs and lies are refused (J02)."""

import io
import struct
import subprocess
import tempfile
import zipfile
from datetime import date, datetime
from typing import IO

import pytest
import xlsxwriter

from app.domain.contact_columns import MAX_COLUMNS
from app.domain.contact_files import Table, kind_of
from app.errors import Invalid
from app.services import workbook_program, workbooks
from app.services.workbook_program import RefusedError, refuse_by_its_list
from app.services.workbooks import read_workbook
from tests.services.loop import at_once


def workbook(*sheets: list[list[object]], first: int = 0, hidden: int | None = None) -> io.BytesIO:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "dd/mm/yyyy"}) as book:
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet()
            if number == hidden:
                sheet.hide()
            elif hidden is not None:
                sheet.activate()
            for place, row in enumerate(rows, start=first):
                sheet.write_row(place, 0, row)
    file.seek(0)
    return file


def read(file: IO[bytes]) -> Table:
    """By the program, to its end."""
    file.seek(0)
    with tempfile.TemporaryFile() as stored:
        stored.write(file.read())
        reading = read_workbook(stored)
        while True:
            try:
                next(reading)
            except StopIteration as done:
                table: Table = done.value
                return table


def rows_of(table: Table) -> list[tuple[int, list[str]]]:
    return list(table.records)


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(Invalid) as caught:
        rows_of(read(file))
    return str(caught.value.problems[0])


def repacked(file: io.BytesIO, **members: bytes) -> io.BytesIO:
    """The same workbook with other or further members."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, members.pop(name, None) or old.read(name))
        for name, content in members.items():
            new.writestr(name, content)
    out.seek(0)
    return out


def test_cells_are_the_text_that_a_person_reads() -> None:
    rows = [
        ["Código", "Nome", "Celular", "Desde", "Ativo", "Peso"],
        ["C1", "Maria Conceição", 5531988884417, date(2024, 2, 29), True, 1.5],
        [7, "Ana\nSouza", "+55 31 98888-4417", datetime(2024, 2, 29, 10, 30), False, -20],
    ]
    table = read(workbook(rows))
    assert table.columns == ("Código", "Nome", "Celular", "Desde", "Ativo", "Peso")
    assert rows_of(table) == [
        (2, ["C1", "Maria Conceição", "5531988884417", "2024-02-29", "true", "1.5"]),
        (3, ["7", "Ana\nSouza", "+55 31 98888-4417", "2024-02-29 10:30", "false", "-20"]),
    ]


def test_rows_keep_their_number_in_the_sheet() -> None:
    rows: list[list[object]] = [["email"], ["a@x.example"], [], ["b@x.example", "", ""]]
    assert rows_of(read(workbook(rows, first=3))) == [(5, ["a@x.example"]), (7, ["b@x.example"])]


def test_the_first_sheet_that_somebody_sees_is_read() -> None:
    table = read(workbook([["segredo"]], [["email"], ["a@x.example"]], hidden=0))
    assert table.columns == ("email",)


def test_an_empty_workbook_is_an_empty_file() -> None:
    assert refusal(workbook([])) == "The file is empty."


def test_j02_a_zip_under_a_workbooks_name_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("people.csv", "email\na@x.example\n")
    assert "not a workbook" in refusal(file)
    assert kind_of(file.getvalue()[:16], "people.xlsx") == "xlsx"
    with pytest.raises(Invalid):
        kind_of(file.getvalue()[:16], "people.csv")


def test_j02_macros_are_refused() -> None:
    book = repacked(workbook([["email"]]), **{"xl/vbaProject.bin": b"macro"})
    assert "macros" in refusal(book)


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_j02_entities_are_refused_wherever_they_are(name: str) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    assert "words of its own" in refusal(repacked(workbook([["email"], ["a"]]), **{name: bomb}))


def test_j02_a_bomb_is_refused_by_its_declared_size_without_unpacking() -> None:
    zeros = b"0" * (workbook_program.MAX_UNPACKED + 1)
    bomb = repacked(workbook([["email"]]), **{"xl/media/a.bin": zeros})
    with pytest.raises(RefusedError, match="cells"):
        refuse_by_its_list(bomb)


def test_j02_a_member_that_lies_about_its_size_is_refused() -> None:
    long = b"<sst><si><t>" + b"0" * 1_000_000 + b"</t></si></sst>"
    packed = repacked(workbook([["email"], ["a@x.example"]]), **{"xl/sharedStrings.xml": long}).getvalue()
    lie = packed.replace(struct.pack("<I", len(long)), struct.pack("<I", 10))
    assert "damaged" in refusal(io.BytesIO(lie))


MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = "xl/worksheets/sheet1.xml"
CORNER = b'<c r="XFD1048576"><v>1</v></c>'
FAR = (
    b'<?xml version="1.0"?><worksheet ' + MAIN + b"><sheetData>"
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>'
    b'<row r="1048576">' + CORNER + b"</row></sheetData></worksheet>"
)
TOO_MUCH = "memory or time"


def test_j02_one_cell_far_away_is_as_large_as_a_full_sheet() -> None:
    far = FAR.replace(b"XFD1048576", b"ALL3000")
    assert "more than 2000000 cells" in refusal(repacked(workbook([["email"]]), **{SHEET: far}))


@pytest.mark.parametrize("name", ["xl/foo/sheet1.xml", "xl/worksheets/a/s.xml", "somewhere/else.bin"])
def test_j02_a_sheet_at_any_place_in_the_file_takes_no_more_than_it_may(name: str) -> None:
    book = workbook([["email"]])
    with zipfile.ZipFile(book) as archive:
        places = archive.read("xl/_rels/workbook.xml.rels")
    book.seek(0)
    moved = places.replace(b"worksheets/sheet1.xml", b"/" + name.encode())
    assert TOO_MUCH in refusal(repacked(book, **{name: FAR, "xl/_rels/workbook.xml.rels": moved}))


def test_j02_a_place_behind_very_many_blanks_takes_no_more_than_it_may() -> None:
    hidden = FAR.replace(b'<c r="XFD', b"<c r" + b" " * 300_000 + b'="XFD')
    assert TOO_MUCH in refusal(repacked(workbook([["email"]]), **{SHEET: hidden}))


def test_j02_one_long_text_in_very_many_cells_takes_no_more_than_it_may() -> None:
    cells = b"".join(b'<row r="%d"><c t="s"><v>0</v></c></row>' % number for number in range(1, 2_001))
    sheet = b"<worksheet " + MAIN + b"><sheetData>" + cells + b"</sheetData></worksheet>"
    text = b"<sst " + MAIN + b"><si><t>" + b"x" * 2_000_000 + b"</t></si></sst>"
    book = repacked(workbook([["email"]]), **{SHEET: sheet, "xl/sharedStrings.xml": text})
    assert len(book.getvalue()) < 64 * 1024
    assert TOO_MUCH in refusal(book)


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ("[h]:mm:ss", 1e9),
        ("[h]:mm:ss", 5_511_987_654_321),
        ("[h]:mm:ss", -1e300),
        ("dd/mm/yyyy", -1e300),
        ("dd/mm/yyyy", float("-inf")),
    ],
)
def test_a_date_beyond_every_calendar_is_refused_with_its_row(form: str, number: float) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"nan_inf_to_errors": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["email", "desde"])
        sheet.write_number(
            1, 1, -1 if number == float("-inf") else number, book.add_format({"num_format": form})
        )
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        cells = archive.read(SHEET)
    file.seek(0)
    if number == float("-inf"):
        file = repacked(file, **{SHEET: cells.replace(b"<v>-1</v>", b"<v>-inf</v>")})
    assert refusal(file).startswith("Row 2 has a date")


def test_a_phone_in_a_cell_of_dates_is_still_a_phone() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["celular"])
        sheet.write_number(1, 0, 5_511_987_654_321, book.add_format({"num_format": "dd/mm/yyyy"}))
    file.seek(0)
    assert rows_of(read(file)) == [(2, ["5511987654321"])]


def test_a_cell_beyond_the_last_column_that_we_read_is_not_lost_silently() -> None:
    table = read(workbook([["id"], ["1", *[""] * (MAX_COLUMNS + 20), "far"]]))
    assert [len(cells) for _, cells in rows_of(table)] == [MAX_COLUMNS + 1]


def test_whoever_does_not_want_to_know_any_more_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begin = workbooks._started

    def watched(file: IO[bytes], rows: IO[bytes]) -> "subprocess.Popen[bytes]":
        started.append(begin(file, rows))
        return started[0]

    monkeypatch.setattr(workbooks, "_started", watched)
    with tempfile.TemporaryFile() as stored:
        stored.write(workbook([["email"], ["a@x.example"]]).getvalue())
        reading = read_workbook(stored)
        next(reading)
        reading.close()
    assert started[0].returncode is not None


def test_one_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "WAITS", -1)
    assert TOO_MUCH in refusal(workbook([["email"], ["a@x.example"]]))


def test_several_at_once_are_read_one_after_the_other() -> None:
    def one() -> list[tuple[int, list[str]]]:
        return rows_of(read(workbook([["email"], ["a@x.example"]])))

    assert at_once(*[one] * 3) == [[(2, ["a@x.example"])]] * 3


@pytest.mark.parametrize("cut", [40, 400, 2_000])
def test_a_damaged_workbook_is_refused_with_a_reason(cut: int) -> None:
    assert "damaged" in refusal(io.BytesIO(workbook([["email"], ["a@x.example"]]).getvalue()[:cut]))
