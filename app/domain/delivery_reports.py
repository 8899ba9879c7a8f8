"""Delivery status reports as mail servers send them (RFC 3464): which mail of ours did not arrive, and why.

Anybody can write such a mail. So nothing in it names a message but two words of ours that nobody can guess:
the id in the Message-ID of what came back, and the token of its way out.
"""

import re
from dataclasses import dataclass
from email.message import Message

from app.domain.feedback_reports import MOST_BYTES, found_words, original, parts_of
from app.errors import Refusal

MOST_RECIPIENTS = 20  # a mail of ours has one; a list that it reached may have some
MOST_WORDS = 2_000  # of what a server said
# As the mail channel reads them of a server that it talks to itself: what says that the address is none
NO_SUCH_ADDRESS = ("5.2.1", "5.4.1", "5.4.4", "5.5.0")
NOT_THE_PERSONS = ("5.1.7", "5.1.8")  # of class 5.1, which is about addresses: our own
FULL = ("4.2.2", "5.2.2")  # it is emptied one day
# A server that will not relay for us, or that lists our address, says so of every recipient alike
ABOUT_US = re.compile(r"relay|client host|blocked using|block ?list|black ?list|sender verify", re.IGNORECASE)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class Report:
    """Names of ours in what came back; whether it is lost, or only late; the status and a server's words."""

    message_ids: tuple[str, ...]
    ways_out: tuple[str, ...]
    is_lost: bool
    status: str  # "5.1.1"; "" where nobody says
    words: str


def read(raw: bytes) -> Report:
    """What a mail reports. Raises Refusal for what is no such report, or names no message of ours."""
    if len(raw) > MOST_BYTES:
        raise Refusal(
            f"This mail is larger than {MOST_BYTES // 1_000} KB: ask for reports with headers alone."
        )
    parts = parts_of(
        raw, "delivery-status", "This mail is no delivery report (RFC 3464): nothing is recorded."
    )
    headers = [each for part in parts if (each := original(part)) is not None]
    ids, ways_out = found_words(headers)
    if not ids and not ways_out:
        raise Refusal("This report names no message of ours: nothing is recorded.")
    recipients = [each for part in parts for each in _recipients(part)][:MOST_RECIPIENTS]
    if not recipients:
        raise Refusal("This report says of nobody what became of it: nothing is recorded.")
    # Sent on to several, it arrived where it was not lost
    is_lost = all(_field(each, "Action").lower() == "failed" for each in recipients)
    words = _field(recipients[0], "Diagnostic-Code")
    return Report(ids, ways_out, is_lost, _status(_field(recipients[0], "Status"), words), words)


def meaning(status: str, words: str) -> tuple[str, bool]:
    """Our reason, and is it the address? The mail is lost whatever it says; a server may refuse us alone."""
    if ABOUT_US.search(words):
        return "provider_refused", False
    names_it = status.startswith("5.1.") and status not in NOT_THE_PERSONS
    if names_it or status in NO_SUCH_ADDRESS:
        return "invalid_address", True
    return ("mailbox_full" if status in FULL else "provider_refused"), False


def _recipients(part: Message) -> list[Message]:
    """The blocks that tell of somebody; the first tells of the mail."""
    blocks = part.get_payload()
    if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
        return []
    return [each for each in blocks if isinstance(each, Message) and "Action" in each]


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())[:MOST_WORDS]


def _status(told: str, words: str) -> str:
    """A server that only says "it failed" (5.0.0) quotes perhaps another that says why."""
    for said in (told, words):
        found = _STATUS.search(said)
        if found is not None and not found[1].endswith(".0.0"):
            return found[1]
    general = _STATUS.search(told)
    return general[1] if general else ""
