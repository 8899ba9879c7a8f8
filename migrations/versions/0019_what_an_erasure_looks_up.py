"""What came in from somebody is looked up when they are erased; what other systems told, when it is old"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PLACED = sa.text("contact_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("inbound_events", sa.Column("address_key", sa.String(64), nullable=True))
    op.create_index(op.f("ix_inbound_events_address_key"), "inbound_events", ["address_key"])
    op.create_index(
        op.f("ix_inbound_events_contact_id"), "inbound_events", ["contact_id"],
        sqlite_where=PLACED, postgresql_where=PLACED,
    )  # fmt: skip
    op.create_index(op.f("ix_conversations_address_key"), "conversations", ["address_key"])
    op.create_index(op.f("ix_events_workspace_id_received_at"), "events", ["workspace_id", "received_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_events_workspace_id_received_at"), table_name="events")
    op.drop_index(op.f("ix_conversations_address_key"), table_name="conversations")
    op.drop_index(op.f("ix_inbound_events_contact_id"), table_name="inbound_events")
    op.drop_index(op.f("ix_inbound_events_address_key"), table_name="inbound_events")
    with op.batch_alter_table("inbound_events") as table:
        table.drop_column("address_key")
