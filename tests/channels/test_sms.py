"""SMS out and in, by Twilio's own SDK over real HTTP against a server on loopback that fails to order."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from itertools import islice
from typing import Any

import pytest

from app.channels.base import Channel, DeliveryError, Event, Inbound, Kind, Outcome, Outgoing, Receipt
from app.channels.sms import Sms
from app.channels.twilio_account import Account, Patience
from app.channels.twilio_api import TwilioApi
from app.channels.twilio_channel import ABREAST
from tests.scripted_twilio import (
    CUT,
    HALF,
    RESET,
    SID,
    SILENT,
    TOKEN,
    Reply,
    ScriptedTwilio,
    refused,
    scripted,
)

OURS = "+551140028922"
ANA = "+5511987654321"
SERVICE = "MG" + "7c" * 16
QUICK = Patience(connect=0.5, read=0.5, whole=1)
NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@contextmanager
def opened(account: Account, patience: Patience | None = None) -> Iterator[Sms]:
    channel = Sms(account, TwilioApi(account, patience) if patience else None)
    yield channel
    channel.close()


@pytest.fixture
def sms(server: ScriptedTwilio) -> Iterator[Sms]:
    with opened(Account(SID, TOKEN, sms=OURS, url=server.url)) as channel:
        yield channel


@pytest.fixture
def hasty(server: ScriptedTwilio) -> Iterator[Sms]:
    with opened(Account(SID, TOKEN, sms=OURS, url=server.url), QUICK) as channel:
        yield channel


def text(number: int = 1, **also: Any) -> Outgoing:
    given = {"id": f"m{number}", "from_address": OURS, "to_address": f"+55119876500{number:02}"}
    return Outgoing(**given | {"text": "De 0 a 10?"} | also)


def outcome(channel: Channel, message: Outgoing) -> Outcome:
    ((identity, one),) = channel.deliver([message])
    assert identity == message.id
    return one


def error(channel: Channel, message: Outgoing | None = None) -> DeliveryError:
    one = outcome(channel, message or text())
    assert isinstance(one, DeliveryError), one
    return one


def flags(trouble: DeliveryError) -> tuple[str, bool, bool]:
    return trouble.reason, trouble.permanent, trouble.unknown


# What is sent


def test_a_text_leaves_from_our_number_with_its_callback_and_its_time(
    server: ScriptedTwilio, sms: Sms
) -> None:
    callback = "http://127.0.0.1:8000/hooks/twilio/status?m=m1"
    message = text(to_address=ANA, text="Olá & até + 😀\n", valid_seconds=5400, status_url=callback)
    receipt = outcome(sms, message)
    (form,) = server.created
    assert form == {
        "To": ANA,
        "From": OURS,
        "Body": "Olá & até + 😀\n",
        "ValidityPeriod": "5400",
        "StatusCallback": callback,
    }
    assert receipt == Receipt(provider_id="SM" + "0" * 31 + "1")
    assert server.asked[0].path == f"/2010-04-01/Accounts/{SID}/Messages.json"


def test_a_messaging_service_stands_in_the_place_of_the_number(server: ScriptedTwilio) -> None:
    with opened(Account(SID, TOKEN, sms=SERVICE, url=server.url)) as sms:
        outcome(sms, text())
        assert sms.identity == SERVICE
    (form,) = server.created
    assert form["MessagingServiceSid"] == SERVICE
    assert "From" not in form


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(None, None), (-5, "1"), (0, "1"), (600, "600"), (36_000, "36000"), (90_000, "36000")],
)
def test_the_time_that_a_text_may_wait_keeps_to_what_twilio_takes(
    server: ScriptedTwilio, sms: Sms, seconds: int | None, sent: str | None
) -> None:
    outcome(sms, text(valid_seconds=seconds))
    assert server.created[0].get("ValidityPeriod") == sent


@pytest.mark.parametrize(
    ("api", "callback", "may"),
    [
        ("https://api.twilio.com", "https://retorno.example/hooks/twilio/status?m=1", True),
        ("https://api.twilio.com", "http://retorno.example/hooks/twilio/status?m=1", False),
        ("https://api.twilio.com", "http://127.0.0.1:8000/hooks/twilio/status?m=1", False),
        ("https://api.twilio.com", "https://localhost/hooks/twilio/status?m=1", False),
        ("https://api.twilio.com", "", False),
        ("http://127.0.0.1:4010", "http://127.0.0.1:8000/hooks/twilio/status?m=1", True),
        ("http://[::1]:4010", "https://retorno.example/hooks/twilio/status?m=1", True),
        ("http://127.0.0.1:4010", "", False),
    ],
)
def test_a_callback_is_named_only_where_it_can_be_reached(api: str, callback: str, may: bool) -> None:
    assert Account(SID, TOKEN, sms=OURS, url=api).may_call(callback) is may


def test_without_a_callback_none_is_named(server: ScriptedTwilio, sms: Sms) -> None:
    outcome(sms, text())
    assert "StatusCallback" not in server.created[0]


def test_an_address_of_ours_with_a_path_is_kept(server: ScriptedTwilio) -> None:
    with opened(Account(SID, TOKEN, sms=OURS, url=f"{server.url}/twilio")) as sms:
        outcome(sms, text())
    assert server.asked[0].path == f"/twilio/2010-04-01/Accounts/{SID}/Messages.json"


@pytest.mark.parametrize(
    "address", ["", "11987654321", "+55 11 98765-4321", "+5511987654321,+5511", "ana@b.c"]
)
def test_what_is_no_number_never_leaves(server: ScriptedTwilio, sms: Sms, address: str) -> None:
    assert flags(error(sms, text(to_address=address))) == ("invalid_address", True, False)
    assert server.asked == []


@pytest.mark.parametrize("words", ["", "half of a smile \ud83d"])
def test_what_cannot_be_said_never_leaves_and_holds_nothing_up(
    server: ScriptedTwilio, sms: Sms, words: str
) -> None:
    first, second = dict(sms.deliver([text(1, text=words), text(2)])).values()
    assert isinstance(first, DeliveryError)
    assert flags(first) == ("not_written", True, False)
    assert isinstance(second, Receipt)
    assert len(server.created) == 1


# Many at a time


def test_ten_are_under_way_at_a_time_and_never_more(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = Reply(after=0.05)
    begun = time.monotonic()
    outcomes = dict(sms.deliver(text(n) for n in range(40)))
    assert len(outcomes) == 40
    assert all(isinstance(each, Receipt) for each in outcomes.values())
    assert server.most_at_once == ABREAST
    assert server.connections <= ABREAST
    assert time.monotonic() - begun < 40 * 0.05, "one by one it takes two seconds"


def test_outcomes_are_told_as_they_become_known(server: ScriptedTwilio, sms: Sms) -> None:
    server.replies[text(1).to_address] = Reply(after=0.4)
    assert [identity for identity, _ in sms.deliver([text(1), text(2), text(3)])][-1] == "m1"


def test_the_batch_is_taken_as_there_is_room(server: ScriptedTwilio, sms: Sms) -> None:
    taken: list[int] = []

    def batch() -> Iterator[Outgoing]:
        for number in range(30):
            taken.append(number)
            yield text(number)

    outcomes = sms.deliver(batch())
    next(outcomes)
    assert len(taken) == ABREAST
    outcomes.close()  # type: ignore[attr-defined]
    sms.close()
    assert len(taken) == ABREAST
    assert len(server.created) == ABREAST, "what was under way is sent, and nothing after it"


def test_the_next_batch_uses_the_connections_of_the_last_one(server: ScriptedTwilio, sms: Sms) -> None:
    for number in range(20):
        outcome(sms, text(number))
    assert server.connections == 1


def test_threads_deliver_side_by_side(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = Reply(after=0.2)
    begun = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: dict(sms.deliver([text(n)])), range(4)))
    assert {identity for each in found for identity in each} == {"m0", "m1", "m2", "m3"}
    assert time.monotonic() - begun < 0.7


def lines() -> set[threading.Thread]:
    """The threads of channels; other tests of this process may have left theirs."""
    return {each for each in threading.enumerate() if each.name == "twilio"}


def test_a_closed_channel_may_be_used_again_and_leaves_no_thread(server: ScriptedTwilio, sms: Sms) -> None:
    others = lines()
    assert isinstance(outcome(sms, text(1)), Receipt)
    assert lines() - others
    sms.close()
    sms.close()
    assert not lines() - others
    assert isinstance(outcome(sms, text(2)), Receipt)
    assert server.connections == 2


def test_closing_waits_for_what_is_under_way(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = Reply(after=0.3)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(outcome, sms, text())
        while not server.asked:
            time.sleep(0.01)
        sms.close()
        assert isinstance(slow.result(), Receipt)


def test_what_is_late_at_closing_is_cut_off_and_left_in_doubt(server: ScriptedTwilio) -> None:
    server.every = SILENT
    account = Account(SID, TOKEN, sms=OURS, url=server.url)
    with opened(account, Patience(grace=0.1)) as sms, ThreadPoolExecutor(2) as threads:
        sending, asking = threads.submit(outcome, sms, text()), threads.submit(sms.probe)
        while len(server.asked) < 2:
            time.sleep(0.01)
        sms.close()
        late = sending.result()
        assert isinstance(late, DeliveryError)
        assert flags(late) == ("provider_unreachable", False, True)
        with pytest.raises(DeliveryError) as caught:
            asking.result()
        assert not caught.value.unknown


def test_a_channel_that_is_let_go_takes_its_thread_along(server: ScriptedTwilio) -> None:
    others = lines()
    channel = Sms(Account(SID, TOKEN, sms=OURS, url=server.url))
    outcome(channel, text())
    assert lines() - others
    del channel
    assert not lines() - others


def test_a_forked_process_gets_a_line_of_its_own(server: ScriptedTwilio, sms: Sms) -> None:
    outcome(sms, text(1))
    child = os.fork()
    if child == 0:
        os._exit(0 if isinstance(outcome(sms, text(2)), Receipt) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(outcome(sms, text(3)), Receipt)
    assert len(server.created) == 3
    assert server.connections == 2


# What Twilio answers

REFUSALS = [
    # the person
    (21211, 400, "invalid_address", True),
    (21217, 400, "invalid_address", True),
    (21401, 400, "invalid_address", True),
    (21407, 400, "invalid_address", True),
    (21614, 400, "invalid_address", True),
    (21635, 400, "invalid_address", True),
    (30005, 400, "invalid_address", True),
    (30006, 400, "invalid_address", True),
    (21610, 400, "opted_out", True),
    (30004, 400, "blocked", True),
    (21408, 403, "country_not_allowed", True),
    # this message
    (21602, 400, "provider_refused", True),
    (21617, 400, "provider_refused", True),
    (21612, 400, "provider_refused", True),
    # a later try
    (30003, 400, "phone_off", False),
    (30008, 400, "provider_refused", False),
    (30036, 400, "quiet_hours", False),
    (39999, 400, "provider_refused", False),
    (99999, 403, "provider_refused", False),
]


@pytest.mark.parametrize(("code", "status", "reason", "permanent"), REFUSALS)
def test_a_refusal_is_about_this_person_or_message_and_stops_nobody_else(
    server: ScriptedTwilio, sms: Sms, code: int, status: int, reason: str, permanent: bool
) -> None:
    server.replies[text(1).to_address] = refused(code, status)
    outcomes = dict(sms.deliver([text(n) for n in range(1, 13)]))
    trouble = outcomes.pop("m1")
    assert isinstance(trouble, DeliveryError)
    assert flags(trouble) == (reason, permanent, False)
    assert trouble.pause_seconds is None
    assert str(code) in trouble.detail
    assert all(isinstance(each, Receipt) for each in outcomes.values())
    assert len(server.created) == 12


@pytest.mark.parametrize("code", [30003, 30008])
def test_a_phone_that_is_off_is_tried_three_times_half_an_hour_apart(
    server: ScriptedTwilio, sms: Sms, code: int
) -> None:
    server.every = refused(code)
    trouble = error(sms)
    assert (trouble.retry_seconds, trouble.most_tries, trouble.permanent) == (1800, 3, False)


@pytest.mark.parametrize("code", [30007, 30032, 30034, 30035])
def test_what_is_filtered_ends_and_speaks_against_its_whole_run(
    server: ScriptedTwilio, sms: Sms, code: int
) -> None:
    server.every = refused(code)
    trouble = error(sms)
    assert flags(trouble) == ("provider_refused", True, False)
    assert trouble.stops_run
    assert trouble.pause_seconds is None


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (refused(20003, 401), 300),
        (refused(20003, 403), 300),
        (refused(20005, 403), 300),
        (refused(30002, 403), 300),
        (refused(20404, 404), 300),
        (refused(21606, 400), 300),
        (refused(21609, 400), 300),
        (refused(21703, 400), 300),
        (Reply(401, "<html>who are you?</html>"), 300),
        (Reply(404, "<html>not here</html>"), 300),
        (Reply(302, "", {"Location": "https://elsewhere.example/"}), 300),
        (Reply(407, "<html>a proxy</html>"), 300),
        (refused(30001, 400), 60),
        (refused(21611, 400), 60),
        (refused(21611, 429), 60),
        (refused(20429, 429), 60),
    ],
)
def test_trouble_of_ours_or_theirs_rests_the_channel_and_is_held_against_nobody(
    server: ScriptedTwilio, sms: Sms, reply: Reply, seconds: int
) -> None:
    server.every = reply
    outcomes = dict(sms.deliver([text(n) for n in range(15)]))
    assert len(outcomes) == 15
    for each in outcomes.values():
        assert isinstance(each, DeliveryError)
        assert (each.permanent, each.unknown, each.pause_seconds) == (False, False, seconds)
    assert len(server.created) <= ABREAST, "the rest is not tried"
    assert outcomes["m14"].detail.startswith("not tried")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("35", 35, 35),
        (" 35 ", 35, 35),
        ("0", 1, 1),
        ("1000000000", 3600, 3600),
        ("9" * 400, 3600, 3600),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 3600, 3600),
        ("Wed, 99 Oct 2026 07:28:00 GMT", 60, 60),
        ("-5", 60, 60),
        ("soon", 60, 60),
        ("", 60, 60),
    ],
)
def test_too_many_requests_rests_as_long_as_they_say_but_an_hour_at_most(
    server: ScriptedTwilio, sms: Sms, header: str, least: int, most: int
) -> None:
    server.every = refused(20429, 429, Retry_After=header)
    trouble = error(sms)
    assert flags(trouble) == ("provider_refused", False, False)
    assert trouble.pause_seconds is not None
    assert least <= trouble.pause_seconds <= most


@pytest.mark.parametrize(("away", "least", "most"), [(1200, 1100, 1201), (-1200, 1, 1)])
def test_they_may_say_it_with_a_date(
    server: ScriptedTwilio, sms: Sms, away: int, least: int, most: int
) -> None:
    server.every = refused(20429, 429, Retry_After=formatdate(time.time() + away, usegmt=True))
    trouble = error(sms)
    assert trouble.pause_seconds is not None
    assert least <= trouble.pause_seconds <= most


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, "<html>welcome to the hotel's network</html>"),
        Reply(200, b" "),
        Reply(201, b"\xff\xfe\x00"),
        Reply(201, "[]"),
        Reply(201, "{}"),
        Reply(201, '"SM"'),
        Reply(201, '{"sid": null}'),
        Reply(201, '{"sid": "elsewhere"}'),
        Reply(200, '{"code": 20003, "message": "no"}'),
        Reply(201, "[[[{"),
        Reply(204, "x"),
        Reply(500, "<html>oops</html>"),
        refused(20500, 500),
        refused(20503, 503),
        Reply(502, "<html>bad gateway</html>"),
        CUT,
        RESET,
        HALF,
        SILENT,
    ],
    ids=str,
)
def test_what_nobody_can_read_leaves_the_message_in_doubt_and_is_never_tried_again(
    server: ScriptedTwilio, hasty: Sms, reply: Reply | str
) -> None:
    server.every = reply
    trouble = error(hasty)
    assert flags(trouble) == ("provider_unreachable", False, True)
    assert trouble.pause_seconds == 60
    assert len(server.created) == 1


def test_an_answer_that_comes_too_late_leaves_the_message_in_doubt(
    server: ScriptedTwilio, hasty: Sms
) -> None:
    server.every = Reply(after=0.8)
    assert error(hasty).unknown
    time.sleep(0.5)
    assert len(server.created) == 1


def test_a_sid_that_we_have_seen_is_no_reason_to_stumble(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = Reply(201, {"sid": "SM" + "1" * 32})
    assert outcome(sms, text(1)) == outcome(sms, text(2)) == Receipt("SM" + "1" * 32)


def test_connections_that_they_close_between_messages_cost_none(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = Reply(201, {"sid": "SM" + "1" * 32}, {"Connection": "close"})
    assert all(isinstance(outcome(sms, text(n)), Receipt) for n in range(3))
    server.every = None
    for _ in range(3):
        assert isinstance(outcome(sms, text()), Receipt)
        server.hang_up()
        time.sleep(0.05)
    assert len(server.created) == 6


def test_when_nobody_is_there_nothing_is_in_doubt() -> None:
    with scripted() as gone:
        pass
    with opened(Account(SID, TOKEN, sms=OURS, url=gone.url)) as sms:
        outcomes = dict(sms.deliver([text(n) for n in range(15)]))
        assert len(outcomes) == 15
        for each in outcomes.values():
            assert isinstance(each, DeliveryError)
            assert flags(each) == ("provider_unreachable", False, False)
            assert each.pause_seconds == 60
        with pytest.raises(DeliveryError, match="provider_unreachable"):
            sms.probe()


def test_what_is_kept_of_an_answer_names_nobody(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = refused(
        21211, words=f"The 'To' number {ANA} (11 98765-4321) is not valid: +55 11 98765 4321"
    )
    detail = error(sms, text(to_address=ANA)).detail
    assert detail.startswith("21211 (HTTP 400)")
    assert "98765" not in detail


def test_an_error_in_the_newer_form_is_read_as_well(server: ScriptedTwilio, sms: Sms) -> None:
    problem = {"type": "https://", "title": "Opted out", "status": 400, "code": 21610, "detail": f"{ANA}"}
    server.every = Reply(400, problem)
    trouble = error(sms)
    assert flags(trouble) == ("opted_out", True, False)
    assert ANA not in trouble.detail


@pytest.mark.parametrize("code", ["21610", 21610.0, True, None, [], "x" * 99, -1, 10**30])
def test_a_code_of_any_shape_does_no_harm(server: ScriptedTwilio, sms: Sms, code: object) -> None:
    server.every = Reply(400, {"code": code, "message": ["no"]})
    trouble = error(sms)
    assert not trouble.unknown
    assert trouble.reason in {"opted_out", "provider_refused"}


# The probe


def test_the_probe_passes_where_we_are_let_in(server: ScriptedTwilio, sms: Sms) -> None:
    sms.probe()
    (asked,) = server.asked
    assert asked.path == f"/2010-04-01/Accounts/{SID}.json"
    assert server.created == []


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_the_probe_names_an_account_that_is_not_active(server: ScriptedTwilio, sms: Sms, status: str) -> None:
    server.account_status = status
    with pytest.raises(DeliveryError, match=status):
        sms.probe()


@pytest.mark.parametrize(
    "reply", [refused(20003, 401), Reply(200, "<html>"), Reply(500, "x"), CUT, refused(20429, 429)], ids=str
)
def test_the_probe_fails_and_leaves_nothing_in_doubt(
    server: ScriptedTwilio, sms: Sms, reply: Reply | str
) -> None:
    server.every = reply
    with pytest.raises(DeliveryError) as caught:
        sms.probe()
    assert not caught.value.unknown
    assert not caught.value.permanent


# What came in while nobody listened


def kept(number: int, minutes: int = 0, **also: Any) -> dict[str, Any]:
    """An inbound message as Twilio keeps it."""
    at = NIGHT + timedelta(minutes=minutes)
    return {
        "sid": f"SM{number:032x}",
        "direction": "inbound",
        "from": ANA,
        "to": OURS,
        "body": str(number),
        "status": "received",
        "messaging_service_sid": None,
        "error_code": None,
        "date_sent": at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "date_created": at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "day": at.date().isoformat(),
    } | also


def test_what_came_in_while_we_were_down_is_listed_oldest_first(server: ScriptedTwilio, sms: Sms) -> None:
    server.messages = [kept(3, 20), kept(2, 10), kept(1, 0)]
    found = list(sms.fetch(NIGHT, ""))
    assert [event.text for event, _ in found] == ["1", "2", "3"]
    assert found[0] == (
        Event(sender=OURS, provider_id=f"SM{1:032x}", kind=Kind.TEXT, address=ANA, text="1", at=NIGHT),
        NIGHT.isoformat(),
    )
    assert server.asked[0].query == {"To": OURS, "DateSent>": "2026-11-22T00:00:00Z", "PageSize": "1000"}


def test_the_hour_before_is_listed_again_even_over_midnight(server: ScriptedTwilio, sms: Sms) -> None:
    server.messages = [kept(4, 0), kept(3, -59), kept(2, -60), kept(1, -61)]
    since = NIGHT + timedelta(hours=-3)
    offset = since.astimezone(datetime.fromisoformat("2026-11-22T00:00:00-03:00").tzinfo)
    assert [event.text for event, _ in sms.fetch(NIGHT, "mark")] == ["2", "3", "4"]
    assert [event.text for event, _ in sms.fetch(offset, "mark")] == ["1", "2", "3", "4"]
    assert server.asked[1].query["DateSent>"] == "2026-11-21T00:00:00Z"


def test_what_has_no_name_of_its_own_is_not_told(server: ScriptedTwilio, sms: Sms) -> None:
    server.messages = [kept(2, sid=None), kept(1)]
    assert [event.text for event, _ in sms.fetch(NIGHT, "")] == ["1"]


def test_only_what_people_wrote_to_us_is_told(server: ScriptedTwilio, sms: Sms) -> None:
    server.messages = [
        kept(5, to="+551140028923"),
        kept(4, direction="outbound-api"),
        kept(3, to=f"whatsapp:{OURS}"),
        kept(2, direction="outbound-reply"),
        kept(1),
    ]
    assert [event.text for event, _ in sms.fetch(NIGHT, "")] == ["1"]


def test_a_messaging_service_is_known_by_its_name_whatever_the_number(server: ScriptedTwilio) -> None:
    server.messages = [
        kept(3, to="+551140028924", messaging_service_sid="MG" + "0" * 32),
        kept(2, to="+551140028923", messaging_service_sid=SERVICE),
        kept(1, messaging_service_sid=SERVICE),
        kept(0),
    ]
    with opened(Account(SID, TOKEN, sms=SERVICE, url=server.url)) as sms:
        found = [event for event, _ in sms.fetch(NIGHT, "")]
    assert [event.text for event in found] == ["1", "2"]
    assert {event.sender for event in found} == {SERVICE}
    assert "To" not in server.asked[0].query


def test_every_page_is_read(server: ScriptedTwilio, sms: Sms) -> None:
    server.page_size = 4
    server.messages = [kept(n, n) for n in reversed(range(11))]
    assert [event.text for event, _ in sms.fetch(NIGHT, "")] == [str(n) for n in range(11)]
    assert len(server.asked) == 3
    assert {each.query["To"] for each in server.asked} == {OURS}


def test_pages_of_what_is_too_old_are_left_unread(server: ScriptedTwilio, sms: Sms) -> None:
    server.page_size = 2
    server.messages = [kept(20, 0), kept(19, -1), *(kept(n, -61 - 18 + n) for n in reversed(range(19)))]
    assert [event.text for event, _ in sms.fetch(NIGHT, "")] == ["19", "20"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("body", "read"),
    [(None, ""), ("a\0b", "ab"), ("9 \ud83d", "9 ?"), ("x" * 9000, "x" * 4096), ("Olá 😀", "Olá 😀")],
)
def test_a_listed_text_is_one_that_any_database_takes(
    server: ScriptedTwilio, sms: Sms, body: str | None, read: str
) -> None:
    server.messages = [kept(1, body=body)]
    ((event, _),) = sms.fetch(NIGHT, "")
    assert event.text == read


@pytest.mark.parametrize(
    "reply",
    [refused(20003, 401), refused(20429, 429), Reply(500, "x"), Reply(200, "<html>"), Reply(200, "[]"), CUT],
    ids=str,
)
def test_a_list_that_cannot_be_had_is_said_and_leaves_nothing_in_doubt(
    server: ScriptedTwilio, sms: Sms, reply: Reply | str
) -> None:
    server.every = reply
    with pytest.raises(DeliveryError) as caught:
        list(sms.fetch(NIGHT, ""))
    assert (caught.value.permanent, caught.value.unknown) == (False, False)
    assert caught.value.pause_seconds


def test_a_refused_list_says_why(server: ScriptedTwilio, sms: Sms) -> None:
    server.every = refused(20003, 401, "Authenticate")
    with pytest.raises(DeliveryError, match=r"20003 \(HTTP 401\)"):
        list(sms.fetch(NIGHT, ""))


# An attempt whose end nobody saw


def test_twilio_tells_what_it_took_for_somebody_since_a_moment(server: ScriptedTwilio, sms: Sms) -> None:
    out = {"direction": "outbound-api", "from": OURS, "to": ANA}
    server.messages = [
        kept(6, 9, **out, status="undelivered", error_code=30006),
        kept(5, 8, **out, status="queued", date_sent=None),
        kept(9, 1, **out, status="delivered"),
        kept(4, 7, **out | {"from": "+551140028923"}),
        kept(3, 6, to=ANA, **{"from": OURS}),
        kept(2, 5, **out, status="delivered"),
        kept(1, -2, **out, status="delivered"),
    ]
    found = sms.trace(ANA, NIGHT + timedelta(minutes=5, milliseconds=700))
    assert [(each.quotes[-1], each.state, each.reason) for each in found] == [
        ("6", "failed", "invalid_address"),
        ("5", "sent", ""),
        ("2", "delivered", ""),
    ]
    assert {each.kind for each in found} == {Kind.STATUS}
    assert {each.address for each in found} == {ANA}
    assert {each.text for each in found} == {""}, "what we said holds a link that nobody may keep"
    assert server.asked[0].query == {"To": ANA, "PageSize": "1000"}


# What nobody may read


def test_neither_token_nor_number_nor_words_are_logged(
    server: ScriptedTwilio, sms: Sms, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.messages = [kept(1, body="uma resposta secreta")]
    with caplog.at_level(logging.DEBUG):
        outcome(sms, text(to_address=ANA, text="uma pergunta secreta"))
        server.every = refused(29999, words=f"{ANA} says no")
        outcome(sms, text(to_address=ANA, text="uma pergunta secreta"))
        server.every = None
        list(sms.fetch(NIGHT, ""))
    everything = caplog.text + "".join(capfd.readouterr())
    assert "unknown_error_code" in everything
    for secret in (TOKEN, ANA, ANA[1:], "secreta", "Basic "):
        assert secret not in everything
    assert TOKEN not in repr(Account(SID, TOKEN, sms=OURS))


def test_the_library_is_loaded_by_whoever_sends_and_by_nobody_else() -> None:
    code = (
        "import sys, app.channels.registry, app.channels.sms, app.channels.whatsapp\n"
        "heavy = {'twilio', 'aiohttp', 'requests'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_a_channel_on_which_people_write_to_us(sms: Sms) -> None:
    channel: Channel = sms
    assert isinstance(channel, Inbound)
    event = Event(sender=OURS, provider_id="SM1", kind=Kind.TEXT)
    sms.acknowledge(event, "Obrigado")
    sms.edit("SM1", "Obrigado", ())
    assert sms.identity == OURS
    assert list(islice(sms.deliver([]), 1)) == []
