"""Messages outside of e-mail are found by their address: everybody who writes to us is looked for"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

IN_CHATS = sa.text("channel <> 'email'")


def upgrade() -> None:
    op.create_index(
        op.f("ix_messages_address_key"), "messages", ["address_key"],
        sqlite_where=IN_CHATS, postgresql_where=IN_CHATS,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_messages_address_key"), table_name="messages")
