"""A pulse that was opened by hand stops by itself as well, and questions asked one by one are watched"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ONE_BY_ONE = sa.text("schedule_id IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("stops") as stops:
        stops.alter_column("schedule_id", existing_type=sa.String(26), nullable=True)
    op.create_index(
        "ix_invitations_one_by_one", "invitations", ["workspace_id", "created_at"],
        sqlite_where=ONE_BY_ONE, postgresql_where=ONE_BY_ONE,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_invitations_one_by_one", table_name="invitations")
    op.execute("DELETE FROM stops WHERE schedule_id IS NULL")
    with op.batch_alter_table("stops") as stops:
        stops.alter_column("schedule_id", existing_type=sa.String(26), nullable=False)
