"""The floor of a respondent's journey: a bare Flask route with the same statements over the bare driver."""

import os
import sqlite3
import threading
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import psycopg
from flask import Flask, redirect, request

from app.models import new_id
from app.services import arrival, standing

app = Flask(__name__)
URL = os.environ["DATABASE_URL"]
IS_SQLITE = URL.startswith("sqlite:///")
_local = threading.local()


LOOK, FIND, RECORD, ANSWERED = (
    each._sqlite if IS_SQLITE else each._postgresql
    for each in (standing._LOOK_BEHIND, standing._FIND_BEHIND, arrival._RECORD, arrival._ANSWERED)
)
PAGE = "x" * 6_000  # about what the page weighs


def connection() -> Any:
    if not hasattr(_local, "connection"):
        if IS_SQLITE:
            made = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None, timeout=5)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                made.execute(f"PRAGMA {pragma}").fetchall()
            made.row_factory = sqlite3.Row
        else:
            dsn = URL.replace("postgresql+psycopg://", "postgresql://")
            made = psycopg.connect(dsn, autocommit=True, row_factory=psycopg.rows.dict_row)  # type: ignore[assignment]
        _local.connection = made
    return _local.connection


def find(statement: str, token: str) -> Any:
    values = {"hash": sha256(token.encode()).digest(), "purpose": "answer"}
    return connection().execute(statement, values).fetchone()


@app.get("/r/<token>")
def show(token: str) -> str:
    connection().execute("BEGIN")
    row = find(LOOK, token)
    connection().execute("COMMIT")
    return PAGE if row else ""


@app.post("/r/<token>")
def answer(token: str) -> Any:
    made = connection()
    made.execute("BEGIN IMMEDIATE" if IS_SQLITE else "BEGIN")
    row = find(FIND, token)
    now: Any = datetime.now(UTC)
    if IS_SQLITE:
        now = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    values = {
        "id": new_id(), "workspace_id": row["workspace_id"], "invitation_id": row["invitation_id"],
        "survey_id": row["survey_id"], "version_id": row["version_id"], "contact_id": row["contact_id"],
        "metric": "nps", "score": int(request.form["score"]), "band": "promoter", "comment": None,
        "contact_me": False, "channel": "email", "sandbox": False, "suspect": False, "late": False,
        "now": now,
    }  # fmt: skip
    made.execute(RECORD, values)
    made.execute(ANSWERED, {"id": row["invitation_id"]})
    made.execute("COMMIT")
    return redirect(f"/r/{token}", 303)
