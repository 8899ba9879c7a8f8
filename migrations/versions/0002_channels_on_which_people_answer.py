"""Channels on which people answer: what came in, conversations, links that tie a chat to a person"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
STATES = ("queued", "claimed", "attempting", "sent", "delivered", "unknown", "failed", "cancelled")
PURPOSES = ("invitation", "reminder", "alert", "reply", "account")
TOKENS = ("answer", "pulse", "unsubscribe")


def upgrade() -> None:
    _checks((*STATES, "received"), (*PURPOSES, "dialogue", "inbound"), (*TOKENS, "press"))
    op.create_index(op.f("ix_messages_sender_id_provider_id"), "messages", ["sender_id", "provider_id"])
    op.add_column("contacts", sa.Column("telegram_key", sa.String(length=64), nullable=True))
    for columns in (["workspace_id", "telegram_key"], ["phone_key"], ["telegram_key"]):
        op.create_index(op.f(f"ix_contacts_{'_'.join(columns)}"), "contacts", columns)
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("telegram_chat_id", sa.String(length=32), nullable=True))
        users.create_unique_constraint(op.f("uq_users_telegram_chat_id"), ["telegram_chat_id"])
    with op.batch_alter_table("members") as members:
        members.add_column(
            sa.Column("alerts_by", sa.String(length=16), server_default="email", nullable=False)
        )
        members.create_check_constraint(
            op.f("ck_members_alerts_by"), "alerts_by IN ('email', 'telegram', 'both')"
        )
    op.add_column("sandbox_copies", sa.Column("buttons", JSON, server_default="[]", nullable=False))
    _new_tables()


def downgrade() -> None:
    for table in ("whatsapp_templates", "connect_links", "inbound_marks", "conversations", "inbound_events"):
        op.drop_table(table)
    op.drop_column("sandbox_copies", "buttons")
    with op.batch_alter_table("members") as members:
        members.drop_constraint(op.f("ck_members_alerts_by"), type_="check")
        members.drop_column("alerts_by")
    with op.batch_alter_table("users") as users:
        users.drop_constraint(op.f("uq_users_telegram_chat_id"), type_="unique")
        users.drop_column("telegram_chat_id")
    for columns in ("telegram_key", "phone_key", "workspace_id_telegram_key"):
        op.drop_index(op.f(f"ix_contacts_{columns}"), table_name="contacts")
    op.drop_column("contacts", "telegram_key")
    op.drop_index(op.f("ix_messages_sender_id_provider_id"), table_name="messages")
    op.execute("DELETE FROM tokens WHERE purpose = 'press'")
    op.execute(
        f"DELETE FROM tokens WHERE message_id IN (SELECT id FROM messages WHERE purpose NOT IN {PURPOSES})"
    )
    op.execute(
        f"DELETE FROM attempts WHERE message_id IN (SELECT id FROM messages WHERE purpose NOT IN {PURPOSES})"
    )
    op.execute(
        "DELETE FROM sandbox_copies WHERE message_id IN"
        f" (SELECT id FROM messages WHERE purpose NOT IN {PURPOSES})"
    )
    op.execute(f"DELETE FROM messages WHERE purpose NOT IN {PURPOSES}")
    _checks(STATES, PURPOSES, TOKENS)


def _checks(states: tuple[str, ...], purposes: tuple[str, ...], tokens: tuple[str, ...]) -> None:
    with op.batch_alter_table("messages") as messages:
        messages.drop_constraint(op.f("ck_messages_state"), type_="check")
        messages.drop_constraint(op.f("ck_messages_purpose"), type_="check")
        messages.create_check_constraint(op.f("ck_messages_state"), f"state IN {states}")
        messages.create_check_constraint(op.f("ck_messages_purpose"), f"purpose IN {purposes}")
    with op.batch_alter_table("tokens") as kept:
        kept.drop_constraint(op.f("ck_tokens_purpose"), type_="check")
        kept.create_check_constraint(op.f("ck_tokens_purpose"), f"purpose IN {tokens}")


def _new_tables() -> None:
    op.create_table(
        "whatsapp_templates",
        sa.Column("workspace_id", sa.String(length=26), nullable=False),
        sa.Column("survey_id", sa.String(length=26), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("content_sid", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_whatsapp_templates_workspace_id")
        ),
        sa.ForeignKeyConstraint(["survey_id"], ["surveys.id"], name=op.f("fk_whatsapp_templates_survey_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_templates")),
        sa.UniqueConstraint("survey_id", "locale", name=op.f("uq_whatsapp_templates_survey_id_locale")),
    )
    op.create_table(
        "inbound_events",
        sa.Column("sender_id", sa.String(length=26), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(length=26), nullable=True),
        sa.Column("contact_id", sa.String(length=26), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.CheckConstraint("state IN ('new', 'done', 'set_aside')", name=op.f("ck_inbound_events_state")),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_inbound_events_sender_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_inbound_events_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint("sender_id", "provider_id", name=op.f("uq_inbound_events_sender_id_provider_id")),
    )
    op.create_index(op.f("ix_inbound_events_state_due_at"), "inbound_events", ["state", "due_at"])
    op.create_index(
        op.f("ix_inbound_events_sender_id_received_at"), "inbound_events", ["sender_id", "received_at"]
    )
    op.create_table(
        "conversations",
        sa.Column("sender_id", sa.String(length=26), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("expects", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=26), nullable=True),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("choices", JSON, nullable=False),
        sa.Column("pending", sa.String(), nullable=True),
        sa.Column("locale", sa.String(length=8), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_conversations_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("sender_id", "address_key", name=op.f("uq_conversations_sender_id_address_key")),
    )
    op.create_table(
        "inbound_marks",
        sa.Column("sender_id", sa.String(length=26), nullable=False),
        sa.Column("after", sa.String(length=120), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_inbound_marks_sender_id")),
        sa.PrimaryKeyConstraint("sender_id", name=op.f("pk_inbound_marks")),
    )
    op.create_table(
        "connect_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("workspace_id", sa.String(length=26), nullable=True),
        sa.Column("contact_id", sa.String(length=26), nullable=True),
        sa.Column("user_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_connect_links_workspace_id")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_connect_links_contact_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_connect_links_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_connect_links")),
    )
    for column in ("contact_id", "user_id"):
        op.create_index(op.f(f"ix_connect_links_{column}"), "connect_links", [column])
