"""What a test orders of the fake: people who write, reports of delivery, faults; and what it kept."""

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, request

from tests.peers.twilio import callbacks
from tests.peers.twilio.faults import Fault, error
from tests.peers.twilio.memory import ACCOUNT, TOKEN, lock, memory
from tests.peers.twilio.messages import API, Message, new_sid

Json = dict[str, Any]
orders = Blueprint("orders", __name__)


@orders.post("/_reset")
def reset() -> Json:
    with lock:
        memory.clear()
    return {}


@orders.post("/_set")
def settings() -> Json:
    with lock:
        for name, value in json_body().items():
            setattr(memory, name, datetime.fromisoformat(value) if name == "now" and value else value)
    return {}


@orders.post("/_fault")
def order_fault() -> Json:
    with lock:
        memory.faults.append(Fault(**json_body()))
    return {}


@orders.post("/_inbound")
def inbound() -> Json:
    """Somebody writes: it is listed, and posted to the webhook unless `deliver` is false."""
    asked = json_body()
    with lock:
        known = memory.messages.get(asked.get("sid") or "")
        at = datetime.fromisoformat(asked["at"]) if asked.get("at") else memory.moment()
        message = known or memory.keeps(
            Message(
                asked.get("sid") or new_sid(), ACCOUNT, "inbound", asked["from"], asked["to"], asked["body"],
                "received", at, len(memory.messages), {}, asked.get("num_media", 0),
            )
        )  # fmt: skip
    answers = (
        deliver(asked.get("url") or memory.webhook, inbound_form(message, asked), asked)
        if asked.get("deliver", True)
        else []
    )
    return {"sid": message.sid, "answers": answers}


def inbound_form(message: Message, asked: Json) -> list[tuple[str, str]]:
    form = {
        "ToCountry": "BR",
        "SmsMessageSid": message.sid,
        "NumMedia": str(message.num_media),
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "Body": message.body,
        "To": message.to,
        "NumSegments": "1",
        "MessageSid": message.sid,
        "AccountSid": asked.get("account_sid") or message.account_sid,
        "From": message.sender or "",
        "ApiVersion": API,
    }
    if message.to.startswith("whatsapp:"):
        form |= {
            "ProfileName": "Ana",
            "WaId": form["From"].partition("+")[2],
            "MessageType": "text",
            "Forwarded": "false",
        }
    if asked.get("button_payload") is not None:
        form |= {
            "MessageType": "button",
            "ButtonPayload": asked["button_payload"],
            "ButtonText": message.body,
        }
    if asked.get("original_replied_sid"):
        form |= {
            "OriginalRepliedMessageSid": asked["original_replied_sid"],
            "OriginalRepliedMessageSender": message.to,
        }
    return [*form.items(), *((name, value) for name, value in asked.get("extra", []))]


@orders.post("/_status")
def report_status() -> Json:
    asked = json_body()
    with lock:
        message = memory.messages.get(asked["sid"]) or abort(404, "no such message")
    return {"answers": tell_status(message, asked)}


def tell_status(message: Message, asked: Json) -> list[callbacks.Answer]:
    """The message takes the status if that leads forwards; the callback tells it in any case."""
    code = asked.get("error_code")
    with lock:
        message.becomes(asked["status"], code, error(code)[0]["message"] if code else None)
    url = asked.get("url") or message.parameters.get("StatusCallback")
    if not url or not asked.get("tell", True):
        return []
    form = {
        "SmsSid": message.sid,
        "SmsStatus": asked["status"],
        "MessageStatus": asked["status"],
        "To": message.to,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender or "",
        "ApiVersion": API,
    }
    if code:
        form["ErrorCode"] = str(code)
    if message.to.startswith("whatsapp:"):
        form |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message.to.removeprefix("whatsapp:")}
    if service := message.parameters.get("MessagingServiceSid"):
        form["MessagingServiceSid"] = service
    return deliver(url, list(form.items()), asked)


def deliver(url: str, form: list[tuple[str, str]], asked: Json) -> list[callbacks.Answer]:
    if not url:
        abort(400, "no webhook: tell the peer where our service is")
    token = asked.get("token", TOKEN)
    times, at_once = asked.get("times", 1), asked.get("at_once", False)
    return callbacks.post(url, form, token, doors=memory.doors, times=times, at_once=at_once)


@orders.post("/_forgive")
def forgive() -> Json:
    with lock:
        for each in memory.refused:
            each["breach"] = False
    return {}


@orders.post("/_ledger")
def ledger() -> Json:
    with lock:
        kept = [
            {
                **each.resource(),
                "at": each.at.isoformat(),
                "arrived": each.arrived.isoformat(),
                "parameters": dict(each.parameters),
            }
            for each in memory.messages.values()
        ]
        return {"messages": kept, "refused": memory.refused}


def json_body() -> Json:
    body: Json = request.get_json()
    return body
