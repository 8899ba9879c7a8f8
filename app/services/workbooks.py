"""Reads .xlsx workbooks: a program of its own does it, within its limits; what it says becomes a table."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Lock
from typing import IO

from app.domain.contact_columns import MAX_COLUMNS, header
from app.domain.contact_files import MAX_ROWS, Record, Table
from app.errors import Invalid, Problem, problem
from app.services import workbook_program
from app.services.workbook_program import MAX_CELLS, SECONDS

WAITS = 5 * SECONDS  # it computes for so long at most; the machine may be busy
LOOKS = 0.1  # seconds between two looks at whether it has been read
REFUSALS = {
    "zip": problem("file", "This is a zip file, not a workbook. Unpack it first."),
    "macros": problem("file", "This workbook carries macros. Save it as .xlsx or CSV."),
    "words": problem("file", "This workbook declares words of its own, which is not safe."),
    "empty": problem("file", "The file is empty."),
    "cells": problem(
        "file",
        "This workbook has more than %(most)s cells. Save it as CSV and send that.",
        most=MAX_CELLS,
    ),
}
_one_at_a_time = Lock()  # each may take as much memory as it is allowed


def read_workbook(file: IO[bytes]) -> Generator[int, None, Table]:
    """The first visible sheet as a table; cells become the text that a person reads there.

    Yields 0 while it is being read; whoever does not want to know any more closes it. Raises Invalid.
    """
    while not _one_at_a_time.acquire(timeout=LOOKS):
        yield 0
    try:
        rows = yield from _rows_of(file)
    finally:
        _one_at_a_time.release()
    records = _records(rows)
    _, cells = next(records, (1, []))
    return Table(header(cells), records)


def _rows_of(file: IO[bytes]) -> Generator[int, None, IO[bytes]]:
    """What the program wrote. Raises Invalid when it did not come to its end by itself."""
    rows = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the last of its records
    process = _started(file, rows)
    until = time.monotonic() + WAITS
    try:
        while process.poll() is None:
            if time.monotonic() > until:
                raise Invalid([_too_much()])
            yield 0
            try:
                process.wait(LOOKS)
            except subprocess.TimeoutExpired:
                continue
        if process.returncode:
            raise Invalid([_too_much() if process.returncode < 0 else _broken()])
    except BaseException:
        rows.close()
        raise
    finally:
        process.kill()
        process.wait()
    return rows


def _started(file: IO[bytes], rows: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Without our environment: nothing there is its business."""
    file.seek(0)
    program = [sys.executable, "-I", str(Path(workbook_program.__file__).resolve()), str(MAX_COLUMNS)]
    return subprocess.Popen(  # noqa: S603 - our own program
        program, stdin=file, stdout=rows, stderr=subprocess.DEVNULL, env={}
    )


def _records(rows: IO[bytes]) -> Iterator[Record]:
    with rows:
        rows.seek(0)
        for count, line in enumerate(rows):
            said = json.loads(line)
            if said == "end":
                return
            if isinstance(said, dict):
                raise Invalid([_refusal(*said["refused"])])
            if count > MAX_ROWS:
                raise Invalid([problem("file", "The file has more than %(most)s rows.", most=MAX_ROWS)])
            number, cells = said
            yield number, cells
    raise Invalid([_broken()])


def _refusal(why: str, row: int = 0) -> Problem:
    if why == "date":
        message = "Row %(row)s has a date or a time that no calendar knows. Save it as CSV and send that."
        return problem("file", message, row=row)
    return REFUSALS.get(why, _broken())


def _too_much() -> Problem:
    message = "This workbook takes more memory or time than a list of people needs. Send it as CSV."
    return problem("file", message)


def _broken() -> Problem:
    return problem(
        "file", "This workbook is damaged or protected by a password. Save it as CSV and send that."
    )
