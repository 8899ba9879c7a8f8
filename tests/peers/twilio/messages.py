"""Twilio's message resources as the fake keeps them: what a send makes, how a list is filtered and paged."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

API = "2010-04-01"
PAGE = 50
E164 = re.compile(r"\+[1-9]\d{6,14}")
# A status never goes back, whatever the order of the reports; of several that are final the first stays
RANK = {
    "accepted": 0, "scheduled": 0, "queued": 1, "sending": 2, "sent": 3,
    "delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4, "received": 4, "read": 5,
}  # fmt: skip


@dataclass
class Message:
    """One message in either direction. `parameters` are the form that made it, `arrived` is the real time."""

    sid: str
    account_sid: str
    direction: str
    sender: str | None
    to: str
    body: str
    status: str
    at: datetime
    number: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    num_media: int = 0
    error_code: int | None = None
    error_message: str | None = None
    arrived: datetime = field(default_factory=lambda: datetime.now(UTC))

    def becomes(self, status: str, error_code: int | None, error_message: str | None) -> None:
        if RANK.get(status, 0) > RANK[self.status]:
            self.status, self.error_code, self.error_message = status, error_code, error_message

    def resource(self) -> dict[str, Any]:
        """As the API describes it."""
        uri = f"/{API}/Accounts/{self.account_sid}/Messages/{self.sid}"
        moment = format_datetime(self.at)
        return {
            "account_sid": self.account_sid,
            "api_version": API,
            "body": self.body,
            "date_created": moment,
            "date_sent": moment,
            "date_updated": moment,
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "from": self.sender,
            "messaging_service_sid": self.parameters.get("MessagingServiceSid"),
            "num_media": str(self.num_media),
            "num_segments": "0" if self.sender is None else "1",
            "price": None,
            "price_unit": None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def new_sid(prefix: str = "SM") -> str:
    return prefix + secrets.token_hex(16)


def complaint(form: Mapping[str, str]) -> tuple[int, str] | None:
    """What the real one refuses although its description allows it: (code, message)."""
    sender, to, body = form.get("From", ""), form["To"], form.get("Body", "")
    is_mixed = bool(sender) and sender.startswith("whatsapp:") != to.startswith("whatsapp:")
    checks = (
        (not sender and not form.get("MessagingServiceSid"), 21603, "A 'From' phone number is required."),
        (
            not body and not form.get("ContentSid"),
            21619,
            "A text message body or media urls must be specified.",
        ),
        (len(body) > 1600, 21617, "The concatenated message body exceeds the 1600 character limit."),
        (not E164.fullmatch(to.removeprefix("whatsapp:")), 21211, f"Invalid 'To' Phone Number: {to}"),
        (is_mixed, 21910, "Invalid From and To pair. From and To should be of the same channel"),
        (
            not _is_object(form.get("ContentVariables", "{}")),
            21656,
            "The ContentVariables Parameter is invalid.",
        ),
    )
    return next(((code, words) for wrong, code, words in checks if wrong), None)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def matching(messages: Iterable[Message], wanted: Mapping[str, str]) -> list[Message]:
    """Those that a list asks for, the latest first."""
    found = [each for each in messages if _matches(each, wanted)]
    return sorted(found, key=lambda each: (each.at, each.number), reverse=True)


def _matches(message: Message, wanted: Mapping[str, str]) -> bool:
    """`DateSent>=x` comes as a parameter named `DateSent>`: both bounds are inclusive."""
    if wanted.get("To", message.to) != message.to or wanted.get("From", message.sender) != message.sender:
        return False
    if "DateSent" in wanted and message.at.date() != _begin(wanted["DateSent"]).date():
        return False
    if "DateSent>" in wanted and message.at < _begin(wanted["DateSent>"]):
        return False
    return "DateSent<" not in wanted or message.at <= _end(wanted["DateSent<"])


def _begin(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _end(text: str) -> datetime:
    is_day = len(text) == len(date.min.isoformat())
    return _begin(text) + (timedelta(days=1, microseconds=-1) if is_day else timedelta())


def page_of(messages: Sequence[Message], account_sid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page, with the way to the next. A page begins after the message that its token names."""
    size, number = int(query.get("PageSize", PAGE)), int(query.get("Page", 0))
    sids = [each.sid for each in messages]
    token = query.get("PageToken", "").removeprefix("PA")
    start = sids.index(token) + 1 if token in sids else 0
    shown = messages[start : start + size]
    path = f"/{API}/Accounts/{account_sid}/Messages.json"
    asked = {name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}}

    def uri(page: int, after: str | None) -> str:
        where = {**asked, "PageSize": str(size), "Page": str(page), **({"PageToken": after} if after else {})}
        return f"{path}?{urlencode(where)}"

    has_more = start + size < len(messages)
    return {
        "end": number * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0, None),
        "next_page_uri": uri(number + 1, f"PA{shown[-1].sid}") if has_more else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1, None) if number else None,
        "start": number * size,
        "uri": uri(number, query.get("PageToken")),
        "messages": [each.resource() for each in shown],
    }
