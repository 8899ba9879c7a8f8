"""What may leave for Telegram, and how much of it at a time."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import TypeVar

from app.channels.base import Button, DeliveryError, Outcome, Outgoing, Receipt
from app.channels.telegram_answers import unheard
from app.channels.telegram_updates import DATA_BYTES

T = TypeVar("T")
LONGEST_TEXT = 4096  # characters of a message
WINDOW = 4  # messages of one batch under way: one by one, the way to Telegram and back would set the pace
_CHAT = re.compile(r"-?[1-9][0-9]{0,18}", re.ASCII)


class Window:
    """What of one batch is under way: never two messages to one chat, where a person reads them in order.

    After trouble that asks the channel to rest nothing more of the batch is tried.
    """

    def __init__(self, start: Callable[[Outgoing], Future[Receipt]]) -> None:
        self._start = start
        self.under_way: dict[Future[Receipt], Outgoing] = {}
        self.trouble: DeliveryError | None = None

    def make_room(self, message: Outgoing) -> Iterator[tuple[str, Outcome]]:
        """Wait until this message may go, or nothing may any more."""
        while len(self.under_way) >= WINDOW or any(
            each.to_address == message.to_address for each in self.under_way.values()
        ):
            yield from self.finished()

    def take(self, message: Outgoing) -> None:
        try:
            if self.trouble is not None:
                raise self.trouble
            ending = self._start(message)
        except DeliveryError as error:
            ending = Future()
            ending.set_exception(error)
        self.under_way[ending] = message

    def finished(self) -> Iterator[tuple[str, Outcome]]:
        """Those that have ended, at least one."""
        done, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
        for each in done:
            message = self.under_way.pop(each)
            try:
                outcome: Outcome = result_of(each)
            except DeliveryError as error:
                self.stop(error)
                outcome = error
            yield message.id, outcome

    def stop(self, error: DeliveryError) -> None:
        if error.pause_seconds is not None and self.trouble is None:
            self.trouble = DeliveryError(
                error.reason, pause_seconds=error.pause_seconds, detail=f"not tried: {error.detail}"
            )


def result_of(future: Future[T]) -> T:
    """What a call came to. Raises DeliveryError, and nothing else."""
    try:
        return future.result()
    except DeliveryError:
        raise
    except CancelledError:
        raise unheard("the channel was closed meanwhile") from None
    except (
        Exception
    ) as error:  # time is over, or the library could not read the answer: it may have been done
        raise unheard(type(error).__name__) from None


def require_fit(message: Outgoing) -> None:
    if not _CHAT.fullmatch(message.to_address):
        raise DeliveryError("invalid_address", permanent=True, detail="not the number of a chat")
    if detail := why_not_written(message.text, message.buttons):
        raise DeliveryError("not_written", permanent=True, detail=detail)


def why_not_written(text: str, buttons: tuple[tuple[Button, ...], ...]) -> str | None:
    """What Telegram would refuse, or cut, without saying which message of ours is at fault."""
    if not text.strip() or len(text) > LONGEST_TEXT:
        return f"{len(text)} characters; a message has 1 to {LONGEST_TEXT}"
    try:
        text.encode()
        sizes = [(len(each.label.encode()), len(each.data.encode())) for row in buttons for each in row]
    except UnicodeEncodeError:
        return "not all of it is text"
    if not all(label and 1 <= data <= DATA_BYTES for label, data in sizes):
        return f"a button has a label, and data of 1 to {DATA_BYTES} bytes"
    return None
