"""May this code work on this database? If not, one sentence that says what to do, before anything happens."""

from app.db import Database
from app.errors import Refusal, Unavailable
from app.runtime import Runtime
from app.services import database_file, schema


def why_not(runtime: Runtime) -> str | None:
    """Why web and worker must not start; None when they may, or when the server is away."""
    path = database_file.path_of(runtime.db)
    trouble = database_file.why_unusable(path) if path else None
    if trouble:
        return trouble
    try:
        return schema.trouble(runtime.db)
    except Unavailable:
        return None


def make_ready(db: Database) -> None:
    """Bring the tables up to date. Raises Refusal where that cannot be, and has changed nothing then."""
    path = database_file.path_of(db)
    if path and (trouble := database_file.why_unusable(path)):
        raise Refusal(trouble)
    schema.upgrade(db)
