"""The score in a typed message: the whole of it is a form that we know, or there is no score in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.reply_comment_words import AFTER_A_SCALE, JUDGEMENTS
from app.domain.reply_comments import joint_at
from app.domain.reply_cursor import QUOTES, Cursor, Question
from app.domain.reply_numbers import Frame, Number, take_dimension, take_number, take_scale, take_stars
from app.domain.reply_tokens import Sort, Token
from app.domain.reply_words import (
    BARE_ARTICLES,
    CLOSERS,
    CONDITIONAL,
    CONTRASTS,
    FRAMES,
    GREETINGS,
    OPENERS,
    PAUSED_AMENDMENTS,
    SIGN_OFFS,
)

_PAUSES = ",.!;:\u2026-\u2014"
_SEPARATORS = _PAUSES + "|"
_OPENING = "\u00a1*" + QUOTES
_ENDS = ".!\u2026"
_UNFINISHED = ",;:-\u2014"  # "8," may be the beginning of "8,5", and "8-" a little less than 8


@dataclass(frozen=True)
class Found:
    """A score, and the tokens of its comment; `is_sad` when a sad face stands behind it."""

    score: int
    comment: Sequence[Token] = ()
    is_sad: bool = False


def find_score(tokens: Sequence[Token], question: Question) -> Found | None:
    """The score that this message says; None when it could say anything else."""
    cursor = Cursor(tokens)
    _pass_openers(cursor)
    frame, number = _framed_number(cursor, question)
    if number is None or number.value not in question.rule.scores:
        return None
    opened = {token.text for token in tokens[: cursor.at - 1] if token.is_mark(_OPENING)}
    number = take_dimension(cursor, question, number, frame, bold="*" in opened)
    if number is None:
        return None
    behind = cursor.at
    found = _closed(cursor, number, opened)
    if found is None:
        cursor.at = behind
        found = _commented(cursor, number, frame, question.language)
    return found


def _pass_openers(cursor: Cursor) -> None:
    while True:
        cursor.take_pauses("")
        _pass_opening(cursor)
        before = cursor.at
        cursor.take_marks("\u00bf")
        began = cursor.at
        greeting = GREETINGS.match(cursor.tokens, began)
        length = cursor.take(OPENERS)
        needs_pause = not length
        if not length and not (length := cursor.take(PAUSED_AMENDMENTS)):
            cursor.at = before
            return
        cursor.take_pauses(_PAUSES + ("?" if greeting == length else ""))  # "tudo bem? 9"
        if needs_pause and cursor.at == began + length:
            cursor.at = began
            return


def _pass_opening(cursor: Cursor) -> None:
    """Quotes, ¡ and the asterisks of "*4" and "*10*"; an asterisk by itself is a bullet, or multiplies."""
    while cursor.is_mark(_OPENING) and not (cursor.is_mark("*") and not cursor.touches(1)):
        cursor.at += 1


def _framed_number(cursor: Cursor, question: Question) -> tuple[Frame, Number | None]:
    """The number behind the longest frame that leaves one: "nota um" is a frame and a number as well."""
    if stars := take_stars(cursor, question):
        return (), stars
    if take_scale(cursor, question):  # "de 0 a 10, dou 8"
        cursor.take_pauses(_PAUSES)
    began = cursor.at
    for length in (*FRAMES.lengths(cursor.tokens, began), 0):
        cursor.at = began + length
        frame = tuple(token.text for token in cursor.tokens[began : cursor.at])
        if frame and frame not in BARE_ARTICLES:
            cursor.take_pauses(":=-\u2014")
        _pass_opening(cursor)
        if number := take_number(cursor, question, frame):
            return frame, number
    return (), None


def _closed(cursor: Cursor, number: Number, opened: set[str]) -> Found | None:
    """Nothing more than politeness, marks and faces up to the end."""
    is_sad = unfinished = apart = False
    while token := cursor.peek():
        if cursor.take(CLOSERS) or (apart and cursor.take(SIGN_OFFS)):
            unfinished = False
            continue
        if token.is_mark(_UNFINISHED):
            if token.text == "-" and cursor.touches(1):
                return None
            unfinished = True
        elif token.is_mark(_ENDS) or token.text in opened or token.sort in (Sort.GLAD, Sort.SAD):
            is_sad |= token.sort is Sort.SAD
            unfinished = False
        elif token.sort is not Sort.BREAK:
            return None
        apart = True
        cursor.at += 1
    return None if unfinished else Found(number.value, is_sad=is_sad)


def _commented(cursor: Cursor, number: Number, frame: Frame, language: str) -> Found | None:
    """A comment clearly set apart: by a mark, a new line, brackets, or the words that it begins with."""
    comment = _in_brackets(cursor)
    if comment is None:
        if not _begins_by_itself(cursor, number, language):
            while cursor.take(CLOSERS):
                pass
            if not _pass_separators(cursor, number):
                return None
        comment = cursor.tokens[cursor.at :]
    if not any(token.sort is Sort.WORD for token in comment):
        return None
    if CONDITIONAL & set(frame) and any(token.text in CONTRASTS for token in comment):
        return None  # "I would give it a 10, but ..."
    return Found(number.value, comment)


def _in_brackets(cursor: Cursor) -> Sequence[Token] | None:
    """8 (demorou um pouco)"""
    inside = cursor.tokens[cursor.at + 1 : -1]
    if not cursor.is_mark("(") or not cursor.tokens[-1].is_mark(")"):
        return None
    return None if any(token.is_mark("()") for token in inside) else inside


def _begins_by_itself(cursor: Cursor, number: Number, language: str) -> bool:
    """ "10 porque ...", "9 muito bom", "10/10 would recommend": words that nobody counts."""
    if cursor.touches():
        return False
    if joint_at(cursor.tokens, cursor.at, language):
        return True
    if number.on_scale:
        return AFTER_A_SCALE.match(cursor.tokens, cursor.at) > 0
    length = JUDGEMENTS.match(cursor.tokens, cursor.at)
    return number.in_digits and length > 0 and number.value > (0 if length > 1 else 1)


def _pass_separators(cursor: Cursor, number: Number) -> bool:
    began = cursor.at
    while cursor.is_mark(_SEPARATORS) or cursor.is_sort(Sort.BREAK):
        cursor.at += 1
    passed = cursor.tokens[began : cursor.at]
    if not passed:
        return cursor.is_sort(Sort.GLAD) or cursor.is_sort(Sort.SAD)  # "10 👏 parabéns"
    if passed[-1].is_mark("-.") and cursor.touches():
        return False  # "5-star", "9.com"
    return not (number.value == 1 and len(passed) == 1 and passed[0].text == ".")  # the first point of a list
