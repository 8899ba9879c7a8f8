"""A person's own account: address, name, language, password."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import passwords as rules
from app.domain.addresses import BadAddress, read_email
from app.errors import Invalid, Problem, problem
from app.models import User
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import account_mail, audit, passwords, sessions, tries
from app.services.sessions import Person
from app.services.tries import Caller

LONGEST_NAME = 120


def account_email(text: str) -> str:
    """The form in which an account's address is stored and found; raises BadAddress."""
    return read_email(text).text.casefold()


def read_account_email(text: str, problems: list[Problem]) -> str:
    """The same for a form: what is wrong with it is added to the problems."""
    try:
        return account_email(text)
    except BadAddress as error:
        problems.append(Problem("email", error.message, error.params))
        return ""


def read_name(text: str, problems: list[Problem], field: str = "name") -> str:
    """A name on one line; what is wrong with it is added to the problems."""
    name = " ".join(text.split())
    if not name:
        problems.append(problem(field, "Say how you are called."))
    elif len(name) > LONGEST_NAME or not name.isprintable():
        problems.append(problem(field, "At most %(most)s ordinary characters.", most=LONGEST_NAME))
    return name


def by_email(session: Session, email: str) -> User | None:
    """The account with this address, which is in the form of `account_email`."""
    return session.scalar(select(User).where(User.email == email))


def start_session(session: Session, runtime: Runtime, user_id: str, caller: Caller) -> str:
    """A new session where this caller is; returns its token."""
    key = tries.network_key(session, caller)
    return sessions.begin(session, user_id, runtime.clock(), caller.device, key)


def require_password(
    runtime: Runtime, person: Person, password: str, caller: Caller, field: str = "password"
) -> str:
    """Somebody who is signed in proves that it is still them; returns the stored hash that matched.

    Raises Invalid, and TooMany after ten failures in a quarter of an hour. Opens transactions of its own:
    verbs call it before theirs.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        counted = tries.count_secret(session, "password", person.id, caller, now)
        stored = session.get_one(User, person.id).password_hash
    if stored is None or not passwords.matches(runtime, stored, password):
        raise Invalid([problem(field, "This is not your present password.")])
    with runtime.db.write() as session:
        tries.give_back(session, counted, now)
    return stored


def change_password(runtime: Runtime, person: Person, current: str, new: str, caller: Caller) -> str:
    """Set a new password and end every session; returns the token of the one that goes on here.

    Links to reset the old one end by themselves: they are bound to it.
    """
    stored = require_password(runtime, person, current, caller, "current_password")
    if problems := rules.check(new, person.email, "new_password"):
        raise Invalid(problems)
    fresh = passwords.hashed(runtime, new)
    with runtime.db.write() as session:
        user = session.get_one(User, person.id, with_for_update=True)
        if user.password_hash != stored:
            raise Invalid([problem("current_password", "This is not your present password.")])
        user.password_hash = fresh
        audit.note(session, person, runtime.clock(), "account.password_changed", person.id)
        account_mail.tell_of_change(session, runtime, user)
        return renew_session(session, runtime, user.id, caller)


def renew_session(session: Session, runtime: Runtime, user_id: str, caller: Caller) -> str:
    """After a change of credentials: every session ends, and this browser goes on with a new one."""
    sessions.end_all(session, user_id)
    return start_session(session, runtime, user_id, caller)


def update_profile(runtime: Runtime, person: Person, name: str, locale: str, shortcuts: bool) -> None:
    """Name, language and keyboard shortcuts; raises Invalid."""
    problems: list[Problem] = []
    name = read_name(name, problems)
    if locale not in LOCALES:
        problems.append(problem("locale", "Choose one of the languages."))
    if problems:
        raise Invalid(problems)
    with runtime.db.write() as session:
        user = session.get_one(User, person.id)
        user.name, user.locale, user.shortcuts = name, locale, shortcuts
        audit.note(session, person, runtime.clock(), "account.edited", person.id)
