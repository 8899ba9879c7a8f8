"""What came back after a pulse's reminder tells nothing of who was silent"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OF_A_PULSE = "workspace_id IN (SELECT id FROM workspaces WHERE kind = 'people')"
# It came from somebody silent: it is dated with the first day of that pulse
OPENED = (
    "(SELECT max(pulses.opened_at) FROM pulses WHERE pulses.workspace_id = opt_outs.workspace_id"
    " AND pulses.opened_at <= opt_outs.created_at)"
)
REMINDED = (
    "EXISTS (SELECT 1 FROM pulses WHERE pulses.workspace_id = opt_outs.workspace_id"
    " AND pulses.reminded_at <= opt_outs.created_at)"
)


def upgrade() -> None:
    op.execute(
        f"UPDATE opt_outs SET created_at = {OPENED} WHERE kind = 'bounce' AND {OF_A_PULSE} AND {REMINDED}"
    )


def downgrade() -> None:
    """The dates are gone, which was the purpose."""
