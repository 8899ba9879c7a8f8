"""Segments, the schedules that use them, and tags on contacts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "segments",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("audience", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_segments_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_segments_workspace_id_name")),
    )
    with op.batch_alter_table("schedules") as schedules:
        schedules.add_column(sa.Column("segment_id", sa.String(length=26), nullable=True))
        schedules.create_foreign_key(op.f("fk_schedules_segment_id"), "segments", ["segment_id"], ["id"])
        schedules.create_index(op.f("ix_schedules_segment_id"), ["segment_id"])
    op.add_column("contacts", sa.Column("tags", JSON, server_default="[]", nullable=False))


def downgrade() -> None:
    # Code that knows no audiences asks everybody: whoever goes back decides about each of these again
    op.execute(
        "UPDATE schedules SET audience = (SELECT audience FROM segments WHERE id = segment_id)"
        " WHERE segment_id IS NOT NULL"
    )
    op.execute("UPDATE schedules SET state = 'paused' WHERE state = 'active' AND audience <> '{}'")
    op.drop_column("contacts", "tags")
    with op.batch_alter_table("schedules") as schedules:
        schedules.drop_index(op.f("ix_schedules_segment_id"))
        schedules.drop_constraint(op.f("fk_schedules_segment_id"), type_="foreignkey")
        schedules.drop_column("segment_id")
    op.drop_table("segments")
