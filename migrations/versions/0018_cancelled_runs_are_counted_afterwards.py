"""Cancelled runs are counted afterwards; steps are about whom the step before asked"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NOT_COUNTED = "state = 'cancelled' AND spared IS NULL AND version_id IS NOT NULL"


def upgrade() -> None:
    # From before they were counted at all: whom they had not come to is not known any more
    op.execute(f"UPDATE occurrences SET spared = 0 WHERE {NOT_COUNTED}")
    op.execute("UPDATE occurrences SET audience = '{}' WHERE origin = 'sequence' AND state = 'due'")
    op.create_index(
        "ix_occurrences_ended_at",
        "occurrences",
        ["ended_at"],
        sqlite_where=sa.text(NOT_COUNTED),
        postgresql_where=sa.text(NOT_COUNTED),
    )


def downgrade() -> None:
    op.drop_index("ix_occurrences_ended_at", table_name="occurrences")
