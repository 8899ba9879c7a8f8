"""What waits for a morning keeps its place in a large run; a step of a sequence keeps its time on the wall"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STEPS = sa.table(
    "occurrences", sa.column("id"), sa.column("schedule_id"), sa.column("origin"), sa.column("state"),
    sa.column("due_at", MOMENT), sa.column("local_at"), sa.column("time_zone"),
)  # fmt: skip
SCHEDULES = sa.table("schedules", sa.column("id"), sa.column("time_zone"))


def upgrade() -> None:
    op.add_column("messages", sa.Column("level", sa.Integer(), server_default="0", nullable=False))
    op.add_column("occurrences", sa.Column("local_at", sa.String(26)))
    op.add_column("occurrences", sa.Column("time_zone", sa.String(64)))
    _keep_the_hours()


def _keep_the_hours() -> None:
    """What steps that are due show on the wall by today's rules."""
    here = sa.select(STEPS.c.id, STEPS.c.due_at, SCHEDULES.c.time_zone).where(
        STEPS.c.schedule_id == SCHEDULES.c.id, STEPS.c.origin == "sequence", STEPS.c.state == "due"
    )
    connection = op.get_bind()
    for id, due_at, zone in connection.execute(here).all():
        its = STEPS.update().where(STEPS.c.id == id)
        connection.execute(its.values(local_at=_on_the_wall(due_at, zone), time_zone=zone))


def _on_the_wall(moment: datetime, zone: str) -> str:
    """SQLite gives a moment without its zone, which is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()


def downgrade() -> None:
    with op.batch_alter_table("occurrences") as batch:
        batch.drop_column("time_zone")
        batch.drop_column("local_at")
    with op.batch_alter_table("messages") as batch:
        batch.drop_column("level")
