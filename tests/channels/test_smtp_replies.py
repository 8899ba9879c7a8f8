"""What a reply means: for the person, for this message, or for the whole channel."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels.smtp_replies import Stage, queue_name, quoted, refusal

PERSON = [
    (550, b"5.1.1 User unknown"),
    (550, b"5.1.1 <ana@example.com>: Recipient address rejected: User unknown"),
    (550, b"5.1.10 null MX"),
    (553, b"5.1.3 bad syntax"),
    (550, b"5.2.1 The account is disabled"),
    (550, b"5.4.1 Recipient address rejected: Access denied"),
    (550, b"no such user here"),
    (550, b"5.1.99 something new about the address"),
]
LATER = [
    (452, b"4.3.1 insufficient storage"),
    (450, b"4.7.1 greylisted, try again"),
    (451, b"try later"),
    (550, b"5.7.26 fails DMARC"),
    (599, b"what nobody has defined yet"),
]
OURS = [
    (530, b"5.7.0 Must issue a STARTTLS command first"),
    (535, b"5.7.8 Error: authentication failed"),
    (454, b"4.7.0 Temporary authentication failure"),
    (554, b"5.7.1 <ana@example.com>: Relay access denied"),
    (554, b"5.7.1 Client host [203.0.113.7] blocked using zen.spamhaus.org"),
    (503, b"5.5.1 bad sequence of commands"),
]


@pytest.mark.parametrize(("code", "text"), PERSON)
def test_an_address_that_does_not_exist_is_never_tried_again(code: int, text: bytes) -> None:
    error = refusal(code, text, Stage.RECIPIENT)
    assert (error.reason, error.permanent, error.pause_seconds) == ("invalid_address", True, None)


@pytest.mark.parametrize(("code", "text"), LATER)
def test_what_passes_or_is_not_understood_is_tried_again(code: int, text: bytes) -> None:
    error = refusal(code, text, Stage.RECIPIENT)
    assert (error.reason, error.permanent, error.unknown) in {
        ("provider_refused", False, False),
        ("mailbox_full", False, False),
    }


@pytest.mark.parametrize("stage", [Stage.RECIPIENT, Stage.CONTENT])
@pytest.mark.parametrize(("code", "text"), OURS)
def test_trouble_of_ours_rests_the_channel_and_is_nobodys_end(code: int, text: bytes, stage: Stage) -> None:
    error = refusal(code, text, stage)
    assert (error.reason, error.permanent) == ("provider_refused", False)
    assert error.pause_seconds


@pytest.mark.parametrize(
    ("code", "text"), [(552, b"5.2.2 Mailbox full"), (452, b"4.2.2 over quota"), (552, b"over quota")]
)
def test_a_full_mailbox_empties_again(code: int, text: bytes) -> None:
    error = refusal(code, text, Stage.RECIPIENT)
    assert (error.reason, error.permanent, error.pause_seconds) == ("mailbox_full", False, None)


@pytest.mark.parametrize("code", range(500, 600))
def test_a_refusal_of_our_sender_is_held_against_nobody(code: int) -> None:
    error = refusal(code, b"5.1.1 whatever", Stage.SENDER)
    assert not error.permanent
    assert error.pause_seconds


@pytest.mark.parametrize("text", [b"5.1.1 unknown", b"rejected"])
def test_a_refusal_of_the_content_says_nothing_against_the_address(text: bytes) -> None:
    error = refusal(550, text, Stage.CONTENT)
    assert (error.reason, error.permanent) == ("provider_refused", True)


@pytest.mark.parametrize(("code", "text"), [(554, b"5.7.1 policy"), (550, b"5.7.509 policy"), (554, b"no")])
def test_a_recipients_server_that_refuses_us_ends_this_message_only(code: int, text: bytes) -> None:
    error = refusal(code, text, Stage.RECIPIENT)
    assert (error.reason, error.permanent) == ("provider_refused", True)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(-1, 999),
    st.one_of(st.binary(max_size=80), st.from_regex(rb"[2-5]\.\d{1,3}\.\d{1,3} ")),
    st.sampled_from(Stage),
)
def test_no_reply_is_permanent_unless_it_is_a_5yz(code: int, text: bytes, stage: Stage) -> None:
    error = refusal(code, text, stage)
    assert not error.unknown
    assert not (error.permanent and not 500 <= code <= 599)
    assert not (error.permanent and error.pause_seconds)
    assert len(error.detail) <= 500
    assert "\n" not in error.detail


def test_421_rests_the_channel_for_a_minute() -> None:
    assert refusal(421, b"4.7.0 too many connections", Stage.SENDER).pause_seconds == 60


def test_what_is_kept_of_a_reply_names_no_address() -> None:
    assert quoted(550, b"5.1.1 <ana@example.com>\n unknown: ANA+x@example.com") == "550 5.1.1 <…> unknown: …"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"2.0.0 Ok: queued as 4F2A1B", "4F2A1B"),
        (b"OK id=1rXyZ-0001-Ab", "1rXyZ-0001-Ab"),
        (b"2.0.0 Ok: queued as <a.b@c>.", "a.b@c"),
        (b"Ok", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_the_servers_name_for_a_message_is_read_where_it_is_given(text: bytes, name: str) -> None:
    assert queue_name(text) == name
