"""Terms of asking many: reminders, samples, throttles, whose channel comes first"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
REMINDED = sa.text("remind_after IS NOT NULL")


def upgrade() -> None:
    for table in ("schedules", "occurrences"):
        op.add_column(table, sa.Column("terms", JSON, server_default="{}", nullable=False))
    op.add_column("occurrences", sa.Column("lots", JSON, nullable=True))
    op.add_column("occurrences", sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
    op.add_column("invitations", sa.Column("remind_after", sa.Integer(), nullable=True))
    op.create_index(
        op.f("ix_invitations_remind_after_sent_at"),
        "invitations",
        ["remind_after", "sent_at"],
        sqlite_where=REMINDED,
        postgresql_where=REMINDED,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_invitations_remind_after_sent_at"), table_name="invitations")
    op.drop_column("invitations", "remind_after")
    for name in ("asked", "lots"):
        op.drop_column("occurrences", name)
    for table in ("occurrences", "schedules"):
        op.drop_column(table, "terms")
