"""Who was erased since a moment is looked up: an import that ended keeps no row that may be about them"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ERASED = sa.text("erased_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        op.f("ix_contacts_workspace_id_erased_at"), "contacts", ["workspace_id", "erased_at"],
        sqlite_where=ERASED, postgresql_where=ERASED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_contacts_workspace_id_erased_at"), table_name="contacts")
