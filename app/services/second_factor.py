"""The second factor: codes that change every half minute (RFC 6238), each of them good for one use."""

import hmac
from dataclasses import dataclass
from datetime import datetime

import pyotp

from app.errors import Conflict, Invalid, NotFound, problem
from app.models import User
from app.rendering.qr import qr_picture
from app.runtime import Runtime
from app.sealing import SealBroken, lock, unlock
from app.services import account_mail, audit, sessions
from app.services.accounts import account_email, by_email, renew_session, require_password
from app.services.sessions import Person
from app.services.tries import Caller

STEP = 30  # seconds
DRIFT = 1  # steps that a telephone's clock may be off, either way
ISSUER = "Retorno"


@dataclass(frozen=True)
class Draft:
    """A secret that nobody uses yet: to type, or to scan."""

    secret: str
    picture: str  # a data: address of the QR code


def draft(person: Person, secret: str | None = None) -> Draft:
    """A new secret to set up, or the one that is being set up already."""
    secret = secret or pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)
    return Draft(secret, qr_picture(address))


def set_up(runtime: Runtime, person: Person, caller: Caller, *, password: str, secret: str, code: str) -> str:
    """Turn it on with the password and a first code; every session ends. Returns this browser's new token."""
    require_password(runtime, person, password, caller)
    step = _step_of(secret, code, runtime.clock(), None)
    if step is None:
        raise _not_right()
    locked = lock(runtime.config.secret_key, secret)
    with runtime.db.write() as session:
        user = session.get_one(User, person.id, with_for_update=True)
        if user.totp_secret is not None:
            raise Conflict("The second factor is on already.")
        user.totp_secret, user.totp_last_step = locked, step
        audit.note(session, person, runtime.clock(), "account.second_factor_set_up", person.id)
        account_mail.tell_of_change(session, runtime, user, "second_factor")
        return renew_session(session, runtime, user.id, caller)


def remove(runtime: Runtime, person: Person, password: str, caller: Caller) -> str:
    """Turn it off with the password; every session ends. Returns this browser's new token."""
    require_password(runtime, person, password, caller)
    with runtime.db.write() as session:
        user = session.get_one(User, person.id, with_for_update=True)
        user.totp_secret, user.totp_last_step = None, None
        audit.note(session, person, runtime.clock(), "account.second_factor_removed", person.id)
        account_mail.tell_of_change(session, runtime, user, "second_factor")
        return renew_session(session, runtime, user.id, caller)


def remove_for(runtime: Runtime, email: str) -> None:
    """The operator turns it off for somebody who lost their telephone; ends their sessions."""
    with runtime.db.write() as session:
        user = by_email(session, account_email(email))
        if user is None:
            raise NotFound
        user.totp_secret, user.totp_last_step = None, None
        audit.note_by_operator(session, runtime.clock(), "account.second_factor_removed", user.id)
        sessions.end_all(session, user.id)


def use_code(runtime: Runtime, user: User, code: str) -> None:
    """Use up a code of a user whose row this transaction holds; raises Invalid for a wrong or used one."""
    secret = _read_secret(runtime, user)
    step = _step_of(secret, code, runtime.clock(), user.totp_last_step)
    if step is None:
        raise _not_right()
    user.totp_last_step = step


def _read_secret(runtime: Runtime, user: User) -> str:
    """The secret in clear; one that the previous SECRET_KEY locked is locked again with the present one."""
    config, locked = runtime.config, user.totp_secret or ""
    try:
        return unlock(config.secret_key, locked)
    except SealBroken:
        try:
            secret = unlock(config.secret_key_previous or "", locked)
        except SealBroken as error:
            raise Conflict("The second factor was set up under another SECRET_KEY.") from error
    user.totp_secret = lock(config.secret_key, secret)
    return secret


def _step_of(secret: str, code: str, now: datetime, last: int | None) -> int | None:
    """The step whose code this is, if it is near now and later than the last one used."""
    typed = "".join(code.split())
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    found = [
        step
        for step in range(present - DRIFT, present + DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode("utf-8", "replace"))
    ]
    return next((step for step in found if last is None or step > last), None)


def _not_right() -> Invalid:
    return Invalid([problem("code", "This code is not right, or it has been used already.")])
