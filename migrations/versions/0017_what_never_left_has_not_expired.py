"""What was too late to be sent was not asked: only what left can expire"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PERHAPS_LEFT = (
    "SELECT max(a.started_at) FROM attempts a JOIN messages m ON m.id = a.message_id"
    " WHERE m.invitation_id = invitations.id AND m.state IN ('attempting', 'unknown', 'sent', 'delivered')"
)
UNSENT = "state = 'expired' AND sent_at IS NULL"


def upgrade() -> None:
    op.execute(f"UPDATE invitations SET sent_at = ({PERHAPS_LEFT}) WHERE {UNSENT}")
    op.execute(f"UPDATE invitations SET state = 'skipped' WHERE {UNSENT}")


def downgrade() -> None:
    """What was asked of nobody stays so."""
