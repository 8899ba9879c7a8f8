"""Workbooks as they come: read by what a person sees in them; bombs and lies are refused (J02)."""

import io
import struct
import zipfile
from datetime import date, datetime

import pytest
import xlsxwriter

from app.domain.contact_files import Table, kind_of
from app.errors import Invalid
from app.services import workbooks
from app.services.workbooks import read_workbook


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


def rows_of(table: Table) -> list[tuple[int, list[str]]]:
    return list(table.records)


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(Invalid) as caught:
        rows_of(read_workbook(file))
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
    table = read_workbook(workbook(rows))
    assert table.columns == ("Código", "Nome", "Celular", "Desde", "Ativo", "Peso")
    assert rows_of(table) == [
        (2, ["C1", "Maria Conceição", "5531988884417", "2024-02-29", "yes", "1.5"]),
        (3, ["7", "Ana\nSouza", "+55 31 98888-4417", "2024-02-29 10:30", "no", "-20"]),
    ]


def test_rows_keep_their_number_in_the_sheet() -> None:
    rows: list[list[object]] = [["email"], ["a@x.example"], [], ["b@x.example", "", ""]]
    assert rows_of(read_workbook(workbook(rows, first=3))) == [(5, ["a@x.example"]), (7, ["b@x.example"])]


def test_the_first_sheet_that_somebody_sees_is_read() -> None:
    table = read_workbook(workbook([["segredo"]], [["email"], ["a@x.example"]], hidden=0))
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


def test_j02_a_bomb_is_refused_by_its_declared_size_without_unpacking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1_000_000)
    monkeypatch.setattr(workbooks, "_unpack", lambda *_: pytest.fail("unpacked"))
    assert "more than" in refusal(repacked(workbook([["email"]]), **{"xl/media/a.bin": b"0" * 2_000_000}))


def test_j02_a_member_that_lies_about_its_size_is_refused() -> None:
    packed = repacked(
        workbook([["email"], ["a@x.example"]]), **{"xl/media/a.bin": b"0" * 1_000_000}
    ).getvalue()
    lie = packed.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    assert "damaged" in refusal(io.BytesIO(lie))


def test_j02_one_cell_at_the_far_corner_is_as_large_as_a_full_sheet() -> None:
    far = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    assert "cells" in refusal(repacked(workbook([["email"]]), **{"xl/worksheets/sheet1.xml": far}))


@pytest.mark.parametrize("cut", [40, 400, 2_000])
def test_a_damaged_workbook_is_refused_with_a_reason(cut: int) -> None:
    assert "damaged" in refusal(io.BytesIO(workbook([["email"], ["a@x.example"]]).getvalue()[:cut]))
