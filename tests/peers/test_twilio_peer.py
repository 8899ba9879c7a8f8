"""The Twilio of the tests keeps what its client library and its own description expect of it."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.peers.listening import Heard, Listener, listening
from tests.peers.twilio.peer import TwilioPeer

pytestmark = pytest.mark.xdist_group("twilio")  # one worker starts it
OURS, ANA, BRUNO = "+551130000000", "+5511988887777", "+5521977776666"
OUR_WHATSAPP, ANA_WHATSAPP = f"whatsapp:{OURS}", f"whatsapp:{ANA}"
MONDAY = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)


class ToThePeer(TwilioHttpClient):
    """Twilio's own client, with another address than Twilio's."""

    def __init__(self, url: str, timeout: float = 10) -> None:
        super().__init__(timeout=timeout)
        self._there = urlsplit(url)

    def request(self, method: str, url: str, *rest: Any, **how: Any) -> Response:
        asked = urlsplit(url)
        there = urlunsplit((self._there.scheme, self._there.netloc, asked.path, asked.query, ""))
        return super().request(method, there, *rest, **how)

    def close(self) -> None:
        self.session.close()


@pytest.fixture(scope="module")
def http(started_twilio: TwilioPeer) -> Iterator[ToThePeer]:
    http = ToThePeer(started_twilio.url)
    yield http
    http.close()


@pytest.fixture
def client(twilio: TwilioPeer, http: ToThePeer) -> Client:
    return Client(twilio.account_sid, twilio.auth_token, http_client=http)


@pytest.fixture
def ours(twilio: TwilioPeer) -> Iterator[Listener]:
    with listening() as listener:
        twilio.calls_back(f"{listener.url}/hooks/twilio?sender=1")
        yield listener


def form_of(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(heard.body.decode(), keep_blank_values=True))


def is_signed(heard: Heard, base: str, token: str) -> bool:
    given = heard.headers["X-Twilio-Signature"]
    return bool(RequestValidator(token).validate(f"{base}{heard.path}", form_of(heard), given))


def code_of(refused: pytest.ExceptionInfo[TwilioRestException]) -> tuple[int, int | None]:
    return refused.value.status, refused.value.code


def test_a_text_message_is_kept_with_all_that_was_asked(twilio: TwilioPeer, client: Client) -> None:
    twilio.stands_at(MONDAY)
    asked = {"validity_period": 3600, "status_callback": "http://127.0.0.1:8000/hooks/status/abc"}
    first = client.messages.create(to=ANA, from_=OURS, body="De 0 a 10, é você?", **asked)
    second = client.messages.create(to=ANA, from_=OURS, body="De novo")
    assert (first.status, first.date_sent, first.direction) == ("queued", MONDAY, "outbound-api")
    assert first.sid != second.sid
    (kept, _) = twilio.sent_to(ANA)
    assert (kept.sid, kept.body, kept.validity_period) == (first.sid, "De 0 a 10, é você?", 3600)
    assert kept.status_callback == asked["status_callback"]


def test_a_whatsapp_template_and_a_messaging_service(twilio: TwilioPeer, client: Client) -> None:
    template = {"content_sid": "HX" + "a" * 32, "content_variables": '{"1": "Ana", "2": "Éxito"}'}
    client.messages.create(to=ANA_WHATSAPP, from_=OUR_WHATSAPP, **template)
    by_service = client.messages.create(to=ANA, messaging_service_sid="MG" + "b" * 32, body="oi")
    assert (by_service.status, by_service.from_) == ("accepted", None)
    first, second = twilio.sent
    assert (first.content_sid, first.content_variables) == ("HX" + "a" * 32, {"1": "Ana", "2": "Éxito"})
    assert second.messaging_service_sid == "MG" + "b" * 32


@pytest.mark.parametrize(
    "wrong",
    [
        {"status_callback": "not an address"},
        {"validity_period": "an hour"},
        {"validity_period": 86_400},
        {"messaging_service_sid": "MG1"},
        {"content_sid": "HX?"},
        {"schedule_type": "tomorrow"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_the_description_does_not_allow_is_refused(
    twilio: TwilioPeer, client: Client, wrong: Mapping[str, Any]
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(**{"to": ANA, "from_": OURS, "body": "oi", **wrong})
    assert refused.value.status == 422
    assert [each.status for each in twilio.breaches()] == [422]
    assert twilio.messages == []


def test_a_message_to_nobody_is_refused_and_read_as_expected(twilio: TwilioPeer) -> None:
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    credentials = (twilio.account_sid, twilio.auth_token)
    answer = requests.post(twilio.url + path, {"From": OURS, "Body": "oi"}, auth=credentials, timeout=5)
    assert answer.status_code == 422
    assert len(twilio.breaches()) == 1
    assert twilio.breaches() == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": "5511"}, 21211),
        ({"body": ""}, 21619),
        ({"body": "x" * 1601}, 21617),
        ({"to": ANA_WHATSAPP}, 21910),
        ({"content_variables": "1=Ana"}, 21656),
    ],
)
def test_what_only_the_real_one_refuses_has_its_number(
    twilio: TwilioPeer, client: Client, wrong: Mapping[str, str], code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(**{"to": ANA, "from_": OURS, "body": "oi", **wrong})
    assert code_of(refused) == (400, code)
    assert twilio.breaches() == []


@pytest.mark.parametrize(
    ("code", "status"), [(21610, 400), (21614, 400), (63016, 400), (20429, 429), (20003, 401), (20500, 500)]
)
def test_the_next_one_fails_by_number_and_the_one_after_it_does_not(
    twilio: TwilioPeer, client: Client, code: int, status: int
) -> None:
    twilio.fail_next(code)
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=ANA, from_=OURS, body="oi")
    assert code_of(refused) == (status, code)
    client.messages.create(to=ANA, from_=OURS, body="oi")
    assert len(twilio.sent) == 1


def test_an_address_that_cannot_be_reached_never_is(twilio: TwilioPeer, client: Client) -> None:
    twilio.refuses(ANA, 21211)
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            client.messages.create(to=ANA, from_=OURS, body="oi")
        assert code_of(refused) == (400, 21211)
    client.messages.create(to=BRUNO, from_=OURS, body="oi")
    assert [each.to for each in twilio.sent] == [BRUNO]


def test_too_many_requests_may_say_for_how_long(twilio: TwilioPeer) -> None:
    twilio.fail_next(20429, retry_after=7)
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    form, credentials = {"To": ANA, "From": OURS, "Body": "oi"}, (twilio.account_sid, twilio.auth_token)
    answer = requests.post(twilio.url + path, form, auth=credentials, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_the_account_answers_to_its_own_token_only(twilio: TwilioPeer, http: ToThePeer) -> None:
    own = Client(twilio.account_sid, twilio.auth_token, http_client=http)
    assert own.api.accounts(twilio.account_sid).fetch().status == "active"
    with pytest.raises(TwilioRestException) as refused:
        Client(twilio.account_sid, "wrong", http_client=http).api.accounts(twilio.account_sid).fetch()
    assert code_of(refused) == (401, 20003)
    twilio.fail_next(20503, on="account")
    with pytest.raises(TwilioRestException) as refused:
        own.api.accounts(twilio.account_sid).fetch()
    assert refused.value.status == 503


@pytest.mark.parametrize("how", ["cuts", "hangs"])
def test_a_broken_line_does_not_say_whether_the_message_went(twilio: TwilioPeer, how: str) -> None:
    impatient = ToThePeer(twilio.url, timeout=0.5)
    client = Client(twilio.account_sid, twilio.auth_token, http_client=impatient)
    breaks = getattr(twilio, how)
    for taken in (True, False):
        breaks(taken=taken)
        with pytest.raises((requests.ConnectionError, requests.Timeout)):
            client.messages.create(to=ANA, from_=OURS, body="taken" if taken else "lost")
    impatient.close()
    assert [each.body for each in twilio.sent] == ["taken"]


def test_a_list_goes_through_all_pages_the_latest_first(twilio: TwilioPeer, client: Client) -> None:
    for number in range(7):
        at = MONDAY + timedelta(minutes=number)
        twilio.receives(ANA if number % 2 else BRUNO, OURS, str(number), at=at, deliver=False)
    twilio.stands_at(MONDAY + timedelta(hours=1))
    client.messages.create(to=ANA, from_=OURS, body="ours")

    def bodies(**wanted: Any) -> list[str | None]:
        return [each.body for each in client.messages.stream(page_size=2, **wanted)]

    assert bodies(to=OURS) == ["6", "5", "4", "3", "2", "1", "0"]
    assert bodies(to=OURS, date_sent_after=MONDAY + timedelta(minutes=4)) == ["6", "5", "4"]
    assert bodies(date_sent_before=MONDAY + timedelta(minutes=1)) == ["1", "0"]
    assert bodies(from_=ANA) == ["5", "3", "1"]
    assert bodies(to=OURS, limit=3) == ["6", "5", "4"]
    assert [each.sid for each in client.messages.list(to=ANA)] == [twilio.sent[0].sid]
    assert bodies(to=BRUNO) == []
    page = client.messages.list(to=OURS, page_size=2, limit=1)[0]
    assert (page.direction, page.status, page.date_sent) == (
        "inbound",
        "received",
        MONDAY + timedelta(minutes=6),
    )


def test_one_message_is_fetched_by_its_sid(twilio: TwilioPeer, client: Client) -> None:
    sent = client.messages.create(to=ANA, from_=OURS, body="oi")
    twilio.status(sent.sid, "undelivered", error_code=30003, tell=False)
    again = client.messages(sent.sid).fetch()
    assert (again.status, again.error_code, again.body) == ("undelivered", 30003, "oi")
    with pytest.raises(TwilioRestException) as refused:
        client.messages("SM" + "0" * 32).fetch()
    assert code_of(refused) == (404, 20404)


def test_what_comes_in_is_signed_and_listed(twilio: TwilioPeer, client: Client, ours: Listener) -> None:
    received = twilio.receives(ANA, OURS, "9 porque é rápido + bom & bonito")
    assert received.status == 200
    (heard,) = ours.heard
    form = form_of(heard)
    assert (form["From"], form["To"], form["Body"]) == (ANA, OURS, "9 porque é rápido + bom & bonito")
    assert (form["MessageSid"], form["AccountSid"]) == (received.sid, twilio.account_sid)
    assert is_signed(heard, ours.url, twilio.auth_token)
    assert not is_signed(heard, ours.url, "another token")
    assert heard.headers["X-Twilio-Signature"] == twilio.signature(f"{ours.url}{heard.path}", form)
    assert [each.sid for each in client.messages.list(to=OURS)] == [received.sid]


def test_a_whatsapp_button_quotes_what_it_answers(twilio: TwilioPeer, client: Client, ours: Listener) -> None:
    asked = client.messages.create(to=ANA_WHATSAPP, from_=OUR_WHATSAPP, body="De 0 a 10?")
    how = {"button_payload": "s:9", "original_replied_sid": asked.sid}
    twilio.receives(ANA_WHATSAPP, OUR_WHATSAPP, "9", **how)
    form = form_of(ours.heard[0])
    assert (form["ButtonPayload"], form["ButtonText"], form["WaId"]) == ("s:9", "9", ANA.removeprefix("+"))
    assert form["OriginalRepliedMessageSid"] == asked.sid


def test_a_replay_a_forgery_and_a_repeated_parameter(twilio: TwilioPeer, ours: Listener) -> None:
    ours.statuses = [200, 200, 200, 200, 503]
    replayed = twilio.receives(ANA, OURS, "9", times=5)
    assert [each.status for each in replayed.answers] == [200, 200, 200, 200, 503]
    assert len({heard.body for heard in ours.heard}) == 1
    twilio.receives(ANA, OURS, "9", sid=replayed.sid, times=3, at_once=True)
    assert len(twilio.messages) == 1
    assert {form_of(heard)["MessageSid"] for heard in ours.heard} == {replayed.sid}
    twilio.receives(BRUNO, OURS, "9", token="another token")
    assert not is_signed(ours.heard[-1], ours.url, twilio.auth_token)
    twilio.receives(BRUNO, OURS, "9", token=None)
    assert "X-Twilio-Signature" not in ours.heard[-1].headers
    twilio.receives(BRUNO, OURS, "0", extra=[("Body", "10")])
    assert ours.heard[-1].body.count(b"Body=") == 2


def test_what_came_while_we_were_down_stands_in_the_list_only(
    twilio: TwilioPeer, client: Client, ours: Listener
) -> None:
    missed = twilio.receives(ANA, OURS, "7", at=MONDAY, deliver=False)
    assert (missed.answers, ours.heard) == ([], [])
    (found,) = client.messages.list(to=OURS, date_sent_after=MONDAY - timedelta(minutes=10))
    assert (found.sid, found.from_, found.body, found.date_sent) == (missed.sid, ANA, "7", MONDAY)


def test_nobody_answers_where_nobody_listens(twilio: TwilioPeer) -> None:
    twilio.calls_back("http://127.0.0.1:9/hook")
    assert twilio.receives(ANA, OURS, "9").status == 0


def test_reports_come_in_any_order_and_the_message_only_moves_forwards(
    twilio: TwilioPeer, client: Client, ours: Listener
) -> None:
    sent = client.messages.create(to=ANA, from_=OURS, body="oi", status_callback=f"{ours.url}/status/abc")
    twilio.status(sent.sid, "delivered")
    twilio.status(sent.sid, "sent", times=2)
    twilio.status(sent.sid, "undelivered", error_code=30007)
    assert [form_of(each)["MessageStatus"] for each in ours.heard] == [
        "delivered",
        "sent",
        "sent",
        "undelivered",
    ]
    assert form_of(ours.heard[-1])["ErrorCode"] == "30007"
    assert all(is_signed(each, ours.url, twilio.auth_token) for each in ours.heard)
    assert client.messages(sent.sid).fetch().status == "delivered"


def test_a_report_can_come_before_the_answer_that_it_reports_on(
    twilio: TwilioPeer, client: Client, ours: Listener
) -> None:
    twilio.tells_first("sent")
    sent = client.messages.create(to=ANA, from_=OURS, body="oi", status_callback=f"{ours.url}/status/abc")
    assert form_of(ours.heard[0])["MessageSid"] == sent.sid


def test_the_public_address_is_signed_and_the_proxy_forwards(twilio: TwilioPeer, ours: Listener) -> None:
    twilio.finds("https://nps.example.com", at=ours.url)
    twilio.calls_back("https://nps.example.com/hooks/twilio")
    assert twilio.receives(ANA, OURS, "9").status == 200
    (heard,) = ours.heard
    assert heard.path == "/hooks/twilio"
    assert (heard.headers["X-Forwarded-Proto"], heard.headers["X-Forwarded-Host"]) == (
        "https",
        "nps.example.com",
    )
    assert is_signed(heard, "https://nps.example.com", twilio.auth_token)


def test_a_test_begins_with_an_empty_house(twilio: TwilioPeer, client: Client) -> None:
    twilio.fail_next(20500, times=9)
    twilio.receives(ANA, OURS, "9", deliver=False)
    twilio.reset()
    assert (twilio.messages, client.messages.list()) == ([], [])
    began = time.monotonic()
    client.messages.create(to=ANA, from_=OURS, body="oi")
    assert time.monotonic() - began < 2
