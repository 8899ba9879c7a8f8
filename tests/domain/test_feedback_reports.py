"""What a feedback report (ARF) names: words of ours that nobody can guess, or nothing at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import feedback_reports
from app.domain.feedback_reports import MOST_BYTES, Report
from app.errors import Refusal
from tests.reports import headers, report_about

OURS, WAY_OUT = "a2b3c4d5e6f7" + "g" * 14, "h7" * 13
WHOLE = report_about(headers(OURS, WAY_OUT))


@pytest.mark.parametrize("headers_alone", [False, True])
@pytest.mark.parametrize("kind", ["abuse", "fraud", "Abuse"])
def test_a_report_names_the_message_and_its_way_out(kind: str, headers_alone: bool) -> None:
    raw = report_about(headers(OURS, WAY_OUT), kind, headers_alone=headers_alone)
    assert feedback_reports.read(raw) == Report((OURS,), (WAY_OUT,))


@pytest.mark.parametrize("given_", [{"message_id": OURS}, {"way_out": WAY_OUT}])
def test_one_of_the_two_is_enough(given_: dict[str, str]) -> None:
    found = feedback_reports.read(report_about(headers(**given_)))
    assert (found.message_ids, found.ways_out) == (
        tuple(v for k, v in given_.items() if k == "message_id"),
        tuple(v for k, v in given_.items() if k == "way_out"),
    )


@pytest.mark.parametrize(
    "raw",
    [
        report_about(headers(OURS), "not-spam"),
        report_about(headers(OURS), "auth-failure"),
        report_about(headers(OURS), "virus"),
        report_about(headers(OURS), ""),
        report_about(None),
        report_about(headers()),
        report_about(headers("ABCD")),
        WHOLE.replace(b"feedback-report", b"delivery-status"),
        WHOLE.replace(b"multipart/report", b"multipart/mixed"),
        headers(OURS, WAY_OUT).encode(),
        b"",
        b"\x00\xff" * 500,
        WHOLE + b"x" * MOST_BYTES,
    ],
)
def test_anything_else_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        feedback_reports.read(raw)
    assert str(refused.value).endswith((".", "is."))


def test_what_stands_in_the_words_of_a_report_names_nothing() -> None:
    """Only the headers of what was reported do: a forger may write what they like elsewhere."""
    raw = report_about(headers()).replace(b"This is an email abuse report.", headers(OURS, WAY_OUT).encode())
    with pytest.raises(Refusal):
        feedback_reports.read(raw)


def test_a_report_as_deep_as_a_well_is_refused_in_no_time() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000))
    with pytest.raises(Refusal):
        feedback_reports.read(deep)


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_at_all_do_more_than_being_refused(data: st.DataObject) -> None:
    """Real reports with pieces cut out, doubled and overwritten."""
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 60)))
        raw[start:end] = data.draw(st.sampled_from([b"", bytes(raw[start:end]) * 2])) + data.draw(
            st.binary(max_size=20)
        )
    try:
        found = feedback_reports.read(bytes(raw))
    except Refusal:
        return
    assert found.message_ids or found.ways_out
