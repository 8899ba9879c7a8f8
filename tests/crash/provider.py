"""What the providers post to our webhooks, as they write and sign it."""

import json
from datetime import datetime
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.scripted_twilio import SID, TOKEN

OURS, PUBLIC = "+551140028922", "https://retorno.example"
TELEGRAM_HOOK, TWILIO_HOOK = "/hooks/telegram", "/hooks/twilio/message"
Post = tuple[str, bytes, dict[str, str]]


def post_of_telegram(number: int, chat: str, text: str, secret: str, at: datetime) -> Post:
    """An update of that number: somebody wrote this to our bot."""
    who = {"id": int(chat), "is_bot": False, "first_name": "Maria", "language_code": "pt-br"}
    message = {
        "message_id": number + 1,
        "date": int(at.timestamp()),
        "chat": {"id": int(chat), "type": "private"},
        "from": who,
        "text": text,
    }
    body = json.dumps({"update_id": 9_000 + number, "message": message}).encode()
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
    return TELEGRAM_HOOK, body, headers


def post_of_twilio(number: int, phone: str, text: str) -> Post:
    """A text to our number, signed for our public address."""
    form = {"MessageSid": sid_of(number), "AccountSid": SID, "From": phone, "To": OURS, "Body": text}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + TWILIO_HOOK, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return TWILIO_HOOK, urlencode(form).encode(), headers


def sid_of(number: int) -> str:
    return f"SM{number:032x}"
