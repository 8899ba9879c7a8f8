"""A labelled set is judged fairly, and a file that is none is refused with its line."""

import pytest

from app.domain.metrics import Metric
from app.domain.reply_sets import Judged, Labelled, Verdict, judge, labelled_in
from app.errors import Refusal

HEAD = "metric\tlocale\ttext\tallowed\tmust\n"


def judged(reading: str, allowed: str, *, must: bool) -> Judged:
    return Judged(Labelled(2, Metric.NPS, "en", "?", tuple(allowed.split("|")), must), reading)


def test_another_reading_is_wrong_and_asking_never_is() -> None:
    assert judged("8", "9", must=False).is_wrong
    assert judged("optout", "ask", must=False).is_wrong
    assert not judged("8", "ask|8", must=False).is_wrong
    assert not judged("ask", "8", must=True).is_wrong


def test_a_plain_form_that_is_asked_again_is_missed() -> None:
    assert judged("ask", "8", must=True).is_missed
    assert judged("ask", "8|ask", must=True).is_missed
    assert judged("9", "8", must=True).is_missed
    assert not judged("ask", "ask", must=True).is_missed
    assert not judged("ask", "8", must=False).is_missed


def test_recall_counts_plain_forms_alone() -> None:
    one = [judged("8", "8", must=True), judged("ask", "9", must=True), judged("ask", "ask", must=False)]
    assert Verdict(one).recall == 0.5
    assert Verdict([]).recall == Verdict(one[2:]).recall == 1


def test_columns_may_stand_in_any_order_beside_others_and_text_may_have_lines() -> None:
    rows = (
        "note\tmust\tallowed\ttext\tlocale\tmetric",
        'x\t1\t9\t"9\n""bom"""\tpt-BR\tnps',
        "",
        "\t0\task|8\t\ten\te-NPS",
    )
    data = "\r\n".join(rows)
    first, second = labelled_in(b"\xef\xbb\xbf" + data.encode())
    assert first == Labelled(2, Metric.NPS, "pt-BR", '9\n"bom"', ("9",), must=True)
    assert second == Labelled(5, Metric.ENPS, "en", "", ("ask", "8"), must=False)
    assert [each.reading for each in judge([first, second]).judged] == ["9", "ask"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The first line must name each column once: metric, locale, text, allowed, must."),
        (b"metric\tlocale\ttext\tallowed\n", "must name each column once: must."),
        (b"metric\tmetric\tlocale\ttext\tallowed\tmust\n", "once: metric."),
        (b"metric,locale,text,allowed,must\n", "must name each column once"),
        (b"\xff\xfem\x00", "The file is not UTF-8 (byte 1)."),
        (HEAD.encode() + b"nps\ten\t\xe9\t8\t1\n", "The file is not UTF-8"),
        (HEAD.encode() + b"nps\ten\t8\n", "Line 2: 3 columns instead of 5."),
        (HEAD.encode() + b"nps\ten\t8\t8\t1\nxyz\ten\t8\t8\t1\n", "Line 3: 'xyz' is no metric"),
        (HEAD.encode() + b"nps\ten\t8\tscore\t1\n", "Line 2: 'score' is no reading"),
        (HEAD.encode() + b"nps\ten\t8\t8|\t1\n", "Line 2: '' is no reading"),
        (HEAD.encode() + b"nps\ten\t8\t8\tyes\n", "Line 2: 'yes' in the column must"),
        (HEAD.encode() + b'nps\ten\t"8"x\t8\t1\n', "Line 2: "),
        (HEAD.encode() + b'nps\ten\t"8\t8\t1\n', "Line 2: "),
    ],
)
def test_a_file_that_is_no_set_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        labelled_in(data)
    assert says in str(refused.value)
