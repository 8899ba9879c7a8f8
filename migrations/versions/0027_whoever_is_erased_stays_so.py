"""An import knows who was erased meanwhile, and a no of the law that it only followed its person"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_erasures",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("import_id", sa.String(26), nullable=False),
        sa.Column("external_key", sa.String(64)),
        sa.Column("email_key", sa.String(64)),
        sa.Column("phone_key", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_erasures")),
    )
    op.create_index(op.f("ix_import_erasures_import_id"), "import_erasures", ["import_id"])
    op.add_column("contact_imports", sa.Column("forgotten", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "opt_outs", sa.Column("followed", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("opt_outs", "followed")
    op.drop_column("contact_imports", "forgotten")
    op.drop_table("import_erasures")
