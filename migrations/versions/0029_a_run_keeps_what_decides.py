"""A run keeps what decides about its people, and a step when it comes, whatever the schedule says since"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

NAMES = ("early_days", "every_days", "after_days", "off_days", "named_at")
RUNS = sa.table(
    "occurrences", sa.column("id"), sa.column("schedule_id"), sa.column("origin"), sa.column("state"),
    sa.column("due_at", sa.DateTime(timezone=True)), sa.column("step"), sa.column("local_at"),
    sa.column("time_zone"), *(sa.column(each) for each in NAMES),
)  # fmt: skip
SCHEDULES = sa.table(
    "schedules", sa.column("id"), sa.column("repeat"), sa.column("rrule"), sa.column("every_days"),
    sa.column("off_days"), sa.column("time_zone"), sa.column("steps", sa.JSON()),
)  # fmt: skip
IN_MONTHS = sa.or_(
    SCHEDULES.c.repeat.in_(("monthly", "quarterly")),
    SCHEDULES.c.rrule.like("%FREQ=MONTHLY%"),
    SCHEDULES.c.rrule.like("%FREQ=YEARLY%"),
)


def upgrade() -> None:
    op.add_column("occurrences", sa.Column("early_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("occurrences", sa.Column("every_days", sa.Integer()))
    op.add_column("occurrences", sa.Column("after_days", sa.Integer()))
    op.add_column("occurrences", sa.Column("off_days", sa.String(8)))
    op.add_column("occurrences", sa.Column("named_at", sa.String(26)))
    its = SCHEDULES.c.id == RUNS.c.schedule_id
    in_months = sa.select(SCHEDULES.c.id).where(its, IN_MONTHS).exists()
    # Also of those that are over: their next channels rest as they did, their bounces count with other days'
    op.execute(RUNS.update().where(RUNS.c.origin == "schedule", in_months).values(early_days=7))
    every_days = sa.select(SCHEDULES.c.every_days).where(its).scalar_subquery()
    by_person = sa.select(SCHEDULES.c.id).where(its, SCHEDULES.c.every_days.is_not(None)).exists()
    op.execute(RUNS.update().where(by_person).values(every_days=every_days))
    _keep_what_waits()


def _keep_what_waits() -> None:
    """Of steps and of questions after events: what their schedules say today. None knows what moved it."""
    its = RUNS.c.schedule_id == SCHEDULES.c.id
    waits = RUNS.c.state == "due", RUNS.c.origin.in_(("sequence", "trigger"))
    wanted = (
        RUNS.c.id, RUNS.c.origin, RUNS.c.due_at, RUNS.c.step, RUNS.c.local_at, RUNS.c.time_zone,
        SCHEDULES.c.time_zone.label("zone"), SCHEDULES.c.repeat, SCHEDULES.c.off_days, SCHEDULES.c.steps,
    )  # fmt: skip
    connection = op.get_bind()
    for row in connection.execute(sa.select(*wanted).where(its, *waits)).all():
        after_event = row.repeat == "event" and row.off_days == "previous"
        values = {"off_days": "next" if after_event else row.off_days}
        if row.origin == "sequence":
            has_it = len(row.steps) >= row.step
            values |= {
                "after_days": row.steps[row.step - 1]["after_days"] if has_it else 1,
                "named_at": row.local_at,
            }
        else:
            values |= {"named_at": _on_the_wall(row.due_at, row.zone), "time_zone": row.zone}
        connection.execute(RUNS.update().where(RUNS.c.id == row.id).values(values))


def _on_the_wall(moment: datetime, zone: str) -> str:
    """SQLite gives a moment without its zone, which is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()


def downgrade() -> None:
    with op.batch_alter_table("occurrences") as batch:
        for name in reversed(NAMES):
            batch.drop_column(name)
