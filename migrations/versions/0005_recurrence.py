"""Recurrence: rules of one's own, each person by their own clock, events, sequences, blackout dates"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
SIMPLE = ("once", "daily", "weekly", "monthly", "quarterly")
REPEATS = (*SIMPLE, "custom", "each_person", "event")
CHECKS = {
    "off_days": "off_days IN ('run', 'next', 'previous', 'skip')",
    "rrule": "(repeat = 'custom') = (rrule IS NOT NULL)",
    "every_days": "(repeat = 'each_person') = (every_days IS NOT NULL)",
}


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("blackout_dates", JSON, server_default="[]", nullable=False))
    with op.batch_alter_table("schedules") as schedules:
        schedules.add_column(sa.Column("rrule", sa.String(length=200), nullable=True))
        schedules.add_column(sa.Column("off_days", sa.String(length=8), server_default="run", nullable=False))
        schedules.add_column(sa.Column("every_days", sa.Integer(), nullable=True))
        schedules.add_column(sa.Column("trigger", JSON, server_default="{}", nullable=False))
        schedules.add_column(sa.Column("steps", JSON, server_default="[]", nullable=False))
        schedules.add_column(sa.Column("late_hours", sa.Integer(), nullable=True))
        schedules.add_column(sa.Column("planned_to", sa.String(length=16), nullable=True))
        schedules.drop_constraint(op.f("ck_schedules_repeat"), type_="check")
        schedules.create_check_constraint(op.f("ck_schedules_repeat"), f"repeat IN {REPEATS}")
        for name, says in CHECKS.items():
            schedules.create_check_constraint(op.f(f"ck_schedules_{name}"), says)
    with op.batch_alter_table("occurrences") as occurrences:
        occurrences.add_column(sa.Column("contact_id", sa.String(length=26), nullable=True))
        occurrences.add_column(sa.Column("after_id", sa.String(length=26), nullable=True))
        occurrences.add_column(sa.Column("step", sa.Integer(), server_default="0", nullable=False))
        occurrences.add_column(sa.Column("chosen", JSON, nullable=True))
        occurrences.create_foreign_key(op.f("fk_occurrences_contact_id"), "contacts", ["contact_id"], ["id"])
        occurrences.create_foreign_key(op.f("fk_occurrences_after_id"), "occurrences", ["after_id"], ["id"])
        occurrences.create_index(op.f("ix_occurrences_contact_id_schedule_id"), ["contact_id", "schedule_id"])
    op.create_index(op.f("ix_occurrences_after_id"), "occurrences", ["after_id"])
    op.create_table(
        "events",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("contact_id", sa.String(length=26), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_events_contact_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("workspace_id", "external_id", name=op.f("uq_events_workspace_id_external_id")),
    )
    op.create_index(op.f("ix_events_contact_id"), "events", ["contact_id"])


def downgrade() -> None:
    op.drop_table("events")
    op.execute("UPDATE occurrences SET origin = 'request' WHERE origin IN ('trigger', 'sequence')")
    with op.batch_alter_table("occurrences") as occurrences:
        occurrences.drop_index(op.f("ix_occurrences_after_id"))
        occurrences.drop_index(op.f("ix_occurrences_contact_id_schedule_id"))
        occurrences.drop_constraint(op.f("fk_occurrences_after_id"), type_="foreignkey")
        occurrences.drop_constraint(op.f("fk_occurrences_contact_id"), type_="foreignkey")
        for column in ("chosen", "step", "after_id", "contact_id"):
            occurrences.drop_column(column)
    with op.batch_alter_table("schedules") as schedules:
        for name in (*CHECKS, "repeat"):
            schedules.drop_constraint(op.f(f"ck_schedules_{name}"), type_="check")
    op.execute(
        "UPDATE schedules SET repeat = 'once', state = 'cancelled', next_due_at = NULL"
        f" WHERE repeat NOT IN {SIMPLE}"
    )
    with op.batch_alter_table("schedules") as schedules:
        schedules.create_check_constraint(op.f("ck_schedules_repeat"), f"repeat IN {SIMPLE}")
        columns = ("planned_to", "late_hours", "steps", "trigger", "every_days", "off_days", "rrule")
        for column in columns:
            schedules.drop_column(column)
    op.drop_column("workspaces", "blackout_dates")
