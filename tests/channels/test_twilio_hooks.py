"""What Twilio's webhooks tell, judged by its own validator: signed and ours, or nothing is read."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from app.channels.base import BadSignature, Event, Kind, RawRequest, Unreadable
from app.channels.sms import Sms
from app.channels.twilio_account import Account
from app.channels.twilio_errors import BY_CODE
from app.channels.whatsapp import WhatsApp
from app.rendering.words import REASON_SENTENCES, REASONS
from tests.scripted_twilio import SID, TOKEN

OURS = "+551140028922"
SERVICE = "MG" + "7c" * 16
ANA = "+5511987654321"
MESSAGE = "SM" + "0f" * 16
QUESTION = "SM" + "0e" * 16
SITE = "https://retorno.example"
HOOK = f"{SITE}/hooks/twilio/message"
STATUS = f"{SITE}/hooks/twilio/status?m=01JD0000000000000000000000"
BOTH = Account(SID, TOKEN, sms=OURS, whatsapp=OURS)


def text_form(**also: str) -> dict[str, str]:
    return {
        "ToCountry": "BR",
        "SmsMessageSid": MESSAGE,
        "NumMedia": "0",
        "SmsSid": MESSAGE,
        "SmsStatus": "received",
        "Body": "9",
        "To": OURS,
        "MessageSid": MESSAGE,
        "AccountSid": SID,
        "From": ANA,
        "ApiVersion": "2010-04-01",
    } | also


def whatsapp_form(**also: str) -> dict[str, str]:
    form = text_form(To=f"whatsapp:{OURS}", From=f"whatsapp:{ANA}", ProfileName="Ana 🌻", WaId=ANA[1:])
    return form | also


def status_form(status: str = "delivered", **also: str) -> dict[str, str]:
    return {
        "MessageSid": QUESTION,
        "MessageStatus": status,
        "SmsSid": QUESTION,
        "SmsStatus": status,
        "To": ANA,
        "From": OURS,
        "AccountSid": SID,
        "ApiVersion": "2010-04-01",
    } | also


def request(
    form: dict[str, str], url: str = HOOK, *, body: bytes | None = None, token: str = TOKEN, **also: Any
) -> RawRequest:
    """Signed by Twilio's own library over what the form means."""
    signature = RequestValidator(token).compute_signature(also.get("signed_url", url), form)
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    return RawRequest(url, headers, urlencode(form).encode() if body is None else body)


def told(form: dict[str, str], url: str = HOOK, account: Account = BOTH) -> Event:
    found = [*Sms(account).parse(request(form, url)), *WhatsApp(account).parse(request(form, url))]
    (event,) = found
    return event


def refuse(raw: RawRequest, account: Account = BOTH) -> None:
    for channel in (Sms(account), WhatsApp(account)):
        with pytest.raises(BadSignature):
            channel.parse(raw)


# Texts


def test_a_text_is_told_with_the_number_as_it_is() -> None:
    assert told(text_form()) == Event(sender=OURS, provider_id=MESSAGE, kind=Kind.TEXT, address=ANA, text="9")


def test_a_text_on_whatsapp_is_told_without_the_channel_before_the_number() -> None:
    form = whatsapp_form(OriginalRepliedMessageSid=QUESTION, OriginalRepliedMessageSender=f"whatsapp:{OURS}")
    assert told(form) == Event(
        sender=OURS,
        provider_id=MESSAGE,
        kind=Kind.TEXT,
        address=ANA,
        text="9",
        quotes=QUESTION,
        name="Ana 🌻",
    )


def test_each_channel_tells_only_what_is_its_own() -> None:
    assert Sms(BOTH).parse(request(whatsapp_form())) == []
    assert WhatsApp(BOTH).parse(request(text_form())) == []
    assert WhatsApp(BOTH).parse(request(status_form(), STATUS)) == []


def test_a_button_is_a_press_with_what_it_carries() -> None:
    form = whatsapp_form(
        Body="Sim, claro", ButtonText="Sim", ButtonPayload="yes-01", OriginalRepliedMessageSid=QUESTION
    )
    event = told(form)
    assert (event.kind, event.text, event.data, event.quotes) == (Kind.PRESS, "Sim", "yes-01", QUESTION)


def test_a_button_without_words_of_its_own_says_what_the_message_says() -> None:
    event = told(whatsapp_form(Body="Sim", ButtonPayload="yes-01"))
    assert (event.kind, event.text) == (Kind.PRESS, "Sim")


@pytest.mark.parametrize("body", ["STOP", "Parar!", "START"])
def test_twilios_own_reading_of_an_opt_out_leaves_the_words_to_us(body: str) -> None:
    event = told(text_form(Body=body, OptOutType="STOP"))
    assert (event.kind, event.text) == (Kind.TEXT, body)


def test_a_picture_alone_is_a_text_without_words() -> None:
    event = told(whatsapp_form(Body="", NumMedia="1", MediaUrl0="https://x", MediaContentType0="image/png"))
    assert (event.kind, event.text) == (Kind.TEXT, "")


def test_a_messaging_service_is_the_sender_whatever_its_number() -> None:
    account = Account(SID, TOKEN, sms=SERVICE)
    event = told(text_form(To="+551140028999", MessagingServiceSid=SERVICE), account=account)
    assert event.sender == SERVICE


def test_a_short_code_that_writes_to_us_is_told_as_it_is() -> None:
    assert told(text_form(From="40404")).address == "40404"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\0b\0", "ab"),
        ("\0", ""),
        ("Olá,\r\nnota 9 😀", "Olá,\r\nnota 9 😀"),
        ("x" * 5000, "x" * 4096),
        ("\u202e9\u200b", "\u202e9\u200b"),
        ("<script>{{7*7}}</script>", "<script>{{7*7}}</script>"),
    ],
)
def test_a_text_is_kept_as_it_came_less_what_no_database_takes(given: str, kept: str) -> None:
    assert told(text_form(Body=given)).text == kept


def test_names_and_data_are_cut_to_a_size_that_they_may_have() -> None:
    event = told(whatsapp_form(ProfileName="n" * 999, ButtonPayload="d" * 999))
    assert (len(event.name), len(event.data)) == (200, 256)


# Statuses


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", "sent"),
        ("scheduled", "sent"),
        ("queued", "sent"),
        ("sending", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("partially_delivered", "delivered"),
        ("read", "delivered"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("canceled", "failed"),
        ("teleported", ""),
    ],
)
def test_a_status_is_told_under_a_name_of_its_own_with_our_id(status: str, state: str) -> None:
    event = told(status_form(status), STATUS)
    assert event.provider_id == f"{QUESTION}:{status}"
    assert event.kind is Kind.STATUS
    assert event.state == state
    assert event.quotes == QUESTION
    assert event.message_id == "01JD0000000000000000000000"
    assert event.address == ANA
    assert bool(event.reason) == (state == "failed")


@pytest.mark.parametrize("code", ["63014", "63033"])
def test_whoever_blocked_us_complains(code: str) -> None:
    event = told(status_form("undelivered", ErrorCode=code), STATUS)
    assert (event.reason, event.permanent, event.complains) == ("blocked", True, True)
    assert not told(status_form("undelivered", ErrorCode="30004"), STATUS).complains, "a carrier's block"


@pytest.mark.parametrize(
    ("code", "reason", "permanent"),
    [
        ("30005", "invalid_address", True),
        ("30006", "invalid_address", True),
        ("21610", "opted_out", True),
        ("30004", "blocked", True),
        ("30003", "phone_off", False),
        ("30008", "provider_refused", False),
        ("30007", "provider_refused", True),
        ("30036", "quiet_hours", False),
        ("63016", "outside_window", False),
        ("63024", "invalid_address", True),
        ("39999", "provider_refused", False),
        ("", "provider_refused", False),
        ("nonsense", "provider_refused", False),
        ("٣٠٠٠٥", "provider_refused", False),
        ("9" * 5000, "provider_refused", False),
    ],
)
@pytest.mark.parametrize("status", ["undelivered", "failed"])
def test_a_failure_says_why_in_our_words(status: str, code: str, reason: str, permanent: bool) -> None:
    event = told(status_form(status, ErrorCode=code), STATUS)
    assert (event.state, event.reason, event.permanent) == ("failed", reason, permanent)


def test_a_failure_carries_what_follows_from_it() -> None:
    off = told(status_form("undelivered", ErrorCode="30003"), STATUS)
    assert (off.retry_seconds, off.most_tries) == (1800, 3)
    assert told(status_form("undelivered", ErrorCode="30007"), STATUS).stops_run
    assert told(status_form("failed", ErrorCode="30002"), STATUS).pause_seconds == 300


def test_a_message_that_was_cancelled_over_there_is_not_sent_again() -> None:
    event = told(status_form("canceled"), STATUS)
    assert (event.reason, event.permanent) == ("provider_refused", True)


@pytest.mark.parametrize(
    ("query", "id"),
    [
        ("", ""),
        ("?m=", ""),
        ("?m=a&m=b", ""),
        ("?m=a%00b", "ab"),
        (f"?m={'x' * 99}", "x" * 64),
        ("?x=1&m=a", "a"),
    ],
)
def test_our_id_is_read_from_the_address_or_is_missing(query: str, id: str) -> None:
    assert told(status_form(), f"{SITE}/hooks/twilio/status{query}").message_id == id


def test_a_status_on_whatsapp_belongs_to_whatsapp() -> None:
    form = status_form("read", To=f"whatsapp:{ANA}", From=f"whatsapp:{OURS}", EventType="READ")
    assert Sms(BOTH).parse(request(form, STATUS)) == []
    (event,) = WhatsApp(BOTH).parse(request(form, STATUS))
    assert (event.address, event.state) == (ANA, "delivered")


@pytest.mark.parametrize("also", [{}, {"MessagingServiceSid": SERVICE}, {"From": "Loja"}])
def test_a_messaging_service_reports_with_or_without_its_name(also: dict[str, str]) -> None:
    account = Account(SID, TOKEN, sms=SERVICE)
    form = status_form("accepted", **also)
    if not also:
        del form["From"]
    assert told(form, STATUS, account).sender == SERVICE


@pytest.mark.parametrize(
    "form",
    [
        status_form("Delivered!"),
        status_form(""),
        status_form("x" * 33),
        status_form(MessageSid=""),
        status_form(MessageSid="SM1"),
        status_form(MessageSid=f"{MESSAGE}:x"),
        status_form(To=""),
    ],
)
def test_a_signed_status_that_tells_nothing_is_unreadable(form: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        Sms(BOTH).parse(request(form, STATUS))


@pytest.mark.parametrize("lost", ["MessageSid", "From"])
def test_a_signed_text_that_tells_nothing_is_unreadable(lost: str) -> None:
    form = text_form()
    del form[lost]
    with pytest.raises(Unreadable):
        Sms(BOTH).parse(request(form))


# Signed, and ours


@pytest.mark.parametrize(
    "url",
    [
        "https://retorno.example/hooks/twilio/message",
        "http://retorno.example/hooks/twilio/message",
        "https://retorno.example:8443/hooks/twilio/message",
        "http://127.0.0.1:8000/hooks/twilio/message",
        "https://loja.example/retorno/hooks/twilio/message",
        "https://retorno.example/hooks/twilio/message?b=2&a=1",
        "https://retorno.example/hooks/twilio/message?a=1&b=2",
        "https://retorno.example/hooks/twilio/message?x=a%20b+c&y=%C3%A9",
        "https://xn--caf-dma.example/hooks/twilio/message",
    ],
)
@pytest.mark.parametrize(
    "body", ["9", "nota 9", "a+b", "a + b & c=d", "não é 10% 😀", "", "\r\n", "%41", "٩", "a" * 1600]
)
def test_what_twilio_signs_is_accepted_as_it_is_known_outside(url: str, body: str) -> None:
    (event,) = Sms(BOTH).parse(request(text_form(Body=body), url))
    assert event.text == body


@pytest.mark.parametrize("percent", [False, True], ids=["spaces as +", "spaces as %20"])
def test_how_the_form_is_written_makes_no_difference(percent: bool) -> None:
    form = text_form(Body="não + sim & talvez")
    body = urlencode(form, quote_via=quote) if percent else urlencode(form)
    (event,) = Sms(BOTH).parse(request(form, body=body.encode()))
    assert event.text == "não + sim & talvez"


@pytest.mark.parametrize(
    ("signed", "known"),
    [
        ("https://retorno.example:443/hooks/twilio/message", "https://retorno.example/hooks/twilio/message"),
        ("http://retorno.example:80/hooks/twilio/message", "http://retorno.example/hooks/twilio/message"),
        ("https://retorno.example/hooks/twilio/message", "https://retorno.example:8443/hooks/twilio/message"),
    ],
)
def test_twilio_signs_some_ports_and_leaves_out_others(signed: str, known: str) -> None:
    assert Sms(BOTH).parse(request(text_form(), known, signed_url=signed))


@pytest.mark.parametrize(
    "known",
    [
        "http://retorno.example/hooks/twilio/message",
        "https://other.example/hooks/twilio/message",
        "https://retorno.example/hooks/twilio/status",
        "https://retorno.example/hooks/twilio/message?m=1",
        "https://retorno.example/hooks/twilio/message/",
    ],
)
def test_signed_for_another_address_is_refused(known: str) -> None:
    refuse(request(text_form(), known, signed_url=HOOK))


def test_a_signature_is_needed() -> None:
    body = urlencode(text_form()).encode()
    refuse(RawRequest(HOOK, {}, body))
    refuse(RawRequest(HOOK, {"x-twilio-signature": ""}, body))
    refuse(RawRequest(HOOK, {"x-twilio-signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, body))
    refuse(RawRequest(HOOK, {"x-twilio-signature": "é" * 28}, body))


def test_another_token_signs_for_nobody() -> None:
    refuse(request(text_form(), token="0" * 32))


def test_an_empty_token_never_verifies_anything() -> None:
    empty = Account(SID, "", sms=OURS, whatsapp=OURS)
    refuse(request(text_form(), token=""), empty)
    signature = base64.b64encode(hmac.new(b"", HOOK.encode(), hashlib.sha1).digest()).decode()
    refuse(RawRequest(HOOK, {"x-twilio-signature": signature}, b""), empty)


def test_a_changed_or_added_field_is_refused() -> None:
    good = request(text_form())
    for body in (
        good.body.replace(b"Body=9", b"Body=10"),
        good.body + b"&Extra=1",
        good.body + b"&Extra=",
        good.body.replace(b"Body=9&", b""),
        b"",
    ):
        refuse(RawRequest(HOOK, good.headers, body))


@pytest.mark.parametrize("again", ["Body=10", "Body=9", "From=%2B5511900000000", "New=1&New=2"])
def test_a_field_that_comes_twice_is_refused_whatever_the_signature_says(again: str) -> None:
    """Twilio's own validator signs the set of the values: here it would say yes."""
    form = text_form()
    repeated: dict[str, list[str]] = {name: [value] for name, value in form.items()}
    for pair in again.split("&"):
        name, _, value = pair.partition("=")
        repeated.setdefault(name, []).append(value.replace("%2B", "+"))

    class Multi(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    signature = RequestValidator(TOKEN).compute_signature(HOOK, Multi(repeated))
    body = urlencode(form) + "&" + again
    refuse(RawRequest(HOOK, {"x-twilio-signature": signature}, body.encode()))


@pytest.mark.parametrize(
    "form",
    [
        text_form(AccountSid="AC" + "0" * 32),
        text_form(AccountSid=""),
        text_form(To="+551140028923"),
        text_form(To=""),
        text_form(To=f"messenger:{OURS}"),
        text_form(To=f"whatsapp:{OURS}0"),
        text_form(To=f"whatsapp:whatsapp:{OURS}"),
        text_form(To="+1", MessagingServiceSid=SERVICE),
    ],
)
def test_signed_for_somebody_else_is_refused(form: dict[str, str]) -> None:
    refuse(request(form))


def test_a_status_of_somebody_elses_message_is_refused() -> None:
    refuse(request(status_form(From="+551140028923"), STATUS))
    refuse(request(status_form(From=""), STATUS))
    refuse(request(status_form(From="whatsapp:+551140028923"), STATUS))


def test_a_number_that_is_not_set_up_is_nobodys() -> None:
    only_sms, only_whatsapp = Account(SID, TOKEN, sms=OURS), Account(SID, TOKEN, whatsapp=OURS)
    with pytest.raises(BadSignature):
        Sms(only_sms).parse(request(whatsapp_form()))
    with pytest.raises(BadSignature):
        WhatsApp(only_whatsapp).parse(request(text_form()))
    with pytest.raises(BadSignature):
        WhatsApp(only_whatsapp).parse(request(text_form(To="")))
    with pytest.raises(BadSignature):
        Sms(Account(SID, TOKEN, sms=SERVICE)).parse(request(text_form()))


@pytest.mark.parametrize(
    "body",
    [
        b"Body=" + b"9" * 70_000,
        b"&".join(b"f%d=1" % n for n in range(10_000)),
        b"Body=\xff\xfe",
        b"Body=%ff",
        b"Body=%ED%A0%80",  # half of a character, as no text has it
        b"\x00" * 64,
        b"{}",
        b"",
    ],
)
def test_a_body_that_is_no_form_is_refused(body: bytes) -> None:
    refuse(RawRequest(HOOK, {"x-twilio-signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, body))


@pytest.mark.parametrize("url", ["https://[", "https://x:port/hooks", "", "\ud800", "//"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    raw = request(text_form())
    refuse(RawRequest(url, raw.headers, raw.body))


# Whatever comes

_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_FIELDS = st.dictionaries(
    st.sampled_from([*text_form(), *status_form(), "ButtonPayload", "ErrorCode", "ProfileName", "X"])
    | _ANY_TEXT,
    st.sampled_from([OURS, ANA, f"whatsapp:{OURS}", MESSAGE, "delivered", "failed", "30003", ""]) | _ANY_TEXT,
    max_size=12,
)


@settings(deadline=None, max_examples=300)
@given(_FIELDS, st.booleans(), st.sampled_from([HOOK, STATUS]))
def test_whatever_twilio_signs_is_an_event_or_refused(fields: dict[str, str], whole: bool, url: str) -> None:
    form = ((status_form() if url == STATUS else text_form()) if whole else {"AccountSid": SID}) | fields
    try:
        events = [*Sms(BOTH).parse(request(form, url)), *WhatsApp(BOTH).parse(request(form, url))]
    except (BadSignature, Unreadable):
        return
    (event,) = events
    assert event.sender == OURS
    assert event.address
    assert len(event.text) <= 4096
    assert "\0" not in event.text + event.data + event.name + event.address + event.message_id
    assert event.state in {"", "sent", "delivered", "failed"}
    assert not event.reason or event.reason in REASONS


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.text(max_size=40), st.text(max_size=60))
def test_whatever_a_stranger_sends_is_refused(body: bytes, signature: str, url: str) -> None:
    refuse(RawRequest(url, {"x-twilio-signature": signature}, body))
    refuse(RawRequest(HOOK, {"x-twilio-signature": signature}, body))


def test_every_reason_has_its_words() -> None:
    reasons = {each.reason for each in BY_CODE.values()}
    assert reasons <= REASONS.keys()
    assert reasons <= REASON_SENTENCES.keys()


def test_nothing_is_both_for_ever_and_for_a_while() -> None:
    for meaning in BY_CODE.values():
        assert not (meaning.permanent and (meaning.pause_seconds or meaning.retry_seconds))
