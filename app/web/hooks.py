"""The providers' webhooks: what they send is kept first, and only then do they hear that we have it."""

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.services import inbound
from app.web.policy import by_token, runtime_of

pages = Blueprint("hooks", __name__, url_prefix="/hooks")

TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # "nothing to say now": our answer leaves by itself
)


@pages.post("/twilio/message")
@by_token
def twilio_message() -> ResponseReturnValue:
    """A text or a WhatsApp message came in."""
    return _receive("sms", "whatsapp")


@pages.post("/twilio/status")
@by_token
def twilio_status() -> ResponseReturnValue:
    """What became of a message of ours."""
    return _receive("sms", "whatsapp")


@pages.post("/telegram")
@by_token
def telegram() -> ResponseReturnValue:
    """An update, where Telegram calls us instead of being asked."""
    return _receive("telegram")


def _receive(*channels: str) -> ResponseReturnValue:
    try:
        inbound.receive(runtime_of(), channels, _address(), _headers(), request.get_data(cache=False))
    except inbound.Unreadable:
        return Response("unreadable\n", status=400, mimetype="text/plain")
    if "telegram" in channels:
        return Response("", status=200)
    return Response(TWIML, mimetype="text/xml")


def _address() -> str:
    """As the signature knows it: under our public address, whatever the proxy calls us."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return f"{runtime_of().config.public_url}{request.path}{query}"


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
