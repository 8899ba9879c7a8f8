"""Reminders by e-mail are found by their address as well: caps count what went there"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

IN_CHATS = sa.text("channel <> 'email'")
IN_CHATS_OR_AGAIN = sa.text("channel <> 'email' OR purpose = 'reminder'")


def upgrade() -> None:
    _index(IN_CHATS_OR_AGAIN)


def downgrade() -> None:
    _index(IN_CHATS)


def _index(which: sa.TextClause) -> None:
    op.drop_index(op.f("ix_messages_address_key"), table_name="messages")
    op.create_index(
        op.f("ix_messages_address_key"), "messages", ["address_key"],
        sqlite_where=which, postgresql_where=which,
    )  # fmt: skip
