"""What a contact may be: reads each field as people, files and scripts write it; folds text for search."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TypeAlias, TypedDict, cast
from zoneinfo import available_timezones

from app.domain.addresses import Address, BadAddress, read_email, read_phone
from app.domain.tags import read_tags
from app.errors import Invalid, Problem, problem

KINDS = ("customer", "employee")
# As far as the bases of LGPD article 7 and GDPR article 6 fit asking for an opinion; `none` is never asked.
LAWFUL_BASES = ("consent", "contract", "legitimate_interest", "legal_obligation", "none")

MAX_LINE = 200  # characters of a name, an external id, a source
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_NAME = 60
MAX_ATTRIBUTE = 1_000  # characters: an attribute is a fact, not a document
MAX_SEARCH = 800
MAX_EVIDENCE = 500

Scalar: TypeAlias = str | int | float | bool
Reader: TypeAlias = Callable[[str, object], object]

_KIND_WORDS = {
    **dict.fromkeys(("customer", "client", "cliente"), "customer"),
    **dict.fromkeys(("employee", "funcionario", "funcionaria", "colaborador", "colaboradora"), "employee"),
    **dict.fromkeys(("empleado", "empleada"), "employee"),
}
_YES_WORDS = frozenset(
    ("yes", "true", "1", "y", "sim", "s", "si", "ativo", "ativa", "active", "activo", "activa")
)
_NO_WORDS = frozenset(
    ("no", "false", "0", "n", "nao", "inativo", "inativa", "inactive", "inactivo", "inactiva")
)
_LOCALE_WORDS = {
    **dict.fromkeys(("portugues", "portuguese", "portugues do brasil", "pt"), "pt-BR"),
    **dict.fromkeys(("english", "ingles"), "en"),
    **dict.fromkeys(("espanol", "espanhol", "spanish", "castellano"), "es"),
}
_CHANNEL_WORDS = {
    **dict.fromkeys(("email", "e-mail", "mail", "correo", "correo electronico"), "email"),
    **dict.fromkeys(("sms", "texto", "text", "torpedo"), "sms"),
    **dict.fromkeys(("whatsapp", "zap"), "whatsapp"),
    "telegram": "telegram",
}
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}|\d{3}))?")
# Letters that Unicode does not decompose, as people type them without their signs.
_UNSIGNED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"})


class ContactValues(TypedDict, total=False):
    """What is given of a contact; an absent field stays as it is, None empties it."""

    name: str
    email: Address | None
    phone: Address | None
    telegram_chat_id: str | None
    external_id: str | None
    kind: str
    locale: str | None
    time_zone: str | None
    preferred_channel: str | None
    attributes: dict[str, Scalar | None]  # None takes the attribute away
    tags: list[str]  # all of them: what is not named goes
    active: bool
    lawful_basis: str
    source: str | None


def read_contact(raw: Mapping[str, object], region: str | None) -> ContactValues:
    """Read what is given, all problems at once. Raises Invalid, with a problem for each wrong field.

    `region` (ISO 3166) is the country of phone numbers that do not carry one. Unknown fields are
    refused; an empty text and None both empty a field.
    """
    values: dict[str, object] = {}
    problems: list[Problem] = []
    readers = _readers(region)
    for name, value in raw.items():
        try:
            values[name] = readers.get(name, _refuse_unknown)(name, value)
        except BadAddress as error:
            problems.append(Problem(name, error.message, error.params))
        except Invalid as error:
            problems.extend(error.problems)
    if problems:
        raise Invalid(problems)
    return cast(ContactValues, values)


@cache
def _readers(region: str | None) -> dict[str, Reader]:
    return {**_READERS, "phone": partial(_read_phone, region)}


def read_line(name: str, value: object) -> str:
    """A text on one line, otherwise as it came: formulas and markup are only text here."""
    text = " ".join(_text(name, value).split())
    if not text.isprintable() and any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text):
        raise Invalid([problem(name, "This contains a character that nobody can see.")])
    if len(text) > MAX_LINE:
        raise Invalid([problem(name, "This is longer than %(most)s characters.", most=MAX_LINE)])
    return text


def read_lawful_basis(name: str, value: object) -> str:
    """One of LAWFUL_BASES, to be named: no basis is ever assumed here."""
    return _one_of(name, value, dict.fromkeys(LAWFUL_BASES))


def read_evidence(value: object) -> str:
    """How we know that somebody wants to be asked again; never empty. Raises Invalid."""
    text = _text("evidence", value).strip()
    if not text:
        raise Invalid([problem("evidence", "Say how you know: when, and in which words they agreed.")])
    if len(text) > MAX_EVIDENCE:
        raise Invalid([problem("evidence", "This is longer than %(most)s characters.", most=MAX_EVIDENCE)])
    if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\r\n\t" for sign in text):
        raise Invalid([problem("evidence", "This contains a character that nobody can see.")])
    return text


def fold(text: str) -> str:
    """Text without case, accents and ligatures: one form, compared alike by both databases."""
    if text.isascii():
        return text.lower()  # nothing to take apart
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return letters.translate(_without_signs())


@cache
def _without_signs() -> dict[int, str | None]:
    """What str.translate takes: combining signs go, and letters that are not taken apart lose theirs."""
    last = 0x1E94A  # beyond it Unicode has no combining signs
    signs = {code: None for code in range(0x300, last + 1) if unicodedata.combining(chr(code))}
    return {**signs, **_UNSIGNED}


def search_text(name: str, *others: str | None) -> str:
    """What a contact is found by: the folded name first, so that it also orders the list."""
    return " ".join(" ".join(fold(each).split()) for each in (name, *others) if each)[:MAX_SEARCH]


def search_words(query: str) -> tuple[str, ...]:
    """What must all be found. A query of digits and their punctuation is one phone number."""
    if re.fullmatch(r"\+?[\d\s().-]{4,}", query.strip()):
        return (re.sub(r"\D", "", query),)
    return tuple(fold(query)[:MAX_LINE].split()[:8])


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid([problem(name, "This must be a text.")])
    return value


def _read_line_or_none(name: str, value: object) -> str | None:
    return read_line(name, value) or None


def _read_email(name: str, value: object) -> Address | None:
    text = _text(name, value)
    return read_email(text) if text.strip() else None


def _read_phone(region: str | None, name: str, value: object) -> Address | None:
    text = _text(name, value)
    return read_phone(text, region) if text.strip() else None


def _read_telegram_chat(name: str, value: object) -> str | None:
    text = _text(name, value).strip()
    if text and not re.fullmatch(r"[1-9][0-9]{0,19}", text):
        raise Invalid([problem(name, "This is not the number of a Telegram chat.")])
    return text or None


def _read_kind(name: str, value: object) -> str:
    return _one_of(name, value, _KIND_WORDS)


def _read_channel(name: str, value: object) -> str | None:
    return _one_of(name, value, _CHANNEL_WORDS) if _text(name, value).strip() else None


def _one_of(name: str, value: object, words: Mapping[str, str | None]) -> str:
    word = fold(_text(name, value)).strip()
    if word not in words:
        choices = ", ".join(dict.fromkeys(meaning or each for each, meaning in words.items()))
        raise Invalid([problem(name, "This must be one of: %(choices)s.", choices=choices)])
    return words[word] or word


def read_yes_or_no(name: str, value: object) -> bool:
    """Yes or no in three languages. Raises Invalid."""
    if isinstance(value, bool):
        return value
    word = fold(_text(name, value)).strip()
    if word not in _YES_WORDS | _NO_WORDS:
        raise Invalid([problem(name, "This must be yes or no.")])
    return word in _YES_WORDS


def _read_locale(name: str, value: object) -> str | None:
    """A language tag as in BCP 47, with at most a region; the language's own name is one too."""
    text = _text(name, value).strip()
    if not text:
        return None
    word = fold(text)
    if word in _LOCALE_WORDS:
        return _LOCALE_WORDS[word]
    tag = _LOCALE.fullmatch(text)
    if tag is None:
        raise Invalid([problem(name, "This is not a language tag, as in pt-BR, en or es.")])
    return tag[1].lower() + (f"-{tag[2].upper()}" if tag[2] else "")


def _read_time_zone(name: str, value: object) -> str | None:
    text = _text(name, value).strip()
    if not text:
        return None
    zone = _zones().get(text.casefold())
    if zone is None:
        raise Invalid([problem(name, "This is not a time zone, as in America/Sao_Paulo.")])
    return zone


@cache
def _zones() -> dict[str, str]:
    # "localtime" and "Factory" are no places; the old short names (EST, CET) still are zones to some.
    return {zone.casefold(): zone for zone in available_timezones() if zone not in ("localtime", "Factory")}


def _read_attributes(name: str, value: object) -> dict[str, Scalar | None]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid([problem(name, "This must be an object of names and values.")])
    if len(value) > MAX_ATTRIBUTES:
        raise Invalid([problem(name, "A contact has at most %(most)s attributes.", most=MAX_ATTRIBUTES)])
    return {_attribute_name(name, key): _attribute(name, key, each) for key, each in value.items()}


def _attribute_name(name: str, key: object) -> str:
    text = " ".join(key.split()) if isinstance(key, str) else ""
    if not 0 < len(text) <= MAX_ATTRIBUTE_NAME or (
        not text.isprintable() and any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in text)
    ):
        message = "The name of an attribute has 1 to %(most)s visible characters."
        raise Invalid([problem(name, message, most=MAX_ATTRIBUTE_NAME)])
    return text


def _attribute(name: str, key: object, value: object) -> Scalar | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**53:  # exact in every JSON reader; never NaN
        return value
    if not isinstance(value, str):
        raise Invalid([problem(name, "“%(key)s” must be a text, a number, true or false.", key=key)])
    if len(value) > MAX_ATTRIBUTE:
        message = "“%(key)s” is longer than %(most)s characters."
        raise Invalid([problem(name, message, key=key, most=MAX_ATTRIBUTE)])
    if not value.isprintable() and any(
        unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\r\n\t" for sign in value
    ):
        raise Invalid([problem(name, "“%(key)s” contains a character that nobody can see.", key=key)])
    return value


def _refuse_unknown(name: str, value: object) -> object:
    raise Invalid([problem(name, "Nobody knows this field.")])


_READERS: Mapping[str, Reader] = {
    "name": read_line,
    "email": _read_email,
    "telegram_chat_id": _read_telegram_chat,
    "external_id": _read_line_or_none,
    "kind": _read_kind,
    "locale": _read_locale,
    "time_zone": _read_time_zone,
    "preferred_channel": _read_channel,
    "attributes": _read_attributes,
    "tags": read_tags,
    "active": read_yes_or_no,
    "lawful_basis": read_lawful_basis,
    "source": _read_line_or_none,
}
