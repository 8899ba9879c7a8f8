"""Our account with Twilio, what proves that we are we, which addresses are ours; and what we ask it for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

WHATSAPP = "whatsapp:"  # what Twilio writes before an address on WhatsApp
TWILIO = "https://api.twilio.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Line = Literal["sms", "whatsapp"]


@dataclass(frozen=True, slots=True)
class Account:
    """One account serves both channels. `sms` is a number, or a Messaging Service that has several."""

    sid: str
    token: str = field(repr=False)
    sms: str = ""
    whatsapp: str = ""
    url: str = TWILIO
    previous_token: str = field(default="", repr=False)  # still proves what comes in, while it is changed

    @property
    def proofs(self) -> tuple[str, ...]:
        """The tokens that may have signed what comes in; never an empty one, by which anybody could sign."""
        return tuple(each for each in (self.token, self.previous_token) if each)

    @property
    def sms_by_service(self) -> bool:
        return self.sms.startswith("MG")

    def may_call(self, url: str) -> bool:
        """Twilio refuses a message whose callback it cannot reach; a stand-in on this machine reaches us."""
        if _is_loopback(self.url):
            return bool(url)
        return url.startswith("https://") and not _is_loopback(url)

    def line(self, address: str, service: str) -> Line | None:
        """Which of our channels has this address, and messages of this Messaging Service; None: not ours."""
        if address.startswith(WHATSAPP):
            return "whatsapp" if self.whatsapp and address == WHATSAPP + self.whatsapp else None
        if not self.sms or ":" in address:
            return None
        return "sms" if self.sms in {address, service} else None

    def identity(self, line: Line) -> str:
        """How events name that channel's sender."""
        return self.sms if line == "sms" else self.whatsapp


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for Twilio; `whole` ends an answer that trickles, `grace` what is late at closing."""

    connect: float = 10
    read: float = 30
    whole: float = 60
    grace: float = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages to list; a page that is older than `stop` is the last one read."""

    stop: datetime
    sent_since: datetime | None = None  # leaves out what still waits
    to_address: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as Twilio keeps it."""

    sid: str
    is_inbound: bool
    from_address: str
    to_address: str
    service: str
    text: str
    status: str
    error_code: str
    at: datetime | None

    def is_since(self, moment: datetime) -> bool:
        return self.at is None or self.at >= moment


def _is_loopback(url: str) -> bool:
    """Does this address lead to the machine that it is asked on?"""
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False
