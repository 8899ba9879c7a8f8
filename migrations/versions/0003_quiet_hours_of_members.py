"""Quiet hours of members: alerts wait until they are over"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("quiet_from", "quiet_until"):
        op.add_column("users", sa.Column(name, sa.String(length=5), nullable=True))


def downgrade() -> None:
    for name in ("quiet_until", "quiet_from"):
        op.drop_column("users", name)
