"""An import of people on PostgreSQL, beside a bare COPY of the same rows into the same table."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
from sqlalchemy import func, select

from app.channels.registry import open_channels
from app.db import Database, open_database
from app.domain.access import Role
from app.jobs.worker import SWITCH_SECONDS
from app.models import Contact, ContactImport, Workspace
from app.runtime import Runtime, now
from app.services import contact_imports, import_jobs, import_pages, sending
from app.services.access import Visitor
from benchmarks.email_out import _wait_for
from benchmarks.report import Line
from benchmarks.seed import seed
from benchmarks.servers import SECRET, environment, free_port, postgres, running
from config import Config

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))  # of a smaller file the floor is relatively faster
TARGET = 0.25
MOST_MEMORY = 300  # MB of the worker
MAILS, MOST_SECONDS = 500, 60  # of another workspace, while the worker imports
CITIES = ("Belo Horizonte", "São Paulo", "Recife", "Curitiba", "Goiânia")


def measure() -> Iterator[Line]:
    """Rows a second, and the worker's memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        file = home / "people.csv"
        write_people(file, PEOPLE)
        with postgres(home / "pg") as server:
            url = server.create_database("ours")
            took, memory = _ours(url, file)
            floor = _floor(url, server.create_database("floor"))
            waited = _meanwhile(server.create_database("shared"), file)
    what = f"import of {PEOPLE:,} people, PostgreSQL: rows per second"
    yield Line(what, PEOPLE / took, PEOPLE / floor, TARGET, True)
    yield Line("memory of the worker meanwhile, MB", memory, MOST_MEMORY, 1.0, False)
    yield Line(f"{MAILS} mails of another workspace meanwhile, seconds", waited, MOST_SECONDS, 1.0, False)


def write_people(path: Path, number: int) -> None:
    """As offices export them: a name with accents, an address, a mobile number, a few facts."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write("Código;Nome;E-mail;Celular;Idioma;Plano;Cidade\r\n")
        for each in range(number):
            phone = f"(31) 9{80000000 + each:08}"[:6] + f"{80000000 + each:08}"
            file.write(
                f"C{each:07};Maria Conceição {each};maria.{each}@bemtevi.example;{phone};pt-BR;"
                f"{'anual' if each % 3 else 'mensal'};{CITIES[each % 5]}\r\n"
            )


def _ours(url: str, file: Path) -> tuple[float, float]:
    """In a process of its own, which says how long the import took and how much memory it had at most."""
    db = open_database(url)
    seed(db, 0)
    db.dispose()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.importing", url, str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    took, memory = done.stdout.split()
    return float(took), float(memory)


def _floor(ours: str, url: str) -> float:
    """The very rows that the import made, by one bare COPY into the same table with its indexes."""
    db = open_database(url)
    seed(db, 0)
    with db.read() as session:
        place = session.scalars(select(Workspace.id)).one()
    db.dispose()
    source, target = (each.replace("postgresql+psycopg://", "postgresql://") for each in (ours, url))
    with psycopg.connect(source) as one, psycopg.connect(target) as other, tempfile.TemporaryFile() as rows:
        columns = ", ".join(
            column.name for column in Contact.__table__.columns if column.name != "workspace_id"
        )
        with one.cursor().copy(f"COPY (SELECT '{place}', {columns} FROM contacts) TO STDOUT") as copy:
            for piece in copy:
                rows.write(piece)
        rows.seek(0)
        began = time.perf_counter()
        with other.cursor().copy(f"COPY contacts (workspace_id, {columns}) FROM STDIN") as copy:
            while piece := rows.read(256 * 1024):
                copy.write(piece)
        other.commit()
        return time.perf_counter() - began


def _meanwhile(url: str, file: Path) -> float:
    """How long the mails of another workspace take while the same worker imports the file."""
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.sink", str(port)], environment("sqlite://")):
        _wait_for(port)
        db = open_database(url)
        seed(db, 0)
        importer = visitor_of(db)
        smtp = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "MAIL_FROM": "pergunta@aroeira.example"}
        config = Config.from_env({"DATABASE_URL": url, "SECRET_KEY": SECRET, **smtp})
        runtime = Runtime(config=config, clock=now, db=db, channels=open_channels(config))
        _begin(runtime, importer, file)
        seed(db, MAILS, queued=True)
        stopped = threading.Event()
        busy = replace(runtime, stopping=stopped.is_set)
        imports = threading.Thread(target=import_jobs.run_due, args=[busy])
        sys.setswitchinterval(SWITCH_SECONDS)  # as the worker has it
        imports.start()
        time.sleep(1)
        began = time.perf_counter()
        sent = sending.send_due(runtime)
        took = time.perf_counter() - began
        stopped.set()
        imports.join()
        db.dispose()
        assert sent == MAILS
        return took


def visitor_of(db: Database) -> Visitor:
    with db.read() as session:
        row = session.scalars(select(Workspace)).first()
        assert row is not None
    return Visitor(row.id, row.slug, row.kind, Role.OWNER, "Bench", "en", row.time_zone)


def _begin(runtime: Runtime, who: Visitor, file: Path) -> None:
    """The file is read, its columns are as they were guessed, and the import is due."""
    with file.open("rb") as opened:
        id = contact_imports.receive(runtime, who, file.name, opened)
    import_jobs.run_due(runtime)
    found = import_pages.page(runtime, who, id)
    meanings = [column.meaning for column in found.columns]
    contact_imports.choose_columns(runtime, who, id, meanings, look=False)
    contact_imports.begin(runtime, who, id, lawful_basis="consent", source="bench")


def _work(url: str, file: Path) -> None:
    config = Config.from_env({"DATABASE_URL": url, "SECRET_KEY": SECRET})
    db = open_database(url)
    runtime = Runtime(config=config, clock=now, db=db, channels=open_channels(config))
    sys.setswitchinterval(SWITCH_SECONDS)  # as the worker has it
    _begin(runtime, visitor_of(db), file)
    began = time.perf_counter()
    import_jobs.run_due(runtime)
    took = time.perf_counter() - began
    with db.read() as session:
        assert session.scalar(select(func.count(Contact.id))) == session.scalar(select(ContactImport.total))
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _work(sys.argv[1], Path(sys.argv[2]))
