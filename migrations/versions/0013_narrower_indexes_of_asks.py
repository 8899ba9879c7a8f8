"""Narrower indexes of invitations and messages: a run writes each of them for each person"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PARTIAL = (
    (["state", "lease_until"], "lease_until"),
    (["followup_id"], "followup_id"),
    (["sender_id", "provider_id"], "provider_id"),
)


def upgrade() -> None:
    op.create_index(op.f("ix_invitations_address_key"), "invitations", ["address_key"])
    op.drop_index(op.f("ix_invitations_workspace_id_address_key_sent_at"), table_name="invitations")
    for columns, known in PARTIAL:
        name, where = op.f(f"ix_messages_{'_'.join(columns)}"), sa.text(f"{known} IS NOT NULL")
        op.drop_index(name, table_name="messages")
        op.create_index(name, "messages", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for columns, _known in PARTIAL:
        name = op.f(f"ix_messages_{'_'.join(columns)}")
        op.drop_index(name, table_name="messages")
        op.create_index(name, "messages", columns)
    op.create_index(
        op.f("ix_invitations_workspace_id_address_key_sent_at"), "invitations",
        ["workspace_id", "address_key", "sent_at"],
    )  # fmt: skip
    op.drop_index(op.f("ix_invitations_address_key"), table_name="invitations")
