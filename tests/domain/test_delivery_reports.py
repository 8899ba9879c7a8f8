"""What a delivery report (RFC 3464) names and says, in the shapes that mail servers write (A26, A27)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels import smtp_replies
from app.domain import delivery_reports
from app.domain.feedback_reports import MOST_BYTES
from app.errors import Refusal
from tests.reports import headers, report_about
from tests.returned import SERVERS, came_back

OURS, WAY_OUT = "a2b3c4d5e6f7" + "g" * 14, "h7" * 13
WHOLE = [came_back(headers(OURS, WAY_OUT), server) for server in SERVERS]


@pytest.mark.parametrize("server", SERVERS)
def test_a_report_names_the_message_and_says_why_it_is_lost(server: str) -> None:
    found = delivery_reports.read(came_back(headers(OURS, WAY_OUT), server))
    assert (found.message_ids, found.ways_out) == ((OURS,), (WAY_OUT,))
    assert (found.is_lost, found.status) == (True, "5.1.1")
    assert "User unknown" in found.words


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
def test_what_is_only_late_is_not_lost(server: str, action: str) -> None:
    raw = came_back(headers(OURS), server, action=action, status="4.4.1", words="No answer")
    assert not delivery_reports.read(raw).is_lost


def test_where_it_reached_some_of_several_it_arrived() -> None:
    raw = came_back(headers(OURS)).replace(
        b"Final-Recipient:",
        b"Final-Recipient: rfc822; ana@x.example\nAction: relayed\nStatus: 2.0.0\n\nFinal-Recipient:", 1
    )  # fmt: skip
    assert not delivery_reports.read(raw).is_lost


@pytest.mark.parametrize(
    ("status", "words", "reason", "closes"),
    [
        ("5.1.1", "User unknown", "invalid_address", True),
        ("5.1.10", "null MX", "invalid_address", True),
        ("5.4.1", "Recipient address rejected", "invalid_address", True),
        ("5.2.2", "Mailbox full", "mailbox_full", False),
        ("4.2.2", "Mailbox full", "mailbox_full", False),
        ("4.4.1", "No answer for five days", "provider_refused", False),
        ("4.1.1", "Try later", "provider_refused", False),
        ("5.7.1", "blocked using a block list", "provider_refused", False),
        ("5.1.1", "Client host rejected: relay access denied", "provider_refused", False),
        ("5.0.0", "", "provider_refused", False),
        ("", "", "provider_refused", False),
    ],
)
def test_only_what_names_the_address_closes_it(status: str, words: str, reason: str, closes: bool) -> None:
    assert delivery_reports.meaning(status, words) == (reason, closes)


def test_a_status_means_the_same_in_a_report_as_from_a_server_that_we_talk_to() -> None:
    statuses = {
        *smtp_replies._BY_STATUS,
        "5.1.0",
        "5.1.5",
        "5.1.9",
        "5.2.0",
        "5.3.0",
        "5.7.1",
        "4.1.1",
        "4.4.1",
    }
    for status in statuses:
        code = 550 if status.startswith("5") else 450
        about_us = ("Client host rejected", "relay denied", "blocked using a list") if code == 550 else ()
        for words in ("", "nobody here", *about_us):
            direct = smtp_replies.refusal(code, f"{status} {words}".encode(), smtp_replies.Stage.CONTENT)
            at_once = smtp_replies.refusal(code, f"{status} {words}".encode(), smtp_replies.Stage.RECIPIENT)
            reason, closes = delivery_reports.meaning(status, words)
            named = smtp_replies._BY_STATUS.get(status) or smtp_replies._BY_SUBJECT.get(status[:3])
            is_address = at_once.reason == "invalid_address" and at_once.permanent and named is not None
            assert closes == is_address, (status, words)
            assert (reason == "mailbox_full") == (direct.reason == "mailbox_full"), (status, words)


@pytest.mark.parametrize(
    "raw",
    [
        came_back(headers()),
        came_back(headers("ABCD")),
        came_back(headers(OURS)).replace(b"Action", b"Deed"),
        came_back(headers(OURS)).replace(b"report-type=delivery-status", b"report-type=something-else"),
        came_back(headers(OURS)).replace(b"multipart/report", b"multipart/mixed"),
        report_about(headers(OURS)),
        headers(OURS, WAY_OUT).encode(),
        b"",
        b"\x00\xff" * 500,
        came_back(headers(OURS)) + b"x" * MOST_BYTES,
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        delivery_reports.read(raw)
    assert str(refused.value).endswith(".")


def test_what_stands_in_the_words_of_a_report_names_nothing() -> None:
    """Only the headers of what came back do: a forger may write what they like elsewhere."""
    for place in (b"I'm sorry", b"Reporting-MTA:"):
        raw = came_back(headers()).replace(place, headers(OURS, WAY_OUT).encode().strip() + b"\n" + place)
        with pytest.raises(Refusal):
            delivery_reports.read(raw)


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_at_all_do_more_than_being_refused(data: st.DataObject) -> None:
    """Real reports with pieces cut out, doubled and overwritten."""
    raw = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 60)))
        raw[start:end] = data.draw(st.sampled_from([b"", bytes(raw[start:end]) * 2])) + data.draw(
            st.binary(max_size=20)
        )
    try:
        found = delivery_reports.read(bytes(raw))
    except Refusal:
        return
    assert found.message_ids or found.ways_out
