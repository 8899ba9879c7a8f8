"""What providers told of our messages names no address any more, and nobody whom a pulse asked"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OF_A_PULSE = "workspace_id IN (SELECT id FROM workspaces WHERE kind = 'people')"


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    payload = "payload - 'address'" if is_postgresql else "json_remove(payload, '$.address')"
    whose = f"CASE WHEN {OF_A_PULSE} THEN NULL ELSE contact_id END"
    op.execute(
        f"UPDATE inbound_events SET payload = {payload}, address_key = '', contact_id = {whose}"
        " WHERE kind = 'status'"
    )


def downgrade() -> None:
    """What is forgotten does not come back."""
