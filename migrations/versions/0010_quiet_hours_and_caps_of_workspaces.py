"""Quiet hours, quiet days and caps of workspaces"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
CHECKS = {
    "quiet_hours": "(quiet_from IS NULL) = (quiet_to IS NULL)",
    "daily_cap": "daily_cap >= 1",
    "weekly_cap": "weekly_cap >= 1",
}


def upgrade() -> None:
    with op.batch_alter_table("workspaces") as workspaces:
        workspaces.add_column(
            sa.Column("quiet_from", sa.String(length=5), server_default="21:00", nullable=True)
        )
        workspaces.add_column(
            sa.Column("quiet_to", sa.String(length=5), server_default="09:00", nullable=True)
        )
        workspaces.add_column(sa.Column("quiet_days", JSON, server_default="[]", nullable=False))
        workspaces.add_column(
            sa.Column("quiet_email", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        workspaces.add_column(sa.Column("daily_cap", sa.Integer(), nullable=True))
        workspaces.add_column(sa.Column("weekly_cap", sa.Integer(), nullable=True))
        for name, says in CHECKS.items():
            workspaces.create_check_constraint(op.f(f"ck_workspaces_{name}"), says)


def downgrade() -> None:
    with op.batch_alter_table("workspaces") as workspaces:
        for name in CHECKS:
            workspaces.drop_constraint(op.f(f"ck_workspaces_{name}"), type_="check")
        for name in ("weekly_cap", "daily_cap", "quiet_email", "quiet_days", "quiet_to", "quiet_from"):
            workspaces.drop_column(name)
