"""What leaves as CSV opens as a table and never runs."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.formulas import bared, inert
from app.rendering.csv_export import MARK, Cell, stream


def parsed(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    text = b"".join(stream(header, rows)).decode()
    return list(csv.reader(io.StringIO(text.removeprefix(MARK), newline=""), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        '"=1+1',
        " =1+1",
        "\n\n=1+1",
        "- too slow",
        "--5",
        "-",
        "+5511987654321",
        "\tindented",
    ],
)
def test_what_a_spreadsheet_would_run_is_shown_as_text(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert parsed([text], [[text]]) == [[f"'{text}"], [f"'{text}"]]


@pytest.mark.parametrize(
    "text", ["", "fine", "2 = 2", "a@b.example", "-20", "-3.5", "-3,5", "9", "’quoted’", "10-12"]
)
def test_ordinary_words_and_numbers_are_left_alone(text: str) -> None:
    assert inert(text) == text


def test_numbers_stay_numbers_even_below_zero() -> None:
    assert parsed(["score"], [[-20], [-20.5], [Decimal("-0.000001")]])[1:] == [
        ["-20"],
        ["-20.5"],
        ["-0.000001"],
    ]


def test_moments_are_utc_and_days_are_days() -> None:
    brasilia = timezone(timedelta(hours=-3))
    row = [datetime(2026, 11, 16, 13, 12, tzinfo=brasilia), date(2026, 11, 20), True, False, None]
    assert parsed(["a"], [row])[1] == ["2026-11-16T16:12:00Z", "2026-11-20", "true", "false", ""]


def test_the_file_begins_with_the_mark_and_ends_lines_as_the_standard_says() -> None:
    whole = b"".join(stream(["a", "b"], [["x,y", 'she said "no"'], ["two\nlines", "ß"]]))
    assert whole == b'\xef\xbb\xbfa,b\r\n"x,y","she said ""no"""\r\n"two\nlines",\xc3\x9f\r\n'


def test_the_header_leaves_before_the_first_row_is_read() -> None:
    def rows() -> "list[list[str]]":
        raise AssertionError("read too early")
        yield

    assert next(stream(["a"], rows())) == b"\xef\xbb\xbfa\r\n"


def test_many_rows_leave_in_small_chunks() -> None:
    chunks = list(stream(["a"], ([number, "words " * 10] for number in range(5_000))))
    assert len(chunks) == 11
    assert max(map(len, chunks)) < 128_000
    assert b"".join(chunks).count(b"\r\n") == 5_001


def test_half_a_surrogate_pair_does_not_end_the_file() -> None:
    assert parsed(["a"], [["x\ud800y"]])[1] == ["x?y"]


texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(texts, min_size=2, max_size=4), min_size=1, max_size=5))
def test_every_cell_comes_back_as_it_was_but_for_one_apostrophe(rows: list[list[str]]) -> None:
    assert parsed(["a", "b"], rows)[1:] == [[inert(cell) for cell in row] for row in rows]
    for cell in (cell for row in rows for cell in row):
        assert inert(cell) in (cell, f"'{cell}")


@settings(deadline=None, max_examples=200)
@given(st.sampled_from("=+-@\t\r\n\0＝＋－＠"), texts, st.datetimes(timezones=st.just(UTC)))
def test_nothing_that_begins_dangerously_leaves_bare(first: str, rest: str, at: datetime) -> None:
    written = parsed(["a"], [[first + rest, at]])[1][0]
    assert written.startswith("'") or float(written.replace(",", ".")) <= 0


@given(st.text())
def test_what_was_made_inert_comes_back_as_it_was(text: str) -> None:
    assert bared(inert(text)) == text
