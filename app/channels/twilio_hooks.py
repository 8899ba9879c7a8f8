"""What Twilio's webhooks tell: the signature first, then the form as one neutral event, and whose it is.

Signed is what the bytes of the form mean together with the address as Twilio knows it, which is why the
caller gives the address and never asks the Host header.
"""

import re
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

from app.channels.base import BadSignature, Event, Kind, RawRequest, Unreadable
from app.channels.twilio_account import WHATSAPP, Account, Line
from app.channels.twilio_errors import failure, state_of

LONGEST_BODY = 65_536  # bytes; the longest text with ten pictures takes a fifth of it
MOST_FIELDS = 200  # some forty are known
LONGEST_TEXT = 4_096  # characters; WhatsApp's own limit, an SMS carries 1,600
LONGEST_NAME = 200
LONGEST_ADDRESS = 64
LONGEST_DATA = 256
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_STATUS = re.compile(r"[a-z_-]{1,32}")

Form = dict[str, str]


def read(raw: RawRequest, account: Account) -> tuple[Line, Event]:
    """The event of a webhook, and the channel that it belongs to.

    Raises BadSignature: not signed by Twilio, for another account, or about an address that is not ours.
    Raises Unreadable.
    """
    form = _verified(raw, account)
    if urlsplit(raw.url).path.endswith("/status"):
        return _status(form, account, raw.url)
    return _message(form, account)


def clean(text: str, most: int) -> str:
    """A text that any database takes: without NUL and halves of characters, no longer than `most`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:most]


def bare(address: str) -> str:
    """Their address without the channel before it: whatsapp:+5511987654321 → +5511987654321."""
    return clean(address.removeprefix(WHATSAPP), LONGEST_ADDRESS)


def _verified(raw: RawRequest, account: Account) -> Form:
    from twilio.request_validator import RequestValidator  # noqa: PLC0415 - loaded with the first webhook

    signature = raw.headers.get("x-twilio-signature", "")
    if not account.proofs or not signature:
        raise BadSignature("no signature")
    form = _form(raw.body)
    try:
        good = any(RequestValidator(each).validate(raw.url, form, signature) for each in account.proofs)
    except ValueError as error:  # an address that cannot be one
        raise BadSignature("no address") from error
    if not good:
        raise BadSignature("another signature")
    if form.get("AccountSid") != account.sid:
        raise BadSignature("another account")
    return form


def _form(body: bytes) -> Form:
    """The fields, each once: the signature does not tell repeated ones apart, so it vouches for none."""
    if len(body) > LONGEST_BODY:
        raise BadSignature("longer than anything that Twilio sends")
    try:
        text = body.decode("utf-8")
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadSignature("not a form in UTF-8") from error
    form = dict(fields)
    if len(form) != len(fields):
        raise BadSignature("a field comes twice")
    return form


def _message(form: Form, account: Account) -> tuple[Line, Event]:
    line = account.line(form.get("To", ""), form.get("MessagingServiceSid", ""))
    if line is None:
        raise BadSignature("to another number")
    pressed = form.get("ButtonPayload", "")
    text = form.get("ButtonText") or form.get("Body", "") if pressed else form.get("Body", "")
    return line, Event(
        sender=account.identity(line),
        provider_id=_sid(form),
        kind=Kind.PRESS if pressed else Kind.TEXT,
        address=_their_address(form, "From"),
        text=clean(text, LONGEST_TEXT),
        data=clean(pressed, LONGEST_DATA),
        quotes=_quoted_sid(form),
        name=clean(form.get("ProfileName", ""), LONGEST_NAME),
    )


def _status(form: Form, account: Account, url: str) -> tuple[Line, Event]:
    # Early statuses of a Messaging Service come before it has chosen a number, and may not name the service.
    service = form.get("MessagingServiceSid") or (account.sms if account.sms_by_service else "")
    line = account.line(form.get("From", ""), service)
    if line is None:
        raise BadSignature("of another number")
    status = form.get("MessageStatus", "")
    if not _STATUS.fullmatch(status):
        raise Unreadable("no status")
    sid = _sid(form)
    return line, status_event(
        account.identity(line),
        sid,
        status,
        form.get("ErrorCode", ""),
        address=_their_address(form, "To"),
        message_id=_our_id(url),
    )


def status_event(
    sender: str, sid: str, status: str, code: str, *, address: str, message_id: str = ""
) -> Event:
    """What a status says of a message of ours. A status is told once by its name: Twilio repeats itself."""
    state = state_of(status)
    told = Event(
        sender=sender,
        provider_id=f"{sid}:{status}",
        kind=Kind.STATUS,
        address=address,
        quotes=sid,
        message_id=message_id,
        state=state,
    )
    return _with_reason(told, status, code) if state == "failed" else told


def _with_reason(told: Event, status: str, code: str) -> Event:
    why = failure(status, code)
    return replace(
        told,
        reason=why.reason,
        permanent=why.permanent,
        pause_seconds=why.pause_seconds,
        retry_seconds=why.retry_seconds,
        most_tries=why.most_tries,
        stops_run=why.stops_run,
        complains=why.complains,
    )


def _sid(form: Form) -> str:
    sid = form.get("MessageSid", "")
    if not _SID.fullmatch(sid):
        raise Unreadable("no MessageSid")
    return sid


def _quoted_sid(form: Form) -> str:
    quoted = form.get("OriginalRepliedMessageSid", "")
    return quoted if _SID.fullmatch(quoted) else ""


def _their_address(form: Form, name: str) -> str:
    address = bare(form.get(name, ""))
    if not address:
        raise Unreadable(f"no {name}")
    return address


def _our_id(url: str) -> str:
    """What we wrote into the address of the callback, which Twilio signed."""
    given = parse_qs(urlsplit(url).query).get("m", [])
    return clean(given[0], LONGEST_ADDRESS) if len(given) == 1 else ""
