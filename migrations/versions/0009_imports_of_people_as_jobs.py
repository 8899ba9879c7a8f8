"""Imports of people as jobs: the file in parts, how far it has come, the rows that were not taken"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
ID = sa.String(length=26)
MOMENT = sa.DateTime(timezone=True)
COUNTS = ("total", "done", "created", "updated", "unchanged", "repeated", "refused", "opted_out", "failures")
STATES = ("arriving", "reading", "mapping", "checking", "checked", "importing", "done", "stopped", "failed")


def upgrade() -> None:
    op.drop_table("import_files")
    op.create_table(
        "contact_imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("meanings", JSON, nullable=False),
        sa.Column("lawful_basis", sa.String(length=32), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("problem", JSON, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("progressed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("lease_token", ID, nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('csv', 'xlsx')", name=op.f("ck_contact_imports_kind")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_contact_imports_state")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_contact_imports_workspace_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_contact_imports_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_imports")),
    )
    for columns in (["workspace_id", "created_at"], ["state", "progressed_at"]):
        op.create_index(op.f(f"ix_contact_imports_{'_'.join(columns)}"), "contact_imports", columns)
    _parts()


def _parts() -> None:
    op.create_table(
        "import_parts",
        sa.Column("import_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('file', 'rows')", name=op.f("ck_import_parts_kind")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["contact_imports.id"], name=op.f("fk_import_parts_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "kind", "number", name=op.f("pk_import_parts")),
    )
    op.create_table(
        "import_people",
        sa.Column("import_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "contact_id", name=op.f("pk_import_people")),
    )
    op.create_table(
        "import_rejects",
        sa.Column("import_id", ID, nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("cells", JSON, nullable=False),
        sa.Column("problems", JSON, nullable=False),
        sa.CheckConstraint("phase IN ('checking', 'importing')", name=op.f("ck_import_rejects_phase")),
        sa.CheckConstraint("outcome IN ('refused', 'repeated')", name=op.f("ck_import_rejects_outcome")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["contact_imports.id"], name=op.f("fk_import_rejects_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "phase", "row", name=op.f("pk_import_rejects")),
    )
    op.create_table(
        "column_meanings",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("heading", sa.String(length=60), nullable=False),
        sa.Column("meaning", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_column_meanings_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "heading", name=op.f("pk_column_meanings")),
    )


def downgrade() -> None:
    for table in ("column_meanings", "import_rejects", "import_people", "import_parts", "contact_imports"):
        op.drop_table(table)
    op.create_table(
        "import_files",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_import_files_workspace_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_import_files_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_files")),
    )
