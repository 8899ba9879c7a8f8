"""What the doctor looks at for the sake of people's data: the journal, the audit, requests that are late."""

import os
from collections.abc import Iterator

from app.runtime import Runtime
from app.services import audit_log, person_requests
from app.services.checks import Check


def _journal(runtime: Runtime) -> Iterator[Check]:
    """JOURNAL_DIR holds what a restore needs: it must take lines, and be nobody else's to read."""
    folder = runtime.config.journal_dir
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        says = f"{folder} takes no lines, and a restore would lose opt-outs; is JOURNAL_DIR right?"
        yield Check("journal", "failed", says)
    elif folder.exists() and folder.stat().st_mode & 0o077:
        yield Check("journal", "failed", f"others on this machine can read it; run: chmod 700 {folder}")
    else:
        yield Check("journal", "ok", f"{folder} takes what a restore must not lose")


def _audit(runtime: Runtime) -> Iterator[Check]:
    found = audit_log.check(runtime)
    if found.breaks:
        says = f"{len(found.breaks)} breaks, the first: {found.breaks[0]}. Run: flask --app wsgi audit verify"
        yield Check("audit", "failed", says)
    else:
        yield Check("audit", "ok", f"{found.rows} rows are as they were written")


def _requests(runtime: Runtime) -> Iterator[Check]:
    with runtime.db.read() as session:
        late = person_requests.overdue(session, runtime.clock())
    if late:
        says = f"{late} requests of people are overdue; see Settings, Privacy"
        yield Check("requests", "warning", says)
    else:
        yield Check("requests", "ok", "nobody waits longer than 15 days for their data")


PRIVACY = (_journal, _audit, _requests)
