"""Is what follows a score its comment, or does it take the score back, change it or make it doubtful?"""

from collections.abc import Sequence
from types import MappingProxyType

from app.domain.metrics import Tone
from app.domain.reply_comment_words import (
    AND,
    ARTICLES,
    DELIGHT,
    DENIALS,
    DENIALS_THAT_BLAME,
    DENIALS_THAT_PRAISE,
    DISMAY,
    DOUBTFUL_STARTS,
    JOINTS,
    NO_COMMENT,
    NO_COMMENT_ALONE,
    REASONS,
    TAKEN_BACK,
    UNITS,
)
from app.domain.reply_tokens import Sort, Token
from app.domain.reply_words import ARTICLE_LIKE, BEFORE_STARS, NOUNS, NUMBERS, STARS

_CONTRADICTS = MappingProxyType({"up": DISMAY, "flat": None, "down": DELIGHT})
_CURRENCY = frozenset("$€£")
_LARGEST_SCORE = 10  # of any scale
_OPENING_WORDS = 3  # a judgement stands in front: "10 - atendimento péssimo"


def is_comment(tokens: Sequence[Token], tone: Tone, language: str) -> bool:
    """May these words stand behind a score that points this way, and leave it what it is?"""
    said = [token for token in tokens if token.sort is Sort.WORD]
    letters = sum(len(token.text) for token in said[:3])
    if letters < 3 or any(token.is_mark("?") or token.sort is Sort.STAR for token in tokens):
        return False
    if tone == "up" and any(token.sort is Sort.SAD for token in tokens):
        return False
    if said[-1].text in ARTICLE_LIKE | DENIALS or (
        len(said) == 1 and said[0].text in NO_COMMENT_ALONE | UNITS
    ):
        return False
    return not (
        _begins_in_doubt(tokens, tone, language)
        or any(TAKEN_BACK.match(tokens, at) for at in range(len(tokens)))
        or any(_counts_as_a_score(tokens, at, language) for at in range(len(tokens)))
        or _contradicts(said, tone)
    )


def joint_at(tokens: Sequence[Token], at: int, language: str) -> int:
    """How many words join a comment to the score here: "mas" is Portuguese for but, in Spanish more."""
    length = JOINTS.match(tokens, at)
    return 0 if length and tokens[at].text == "mas" and language != "pt" else length


def _begins_in_doubt(tokens: Sequence[Token], tone: Tone, language: str) -> bool:
    """`tokens` may open with a quotation mark or emoji; "but" and "and" are passed by."""
    at = next(place for place, token in enumerate(tokens) if token.sort is Sort.WORD)
    if any(token.sort is Sort.NUMBER for token in tokens[:at]):
        return True
    reason = REASONS.match(tokens, at)
    at += joint_at(tokens, at, language) or int(tokens[at].text in AND)
    if at >= len(tokens) or tokens[at].sort is Sort.NUMBER or tokens[at].text in NO_COMMENT:
        return True
    noun = next((token for token in tokens[at:] if token.text not in ARTICLES), None)
    if noun is None or noun.text in NO_COMMENT:
        return True  # "9, à noite"
    if reason and len(tokens) - at > 1:
        return False  # "3 porque não me ouviram": it is not the score that is denied
    if DENIALS_THAT_PRAISE.match(tokens, at) or (tone != "up" and DENIALS_THAT_BLAME.match(tokens, at)):
        return False
    return DOUBTFUL_STARTS.match(tokens, at) > 0


def _counts_as_a_score(tokens: Sequence[Token], at: int, language: str) -> bool:
    """Could this token be the score that was really meant? "2 dias", "R$ 5" and "pedido 4821" could not."""
    token = tokens[at]
    follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if token.sort in (Sort.WORD, Sort.OTHER):
        rated = follows in STARS or (at > 0 and tokens[at - 1].text in NOUNS)
        if token.text in ARTICLE_LIKE | BEFORE_STARS.keys() and rated:
            return True  # "uma estrela para o app", "o app nota um"
        if not _is_number_word(token.text, language):
            return any(sign.isnumeric() for sign in token.text)
    elif token.sort is not Sort.NUMBER:
        return False
    elif token.text and (len(token.text) > 3 or int(token.text) > _LARGEST_SCORE):
        return token.text == "100"  # it may be of a hundred
    if follows in UNITS:
        return False
    return not (at and tokens[at - 1].text in _CURRENCY)


def _is_number_word(word: str, language: str) -> bool:
    if word in ARTICLE_LIKE or (word == "dos" and language != "es"):  # Portuguese: of the
        return False
    return word in NUMBERS


def _contradicts(said: Sequence[Token], tone: Tone) -> bool:
    opposite = _CONTRADICTS[tone]
    beginning = range(min(_OPENING_WORDS, len(said)))
    return opposite is not None and any(opposite.match(said, at) for at in beginning)
