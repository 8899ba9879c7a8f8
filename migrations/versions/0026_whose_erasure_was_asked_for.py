"""Files and rows that wait make way for an erasure that somebody asked for, not for one at the end of a period"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("erasure_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE contacts SET erasure_asked_at = erased_at WHERE erased_at IS NOT NULL")
    _index("erasure_asked_at", instead_of="erased_at")


def downgrade() -> None:
    _index("erased_at", instead_of="erasure_asked_at")
    op.drop_column("contacts", "erasure_asked_at")


def _index(column: str, instead_of: str) -> None:
    op.drop_index(op.f(f"ix_contacts_workspace_id_{instead_of}"), table_name="contacts")
    which = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        op.f(f"ix_contacts_workspace_id_{column}"), "contacts", ["workspace_id", column],
        sqlite_where=which, postgresql_where=which,
    )  # fmt: skip
