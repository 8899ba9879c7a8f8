"""What every way out keeps: a batch of filled messages goes in, one outcome for each comes out.

Words of providers stop here: an adapter answers with a `Receipt` or a `DeliveryError`, no more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one person, filled in to the last link: a channel changes nothing in it.

    Mail carries the whole MIME message in `mime`; channels without one carry `text`.
    """

    id: str
    from_address: str
    to_address: str
    mime: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The message as its reader would see it; only the sandbox keeps one."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has it. `provider_id` is the provider's own name for it, "" where it gives none."""

    provider_id: str = ""
    kept: KeptCopy | None = None


class DeliveryError(Exception):
    """The message was not handed over, or nobody can tell (`unknown`).

    `reason` is one of our codes, and these alone decide what follows:

    neither flag: queue it again, later
    permanent: never again in this way; `invalid_address` holds for the address, others for the message
    unknown: the attempt began and its end was not seen; never queued again on a guess
    pause_seconds: the whole channel should rest, as the trouble is ours or the provider's, not this person's

    `detail` is for those who look after the service; it may quote the provider, never a person's address.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        unknown: bool = False,
        pause_seconds: int | None = None,
        detail: str = "",
    ) -> None:
        self.reason = reason
        self.permanent = permanent
        self.unknown = unknown
        self.pause_seconds = pause_seconds
        self.detail = detail[:500]
        super().__init__(f"{reason}: {self.detail}" if detail else reason)


Outcome = Receipt | DeliveryError


class Channel(Protocol):
    """One way out. Safe to use from several threads, each with its own batch."""

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
