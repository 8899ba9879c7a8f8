"""What belongs to the whole installation: the big switch, keys, leases, heartbeats, limits."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Setting(Base):
    """One named value: `sending_paused`, `address_key`, `demo_workspaces` and their like."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class Lease(Base):
    """Who may run the clock until when; only one holds it."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class Heartbeat(Base):
    """When a worker last said that it is alive."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime]


class RateWindow(Base):
    """How often a caller came within one fixed window; limits live in services/limits."""

    __tablename__ = "rate_windows"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    count: Mapped[int]
