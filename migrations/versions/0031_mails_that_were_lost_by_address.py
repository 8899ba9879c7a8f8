"""Mails that were lost are found by their address as well: their asks may have gone on elsewhere"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BEFORE = sa.text("channel <> 'email' OR purpose = 'reminder'")
NOW = sa.text("channel <> 'email' OR purpose = 'reminder' OR state = 'failed'")


def upgrade() -> None:
    _index(NOW)


def downgrade() -> None:
    _index(BEFORE)


def _index(which: sa.TextClause) -> None:
    op.drop_index(op.f("ix_messages_address_key"), table_name="messages")
    op.create_index(
        op.f("ix_messages_address_key"), "messages", ["address_key"],
        sqlite_where=which, postgresql_where=which,
    )  # fmt: skip
