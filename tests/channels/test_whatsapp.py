"""WhatsApp out and in, by Twilio's own SDK over real HTTP against a server on loopback."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.channels.base import Channel, DeliveryError, Inbound, Outcome, Outgoing, Receipt, Template
from app.channels.sms import Sms
from app.channels.twilio_account import Account
from app.channels.whatsapp import WhatsApp
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, refused, scripted

OURS = "+551140028922"
ANA = "+5511987654321"
NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
CONTENT = "HX" + "3b" * 16


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def account(server: ScriptedTwilio) -> Account:
    return Account(SID, TOKEN, sms=OURS, whatsapp=OURS, url=server.url)


@pytest.fixture
def whatsapp(account: Account) -> Iterator[WhatsApp]:
    channel = WhatsApp(account)
    yield channel
    channel.close()


def message(**also: Any) -> Outgoing:
    return Outgoing(**{"id": "m1", "from_address": OURS, "to_address": ANA, "text": "De 0 a 10?"} | also)


def outcome(channel: Channel, one: Outgoing) -> Outcome:
    ((_, found),) = channel.deliver([one])
    return found


def test_free_text_goes_between_two_addresses_on_whatsapp(server: ScriptedTwilio, whatsapp: WhatsApp) -> None:
    callback = "http://127.0.0.1:8000/hooks/twilio/status?m=m1"
    receipt = outcome(whatsapp, message(status_url=callback, valid_seconds=600))
    assert isinstance(receipt, Receipt)
    assert server.created == [
        {
            "To": f"whatsapp:{ANA}",
            "From": f"whatsapp:{OURS}",
            "Body": "De 0 a 10?",
            "StatusCallback": callback,
        }
    ]


def test_a_template_goes_in_the_place_of_the_text(server: ScriptedTwilio, whatsapp: WhatsApp) -> None:
    variables = {"1": 'Zoë "Z" D\'Ávila', "2": "https://retorno.example/r/abc?x=1&y=2", "3": "a\nb 😀"}
    outcome(whatsapp, message(text="what the sandbox shows", template=Template(CONTENT, variables)))
    (form,) = server.created
    assert "Body" not in form
    assert form["ContentSid"] == CONTENT
    assert json.loads(form["ContentVariables"]) == variables


def test_a_template_without_places_has_no_variables(server: ScriptedTwilio, whatsapp: WhatsApp) -> None:
    outcome(whatsapp, message(text="", template=Template(CONTENT, {})))
    (form,) = server.created
    assert form["ContentSid"] == CONTENT
    assert "ContentVariables" not in form


def test_nothing_to_say_never_leaves(server: ScriptedTwilio, whatsapp: WhatsApp) -> None:
    trouble = outcome(whatsapp, message(text=""))
    assert isinstance(trouble, DeliveryError)
    assert trouble.reason == "not_written"
    assert server.created == []


@pytest.mark.parametrize(
    ("code", "reason", "permanent", "pause"),
    [
        (63016, "outside_window", False, None),  # a template may go instead, once
        (63024, "invalid_address", True, None),
        (63003, "invalid_address", True, None),
        (63027, "no_template", True, None),
        (63028, "no_template", True, None),
        (63040, "no_template", True, None),
        (63041, "no_template", True, None),
        (63042, "no_template", True, None),
        (21655, "no_template", True, None),
        (21656, "no_template", True, None),
        (63014, "blocked", True, None),
        (63033, "blocked", True, None),
        (21610, "opted_out", True, None),
        (63005, "provider_refused", True, None),
        (63015, "provider_refused", True, None),
        (63021, "provider_refused", True, None),
        (63049, "provider_refused", True, None),
        (63012, "provider_refused", False, None),
        (63017, "provider_refused", False, 60),
        (63018, "provider_refused", False, 60),
        (63038, "provider_refused", False, 3600),
        (63001, "provider_refused", False, 300),
        (63007, "provider_refused", False, 300),
        (63020, "provider_refused", False, 300),
    ],
)
def test_what_whatsapp_refuses_is_said_in_our_words(
    server: ScriptedTwilio, whatsapp: WhatsApp, code: int, reason: str, permanent: bool, pause: int | None
) -> None:
    server.every = refused(code)
    trouble = outcome(whatsapp, message())
    assert isinstance(trouble, DeliveryError)
    assert (trouble.reason, trouble.permanent, trouble.unknown) == (reason, permanent, False)
    assert trouble.pause_seconds == pause
    assert not trouble.stops_run


def test_what_breaks_a_policy_speaks_against_its_whole_run(
    server: ScriptedTwilio, whatsapp: WhatsApp
) -> None:
    server.every = refused(63013)
    trouble = outcome(whatsapp, message())
    assert isinstance(trouble, DeliveryError)
    assert trouble.stops_run


def test_both_channels_of_an_account_share_its_connections(
    server: ScriptedTwilio, account: Account, whatsapp: WhatsApp
) -> None:
    sms = Sms(account)
    for _ in range(3):
        outcome(sms, message())
        outcome(whatsapp, message())
    assert server.connections == 1


def test_what_came_in_is_listed_without_the_channel_before_the_address(
    server: ScriptedTwilio, account: Account, whatsapp: WhatsApp
) -> None:
    inbound = {"direction": "inbound", "status": "received", "day": "2026-11-22", "body": "9"}
    inbound |= {"date_sent": "Sun, 22 Nov 2026 01:30:00 +0000", "messaging_service_sid": None}
    server.messages = [
        inbound | {"sid": "SM" + "2" * 32, "from": f"whatsapp:{ANA}", "to": f"whatsapp:{OURS}"},
        inbound | {"sid": "SM" + "1" * 32, "from": ANA, "to": OURS},
    ]
    ((event, _),) = whatsapp.fetch(NIGHT, "")
    assert (event.sender, event.address, event.provider_id) == (OURS, ANA, "SM" + "2" * 32)
    assert event.at == NIGHT
    assert server.asked[0].query["To"] == f"whatsapp:{OURS}"
    ((event, _),) = Sms(account).fetch(NIGHT, "")
    assert event.provider_id == "SM" + "1" * 32


def test_what_twilio_took_is_traced_by_its_address_there(server: ScriptedTwilio, whatsapp: WhatsApp) -> None:
    sent = {"sid": "SM" + "1" * 32, "direction": "outbound-api", "from": f"whatsapp:{OURS}", "body": "?"}
    sent |= {"to": f"whatsapp:{ANA}", "status": "read", "date_sent": "Sun, 22 Nov 2026 01:31:00 +0000"}
    server.messages = [sent]
    (event,) = whatsapp.trace(ANA, NIGHT)
    assert (event.state, event.address, event.quotes) == ("delivered", ANA, "SM" + "1" * 32)


def test_it_is_a_channel_on_which_people_write_to_us(whatsapp: WhatsApp) -> None:
    channel: Channel = whatsapp
    assert isinstance(channel, Inbound)
    assert whatsapp.identity == OURS
    whatsapp.probe()
