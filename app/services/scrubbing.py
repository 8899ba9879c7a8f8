"""The bytes of what was forgotten leave the database's files as well: soon, and tried until it is done."""

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import insert_into
from app.models import Setting, new_id
from app.runtime import Runtime

DUE = "scrub_due"
TOUCHED = (
    "contacts", "answers", "answer_edits", "messages", "attempts", "tokens", "sandbox_copies", "opt_outs",
    "followups", "followup_events", "followup_closures", "invitations", "import_parts", "import_rejects",
    "import_people", "import_erasures", "sealed_answers", "inbound_events", "conversations", "connect_links",
    "events", "consent_changes", "complaints", "audit_rows", "rate_windows",
)  # fmt: skip

log = structlog.get_logger("scrubbing")


def ask(session: Session) -> None:
    """A step: what this transaction forgets shall leave the files, whatever becomes of us after it."""
    asked = insert_into(session, Setting).values(name=DUE, value=new_id())
    session.execute(
        asked.on_conflict_do_update(index_elements=[Setting.name], set_={"value": asked.excluded.value})
    )


def soon(runtime: Runtime) -> None:
    """After the commit: at once where that is quick. PostgreSQL's tables are vacuumed by the worker."""
    if runtime.db.is_sqlite:
        scrub(runtime)


def at_once(runtime: Runtime, *tables: str) -> None:
    """After the commit that emptied these tables; what somebody holds is tried again by the job."""
    if runtime.db.scrub(*tables):
        with runtime.db.write() as session:
            ask(session)


def scrub(runtime: Runtime) -> int:
    """A job: what was asked for; 1 once it is done. What somebody holds is tried again at the next run."""
    with runtime.db.read() as session:
        asked = session.get(Setting, DUE)
    if asked is None:
        return 0
    if left := runtime.db.scrub(*TOUCHED):
        log.warning("not scrubbed yet", left=left)
        return 0
    with runtime.db.write() as session:  # unless somebody was forgotten meanwhile
        session.execute(delete(Setting).where(Setting.name == DUE, Setting.value == asked.value))
    return 1


def scrub_wholly(runtime: Runtime) -> list[str]:
    """Not a byte of whoever was erased stays in our tables' files; on PostgreSQL each is locked meanwhile.

    Gives what could not be done, because somebody held it.
    """
    return runtime.db.scrub(*TOUCHED, wholly=True)
