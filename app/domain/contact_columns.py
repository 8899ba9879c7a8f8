"""What the columns of a file of contacts mean: guessed by their names and contents, then checked."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from app.domain.addresses import BadAddress, read_phone
from app.domain.channel_choice import read_channels
from app.domain.plain_addresses import plain_email
from app.errors import Invalid, Problem, problem

Meaning = Literal[
    "email", "phone", "name", "external_id", "locale", "time_zone", "preferred_channel", "kind", "active",
    "opted_out", "opted_out_on", "tags", "attribute", "skip",
]  # fmt: skip
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
IDENTIFIES: tuple[Meaning, ...] = ("email", "phone", "external_id")

MAX_COLUMNS = 2_000  # our own export has one for each attribute that anybody has
MAX_COLUMN_NAME = 60
LOOKED_AT = 200  # rows from which the content of a column is guessed
LEAST = {"email": 1, "phone": 3}  # cells: a number that somebody noted down makes no column of numbers
MOST_OF = 0.8  # of what stands in a column must be an address for it to be one of addresses

# What we write beside rows ourselves: an exported or a corrected file comes back with it
OURS = "retorno: "
ROW_COLUMN, WHY_COLUMN = f"{OURS}row", f"{OURS}why"

ATTRIBUTE = "attribute."  # before the names of attributes in an export

_HEADINGS: Mapping[Meaning, tuple[str, ...]] = {
    "email": (
        *("email", "mail", "emailaddress", "workemail", "enderecodeemail", "emailcorporativo"),
        *("correo", "correoelectronico", "direcciondecorreo"),
    ),
    "phone": (
        *("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "whatsapp"),
        *("telefone", "numerodetelefone", "telefonecelular", "celular", "fone", "tel"),
        *("telefono", "numerodetelefono", "telefonomovil", "movil"),
    ),
    "name": ("name", "fullname", "contactname", "nome", "nomecompleto", "nombre", "nombrecompleto"),
    "external_id": (
        *("externalid", "id", "customerid", "employeeid", "contactid", "code"),
        *("idexterno", "codigo", "iddocliente", "codigodocliente", "matricula"),
        *("iddelcliente", "codigodelcliente"),
    ),
    "locale": ("locale", "language", "lang", "idioma", "lingua", "lengua"),
    "time_zone": ("timezone", "zone", "tz", "fuso", "fusohorario", "zonahoraria", "husohorario", "huso"),
    "preferred_channel": (
        *(
            "preferredchannel",
            "channelpreference",
            "canalpreferido",
            "canaldepreferencia",
            "preferenciadecanal",
        ),
    ),
    "kind": ("kind", "type", "tipo"),
    "active": ("active", "ativo", "ativa", "activo", "activa"),
    "opted_out": (
        *("optedout", "optout", "unsubscribed", "donotcontact", "donotemail"),
        *("descadastrado", "descadastrada", "naocontatar", "naoperturbe", "optouts"),
        *("dadodebaja", "dadadebaja", "nocontactar", "desuscrito", "desuscrita"),
    ),
    "opted_out_on": (
        *("optedouton", "optouton", "unsubscribedfrom", "donotcontacton"),
        *("naocontatarpor", "canaisrecusados", "nocontactarpor", "canalesrechazados"),
    ),
    "tags": ("tags", "tag", "etiquetas", "etiqueta", "marcadores", "marcador"),
    "skip": (),
}
# Who stands there is their name, where no column says that it is one
_PEOPLE = frozenset(
    {
        "cliente", "customer", "client", "contato", "contacto", "contact", "pessoa", "persona", "person",
        "paciente", "patient", "colaborador", "colaboradora", "funcionario", "funcionaria", "empleado",
        "empleada", "employee",
    }
)  # fmt: skip
_MEANING_OF: dict[str, Meaning] = {
    heading: meaning for meaning, headings in _HEADINGS.items() for heading in headings
}
_PHONE_LIKE = re.compile(r"\+[\d\s().-]{7,}|\(?\d{2,3}\)[\d\s().-]{6,}|\d{2}\s9?\d{4}[\s-]\d{4}")

_MANY_DIGITS = re.compile(r"\d{10,}")


def plain(heading: str) -> str:
    """A heading without case, accents, spaces and punctuation; one of only signs stays as it is."""
    letters = unicodedata.normalize("NFKD", heading).casefold()
    return "".join(sign for sign in letters if sign.isalnum()) or heading


def attribute_name(column: str) -> str:
    """What the attribute of a column is called."""
    return " ".join(column.removeprefix(ATTRIBUTE).split())


def names_a_field(heading: str) -> bool:
    """Is this a word for something that a contact has?"""
    return plain(heading) in _MEANING_OF


def guess(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    region: str | None,
    remembered: Mapping[str, str] | None = None,
) -> tuple[Meaning, ...]:
    """A meaning for each column: what was chosen for its name before, else by its name, else by its content.

    The first column of a meaning has it; a further one becomes an attribute, so that nothing is lost. Whether
    people said no on some channels, or since when, the cells tell, whatever another file had there.
    """
    known = remembered or {}
    found: list[Meaning | None] = [_by_name(column, known) for column in columns]
    sample = [cells for cells, _ in zip(rows, range(LOOKED_AT), strict=False)]
    for place, column in enumerate(columns):
        if _MEANING_OF.get(plain(column)) == "opted_out_on" and found[place] in ("opted_out_on", "attribute"):
            found[place] = "opted_out_on" if _has_channels(sample, place) else "attribute"
    for meaning in ("email", "phone"):
        if meaning not in found:
            _look_into(columns, sample, region, meaning, found)
    if "name" not in found:
        _look_for_people(columns, sample, found)
    taken: set[str] = set()
    return tuple(_settled(column, meaning, taken) for column, meaning in zip(columns, found, strict=True))


def _by_name(column: str, remembered: Mapping[str, str]) -> Meaning | None:
    if not column or column.startswith(OURS):
        return "skip"
    if column.startswith(ATTRIBUTE):
        return "attribute"
    word = plain(column)
    chosen = remembered.get(word)
    return next((each for each in MEANINGS if each == chosen), _MEANING_OF.get(word))


def _has_channels(sample: Sequence[Sequence[str]], place: int) -> bool:
    """Does a channel stand in any cell of this column, or nothing in each? A date says when, not where."""
    cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
    return not cells or any(map(_is_channels, cells))


def _is_channels(text: str) -> bool:
    try:
        return bool(read_channels(text))
    except Invalid:
        return False


def _look_into(
    columns: Sequence[str],
    sample: Sequence[Sequence[str]],
    region: str | None,
    meaning: Meaning,
    found: list[Meaning | None],
) -> None:
    """The first column without a meaning in which nearly everything is such an address."""
    is_one = _is_email if meaning == "email" else lambda text: _is_phone(text, region)
    for place in range(len(columns)):
        if found[place] is not None:
            continue
        cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        if len(cells) >= LEAST[meaning] and sum(map(is_one, cells)) >= MOST_OF * len(cells):
            found[place] = meaning
            return


def _look_for_people(
    columns: Sequence[str], sample: Sequence[Sequence[str]], found: list[Meaning | None]
) -> None:
    for place, column in enumerate(columns):
        cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
        worded = sum(not any(sign.isdigit() or sign == "@" for sign in cell) for cell in cells)
        if found[place] is None and plain(column) in _PEOPLE and worded > MOST_OF * len(cells):
            found[place] = "name"
            return


def _is_email(text: str) -> bool:
    return plain_email(text) is not None


def _is_phone(text: str, region: str | None) -> bool:
    """Written as a number to be dialled: bare digits may be anything, a tax number first of all."""
    if not _PHONE_LIKE.fullmatch(text):
        return False
    try:
        read_phone(text, region)
    except BadAddress:
        return False
    return True


def _is_number(column: str) -> bool:
    """A phone, or digits that may well be one: nobody's name for a column."""
    return bool(_PHONE_LIKE.fullmatch(column) or _MANY_DIGITS.fullmatch(column))


def _settled(column: str, meaning: Meaning | None, taken: set[str]) -> Meaning:
    if meaning in ("attribute", "skip", None) or meaning in taken:
        if meaning == "skip":
            return "skip"
        word = f"attribute {attribute_name(column)}"
        if word in taken:
            return "skip"
        taken.add(word)
        return "attribute"
    taken.add(str(meaning))
    return meaning


def read_meaning(word: str) -> Meaning:
    """One of MEANINGS; what nobody knows is left out."""
    return next((each for each in MEANINGS if each == word), "skip")


def check(columns: Sequence[str], meanings: Sequence[str]) -> tuple[Meaning, ...]:
    """The meanings that somebody chose. Raises Invalid: nobody is named, or two columns mean the same."""
    chosen = tuple(read_meaning(given) for given in meanings)
    problems: list[Problem] = []
    if not any(meaning in IDENTIFIES for meaning in chosen):
        message = "Say which column is the e-mail, the phone or the external id: one of them is needed."
        problems.append(problem("columns", message))
    seen: dict[str, str] = {}
    for column, meaning in zip(columns, chosen, strict=True):
        if meaning == "skip":
            continue
        key = f"attribute {attribute_name(column)}" if meaning == "attribute" else meaning
        if key in seen:
            message = "The columns “%(one)s” and “%(other)s” mean the same. Leave one out."
            problems.append(problem("columns", message, one=seen[key], other=column))
        seen.setdefault(key, column)
    if problems:
        raise Invalid(problems)
    return chosen


def header(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns as written. Raises Invalid when these cannot be names."""
    columns = tuple(cell.strip() for cell in cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    if len(columns) > MAX_COLUMNS:
        raise Invalid([problem("file", "The file has more than %(most)s columns.", most=MAX_COLUMNS)])
    for column in columns:
        if len(attribute_name(column)) > MAX_COLUMN_NAME:
            message = "The column name “%(column)s…” is longer than %(most)s characters."
            raise Invalid([problem("file", message, column=column[:20], most=MAX_COLUMN_NAME)])
    theirs = [column for column in columns if not column.startswith(ATTRIBUTE)]
    if not columns or any(_is_email(column) or _is_number(column) for column in theirs):
        raise Invalid([problem("file", "The first line must name the columns: it has addresses instead.")])
    return columns
