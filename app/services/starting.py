"""May this code work on this database? If not, one sentence that says what to do, before anything happens."""

from app.errors import Unavailable
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
