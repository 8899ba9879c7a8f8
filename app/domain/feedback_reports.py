"""Feedback reports as mailbox providers send them (ARF, RFC 5965): which message of ours was called spam.

Anybody can write such a mail. So nothing in it counts but two words of ours that nobody can guess: the id in
the Message-ID of what was reported, and the token of its way out.
"""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import compat32

from app.errors import Refusal

# A report carries one mail of ours, which has a tenth of it, and some lines. Python's parser takes up to two
# seconds for the worst that fits in, and a minute for a megabyte of it
MOST_BYTES = 200_000
COMPLAINTS = ("abuse", "fraud")  # not: virus, other, auth-failure, and not-spam, which says the reverse
MOST_HEADERS = 20  # of one name that are looked at
_MESSAGE_ID = re.compile(r"<([a-z2-7]{26})@[^<>@\s]{1,255}>")
_WAY_OUT = re.compile(r"/u/([a-z2-7]{26})(?![a-z2-7])")


@dataclass(frozen=True)
class Report:
    """Names of ours in the message that was reported; whoever reads them looks whether we know them."""

    message_ids: tuple[str, ...]
    ways_out: tuple[str, ...]


def read(raw: bytes) -> Report:
    """What a mail reports. Raises Refusal for what is no complaint, or names no message of ours."""
    if len(raw) > MOST_BYTES:
        raise Refusal(f"This mail is larger than {MOST_BYTES // 1_000} KB: no report of one of ours is.")
    parts = parts_of(raw, "feedback-report", "This mail is no feedback report (ARF): nothing is recorded.")
    kind = _kind(parts)
    if kind not in COMPLAINTS:
        raise Refusal(f"This report is of another kind than {' or '.join(COMPLAINTS)}: nothing is recorded.")
    ids, ways_out = found_words([each for part in parts if (each := original(part)) is not None])
    if not ids and not ways_out:
        raise Refusal("This report names no message of ours: nothing is recorded.")
    return Report(ids, ways_out)


def parts_of(raw: bytes, kind: str, or_else: str) -> list[Message]:
    """The parts of a report of this kind, not what is inside them. Raises Refusal for any other mail."""
    try:
        mail = BytesParser(policy=compat32).parsebytes(raw)
        is_report = mail.get_content_type() == "multipart/report"
        said = str(mail.get_param("report-type", "")).lower()
        parts = mail.get_payload()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Refusal("This mail cannot be read.") from error
    if not is_report or said != kind or not isinstance(parts, list):
        raise Refusal(or_else)
    return [part for part in parts if isinstance(part, Message)]


def found_words(headers: list[Message]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Our ids and tokens in the headers of what a report is about."""
    return _found(_MESSAGE_ID, headers, "Message-ID"), _found(_WAY_OUT, headers, "List-Unsubscribe")


def _kind(parts: list[Message]) -> str:
    for part in parts:
        if part.get_content_type() == "message/feedback-report" and (fields := _inside(part)) is not None:
            return str(fields.get("Feedback-Type", "")).strip().lower()
    return ""


def original(part: Message) -> Message | None:
    """The headers of the message that was reported, whether the whole of it is there or they alone."""
    if part.get_content_type() == "message/rfc822":
        return _inside(part)
    if part.get_content_type() not in ("text/rfc822-headers", "message/rfc822-headers"):
        return None
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return _inside(part)
    return HeaderParser(policy=compat32).parsestr(content.decode("ascii", "replace"))


def _inside(part: Message) -> Message | None:
    content = part.get_payload()
    found = content[0] if isinstance(content, list) and content else None
    return found if isinstance(found, Message) else None


def _found(pattern: re.Pattern[str], headers: list[Message], name: str) -> tuple[str, ...]:
    """Each once, in their order."""
    values = [str(value) for each in headers for value in each.get_all(name, [])[:MOST_HEADERS]]
    return tuple(dict.fromkeys(word for value in values for word in pattern.findall(value)))
