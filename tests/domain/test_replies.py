"""What people type is read as they meant it, or asked again: never a wrong score."""

import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.metrics import RULES, Metric
from app.domain.replies import ASK, HELP, OPT_IN, OPT_OUT, Kind, Reading, read
from app.domain.reply_sets import judge, labelled_in
from app.domain.reply_tokens import LONGEST

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "replies.md"
LOCALES = ("pt-BR", "en", "es")
DIGITS = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Nd"]
WORDS = {
    "pt-BR": ("zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez"),
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "es": ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"),
}
BETWEEN = (
    *(
        " ",
        ", ",
        " - ",
        "-",
        "/",
        ". ",
        ": ",
        "; ",
        "\n",
        " (",
        "! ",
        " 👍 ",
        "→",
        " ou ",
        " or ",
        " o ",
        " a ",
        " e ",
    ),
    *(" mas ", ", nota ", ", e não ", ", muito bom, quase ", " porque daria ", ", gostei do ", ", was "),
)
METRICS = st.sampled_from(Metric)
LANGUAGES = st.sampled_from(LOCALES)


def nps(text: str, locale: str = "pt-BR") -> Reading:
    return read(text, Metric.NPS, locale)


def score(value: int, comment: str | None = None) -> Reading:
    return Reading(Kind.SCORE, value, comment)


def examples() -> list[tuple[str, str, str, str]]:
    """The tables of docs/replies.md: what is typed, metric, locale, reading."""
    found = []
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            metric, locale = cells[1].split()
            found += [
                (text, metric, locale, cells[2].strip("`")) for text in re.findall("`([^`]+)`", cells[0])
            ]
    return found


@pytest.mark.parametrize(("text", "metric", "locale", "reading"), examples())
def test_the_published_tables_are_true(text: str, metric: str, locale: str, reading: str) -> None:
    assert str(read(text, Metric(metric), locale)) == reading


def test_the_tables_publish_every_kind_of_reading() -> None:
    readings = {reading for *_, reading in examples()}
    assert {"ask", "optout", "optin", "help", "1", "10"} <= readings
    assert {metric for _, metric, *_ in examples()} >= {"nps", "csat", "ces"}


def test_of_the_labelled_set_nothing_is_read_wrong_and_nearly_every_plain_form_is_read() -> None:
    labelled = labelled_in((HERE / "replies.tsv").read_bytes())
    verdict = judge(labelled)
    assert [(each.labelled.line, each.labelled.text, each.reading) for each in verdict.wrong] == []
    assert verdict.recall >= 0.97
    assert len(labelled) >= 700
    assert {(each.metric, each.locale) for each in labelled} >= {
        (metric, locale) for metric in (Metric.NPS, Metric.CSAT, Metric.CES) for locale in LOCALES
    }


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("metric", Metric)
def test_every_score_is_read_in_digits_and_in_words(metric: Metric, locale: str) -> None:
    for value, word in enumerate(WORDS[locale]):
        expected = score(value) if value in RULES[metric].scores else ASK
        for text in (str(value), f" {value}\n", f"{value}!", word, word.upper(), f"{word}."):
            assert read(text, metric, locale) == expected, text


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("9, Gostei MUITO!!", "Gostei MUITO!!"),
        ("9 -   com  espaços  depois ", "com  espaços  depois"),
        ("9\nduas\nlinhas\n", "duas\nlinhas"),
        ("9 porque ligaram de volta", "porque ligaram de volta"),
        ("9 (demorou)", "demorou"),
        ("9/10 - ótimo", "ótimo"),
        ("9 👏👏 parabéns ❤️", "👏👏 parabéns ❤️"),
        ("Oi, nota 9: “bom” atendimento", "“bom” atendimento"),
        ("9, \u200eótimo\u200f", "ótimo\u200f"),
        ("９：ótimo", "ótimo"),
        ("9 😊", None),
        ("9, obrigado!", None),
    ],
)
def test_a_comment_is_kept_as_it_was_typed(text: str, comment: str | None) -> None:
    assert nps(text) == score(9, comment)


def test_a_language_decides_only_where_words_differ() -> None:
    assert [str(read("um", Metric.CSAT, locale)) for locale in LOCALES] == ["1", "ask", "ask"]
    assert [str(nps("ten", locale)) for locale in LOCALES] == ["10", "10", "ask"]
    assert [str(nps("a 10", locale)) for locale in LOCALES] == ["ask", "10", "ask"]
    assert [str(nps("8 mas demorou", locale)) for locale in LOCALES] == ["8", "ask", "ask"]  # más: more
    assert [str(nps("dos", locale)) for locale in LOCALES] == ["2", "2", "2"]
    assert nps("alta", "es") == OPT_IN
    assert nps("alta", "pt-BR") == ASK


def test_a_locale_that_nobody_knows_is_no_trouble() -> None:
    assert [nps("8", locale) for locale in ("", "x", "PT", "fr-CA", "zz-ZZ-zz")] == [score(8)] * 5


def test_five_stars_are_a_five_only_where_the_question_goes_up_to_five() -> None:
    for text in ("5 estrelas", "⭐⭐⭐⭐⭐", "5*", "5⭐"):
        assert read(text, Metric.CSAT, "pt-BR") == score(5)
        for metric in (Metric.NPS, Metric.ENPS, Metric.CES):
            assert read(text, metric, "pt-BR") == ASK


def test_a_friendly_face_spoils_nothing_and_a_sad_one_beside_a_high_score_asks() -> None:
    assert nps("2 😡") == score(2)
    assert nps("7 😞") == score(7)
    assert nps("10 😡") == ASK
    assert nps("10 :)") == score(10)
    assert nps("10 :(") == ASK


def test_invisible_signs_change_nothing_but_a_reversed_number_is_not_guessed() -> None:
    for sign in "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\ufe0f\u2066":
        assert nps(f"{sign}1{sign}0{sign}") == score(10)
        assert nps(f"st{sign}op") == OPT_OUT
    assert nps("\u202e9") == score(9)
    assert nps("\u202e01") == nps("\u202e10") == ASK


def test_what_is_struck_out_or_ringed_is_no_score() -> None:
    for mark in "\u0336\u0335\u0338\u20dd\u20e0":
        assert nps(f"9{mark}") == ASK
        assert nps(f"de{mark}z") == ASK


def test_digits_of_two_scripts_make_no_number() -> None:
    assert nps("1٠") == nps("１0") == nps("٩0") == ASK


@pytest.mark.parametrize("word", ["stop", "sair", "baja", "unsubscribe", "não quero mais", "darme de baja"])
@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("locale", LOCALES)
def test_an_opt_out_holds_in_every_language_and_for_every_question(
    word: str, metric: Metric, locale: str
) -> None:
    polite = (
        word,
        word.upper(),
        f" {word}!!",
        f"{word}, por favor",
        f"please {word}",
        f"oi, {word} 🙏",
        f"“{word}”",
    )
    assert {read(text, metric, locale) for text in polite} == {OPT_OUT}


@pytest.mark.parametrize("word", ["stop", "end", "cancel", "sair", "parar", "baja", "alto", "help", "start"])
@pytest.mark.parametrize(
    "around", ["{} of the month", "don't {}", "não {}", "the {}", "{} 9", "9 {}", "{} meu pedido"]
)
def test_commands_are_whole_messages_only(word: str, around: str) -> None:
    assert nps(around.format(word)) == ASK


def test_a_mark_between_the_words_makes_another_sentence() -> None:
    assert nps("não quero mais") == OPT_OUT
    assert nps("não, quero mais") == ASK
    assert nps("Stop! Don't text me again.", "en") == OPT_OUT
    assert nps("stop. start.", "en") == ASK


def test_who_scores_and_wants_to_be_left_alone_is_left_alone() -> None:
    assert nps("0 - pare de me mandar mensagem") == OPT_OUT
    assert nps("0. STOP") == OPT_OUT
    assert nps("10, sair") == ASK  # leave what?
    assert nps("10, ajuda") == ASK


def test_start_and_help_are_read_and_yes_is_neither_a_score_nor_a_wish() -> None:
    assert nps("/start") == OPT_IN
    assert nps("AJUDA!") == HELP
    assert nps("/stop@RetornoBot") == OPT_OUT
    assert {nps(text) for text in ("yes", "YES", "sim", "sí", "no", "não", "ok", "?")} == {ASK}


def test_a_long_message_is_read_in_time_and_a_longer_one_than_any_channel_brings_is_not_read() -> None:
    began = time.perf_counter()
    for text in (
        "oi ",
        "9 ",
        "nota ",
        "9, mas ",
        "não quero mais ",
        "⭐",
        "-",
        "e\u0301",
        "a-",
        "ok obrigado ",
    ):
        read((text * LONGEST)[:LONGEST], Metric.NPS, "pt-BR")
    assert time.perf_counter() - began < 5  # some 0.2 s; a square of the length would take minutes
    comment = "a" * (LONGEST - 4)
    assert nps(f"9 - {comment}") == score(9, comment)
    assert nps(f"9 - {comment}a") == ASK
    assert nps("9" * 1_000_000) == ASK


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "9\x00", "\ud800", "9\ud83d", "\ufffd", "\U0010ffff", "9\x1b[31m"]
)
def test_broken_text_asks(text: str) -> None:
    assert nps(text) == ASK


# Properties

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates too
LIKELY = st.lists(
    st.sampled_from(
        [
            *(
                "9",
                "10",
                "0",
                "3",
                "11",
                "nota",
                "dou",
                "um",
                "a",
                "un",
                "I'd give it",
                "de",
                "/",
                "10",
                "-",
                ",",
            ),
            *(
                ".",
                "!",
                "?",
                "\n",
                " ",
                " ",
                "obrigado",
                "oi",
                "mas",
                "porque",
                "não",
                "gostei",
                "dias",
                "⭐",
                "👍",
            ),
            *(
                "na verdade",
                "estrelas",
                "pontos",
                "(",
                ")",
                "*",
                "dez",
                "stop",
                "por favor",
                "or",
                "\u200b",
                "٩",
            ),
        ]
    ),
    max_size=9,
).map("".join)


@settings(deadline=None, max_examples=400)
@given(ANY_TEXT | LIKELY, METRICS, LANGUAGES | st.text(max_size=3))
def test_whatever_is_typed_a_score_is_on_the_scale(text: str, metric: Metric, locale: str) -> None:
    reading = read(text, metric, locale)
    if reading.kind is Kind.SCORE:
        assert reading.score in RULES[metric].scores
        assert any(sign.isalnum() or sign in "🔟⭐🌟★" for sign in text)
        assert reading.comment is None or (reading.comment in text and reading.comment.strip())
    else:
        assert (reading.score, reading.comment) == (None, None)


@settings(deadline=None)
@given(st.sampled_from(DIGITS), METRICS, LANGUAGES)
def test_a_digit_of_any_script_is_read_as_its_plain_twin(digit: str, metric: Metric, locale: str) -> None:
    assert read(digit, metric, locale) == read(str(unicodedata.decimal(digit)), metric, locale)


@settings(deadline=None)
@given(
    LIKELY | st.sampled_from(["nota dez", "stop please", "não quero mais", "le doy un 9"]), METRICS, LANGUAGES
)
@example("não é 10", Metric.NPS, "pt-BR")
def test_case_and_white_space_around_change_nothing(text: str, metric: Metric, locale: str) -> None:
    plain = read(text, metric, locale)
    for other in (text.upper(), f" \t{text}\n ", unicodedata.normalize("NFD", text)):
        reading = read(other, metric, locale)
        assert (reading.kind, reading.score) == (plain.kind, plain.score)


@settings(deadline=None, max_examples=300)
@given(
    first=st.integers(0, 12),
    second=st.integers(0, 12),
    between=st.sampled_from(BETWEEN),
    metric=METRICS,
    locale=LANGUAGES,
)
def test_a_second_number_never_yields_a_score_in_silence(
    first: int, second: int, between: str, metric: Metric, locale: str
) -> None:
    of_the_scale = "/" in between and second == RULES[metric].high
    # A number beyond every scale is none: "9, gostei do 11" names a bus.
    if first != second and second <= 10 and not of_the_scale:
        for number in (str(second), WORDS[locale][second]):
            assert read(f"{first}{between}{number}", metric, locale) == ASK, number
