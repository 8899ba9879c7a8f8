"""A pulse that was opened by hand and stopped by itself: until somebody resumes it, it asks nobody."""

from sqlalchemy import ColumnElement, bindparam, select

from app.models import Occurrence, Stop

_BY_HAND = Stop.schedule_id.is_(None), Stop.ended_at.is_(None)
# Shared, so that whoever resumes it waits for us, and then finds whom we held back
STOP_NOW = (
    select(Stop.id)
    .where(Stop.workspace_id == bindparam("workspace_id"), Stop.occurrence_id == bindparam("id"), *_BY_HAND)
    .with_for_update(read=True)
)


def stands_still() -> ColumnElement[bool]:
    """Of the `Occurrence` of a query: it stopped by itself, and nobody has resumed it yet."""
    its = Stop.workspace_id == Occurrence.workspace_id, Stop.occurrence_id == Occurrence.id
    return select(Stop.id).where(*its, *_BY_HAND).exists()
