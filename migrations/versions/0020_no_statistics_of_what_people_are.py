"""PostgreSQL keeps no statistics of names, addresses and words: they are samples that outlive an erasure"""

from alembic import op
from sqlalchemy import text

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PERSONAL = {
    "contacts": (
        "external_id", "name", "search_name", "email", "phone", "telegram_chat_id", "attributes", "tags",
        "source",
    ),
    "answers": ("comment", "attributes"),
    "answer_edits": ("comment",),
    "messages": ("to_address", "subject", "body", "detail"),
    "attempts": ("detail",),
    "sandbox_copies": ("subject", "text", "html", "buttons"),
    "opt_outs": ("evidence", "lifted_evidence"),
    "followup_events": ("text",),
    "followup_closures": ("summary",),
    "import_parts": ("content",),
    "import_rejects": ("cells", "problems"),
    "import_people": ("changes",),
    "inbound_events": ("payload", "error"),
    "conversations": ("choices", "pending"),
    "events": ("properties",),
    "consent_changes": ("source", "evidence"),
    "audit_rows": ("payload",),
    "rate_windows": ("key",),
    "pulse_comments": ("comment",),
}  # fmt: skip
TYPE = text(
    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = to_regclass(:table) AND attname = :column"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table, columns in PERSONAL.items():
        for column in columns:
            kind = connection.scalar(TYPE, {"table": table, "column": column})
            # The same type: nothing is written anew, but the statistics that there are go
            op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" TYPE {kind}')
            op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" SET STATISTICS 0')


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in PERSONAL.items():
        for column in columns:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" SET STATISTICS -1')
