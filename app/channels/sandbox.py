"""The pretend provider: takes everything, sends nothing, keeps the message as its reader would see it."""

from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from app.channels.base import KeptCopy, Outcome, Outgoing, Receipt


class Sandbox:
    """Stands in for every channel while none is set up."""

    pretends = True
    identity = "sandbox"

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        for message in batch:
            yield message.id, Receipt(provider_id=f"sandbox-{message.id}", kept=_kept(message))

    def probe(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Nothing is open."""


def _kept(message: Outgoing) -> KeptCopy:
    """A mail is read back from its bytes, so that the sandbox shows what a mail program would."""
    if not message.mime:
        return KeptCopy(subject="", text=message.text, html="", buttons=message.buttons)
    mail = message_from_bytes(message.mime, policy=default)
    assert isinstance(mail, EmailMessage)  # what the policy makes
    return KeptCopy(subject=str(mail["Subject"]), text=_part(mail, "plain"), html=_part(mail, "html"))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
