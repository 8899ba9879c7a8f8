"""Answers as a file: the rows of the page, in short readings, so that neither memory nor a writer waits."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import String, func, literal, select, tuple_

from app.models import Answer, Contact, Survey
from app.models.base import UtcDateTime
from app.rendering import csv_export, xlsx_export
from app.rendering.csv_export import Cell
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.answer_rows import Conditions, Wanted, check, conditions_of
from app.services.attributes import attribute_names
from app.services.contact_export import Ending, refuse_too_many
from app.services.counting import scope_of

BATCH = 1_000  # rows of one short transaction: PostgreSQL's time limit is for one of them, not for the file

# The names of the API. A column, once there, keeps its name and place; new ones come before the attributes.
COLUMNS = (
    Answer.id.label("id"),
    Answer.recorded_at.label("recorded_at"),
    Answer.updated_at.label("updated_at"),
    Answer.metric.label("metric"),
    Answer.score.label("score"),
    Answer.band.label("band"),
    Answer.comment.label("comment"),
    Answer.channel.label("channel"),
    Answer.contact_me.label("contact_me"),
    Answer.survey_id.label("survey"),
    Survey.name.label("survey_name"),
    Answer.contact_id.label("contact"),
    Contact.name.label("contact_name"),
    Answer.invitation_id.label("invitation"),
)


def export(runtime: Runtime, who: Visitor, wanted: Wanted, ending: Ending = "csv") -> Iterator[bytes]:
    """The answers that are meant as a file, latest first, in pieces. Raises Invalid before the first of them.

    What the person was like when they answered stands in a column for each attribute. Answers that come while
    the file is being read are not in it.
    """
    check(wanted)
    conditions = [*conditions_of(scope_of(runtime, who), wanted), Answer.recorded_at <= runtime.clock()]
    with runtime.db.read() as session:
        names = attribute_names(session, Answer.attributes, conditions)
        if ending == "xlsx":
            refuse_too_many(session.scalar(select(func.count(Answer.id)).where(*conditions)) or 0)
    header = [*(column.name for column in COLUMNS), *(f"attribute.{name}" for name in names)]
    rows = _rows(runtime, conditions, names)
    return xlsx_export.stream(header, rows) if ending == "xlsx" else csv_export.stream(header, rows)


def _rows(runtime: Runtime, conditions: Conditions, names: Sequence[str]) -> Iterator[list[Cell]]:
    query = (
        select(*COLUMNS, Answer.attributes)
        .join(Survey, Survey.id == Answer.survey_id)
        .join(Contact, Contact.id == Answer.contact_id)
        .where(*conditions)
        .order_by(Answer.recorded_at.desc(), Answer.id.desc())
        .limit(BATCH)
    )
    last: tuple[datetime, str] | None = None
    while True:
        here = query
        if last is not None:
            at, id = last
            place = tuple_(literal(at, UtcDateTime), literal(id, String))
            # The first condition follows from the second, and is the one that an index answers
            here = query.where(Answer.recorded_at <= at, tuple_(Answer.recorded_at, Answer.id) < place)
        with runtime.db.read() as session:
            found = session.execute(here).all()
        for *cells, attributes in found:
            yield [*cells, *(_fact(attributes.get(name)) for name in names)]
        if len(found) < BATCH:
            return
        last = found[-1].recorded_at, found[-1].id


def _fact(value: object) -> Cell:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
