"""Which channel a contact prefers; what an import changed, so that it can be undone"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
CHANNELS = ("email", "sms", "whatsapp", "telegram")
BEFORE = ("arriving", "reading", "mapping", "checking", "checked", "importing", "done", "stopped", "failed")
STATES = (*BEFORE, "undoing", "undone")
COUNTS = ("put_away", "put_back", "left_alone")


def upgrade() -> None:
    with op.batch_alter_table("contacts") as contacts:
        contacts.add_column(sa.Column("preferred_channel", sa.String(length=16), nullable=True))
        contacts.create_check_constraint(
            op.f("ck_contacts_preferred_channel"), f"preferred_channel IN {CHANNELS}"
        )
    with op.batch_alter_table("column_meanings") as meanings:  # room for the word "preferred_channel"
        meanings.alter_column("meaning", type_=sa.String(length=32), existing_type=sa.String(length=16))
    op.add_column("import_people", sa.Column("outcome", sa.String(length=16), nullable=True))
    op.add_column("import_people", sa.Column("changes", JSON, nullable=True))
    with op.batch_alter_table("contact_imports") as imports:
        for name in COUNTS:
            imports.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))
        imports.drop_constraint(op.f("ck_contact_imports_state"), type_="check")
        imports.create_check_constraint(op.f("ck_contact_imports_state"), f"state IN {STATES}")


def downgrade() -> None:
    op.execute("UPDATE contact_imports SET state = 'stopped' WHERE state IN ('undoing', 'undone')")
    with op.batch_alter_table("contact_imports") as imports:
        imports.drop_constraint(op.f("ck_contact_imports_state"), type_="check")
        imports.create_check_constraint(op.f("ck_contact_imports_state"), f"state IN {BEFORE}")
        for name in COUNTS:
            imports.drop_column(name)
    with op.batch_alter_table("import_people") as people:
        people.drop_column("changes")
        people.drop_column("outcome")
    op.execute("DELETE FROM column_meanings WHERE meaning = 'preferred_channel'")
    with op.batch_alter_table("column_meanings") as meanings:
        meanings.alter_column("meaning", type_=sa.String(length=16), existing_type=sa.String(length=32))
    with op.batch_alter_table("contacts") as contacts:
        contacts.drop_constraint(op.f("ck_contacts_preferred_channel"), type_="check")
        contacts.drop_column("preferred_channel")
