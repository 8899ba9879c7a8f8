"""SMS through Twilio, from one number or from a Messaging Service that chooses among several."""

from typing import Any

from app.channels.base import Outgoing
from app.channels.twilio_account import Line
from app.channels.twilio_channel import TwilioChannel, sendable

LONGEST_VALID_SECONDS = 36_000  # Twilio keeps a text in its queue for ten hours at most


class Sms(TwilioChannel):
    """The channel."""

    line: Line = "sms"

    def _fields(self, message: Outgoing) -> dict[str, Any]:
        fields: dict[str, Any] = {"body": sendable(message.text)}
        if message.valid_seconds is not None:
            fields["validity_period"] = max(1, min(message.valid_seconds, LONGEST_VALID_SECONDS))
        return fields
