"""Accounts for tests: somebody with a password, where they come from, and what time their telephone shows."""

from dataclasses import replace

import pyotp
from sqlalchemy import select

from app.domain.access import Role
from app.models import Message, User, UserSession
from app.runtime import Runtime
from app.sealing import lock
from app.services import passwords
from app.services.access import Visitor
from app.services.sessions import Person, user_of
from app.services.tries import Caller
from tests.world import World

PASSWORD = "chuva fina no quintal"
OTHER_PASSWORD = "vento norte na varanda"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Caller("203.0.113.7", "Firefox, Linux")
ELSEWHERE = Caller("198.51.100.9", "Chrome, Windows")


def with_mail(runtime: Runtime) -> Runtime:
    """The same installation with a mail server."""
    config = replace(runtime.config, smtp_url="smtp://127.0.0.1:2525", mail_from="pergunta@retorno.example")
    return replace(runtime, config=config)


def account(world: World, email: str = "camila@aroeira.example", **values: object) -> User:
    """A user whose password is PASSWORD; with `second_factor=True` their telephone counts with SECRET."""
    if values.pop("second_factor", False):
        values["totp_secret"] = lock(world.runtime.config.secret_key, SECRET)
    stored = passwords.hashed(world.runtime, PASSWORD)
    return world.user(**{"email": email, "name": "Camila Prado", "password_hash": stored} | values)


def member_with_password(world: World, role: Role = Role.OWNER, **values: object) -> Visitor:
    """A member of a new workspace who can sign in."""
    return world.member(world.workspace(), role, account(world, **values))  # type: ignore[arg-type]


def code_now(runtime: Runtime, steps: int = 0) -> str:
    """What the telephone shows, some half minutes from now."""
    return pyotp.TOTP(SECRET).generate_otp(int(runtime.clock().timestamp()) // 30 + steps)


def person(runtime: Runtime, token: str) -> Person:
    """Who this token says it is."""
    return user_of(runtime, token)


def row(runtime: Runtime, user_id: str) -> User:
    """The user as stored now."""
    with runtime.db.read() as session:
        return session.get_one(User, user_id)


def tokens_alive(runtime: Runtime, user_id: str) -> int:
    """How many sessions this user has."""
    with runtime.db.read() as session:
        return len(session.scalars(select(UserSession).where(UserSession.user_id == user_id)).all())


def mails(runtime: Runtime) -> list[Message]:
    """What is queued for users' own mailboxes."""
    with runtime.db.read() as session:
        query = select(Message).where(Message.purpose == "account").order_by(Message.created_at, Message.id)
        return list(session.scalars(query))
