"""Signing in: password, code, and what a stranger may learn from either, which is nothing."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.addresses import BadAddress
from app.errors import Invalid, Unauthenticated, problem
from app.models import User
from app.runtime import Runtime
from app.services import passwords, second_factor, tries
from app.services.accounts import account_email, by_email, start_session
from app.services.links import credential_state
from app.services.tries import Caller


@dataclass(frozen=True)
class Entered:
    """Somebody who proved who they are. Without a token a code is asked next, and `state` binds it to now."""

    user_id: str
    token: str | None
    state: str


def sign_in(runtime: Runtime, email: str, password: str, caller: Caller) -> Entered:
    """Check address and password and start a session, or ask for the second factor.

    An unknown address, one without a password yet and a wrong password cost and say the same.
    Raises Invalid and TooMany.
    """
    now = runtime.clock()
    try:
        address = account_email(email)
    except BadAddress:
        address = ""  # nobody's, and found out as late as any other
    with runtime.db.write() as session:
        user = by_email(session, address)
        stored = user.password_hash if user else None
        counted = tries.count_sign_in(session, address or email, user.id if user else None, caller, now)
    if not passwords.matches(runtime, stored, password) or user is None or stored is None:
        raise _wrong()
    better = passwords.hashed(runtime, password) if passwords.is_outdated(runtime, stored) else None
    with runtime.db.write() as session:
        user = session.get_one(User, user.id, with_for_update=True)
        if user.password_hash != stored:
            raise _wrong()  # it was changed while this one was checked
        user.password_hash = better or stored
        tries.give_back(session, counted, now)
        return enter(session, runtime, user, caller)


def enter(session: Session, runtime: Runtime, user: User, caller: Caller) -> Entered:
    """Start a session, unless a code is to be asked first."""
    state = credential_state(user)
    if user.totp_secret is not None:
        return Entered(user.id, None, state)
    return Entered(user.id, start_session(session, runtime, user.id, caller), state)


def confirm_code(runtime: Runtime, user_id: str, state: str, code: str, caller: Caller) -> str:
    """The second step: a code of the second factor starts the session. Returns its token.

    Raises Unauthenticated when the credentials have changed since the first step, Invalid and TooMany.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        counted = tries.count_secret(session, "code", user_id, caller, now)
    with runtime.db.write() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None or user.totp_secret is None or credential_state(user) != state:
            raise Unauthenticated
        second_factor.use_code(runtime, user, code)
        tries.give_back(session, counted, now)
        return start_session(session, runtime, user.id, caller)


def _wrong() -> Invalid:
    return Invalid([problem("", "E-mail and password do not belong together.")])
