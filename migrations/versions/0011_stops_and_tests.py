"""Runs that stop by themselves, whom a cancelled one spared, and tests of a survey in the outbox"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.String(length=26)
MOMENT = sa.DateTime(timezone=True)
PURPOSES = ("invitation", "reminder", "alert", "reply", "account", "dialogue", "inbound")


def upgrade() -> None:
    _purposes((*PURPOSES, "test"))
    op.add_column("occurrences", sa.Column("spared", sa.Integer(), nullable=True))
    op.create_table(
        "stops",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("occurrence_id", ID, nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", ID, nullable=False),
        sa.CheckConstraint("why IN ('bounces', 'refused')", name=op.f("ck_stops_why")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_stops_workspace_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_stops_schedule_id")),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrences.id"], name=op.f("fk_stops_occurrence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
    )
    for columns in (["schedule_id", "ended_at"], ["workspace_id", "ended_at"]):
        op.create_index(op.f(f"ix_stops_{'_'.join(columns)}"), "stops", columns)
    op.create_table(
        "bounces",
        sa.Column("occurrence_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("look_at", sa.Integer(), nullable=False),
        sa.Column("forgiven", sa.Integer(), server_default="0", nullable=False),
        sa.Column("forgiven_known", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrences.id"], name=op.f("fk_bounces_occurrence_id")),
        sa.PrimaryKeyConstraint("occurrence_id", name=op.f("pk_bounces")),
    )


def downgrade() -> None:
    op.drop_table("bounces")
    op.drop_table("stops")
    tests = "SELECT id FROM messages WHERE purpose = 'test'"
    op.execute(f"DELETE FROM attempts WHERE message_id IN ({tests})")
    op.execute(f"DELETE FROM sandbox_copies WHERE message_id IN ({tests})")
    op.execute("DELETE FROM messages WHERE purpose = 'test'")
    _purposes(PURPOSES)
    with op.batch_alter_table("occurrences") as occurrences:
        occurrences.drop_column("spared")


def _purposes(purposes: tuple[str, ...]) -> None:
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_purpose"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_purpose"), f"purpose IN {purposes}")
