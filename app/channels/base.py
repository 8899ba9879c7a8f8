"""What every channel keeps: filled messages go out with one outcome each, what comes in is a neutral event.

Words of providers stop here: an adapter answers with a `Receipt` or a `DeliveryError`, and tells `Event`s.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Button:
    """What a person may press instead of typing; `data` comes back with the press, at most 64 bytes."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class Template:
    """Words that a provider has approved beforehand, by its id, and what fills their places."""

    id: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person, filled in to the last link: a channel changes nothing in it.

    Mail carries the whole MIME message in `mime`; channels without one carry `text`, and where a channel has
    them, rows of buttons or a template instead of the text.
    """

    id: str
    from_address: str
    to_address: str
    mime: bytes = b""
    text: str = ""
    buttons: tuple[tuple[Button, ...], ...] = ()
    template: Template | None = None
    valid_seconds: int | None = None  # the provider gives up after this: texts come in no one's night
    status_url: str = ""  # where the provider tells what became of it; carries our id


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The message as its reader would see it; only the sandbox keeps one."""

    subject: str
    text: str
    html: str
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has it. `provider_id` is the provider's own name for it, "" where it gives none."""

    provider_id: str = ""
    kept: KeptCopy | None = None
    moved_to: str = ""  # the address that it went to, where the provider says that theirs is another one now


class DeliveryError(Exception):
    """The message was not handed over, or nobody can tell (`unknown`).

    `reason` is one of our codes, and these alone decide what follows:

    neither flag: queue it again, later
    permanent: never again in this way; `invalid_address` holds for the address, others for the message
    unknown: the attempt began and its end was not seen; never queued again on a guess
    pause_seconds: the whole channel should rest, as the trouble is ours or the provider's, not this person's
    retry_seconds, most_tries: a later try is worth it no sooner than this, and no more often than this in all
    stops_run: it is about what the run says or about our right to say it: where several of one run end so,
        the run should stop and somebody look

    `detail` is for those who look after the service; it may quote the provider, never a person's address.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        unknown: bool = False,
        pause_seconds: int | None = None,
        retry_seconds: int | None = None,
        most_tries: int | None = None,
        stops_run: bool = False,
        detail: str = "",
    ) -> None:
        self.reason = reason
        self.permanent = permanent
        self.unknown = unknown
        self.pause_seconds = pause_seconds
        self.retry_seconds = retry_seconds
        self.most_tries = most_tries
        self.stops_run = stops_run
        self.detail = detail[:500]
        super().__init__(f"{reason}: {self.detail}" if detail else reason)


Outcome = Receipt | DeliveryError


class Kind(StrEnum):
    """What an event tells."""

    TEXT = "text"
    PRESS = "press"  # a button of ours
    START = "start"  # a chat begins, with what its link carried
    BLOCKED = "blocked"  # this person shut us out
    STATUS = "status"  # what became of a message of ours


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that came in, in our words. `sender` and `provider_id` together are its name."""

    sender: str  # our number, bot or service that received it
    provider_id: str
    kind: Kind
    address: str = ""  # theirs, canonical: E.164, a chat's id
    text: str = ""
    data: str = ""  # of a button, or of the link that started the chat
    quotes: str = ""  # the provider's id of our message that this answers, or whose button it was
    press_id: str = ""  # by which a press is acknowledged
    message_id: str = ""  # with STATUS: ours, where the provider sends it back
    state: str = ""  # with STATUS: sent, delivered or failed; "" where we do not know the provider's word
    reason: str = ""  # with failed: one of our codes, and what follows from it, as in DeliveryError
    permanent: bool = False
    pause_seconds: int | None = None
    retry_seconds: int | None = None
    most_tries: int | None = None
    stops_run: bool = False
    complains: bool = False  # they shut us out for what reached them before: that was spam to them
    language: str = ""
    name: str = ""
    at: datetime | None = None  # the provider's time


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A webhook as it came: its whole address as the provider knows it, and nothing parsed."""

    url: str
    headers: Mapping[str, str] = field(repr=False)  # by lower-case name
    body: bytes = field(repr=False)


class BadSignature(Exception):
    """Not from the provider that it says it is from, or for another account: nothing of it is read."""


class Unreadable(Exception):
    """Signed, but nothing that we can read."""


@runtime_checkable
class Inbound(Protocol):
    """A channel on which people write to us."""

    @property
    def identity(self) -> str:
        """Our number, bot or service, as events name it in `sender`."""
        ...

    def parse(self, raw: RawRequest) -> list[Event]:
        """What a webhook tells. Raises BadSignature before anything is read, Unreadable after."""
        ...

    def fetch(self, since: datetime, after: str) -> Iterator[tuple[Event | None, str]]:
        """What the provider has for us: each event with the mark to go on `after`, once it is kept.

        None is something that came and tells us nothing: only its mark moves. A mark is kept as it is and
        never compared: the next one may be lower, and what we know already may come again. `since`: where a
        provider lists by time, from here on, what we know already included. Raises DeliveryError.
        """
        ...

    def acknowledge(self, event: Event, text: str) -> None:
        """Tell whoever pressed a button what came of it; best effort, raises nothing."""
        ...

    def edit(self, provider_id: str, text: str, buttons: tuple[tuple[Button, ...], ...]) -> bool:
        """Let a message of ours say something else; best effort, raises nothing. Is that over?

        It is where the provider refuses, or where messages stay as they were sent. It is not where the
        provider is away or busy, or we cannot reach it: later it may go.
        """
        ...


@runtime_checkable
class Traceable(Protocol):
    """A channel whose provider keeps a list of what it took: an attempt in doubt can be looked for there."""

    @property
    def identity(self) -> str: ...

    def trace(self, address: str, since: datetime) -> list[Event]:
        """Our messages to this address since then, as statuses that quote them. Raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How the provider says that our bot stands, in its own words where it complains."""

    name: str  # by which people find it
    webhook_url: str  # where what comes in is brought; "" while it is fetched
    waiting: int  # how much has come in that we have not taken yet
    failed_at: datetime | None = None  # when the provider last could not bring us something
    failure: str = ""


class ChatBot(Inbound, Protocol):
    """An inbound channel on which people begin the chat, and whose provider brings or keeps what they say."""

    def status(self) -> ChannelStatus:
        """How it stands, asked now. Raises DeliveryError."""
        ...

    def start_link(self, payload: str) -> str:
        """Where a person begins a chat that carries `payload`, at most 64 of A-Z a-z 0-9 _ -.

        Raises DeliveryError while the provider has not told the bot's name yet.
        """
        ...

    def set_webhook(self, url: str) -> None:
        """Have what comes in brought to this address from now on. Raises DeliveryError."""
        ...

    def delete_webhook(self) -> None:
        """Have it kept until we fetch it. Raises DeliveryError."""
        ...


class Channel(Protocol):
    """One way out. Safe to use from several threads, each with its own batch."""

    @property
    def pretends(self) -> bool:
        """Is this the sandbox, which sends nothing?"""
        ...

    @property
    def identity(self) -> str:
        """Which of our mailboxes, numbers or bots this is."""
        ...

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        """Hand over the messages and yield (our id, outcome) for each, once, as it becomes known.

        The batch is taken lazily. Nothing raises: trouble with one message is its outcome. After an
        error with `pause_seconds` the rest of the batch is not tried and ends as temporary. Whoever stops
        reading stops sending.
        """
        ...

    def probe(self) -> None:
        """Is the provider there, and does it let us in? Sends nothing; raises DeliveryError if not."""
        ...

    def close(self) -> None:
        """Let go of connections that are kept; the channel may be used again."""
        ...
