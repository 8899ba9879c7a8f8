"""A number in digits, words or stars, with what it counts and of how many: "9/10", "4 estrelas"."""

from dataclasses import dataclass

from app.domain.metrics import Rule
from app.domain.reply_cursor import QUOTES, Cursor, Question
from app.domain.reply_tokens import Sort, Token
from app.domain.reply_words import (
    ARTICLE_LIKE,
    BEFORE_STARS,
    GLUED_BEFORE,
    NOUNS,
    NUMBERS,
    OF,
    ON_A_SCALE,
    POINTS,
    STARS,
    UP_TO,
)

Frame = tuple[str, ...]  # the words that led to the number: ("le", "doy", "un")


@dataclass(frozen=True)
class Number:
    """A number as it was said; `dated` when a zero stands before it, as in dates."""

    value: int
    in_digits: bool
    dated: bool = False
    on_scale: bool = False  # it was said of how many: "9/10"


def take_number(cursor: Cursor, question: Question, frame: Frame) -> Number | None:
    """Pass a number; None, and nothing passed, where none stands or it could be another word."""
    token = cursor.peek()
    if token is None:
        return None
    if token.sort is Sort.NUMBER:
        value = _in_digits(cursor, token, question, frame)
    else:
        value = _in_words(cursor, token, question, frame)
    if value is None:
        return None
    cursor.at += 1
    return Number(value, token.sort is Sort.NUMBER, token.text.startswith("0") and len(token.text) > 1)


def _in_digits(cursor: Cursor, token: Token, question: Question, frame: Frame) -> int | None:
    before = cursor.tokens[cursor.at - 1] if cursor.at else None
    if cursor.touches() and before and before.sort is Sort.WORD and before.text not in GLUED_BEFORE:
        return None
    if cursor.touches(1) and cursor.is_sort(Sort.WORD, 1) and not cursor.is_word(POINTS | STARS, 1):
        return None
    value = _whole(token.text, question.rule)
    if frame == ("a",) and question.language != "en":
        return None  # "a 10" is English; elsewhere it is "at 10"
    return None if frame == ("um",) and value == 0 else value  # "um 0" may be a 1 and a 0


def _whole(digits: str, rule: Rule) -> int | None:
    """The number in these digits; None for one that may be another."""
    if not 0 < len(digits) < 3 or digits == "00":
        return None
    if digits[0] == "0" and len(digits) == 2 and int(digits[::-1]) in rule.scores:
        return None  # 01 may be a 10 turned round; 08 is 8
    return int(digits)


def _in_words(cursor: Cursor, token: Token, question: Question, frame: Frame) -> int | None:
    word = token.text
    if token.sort is not Sort.WORD:
        return None
    if word in BEFORE_STARS and cursor.is_word(STARS, 1):
        return BEFORE_STARS[word]
    if word in ARTICLE_LIKE and not _is_no_article(cursor, word, question, frame):
        return None
    doubtful = (
        (word == "ten" and question.language == "es")  # Spanish for "have"
        or (frame == ("um",) and NUMBERS.get(word, 0) < 4)  # "um dois" counts, "um zero" is a result
        or (frame == ("un",) and word == "dos")  # un, dos, tres
        or (frame == ("a",) and question.language != "en")
    )
    return None if doubtful else NUMBERS.get(word)


def _is_no_article(cursor: Cursor, word: str, question: Question, frame: Frame) -> bool:
    """Is "um", "uno" or "one" the number here? Before a star or a scale, behind "nota", and alone."""
    length = OF.match(cursor.tokens, cursor.at + 1)
    if cursor.is_word(STARS, 1) or (length and question.is_top(cursor.peek(1 + length))):
        return True
    if frame and frame[-1] in NOUNS:
        return True
    rest = cursor.tokens[cursor.at + 1 :]
    alone = all(token.is_mark(".!" + QUOTES) or token.sort in (Sort.GLAD, Sort.BREAK) for token in rest)
    if not alone or sum(token.text == "." for token in rest) > 1:  # "um..." is somebody who thinks
        return False
    if frame:
        return frame[-1] in {"un", "a", "e", "eh", "es", "is"} and len(frame) > 1
    if cursor.at and cursor.tokens[cursor.at - 1].sort is Sort.WORD:
        return False  # "oi um"
    return word != "um" or question.language == "pt"


def take_stars(cursor: Cursor, question: Question) -> Number | None:
    """⭐⭐⭐⭐ or ★★★★☆, where the question has stars. One alone may be praise."""
    began = cursor.at
    full, empty = cursor.take_run(Sort.STAR), cursor.take_run(Sort.EMPTY_STAR)
    clear = full + empty == 5 if empty else 1 < full <= 5
    if question.has_stars and full and clear:
        return Number(full, in_digits=True)
    cursor.at = began
    return None


def take_dimension(
    cursor: Cursor, question: Question, number: Number, frame: Frame, bold: bool
) -> Number | None:
    """Pass points, stars and the scale behind a number; None where they do not fit to this question."""
    _take_echo(cursor, question, number)
    if not _take_units(cursor, question, number, frame, bold):
        return None
    if take_scale(cursor, question) or _take_scale_in_brackets(cursor, question):
        return number
    if _take_top(cursor, question, number):
        scaled = Number(number.value, number.in_digits, on_scale=True)
        return scaled if _take_units(cursor, question, number, frame, bold) else None
    return None if cursor.is_mark("/") else number


def _take_echo(cursor: Cursor, question: Question, number: Number) -> None:
    """8 (oito)"""
    inside = cursor.peek(1)
    if inside is None or not (cursor.is_mark("(") and cursor.is_mark(")", 2)):
        return
    again = NUMBERS.get(inside.text) if inside.sort is Sort.WORD else None
    if again == number.value or (inside.sort is Sort.NUMBER and inside.text == str(number.value)):
        cursor.at += 3


def take_scale(cursor: Cursor, question: Question) -> bool:
    """Pass "numa escala de 0 a 10" if that is the scale of this question from end to end."""
    length = ON_A_SCALE.match(cursor.tokens, cursor.at)
    low, to = cursor.peek(length), cursor.peek(length + 1)
    if not length or to is None or not (to.text in UP_TO or to.is_mark("-")):
        return False
    if not question.says(low, question.rule.low) or not question.is_top(cursor.peek(length + 2)):
        return False
    cursor.at += length + 3
    return True


def _take_scale_in_brackets(cursor: Cursor, question: Question) -> bool:
    """8 (de 0 a 10)"""
    began = cursor.at
    if cursor.is_mark("("):
        cursor.at += 1
        if take_scale(cursor, question) and cursor.is_mark(")"):
            cursor.at += 1
            return True
    cursor.at = began
    return False


def _take_units(cursor: Cursor, question: Question, number: Number, frame: Frame, bold: bool) -> bool:
    """Pass "pontos", "estrelas", ⭐ or *; False when they make it another number."""
    # Stars go up to five: on a longer scale only a number beyond is surely not "four of five".
    may_be_stars = question.has_stars or number.value > 5
    if cursor.is_word(POINTS):
        cursor.at += 1
        return number.in_digits or bool(frame) or number.value > 2  # "dois pontos" is a colon
    named = int(cursor.is_word(STARS))
    cursor.at += named
    stars = cursor.take_run(Sort.STAR)
    if named or stars:
        return may_be_stars and (not question.has_stars or stars in (0, 1, number.value))
    if not bold and cursor.is_mark("*") and cursor.touches():
        cursor.at += 2 if cursor.is_mark("*", 1) else 1
        return number.value != 5 or question.has_stars  # "4*" corrects, "5*" is the best of five
    return True


def _take_top(cursor: Cursor, question: Question, number: Number) -> bool:
    """Pass "/10", "de 10" or "out of ten" if that is the top of the scale."""
    length = 1 if cursor.is_mark("/") and not number.dated else OF.match(cursor.tokens, cursor.at)
    if not length or not question.is_top(cursor.peek(length)):
        return False
    if number.in_digits and cursor.is_word(frozenset({"dez"}), length):
        return False  # "9 de dez" is a day of December
    after = length + 1
    glued = cursor.touches(after) and (cursor.is_sort(Sort.WORD, after) or cursor.is_sort(Sort.NUMBER, after))
    if glued or cursor.is_mark("/", after):
        return False  # a date: 9/10/2026
    cursor.at += after
    return True
