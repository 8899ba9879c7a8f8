"""The pretend provider: takes everything, sends nothing, keeps the message as its reader would see it."""

from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

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
    mail = message_from_bytes(message.mime)
    parts = {part.get_content_type(): _text(part) for part in mail.walk() if not part.is_multipart()}
    return KeptCopy(subject=_subject(mail), text=parts.get("text/plain", ""), html=parts.get("text/html", ""))


def _subject(mail: Message) -> str:
    unfolded = "".join(mail.get("Subject", "").splitlines())
    return str(make_header(decode_header(unfolded)))


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)  # what a part without parts of its own decodes to
    return content.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
