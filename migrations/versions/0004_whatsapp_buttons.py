"""A WhatsApp template may carry buttons"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "whatsapp_templates",
        sa.Column("has_buttons", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    with op.batch_alter_table("whatsapp_templates") as templates:
        templates.drop_column("has_buttons")
