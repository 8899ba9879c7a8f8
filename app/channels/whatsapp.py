"""WhatsApp through Twilio: free text while the person's 24 hours last, an approved template at any time."""

import json
from typing import Any

from app.channels.base import Outgoing, Template
from app.channels.twilio_account import Line
from app.channels.twilio_channel import TwilioChannel, sendable


class WhatsApp(TwilioChannel):
    """The channel. Buttons belong to templates there: what is free text is answered by typing."""

    line: Line = "whatsapp"

    def _fields(self, message: Outgoing) -> dict[str, Any]:
        if message.template is None:
            return {"body": sendable(message.text)}
        return _content(message.template)


def _content(template: Template) -> dict[str, Any]:
    fields: dict[str, Any] = {"content_sid": template.id}
    if template.variables:
        fields["content_variables"] = json.dumps(dict(template.variables))
    return fields
