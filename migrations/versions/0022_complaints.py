"""Complaints, opt-outs that come of them, and schedules that stop for too many"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ID = sa.String(length=26)
MOMENT = sa.DateTime(timezone=True)
WHY = ("bounces", "refused")
KINDS = ("own_wish", "bounce", "legal", "erasure")
REFERS = {
    "workspace_id": "workspaces", "contact_id": "contacts", "message_id": "messages",
    "schedule_id": "schedules", "occurrence_id": "occurrences",
}  # fmt: skip


def upgrade() -> None:
    _one_of("stops", "why", (*WHY, "complaints"))
    _one_of("opt_outs", "kind", (*KINDS, "complaint"))
    op.create_table(
        "complaints",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("schedule_id", ID, nullable=True),
        sa.Column("occurrence_id", ID, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=240), nullable=False),
        sa.Column("complained_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.CheckConstraint(
            "source IN ('api', 'console', 'report', 'provider')", name=op.f("ck_complaints_source")
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_complaints_{column}"))
            for column, table in REFERS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
        sa.UniqueConstraint("message_id", name=op.f("uq_complaints_message_id")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_complaints_workspace_id_name")),
    )
    for column in ("contact_id", "schedule_id"):
        known = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            op.f(f"ix_complaints_{column}"),
            "complaints",
            [column],
            sqlite_where=known,
            postgresql_where=known,
        )
    if op.get_bind().dialect.name == "postgresql":  # others' words for it: no sample outlives an erasure
        op.execute("ALTER TABLE complaints ALTER COLUMN name SET STATISTICS 0")


def downgrade() -> None:
    """Nobody who complained is asked again for it: what their opt-out was is now their own wish."""
    op.drop_table("complaints")
    op.execute("UPDATE opt_outs SET kind = 'own_wish' WHERE kind = 'complaint'")
    op.execute("DELETE FROM stops WHERE why = 'complaints'")
    _one_of("opt_outs", "kind", KINDS)
    _one_of("stops", "why", WHY)


def _one_of(table: str, column: str, values: tuple[str, ...]) -> None:
    with op.batch_alter_table(table) as altered:
        altered.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
        altered.create_check_constraint(op.f(f"ck_{table}_{column}"), f"{column} IN {values}")
