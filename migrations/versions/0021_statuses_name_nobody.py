"""What providers told of our messages names no address any more, and nobody whom a pulse asked"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OF_A_PULSE = "workspace_id IN (SELECT id FROM workspaces WHERE kind = 'people')"
# What came back after a reminder came from somebody silent: it is dated with the first day of that pulse
OPENED = (
    "(SELECT max(pulses.opened_at) FROM pulses WHERE pulses.workspace_id = opt_outs.workspace_id"
    " AND pulses.opened_at <= opt_outs.created_at)"
)
REMINDED = (
    "EXISTS (SELECT 1 FROM pulses WHERE pulses.workspace_id = opt_outs.workspace_id"
    " AND pulses.reminded_at <= opt_outs.created_at)"
)


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    payload = "payload - 'address'" if is_postgresql else "json_remove(payload, '$.address')"
    whose = f"CASE WHEN {OF_A_PULSE} THEN NULL ELSE contact_id END"
    op.execute(
        f"UPDATE inbound_events SET payload = {payload}, address_key = '', contact_id = {whose}"
        " WHERE kind = 'status'"
    )
    op.execute(
        f"UPDATE opt_outs SET created_at = {OPENED} WHERE kind = 'bounce' AND {OF_A_PULSE} AND {REMINDED}"
    )


def downgrade() -> None:
    """What is forgotten does not come back."""
