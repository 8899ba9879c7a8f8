"""Copies of a PostgreSQL database by its own programs: pg_dump out, psql back in one transaction."""

import shutil
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL

from app.db import Database
from app.errors import Refusal
from app.services import switch

END = "-- PostgreSQL database dump complete"
REVISION = "COPY public.alembic_version (version_num) FROM stdin;"
# All of it is dropped by name: an older backup must not find tables of a newer version in its way.
_DROP_ALL = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP TABLE public.%I CASCADE', each.tablename);
  END LOOP;
END $$
"""


def save(db: Database, target: Path) -> None:
    """Dump into a file as SQL; one snapshot, writers go on meanwhile."""
    _run(db.engine.url, "pg_dump", "--no-owner", "--no-privileges", f"--file={target}")


def revision_of(source: Path) -> str:
    """The migration of a dump that is whole; raises Refusal for anything else."""
    revision, before, complete = "", "", False
    with source.open(encoding="utf-8", errors="replace") as lines:
        for line in map(str.rstrip, lines):
            revision = line if before == REVISION else revision
            complete = complete or line == END
            before = line
    if not complete:
        raise Refusal(f"{source} is cut off, or no backup of PostgreSQL.")
    if not revision:
        raise Refusal(f"{source} is not a database of Retorno.")
    return revision


def load(db: Database, source: Path, why_paused: str) -> None:
    """Drop what is here and run the dump, paused, in one transaction: a worker sees before or after."""
    db.dispose()
    _run(
        db.engine.url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--output=/dev/null",
        "--set=ON_ERROR_STOP=1", f"--command={_DROP_ALL}", f"--file={source}",
        f"--command={_pause(why_paused)}",
    )  # fmt: skip


def _pause(why: str) -> str:
    # Both words are constants of ours
    keep = f"INSERT INTO public.installation (name, value) VALUES ('{switch.NAME}', '{why}')"  # noqa: S608
    forget = "DELETE FROM public.heartbeats; DELETE FROM public.leases"
    return f"{forget}; {keep} ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def _run(url: URL, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs; the password travels in its environment, never on the command line."""
    found = shutil.which(program)
    if found is None:
        raise Refusal(
            f"{program} is not installed. Install PostgreSQL's client programs, of its version or later."
        )
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {"PATH": str(Path(found).parent), "PGPASSWORD": url.password or "", "LC_ALL": "C.UTF-8"}
    if program == "psql":
        environment["PGOPTIONS"] = "-c client_min_messages=warning"
    done = subprocess.run(  # noqa: S603 - the program we found, with arguments of our own
        [found, f"--dbname={plain}", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refusal(f"{program} failed, and nothing was changed: {done.stderr.strip()[:500]}")
