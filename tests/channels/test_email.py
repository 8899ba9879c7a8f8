"""E-mail out, against real servers on loopback: good ones, and ones that fail to order."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest

from app.channels.base import DeliveryError, Outcome, Outgoing, Receipt
from app.channels.email import Email
from app.channels.smtp_connection import Patience, Server, server_at
from tests import scripted_smtp
from tests.scripted_smtp import CUT, RESET, SILENT, Script, ScriptedServer
from tests.smtp import SmtpSink

QUICK = Patience(reply=0.3, final_dot=0.3)
Start = Callable[..., SmtpSink]


Scripted = Callable[..., AbstractContextManager[ScriptedServer]]


@pytest.fixture(params=["one by one", "pipelining"])
def scripted(request: pytest.FixtureRequest) -> Scripted:
    """Servers that take commands one by one, and those that take them at once."""
    return partial(scripted_smtp.scripted, pipelining=request.param == "pipelining")


def mail(number: int = 1, to: str = "", body: bytes = b"Hello\r\n") -> Outgoing:
    address = to or f"ana{number}@example.com"
    head = f"From: ask@shop.test\r\nTo: {address}\r\nSubject: {number}\r\n\r\n".encode()
    return Outgoing(id=f"m{number}", from_address="ask@shop.test", to_address=address, mime=head + body)


@contextmanager
def email(
    server: Server | SmtpSink | ScriptedServer,
    tls: ssl.SSLContext | None = None,
    patience: Patience | None = None,
) -> Iterator[Email]:
    if isinstance(server, SmtpSink):
        server = server_at(server.url)
    if isinstance(server, ScriptedServer):
        server = Server("127.0.0.1", server.port)
    channel = Email(server, tls=tls, patience=patience)
    yield channel
    channel.close()


def deliver(channel: Email, *batch: Outgoing) -> list[Outcome]:
    outcomes = dict(channel.deliver(batch))
    assert list(outcomes) == [each.id for each in batch]
    return list(outcomes.values())


def error_of(outcome: Outcome) -> DeliveryError:
    assert isinstance(outcome, DeliveryError), outcome
    return outcome


def test_a_batch_goes_over_one_connection(smtp_server: SmtpSink) -> None:
    with email(smtp_server) as channel:
        outcomes = deliver(channel, *[mail(n) for n in range(5)])
    assert all(isinstance(each, Receipt) for each in outcomes)
    assert [each.recipient for each in smtp_server.messages] == [f"ana{n}@example.com" for n in range(5)]
    assert smtp_server.connections == 1


def test_the_next_batch_uses_the_connection_of_the_last_one(smtp_server: SmtpSink) -> None:
    with email(smtp_server) as channel:
        deliver(channel, mail(1))
        deliver(channel, mail(2))
        assert smtp_server.connections == 1
        channel.close()
        deliver(channel, mail(3))
    assert smtp_server.connections == 2


def test_threads_deliver_side_by_side_each_on_its_own_connection(smtp_server: SmtpSink) -> None:
    barrier = threading.Barrier(3)

    def batch(start: int) -> Iterator[Outgoing]:
        for number in range(start, start + 5):
            barrier.wait(5)
            yield mail(number)

    with email(smtp_server) as channel:
        threads = [threading.Thread(target=lambda n=n: dict(channel.deliver(batch(n)))) for n in (0, 5, 10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(10)
    assert sorted(each.recipient for each in smtp_server.messages) == sorted(
        f"ana{n}@example.com" for n in range(15)
    )
    assert smtp_server.connections == 3


def test_the_receipt_carries_the_servers_name_for_the_message(smtp_server: SmtpSink) -> None:
    with email(smtp_server) as channel:
        assert deliver(channel, mail()) == [Receipt(provider_id="00000001")]


def test_content_arrives_byte_for_byte_with_lines_that_begin_with_dots(smtp_server: SmtpSink) -> None:
    body = b".one\r\n..two\r\n.\r\nthree\r\n"
    with email(smtp_server) as channel:
        deliver(channel, mail(body=body), mail(2))
    assert smtp_server.messages[0].raw.endswith(b"\r\n\r\n" + body)
    assert len(smtp_server.messages) == 2


@pytest.mark.parametrize("security", ["clear", "starttls", "tls"])
@pytest.mark.parametrize(("user", "password"), [("", ""), ("shop", "open sesame")])
def test_mail_goes_with_each_security_with_and_without_sign_in(
    start_sink: Start, trusting: ssl.SSLContext, security: str, user: str, password: str
) -> None:
    sink = start_sink(security, user, password)
    server = Server(
        "127.0.0.1", sink.port, server_at(sink.url.split("://")[0] + "://x").security, user, password
    )
    with email(server, tls=trusting) as channel:
        channel.probe()
        assert isinstance(deliver(channel, mail())[0], Receipt)
    (arrived,) = sink.messages
    assert arrived.encrypted == (security != "clear")
    assert arrived.user == user


def test_a_server_that_stopped_offering_starttls_gets_nothing_in_the_clear(
    smtp_server: SmtpSink, trusting: ssl.SSLContext
) -> None:
    server = Server("127.0.0.1", smtp_server.port, "starttls")
    with email(server, tls=trusting) as channel:
        error = error_of(deliver(channel, mail())[0])
    assert not error.permanent
    assert not error.unknown
    assert error.pause_seconds
    assert "STARTTLS" in error.detail
    assert smtp_server.messages == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused_and_named(start_sink: Start, security: str) -> None:
    sink = start_sink(security)
    with email(sink) as channel:
        error = error_of(deliver(channel, mail())[0])
    assert not error.permanent
    assert error.pause_seconds
    assert "certificate" in error.detail
    assert sink.messages == []


def test_a_certificate_for_another_name_is_refused(start_sink: Start, trusting: ssl.SSLContext) -> None:
    sink = start_sink("tls")
    with email(Server("localhost", sink.port, "tls"), tls=trusting) as channel:
        error = error_of(deliver(channel, mail())[0])
    assert "certificate" in error.detail
    assert sink.messages == []


def test_a_refused_sign_in_rests_the_channel_and_blames_no_recipient(start_sink: Start) -> None:
    sink = start_sink("clear", "shop", "right")
    server = Server("127.0.0.1", sink.port, "clear", "shop", "wrong")
    with email(server) as channel:
        first, second = (error_of(each) for each in deliver(channel, mail(1), mail(2)))
    assert first.reason == "provider_refused"
    assert "535" in first.detail
    assert first.pause_seconds
    assert not first.permanent
    assert second.detail.startswith("not tried")
    assert second.pause_seconds
    assert sink.connections == 1


def test_a_server_that_is_not_there_is_a_temporary_trouble_of_the_channel(scripted: Scripted) -> None:
    with scripted() as gone:
        pass
    with email(gone) as channel:
        error = error_of(deliver(channel, mail())[0])
        assert (error.reason, error.permanent, error.unknown) == ("provider_unreachable", False, False)
        assert error.pause_seconds
        with pytest.raises(DeliveryError, match="provider_unreachable"):
            channel.probe()


def test_a_refused_recipient_spoils_nothing_for_the_next(smtp_server: SmtpSink) -> None:
    smtp_server.refuse_recipient["ana2@example.com"] = "550 5.1.1 <ana2@example.com> no such user"
    with email(smtp_server) as channel:
        first, second, third = deliver(channel, mail(1), mail(2), mail(3))
    error = error_of(second)
    assert (error.reason, error.permanent, error.pause_seconds) == ("invalid_address", True, None)
    assert "ana2@example.com" not in error.detail  # what is kept of it outlives the person
    assert isinstance(first, Receipt)
    assert isinstance(third, Receipt)
    assert smtp_server.connections == 1


def test_content_that_is_refused_is_refused_for_this_message_only(smtp_server: SmtpSink) -> None:
    smtp_server.refuse_content["ana1@example.com"] = "554 5.7.1 looks like spam"
    with email(smtp_server) as channel:
        first, second = deliver(channel, mail(1), mail(2))
    assert error_of(first).reason == "provider_refused"
    assert error_of(first).permanent
    assert isinstance(second, Receipt)


@pytest.mark.parametrize("how", [CUT, RESET, "421 4.4.2 idle for too long"])
def test_a_kept_connection_that_died_is_replaced_before_a_message_was_handed_over(
    scripted: Scripted, how: str
) -> None:
    with scripted({"MAIL 2": how}, {}) as server, email(server) as channel:
        outcomes = deliver(channel, mail(1), mail(2), mail(3))
    assert all(isinstance(each, Receipt) for each in outcomes)
    assert server.connections == 2
    assert len(server.accepted) == 3


def test_a_new_connection_that_dies_as_well_is_not_tried_a_third_time(scripted: Scripted) -> None:
    with scripted({"MAIL 2": CUT}, {"MAIL": CUT}) as server, email(server) as channel:
        first, second, third = deliver(channel, mail(1), mail(2), mail(3))
    assert isinstance(first, Receipt)
    assert error_of(second).reason == "provider_unreachable"
    assert not error_of(second).unknown
    assert error_of(third).detail.startswith("not tried")
    assert server.connections == 2


def test_a_server_that_wants_content_for_a_refused_recipient_gets_none(
    scripted: Scripted,
) -> None:
    script = {"RCPT 1": "550 5.1.1 no such user", ".": "554 5.5.1 no valid recipients"}
    with scripted(script, {}) as server, email(server) as channel:
        error = error_of(deliver(channel, mail(1))[0])
        assert (error.reason, error.permanent) == ("invalid_address", True)
    assert server.accepted == []
    assert server.connections == 1
    assert server.said[-1] in {"RSET", "quit"}


def test_421_instead_of_354_is_temporary_and_ends_the_connection(scripted: Scripted) -> None:
    with scripted({"DATA": "421 4.3.2 going down"}, {}) as server, email(server) as channel:
        error = error_of(deliver(channel, mail(1))[0])
        assert (error.permanent, error.unknown) == (False, False)
        assert isinstance(deliver(channel, mail(2))[0], Receipt)
    assert server.connections == 2
    assert len(server.accepted) == 1


@pytest.mark.parametrize("reply", ["421 4.3.2 going down", "451 4.3.0 try later"])
def test_a_temporary_refusal_of_the_content_is_temporary(scripted: Scripted, reply: str) -> None:
    with scripted({".": reply}, {}) as server, email(server) as channel:
        error = error_of(deliver(channel, mail(1))[0])
    assert (error.permanent, error.unknown) == (False, False)
    assert server.accepted == []


def test_421_in_the_middle_of_the_content_is_not_sent_again_in_the_same_breath(scripted: Scripted) -> None:
    large = mail(1, body=b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 200_000)
    with scripted({"IN DATA": "421 4.3.2 going down"}, {}) as server, email(server) as channel:
        error = error_of(deliver(channel, large)[0])
    assert not error.permanent
    assert server.connections == 1
    assert server.accepted == []


@pytest.mark.parametrize("how", [CUT, RESET, SILENT, "what?"])
def test_an_end_that_nobody_heard_after_the_final_dot_is_unknown(scripted: Scripted, how: str) -> None:
    with scripted({".": how}, {}) as server, email(server, patience=QUICK) as channel:
        error = error_of(deliver(channel, mail(1))[0])
        assert error.unknown
        assert not error.permanent
        assert server.connections == 1  # nothing was tried again
        assert isinstance(deliver(channel, mail(2))[0], Receipt)


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [CUT, SILENT])
def test_before_the_content_left_an_end_is_temporary_never_unknown(
    scripted: Scripted, verb: str, how: str
) -> None:
    with scripted({verb: how}) as server, email(server, patience=QUICK) as channel:
        error = error_of(deliver(channel, mail(1))[0])
    assert (error.reason, error.permanent, error.unknown) == ("provider_unreachable", False, False)
    assert server.accepted == []


def test_after_trouble_of_the_channel_the_rest_of_the_batch_is_not_tried(scripted: Scripted) -> None:
    script: Script = {"MAIL": "550 5.7.1 you may not send as this address"}
    with scripted(script) as server, email(server) as channel:
        first, second = (error_of(each) for each in deliver(channel, mail(1), mail(2)))
    assert not first.permanent
    assert second.detail.startswith("not tried")
    assert sum(each.startswith("MAIL") for each in server.said) == 1


def test_after_one_unheard_end_the_rest_of_the_batch_is_queued_again_not_in_doubt(scripted: Scripted) -> None:
    with scripted({".": CUT}) as server, email(server) as channel:
        first, second, third = (error_of(each) for each in deliver(channel, mail(1), mail(2), mail(3)))
    assert (first.unknown, second.unknown, third.unknown) == (True, False, False)
    assert not second.permanent
    assert second.pause_seconds
    assert len(server.accepted) == 1


def test_nothing_is_sent_that_nobody_asks_for(smtp_server: SmtpSink) -> None:
    with email(smtp_server) as channel:
        outcomes = channel.deliver(mail(n) for n in range(10))
        next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]  # a generator, as the protocol's callers see an iterator
        assert len(smtp_server.messages) == 1
        assert isinstance(deliver(channel, mail(20))[0], Receipt)
    assert smtp_server.connections == 1


@pytest.mark.parametrize(
    "address",
    [
        "ana",
        "ana@example.com>\r\nRCPT TO:<eva@example.com",
        "ana @example.com",
        "joão@example.com",
        "a@b\x00",
        "",
    ],
)
def test_an_address_that_could_speak_to_the_server_never_reaches_it(
    smtp_server: SmtpSink, address: str
) -> None:
    message = Outgoing(id="m1", from_address="ask@shop.test", to_address=address, mime=b"\r\nHello\r\n")
    with email(smtp_server) as channel:
        error = error_of(deliver(channel, message)[0])
    assert error.permanent
    assert error.reason == "invalid_address"
    assert smtp_server.messages == []


@pytest.mark.parametrize(
    "body", [b"smuggled\n.\r\nMAIL FROM:<x@y>\r\n", b"bare\rreturn\r\n", "olá\r\n".encode()]
)
def test_content_with_bare_line_ends_or_eighth_bits_never_leaves(smtp_server: SmtpSink, body: bytes) -> None:
    with email(smtp_server) as channel:
        error = error_of(deliver(channel, mail(body=body))[0])
    assert error.permanent
    assert smtp_server.messages == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", Server("mail.test", 25)),
        ("smtp://127.0.0.1:1025/", Server("127.0.0.1", 1025)),
        ("smtp://a:b@localhost", Server("localhost", 25, "clear", "a", "b")),
        ("smtp://[::1]:25", Server("::1", 25)),
        (
            "smtps://me%40shop.test:p%2Fw%3A%23@mail.test",
            Server("mail.test", 465, "tls", "me@shop.test", "p/w:#"),
        ),
        ("smtp+starttls://u:p@mail.test:2525", Server("mail.test", 2525, "starttls", "u", "p")),
    ],
)
def test_the_three_forms_of_the_setting_are_read(url: str, server: Server) -> None:
    assert server_at(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.test",
        "mail.test:25",
        "smtp://",
        "smtps://mail.test/path",
        "smtps://mail.test?tls=no",
        "smtps://user@mail.test",
        "smtp://user:secret@mail.test",  # in the clear, over the net
        "smtps://user:s%C3%A9same@mail.test",
    ],
)
def test_a_setting_that_says_too_little_or_is_unsafe_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL") as refused:
        server_at(url)
    assert "secret" not in str(refused.value)
