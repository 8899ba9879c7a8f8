"""What is owed to a person: audit chain, requests, consent log, opt-outs of one channel, retention"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.add_column("opt_outs", sa.Column("channel", sa.String(length=16), nullable=True))
    op.add_column("opt_outs", sa.Column("evidence", sa.String(length=500), nullable=True))
    op.add_column("workspaces", sa.Column("retention", JSON, server_default="{}", nullable=False))
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.String(length=26), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "audit_rows",
        sa.Column("chain", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("subject_id", sa.String(length=26), nullable=True),
        sa.Column("payload", JSON, nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit_rows")),
    )
    op.create_index(
        op.f("ix_audit_rows_chain_actor_id_number"), "audit_rows", ["chain", "actor_id", "number"]
    )
    op.create_index(op.f("ix_audit_rows_subject_id"), "audit_rows", ["subject_id"])
    _people()


def _people() -> None:
    op.create_table(
        "person_requests",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("contact_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.CheckConstraint(
            "kind IN ('access', 'correction', 'erasure')", name=op.f("ck_person_requests_kind")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_person_requests_workspace_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_person_requests_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_requests")),
    )
    op.create_index(
        op.f("ix_person_requests_workspace_id_done_at_due_at"),
        "person_requests",
        ["workspace_id", "done_at", "due_at"],
    )
    op.create_index(op.f("ix_person_requests_contact_id"), "person_requests", ["contact_id"])
    op.create_table(
        "consent_changes",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("contact_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.String(length=32), nullable=False),
        sa.Column("lawful_basis", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("evidence", sa.String(length=500), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_consent_changes_workspace_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_consent_changes_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_changes")),
    )
    op.create_index(op.f("ix_consent_changes_contact_id_at"), "consent_changes", ["contact_id", "at"])


def downgrade() -> None:
    for table in ("consent_changes", "person_requests", "audit_rows", "audit_chains"):
        op.drop_table(table)
    op.drop_column("workspaces", "retention")
    op.execute("DELETE FROM opt_outs WHERE channel IS NOT NULL")  # without it, it would hold on every one
    op.drop_column("opt_outs", "evidence")
    op.drop_column("opt_outs", "channel")
