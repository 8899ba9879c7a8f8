"""The way back in, and in for the first time: links to set a password, asked for and used."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import taken_back
from app.domain import passwords as rules
from app.domain.addresses import BadAddress
from app.errors import Invalid, NotFound, Problem, Unavailable
from app.models import OneTimeLink, User
from app.runtime import Runtime
from app.services import account_mail, audit, limits, links, passwords, sessions
from app.services.accounts import account_email, by_email, read_account_email, read_name
from app.services.limits import Limit
from app.services.sign_in import Entered, enter
from app.services.tries import Caller

ASKED_HERE = Limit(10, 3600)  # from one address, for whatever accounts
ASKED_FOR = Limit(3, 3600)  # for one account: its mailbox is nobody's to fill
FIELDS = {"reset": (), "invitation": ("name",)}  # what these links ask for beside a password


@dataclass(frozen=True)
class Filled:
    """The form behind a link, as typed."""

    password: str
    name: str = ""
    locale: str | None = None


def request_reset(runtime: Runtime, email: str, caller: Caller) -> None:
    """Send a link to this address if it has an account. Nobody can tell from the outside whether it has.

    For an account that was asked for too often nothing more is sent, without a word. Raises Invalid for what
    is no address, TooMany for a caller who asks too often and Unavailable without a mail server.
    """
    if not account_mail.is_possible(runtime):
        raise Unavailable("no mail server")
    problems: list[Problem] = []
    address = read_account_email(email, problems)
    if problems:
        raise Invalid(problems)
    now = runtime.clock()
    with runtime.db.write() as session:
        limits.count(session, f"reset:address:{caller.network}", ASKED_HERE, now)
        user = by_email(session, address)
        asked = limits.so_far(session, f"reset:account:{address}", ASKED_FOR, now)
        if asked < ASKED_FOR.most:
            limits.count(session, f"reset:account:{address}", ASKED_FOR, now)
            _queue_or_pretend(session, runtime, address, user)


def _queue_or_pretend(session: Session, runtime: Runtime, address: str, user: User | None) -> None:
    """The mail to this person; for nobody the same work is done and taken back, so that it takes as long."""
    nobody = User(email=address, name="", locale="en")
    with taken_back(session) if user is None else session.begin_nested():
        account_mail.enqueue(session, runtime, user or nobody, "reset")


def reset_link(runtime: Runtime, email: str) -> str:
    """The operator's way: a link to set a password again. Raises NotFound for an unknown address."""
    with runtime.db.write() as session:
        try:
            user = by_email(session, account_email(email))
        except BadAddress as error:
            raise NotFound from error
        if user is None:
            raise NotFound
        audit.note_by_operator(session, runtime.clock(), "account.reset_link_made", user.id)
        return links.mint(session, runtime, user, "reset")


def redeem(runtime: Runtime, token: str, filled: Filled, caller: Caller) -> Entered:
    """Use a link to set a password and come in; a second factor is still asked for.

    Raises NotFound for a link that cannot be used (any more), and Invalid, which uses nothing up.
    """
    with runtime.db.read() as session:
        link, user = _usable(session, runtime, token)
        name = _check(link.purpose, user.email, filled)
    fresh = passwords.hashed(runtime, filled.password)
    with runtime.db.write() as session:
        link, user = _usable(session, runtime, token)
        links.use(session, link, runtime.clock())
        if user.password_hash is not None:
            account_mail.tell_of_change(session, runtime, user)
        user.password_hash = fresh
        user.name = name or user.name
        user.locale = filled.locale or user.locale
        audit.note_of_account(session, runtime.clock(), "account.password_changed", user.id)
        sessions.end_all(session, user.id)
        return enter(session, runtime, user, caller)


def _usable(session: Session, runtime: Runtime, token: str) -> tuple[OneTimeLink, User]:
    link, user = links.find(session, token, runtime.clock())
    if link.purpose not in FIELDS:
        raise NotFound
    return link, user


def _check(purpose: str, email: str, filled: Filled) -> str:
    problems: list[Problem] = []
    name = read_name(filled.name, problems) if "name" in FIELDS[purpose] else ""
    problems += rules.check(filled.password, email)
    if problems:
        raise Invalid(problems)
    return name
