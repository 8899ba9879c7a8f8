"""What the replies of SMTP servers mean in our words. Only here does somebody read a code.

RFC 5321 gives the three digits, RFC 3463 and its registry the enhanced status ("5.1.1"), which says more.
A 4yz is never permanent, nor is what we do not know: a wrong "never" loses a person, a wrong "later" a try.
"""

import re
from dataclasses import dataclass
from enum import Enum

from app.channels.base import DeliveryError

REST_SECONDS = 60  # a server that is busy or full: the next minute is soon enough
REPAIR_SECONDS = 300  # a setting of ours is wrong: somebody has to look; nobody's message is lost meanwhile


class Stage(Enum):
    """What the server was answering."""

    OPENING = "opening"  # greeting, EHLO, STARTTLS, AUTH
    SENDER = "sender"  # MAIL FROM: about us
    RECIPIENT = "recipient"  # RCPT TO: about this person
    CONTENT = "content"  # DATA and the final dot: about this message


@dataclass(frozen=True, slots=True)
class _Meaning:
    reason: str
    permanent: bool = False
    pause_seconds: int | None = None


_NO_SUCH_ADDRESS = _Meaning("invalid_address", permanent=True)
_FULL = _Meaning("mailbox_full")
_REFUSED = _Meaning("provider_refused", permanent=True)
_LATER = _Meaning("provider_refused")
_BUSY = _Meaning("provider_refused", pause_seconds=REST_SECONDS)
_OURS = _Meaning("provider_refused", pause_seconds=REPAIR_SECONDS)

# Class 5 unless said otherwise, of RCPT and of the content.
_BY_STATUS = {
    "5.1.1": _NO_SUCH_ADDRESS,
    "5.1.2": _NO_SUCH_ADDRESS,  # no such domain
    "5.1.3": _NO_SUCH_ADDRESS,  # not the syntax of an address
    "5.1.4": _NO_SUCH_ADDRESS,  # several mailboxes by that name
    "5.1.6": _NO_SUCH_ADDRESS,  # moved, no forwarding
    "5.1.7": _OURS,  # our sender's address
    "5.1.8": _OURS,  # our sender's domain
    "5.1.10": _NO_SUCH_ADDRESS,  # the domain takes no mail (null MX)
    "5.2.1": _NO_SUCH_ADDRESS,  # mailbox switched off
    "5.2.2": _FULL,
    "4.2.2": _FULL,
    "5.2.3": _REFUSED,  # longer than the mailbox takes
    "5.3.4": _REFUSED,  # longer than the server takes
    "5.4.1": _NO_SUCH_ADDRESS,  # Microsoft's "recipient address rejected"
    "5.4.4": _NO_SUCH_ADDRESS,  # no route to the domain
    "5.5.0": _NO_SUCH_ADDRESS,  # Outlook.com's "mailbox unavailable"
    "5.5.1": _OURS,  # commands out of order
    "5.5.4": _OURS,
    "5.7.3": _OURS,  # Microsoft: not signed in
    "5.7.8": _OURS,
    "5.7.9": _OURS,
    "5.7.11": _OURS,
    "5.7.13": _OURS,  # our account is switched off
    "5.7.14": _OURS,
    "5.7.20": _LATER,  # 20 to 29: DKIM, SPF, reverse name, DMARC of ours, as one receiver sees them
    "5.7.21": _LATER,
    "5.7.22": _LATER,
    "5.7.23": _LATER,
    "5.7.24": _LATER,
    "5.7.25": _LATER,
    "5.7.26": _LATER,
    "5.7.27": _LATER,
    "5.7.28": _BUSY,  # too many at once
    "5.7.29": _LATER,
}

_BY_SUBJECT = {"5.1": _NO_SUCH_ADDRESS, "5.7": _REFUSED}

_BY_CODE = {
    (Stage.RECIPIENT, 501): _NO_SUCH_ADDRESS,
    (Stage.RECIPIENT, 550): _NO_SUCH_ADDRESS,
    (Stage.RECIPIENT, 551): _NO_SUCH_ADDRESS,
    (Stage.RECIPIENT, 552): _FULL,
    (Stage.RECIPIENT, 553): _NO_SUCH_ADDRESS,
    (Stage.RECIPIENT, 554): _REFUSED,
    (Stage.RECIPIENT, 556): _NO_SUCH_ADDRESS,
    (Stage.CONTENT, 550): _REFUSED,
    (Stage.CONTENT, 552): _FULL,
    (Stage.CONTENT, 554): _REFUSED,
}

_SIGN_IN = frozenset({454, 530, 534, 535, 538})
_OUT_OF_ORDER = frozenset({500, 502, 503, 504})
_STATUS = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
# A server that will not relay for us, or that lists our address, says 5.7.1 of every recipient alike.
_ABOUT_US = re.compile(
    rb"relay|client host|blocked using|block ?list|black ?list|sender verify", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


def refusal(code: int, text: bytes, stage: Stage) -> DeliveryError:
    """The error that a reply other than "go on" stands for."""
    meaning = _meaning(code, text, stage)
    return DeliveryError(
        meaning.reason,
        permanent=meaning.permanent,
        pause_seconds=meaning.pause_seconds,
        detail=quoted(code, text),
    )


def quoted(code: int, text: bytes) -> str:
    """The server's words on one line, without anybody's address: they outlive the person."""
    words = " ".join(text.decode("utf-8", "replace").split())
    return _ADDRESS.sub("…", f"{code} {words}".strip())


def queue_name(text: bytes) -> str:
    """What the server calls the message that it took, where it says so: "Ok: queued as 4F2A1" → 4F2A1."""
    found = re.search(r"(?:queued as|id=)\s*<?([\w.@+-]{4,200})", text.decode("ascii", "replace"))
    return found[1].rstrip(".") if found else ""


def _meaning(code: int, text: bytes, stage: Stage) -> _Meaning:
    if code in _SIGN_IN:
        return _OURS
    if not 500 <= code <= 599:
        return _temporary(code, text, stage)
    if stage in {Stage.OPENING, Stage.SENDER} or code in _OUT_OF_ORDER or _ABOUT_US.search(text):
        return _OURS
    found = _STATUS.match(text)
    status = found[1].decode() if found else "5.0.0"
    by_code = _BY_CODE.get((stage, code), _LATER)
    meaning = _BY_STATUS.get(status) or _BY_SUBJECT.get(status[:3]) or by_code
    # Once the recipient was accepted, a refusal of the content says nothing against the address.
    return _REFUSED if stage is Stage.CONTENT and meaning is _NO_SUCH_ADDRESS else meaning


def _temporary(code: int, text: bytes, stage: Stage) -> _Meaning:
    found = _STATUS.match(text)
    if found is not None and found[1] == b"4.2.2":
        return _FULL
    return _BUSY if code == 421 or stage in {Stage.OPENING, Stage.SENDER} else _LATER
