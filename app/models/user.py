"""Users, their sessions, and the one-time links that set a password."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class User(HasId, Base):
    """Somebody who signs in; `email` is normalised and unique."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[str | None] = mapped_column(String(200))  # encrypted with a key made from SECRET_KEY
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)  # a code is used once
    shortcuts: Mapped[bool] = mapped_column(default=True)
    telegram_chat_id: Mapped[str | None] = mapped_column(String(32), unique=True)  # where alerts may go
    quiet_from: Mapped[str | None] = mapped_column(String(5))  # "20:00": no alerts until quiet_until
    quiet_until: Mapped[str | None] = mapped_column(String(5))
    last_workspace_id: Mapped[str | None] = mapped_column(String(26))
    created_at: Mapped[datetime]


class UserSession(Base):
    """One signed-in browser; deleting the row ends it at once."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    device: Mapped[str | None] = mapped_column(String(80))  # "Firefox, Linux": its owner knows it again
    address_key: Mapped[str | None] = mapped_column(String(64))  # keyed hash: where this account is at home


class OneTimeLink(Base):
    """A link for one person, one purpose and one use; bound to the credentials that it was made for."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('invitation', 'welcome', 'reset', 'first_owner')", name="purpose"),
    )

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))  # the one invited to
    credential_state: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
