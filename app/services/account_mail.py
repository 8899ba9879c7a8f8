"""Mails to users about their own account. The stored text keeps a placeholder; sending makes the link."""

import re

from sqlalchemy.orm import Session

from app.models import Message, User, Workspace, new_id
from app.rendering.languages import Language, language_of
from app.runtime import Runtime
from app.services import links

PRIORITY = 0  # somebody waits for it
_PLACEHOLDER = re.compile(r"\{\{ (reset|invitation|welcome)_link \}\}")


def is_possible(runtime: Runtime) -> bool:
    """Is there a mail server? Without one no link is put into the sandbox, where others could read it."""
    return runtime.config.smtp_url is not None


def enqueue(
    session: Session,
    runtime: Runtime,
    user: User,
    purpose: str,
    *,
    workspace: Workspace | None = None,
    inviter: str | None = None,
) -> None:
    """Queue the mail for a link of this purpose (reset, invitation or welcome), or the word of a change."""
    subject, body = _words(language_of(user.locale), user, purpose, workspace, inviter)
    now = runtime.clock()
    session.add(
        Message(
            id=new_id(), purpose="account", priority=PRIORITY, channel="email", user_id=user.id,
            workspace_id=workspace.id if workspace else None, to_address=user.email, locale=user.locale,
            subject=subject, body=body, state="queued", due_at=now, created_at=now,
        )
    )  # fmt: skip


def tell_of_change(session: Session, runtime: Runtime, user: User, what: str = "changed") -> None:
    """Whoever did not change their own password (or, `second_factor`, that) should hear that somebody did."""
    if is_possible(runtime):
        enqueue(session, runtime, user, what)


def filled(session: Session, runtime: Runtime, message: Message) -> str:
    """The text as it is sent: its link is made now, in the transaction that marks the attempt."""
    user = session.get_one(User, message.user_id)
    return _PLACEHOLDER.sub(
        lambda found: links.mint(session, runtime, user, found[1], message.workspace_id), message.body or ""
    )


def _words(
    language: Language, user: User, purpose: str, workspace: Workspace | None, inviter: str | None
) -> tuple[str, str]:
    values = {
        "name": user.name,
        "email": user.email,
        "workspace": workspace.name if workspace else "Retorno",
        "inviter": inviter or "Retorno",
    }
    if purpose == "changed":
        return language.gettext("Your password was changed"), language.gettext(_CHANGED, **values)
    if purpose == "second_factor":
        return language.gettext("Your second factor was changed"), language.gettext(_SECOND_FACTOR, **values)
    if purpose == "reset":
        return language.gettext("Your new password for Retorno"), language.gettext(_RESET, **values)
    subject = language.gettext("%(inviter)s invited you to %(workspace)s", **values)
    words = {"invitation": _INVITATION, "welcome": _WELCOME}[purpose]
    return subject, language.gettext(words, **values)


def _(message: str) -> str:
    """Marks a sentence for the catalogues."""
    return message


_RESET = _(
    "Hello.\n\n"
    "Somebody asked for a new password for %(email)s. If it was you, choose it here. "
    "The link works once, within an hour:\n\n"
    "{{ reset_link }}\n\n"
    "If it was not you, there is nothing to do: your password stays as it is."
)
_CHANGED = _(
    "Hello.\n\n"
    "The password of %(email)s for Retorno was changed just now, and you were signed out everywhere else.\n\n"
    "If it was not you, ask for a new password on the sign-in page at once, "
    "and tell an owner of your workspace."
)
_SECOND_FACTOR = _(
    "Hello.\n\n"
    "The second factor of %(email)s for Retorno was switched on or off just now, "
    "and you were signed out everywhere else.\n\n"
    "If it was not you, ask for a new password on the sign-in page at once, "
    "and tell an owner of your workspace."
)
_INVITATION = _(
    "Hello.\n\n"
    "%(inviter)s invited you to %(workspace)s in Retorno. Choose a password to begin. "
    "The link works once, within seven days:\n\n"
    "{{ invitation_link }}\n\n"
    "If you expected no invitation, there is nothing to do."
)
_WELCOME = _(
    "Hello.\n\n"
    "%(inviter)s invited you to %(workspace)s in Retorno. Sign in with the account that you have:\n\n"
    "{{ welcome_link }}\n\n"
    "If you expected no invitation, there is nothing to do."
)
