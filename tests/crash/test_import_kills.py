"""An import whose worker is killed again and again ends as one that nothing happened to.

`IMPORT_ROWS=100000 IMPORT_KILLS=5 pytest tests/crash/test_import_kills.py -s` is the full size.
"""

import io
import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from sqlalchemy import select, text, update

from app.domain.access import Role
from app.jobs.worker import run_until_idle
from app.models import Contact, ContactImport
from app.runtime import Runtime
from app.services import address_keys, contact_imports, import_pages
from app.services.access import Visitor
from tests.world import Clock, World

pytestmark = [pytest.mark.crash, pytest.mark.on_both]
log = structlog.get_logger("import_kills")
ROOT = Path(__file__).parents[2]
ROWS = int(os.environ.get("IMPORT_ROWS", "4000"))  # PostgreSQL takes a thousand in a commit
KILLS = int(os.environ.get("IMPORT_KILLS", "2"))
FACTS = ("external_id", "name", "search_name", "email_key", "phone_key", "attributes", "source", "revision")


def people(number: int) -> bytes:
    """Every hundredth row is bad, every fiftieth repeats one before, every seventieth wants no more."""
    lines = ["código;nome;e-mail;celular;optout;plano"]
    for each in range(number):
        who = each - 10 if each % 50 == 49 else each
        mail = "sem arroba" if each % 100 == 98 else f"p{who}@x.example"
        out = "sim" if each % 70 == 0 else ""
        lines.append(f"C{who};Maria Conceição {who};{mail};31 9{80000000 + who};{out};anual")
    return "\n".join([*lines, ""]).encode()


def test_killed_at_random_it_ends_as_an_uninterrupted_one(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    """J03, F03: the issue's "must show" 2."""
    clock.now = datetime.now(UTC)  # real processes read real time
    address_keys._keys.pop(
        runtime.db.engine, None
    )  # tests share an engine; the processes read the key itself
    data = people(ROWS)
    quiet, struck = (world.member(world.workspace(), Role.MANAGER) for _ in range(2))
    whole = contact_imports.run(
        runtime, quiet, "a.csv", io.BytesIO(data), lawful_basis="consent", source="feira"
    )
    id = contact_imports.receive(runtime, struck, "a.csv", io.BytesIO(data))
    run_until_idle(runtime)
    found = import_pages.page(runtime, struck, id)
    meanings = [column.meaning for column in found.columns]
    contact_imports.choose_columns(runtime, struck, id, meanings, look=False)
    contact_imports.begin(runtime, struck, id, lawful_basis="consent", source="feira")
    dice = random.Random(ROWS)
    began = time.monotonic()
    died_at = [killed_after(runtime, id, moment) for moment in moments(dice)]
    let_the_lease_end(runtime, id)
    run_until_idle(runtime)
    done = import_pages.page(runtime, struck, id)
    log.info(
        "import killed", rows=ROWS, at=died_at, seconds=round(time.monotonic() - began, 1), **done.counts
    )
    assert done.state == "done"
    assert (done.counts, done.opted_out, done.rejects) == (whole.counts, whole.opted_out, whole.rejects)
    assert facts(runtime, struck) == facts(runtime, quiet)
    if runtime.db.is_sqlite:
        with runtime.db.read() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def moments(dice: random.Random) -> list[int]:
    """After how many rows in all each worker is killed: each further on, and none of them at the end."""
    return [int(ROWS * (each + dice.uniform(0.1, 0.9)) / (KILLS + 1)) for each in range(KILLS)]


def killed_after(runtime: Runtime, id: str, rows: int) -> int:
    """A real worker, gone with SIGKILL when so many rows are done: how many it were then."""
    let_the_lease_end(runtime, id)
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir),
        "SECRET_KEY": runtime.config.secret_key,
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    until = time.monotonic() + 300
    while done_so_far(runtime, id) < rows and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -9, "it had not ended by itself"
    done = done_so_far(runtime, id)
    assert rows <= done < ROWS
    return done


def let_the_lease_end(runtime: Runtime, id: str) -> None:
    """As time would."""
    with runtime.db.write() as session:
        session.execute(update(ContactImport).where(ContactImport.id == id).values(lease_until=None))


def done_so_far(runtime: Runtime, id: str) -> int:
    with runtime.db.read() as session:
        return session.scalars(select(ContactImport.done).where(ContactImport.id == id)).one()


def facts(runtime: Runtime, who: Visitor) -> Counter[str]:
    """Everything about everybody that an import decides, without the random ids."""
    columns = [getattr(Contact, name) for name in FACTS]
    with runtime.db.read() as session:
        rows = session.execute(select(*columns).where(Contact.workspace_id == who.workspace_id))
        return Counter(map(repr, rows))
