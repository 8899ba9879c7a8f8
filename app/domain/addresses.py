"""E-mail addresses and phone numbers: read as people write them, one canonical form for matching."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import phonenumbers
from email_validator import EmailSyntaxError, validate_email
from phonenumbers import (
    CountryCodeSource,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from app.domain.plain_addresses import BRAZIL, plain_email, plain_phone

MEXICO = 52
_LONGEST = 60  # characters; no number is longer, whatever its punctuation

# Calls to these are answered by machines or cost the caller: they are never one person's address.
_SERVICE_NUMBERS = (
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
)
_TAKE_TEXTS = (
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.VOIP,
    PhoneNumberType.UNKNOWN,
)
_WRONG_LENGTHS = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "The area code is missing.",
    ValidationResult.TOO_SHORT: "This phone number is too short.",
    ValidationResult.TOO_LONG: "This phone number is too long.",
    ValidationResult.INVALID_LENGTH: "This phone number has a digit too many or too few.",
    ValidationResult.INVALID_COUNTRY_CODE: "No country has this code.",
}
_ROUNDED_BY_A_SPREADSHEET = re.compile(r"\+?\d(?:[.,]\d+)?e\+?\d{1,2}", re.IGNORECASE)
_BARE_INTERNATIONAL = re.compile(r"[1-9]\d{10,14}")
_GMAIL = ("gmail.com", "googlemail.com")


class BadAddress(ValueError):
    """Not an address. The message is an English sentence for the catalogues, `params` fill it."""

    def __init__(self, message: str, /, **params: object) -> None:
        self.message = message
        self.params = params
        super().__init__(message % params if params else message)


@dataclass(frozen=True)
class Address:
    """`text` is what the provider is given; `key` is equal for every way of writing the same address."""

    text: str
    key: str


def read_email(text: str) -> Address:
    """An e-mail address by its syntax alone (RFC 5321/5322; nothing is looked up).

    The domain becomes its lower-case A-label (IDNA 2008, UTS 46). The key is the whole address
    case-folded; Gmail documents that dots before its @ mean nothing, so they are not in the key.
    Raises BadAddress: several addresses, control characters, an accent before the @, a domain
    without a dot, and whatever else the syntax refuses.
    """
    candidate = _trimmed(text)
    plain = plain_email(candidate)
    if plain is not None:
        return Address("@".join(plain), _email_key(*plain))
    return read_any_email(candidate)


def read_any_email(candidate: str) -> Address:
    """The same by the library's whole syntax."""
    _refuse_obvious(candidate)
    try:
        valid = validate_email(
            candidate,
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=False,
            test_environment=True,
        )
    except EmailSyntaxError as error:
        raise BadAddress("This is not a valid e-mail address.") from error
    domain = str(valid.ascii_domain).lower()
    if "." not in domain:
        raise BadAddress(
            "The domain “%(domain)s” is not complete: it needs an ending, as in .com.", domain=domain
        )
    local = valid.local_part
    return Address(f"{local}@{domain}", _email_key(local, domain))


def _trimmed(text: str) -> str:
    # Spaces and invisible marks come along when an address is copied; a line break never does by accident.
    return text.strip(" \t\u00a0\u200b\u200e\u200f\u202a\u202c\u2060\ufeff")


def _refuse_obvious(candidate: str) -> None:
    """The mistakes that people make, each in words of its own."""
    before, at, after = candidate.rpartition("@")
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for sign in candidate):
        raise BadAddress("This address contains a line break or another invisible character.")
    if not at:
        raise BadAddress("This address has no @.")
    if candidate.count("@") > 1:
        raise BadAddress("Give one e-mail address only.")
    if not after:
        raise BadAddress("This address has no domain after the @.")
    if not before:
        raise BadAddress("This address has nothing before the @.")
    if len(candidate) > 254:
        raise BadAddress("This address is longer than the 254 characters that e-mail allows.")
    if not before.isascii():
        raise BadAddress("The part before the @ has an accent or a sign that most mail servers refuse.")


def _email_key(local: str, domain: str) -> str:
    local = local.casefold()
    if domain in _GMAIL:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def read_phone(text: str, region: str | None) -> Address:
    """A phone number as E.164; without a country code it is read as one of `region` (ISO 3166).

    Brazilian mobile numbers gain their ninth digit when it is missing (Anatel's resolution 553 of
    2010, complete since November 2016); landlines (which begin with 2 to 5) are never touched. Mexican
    ones lose the 1 that was dialled after +52 until August 2019, and that WhatsApp still writes.
    Raises BadAddress: not a number, no country, no area code, an extension, a service number.
    """
    plain = plain_phone(text.strip(" \t'"), region)
    if plain is not None:
        return Address(plain, plain)
    return read_any_phone(text, region)


def read_any_phone(text: str, region: str | None) -> Address:
    """The same by the library's whole knowledge."""
    candidate = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip(" \t\u00a0'")
    if len(candidate) > _LONGEST:
        raise BadAddress("This is not a phone number.")
    if _ROUNDED_BY_A_SPREADSHEET.fullmatch(candidate):
        raise BadAddress(
            "A spreadsheet has rounded this number: format the column as text and export it again."
        )
    number = _parse(candidate, region)
    if number.extension:
        raise BadAddress("A number with an extension cannot receive a message.")
    if phonenumbers.number_type(number) in _SERVICE_NUMBERS:
        raise BadAddress("This is a service number, or its area code is missing.")
    canonical = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return Address(canonical, canonical)


def _parse(candidate: str, region: str | None) -> PhoneNumber:
    """The first valid reading; the reason why the first one is not valid, if none is."""
    if any(sign.isalpha() or unicodedata.category(sign) == "Cc" for sign in candidate):
        raise BadAddress("This is not a phone number.")
    readings = [_reading(text, country) for text, country in _ways_to_read(candidate, region)]
    for number in readings:
        if number is not None and phonenumbers.is_valid_number(number):
            return number
    raise BadAddress(_why_not(readings[0], candidate, region))


def _ways_to_read(candidate: str, region: str | None) -> Iterator[tuple[str, str | None]]:
    """As written; then as an international number dialled with 00 or written without its plus."""
    yield candidate, region
    digits = re.sub(r"[\s().-]", "", candidate)
    if digits.startswith("00"):
        yield f"+{digits[2:]}", None
    elif _BARE_INTERNATIONAL.fullmatch(digits if region is None else candidate):
        yield f"+{digits}", None


def _reading(text: str, country: str | None) -> PhoneNumber | None:
    try:
        return _without_former_one(_with_ninth_digit(phonenumbers.parse(text, country, keep_raw_input=True)))
    except phonenumbers.NumberParseException:
        return None


def _why_not(number: PhoneNumber | None, candidate: str, region: str | None) -> str:
    if number is None and region is None and not candidate.startswith("+"):
        return "Start with + and the country code, as in +55 11 98765-4321."
    if number is None:
        return "This is not a phone number."
    length = phonenumbers.is_possible_number_with_reason(number)
    return _WRONG_LENGTHS.get(length, "No phone number begins like this: check the area code.")


def _with_ninth_digit(number: PhoneNumber) -> PhoneNumber:
    """The same number; an old Brazilian mobile number (area and eight digits from 6) with its 9."""
    national = phonenumbers.national_significant_number(number)
    if number.country_code != BRAZIL or len(national) != 10 or national[2] not in "6789":
        return number
    longer = PhoneNumber(country_code=BRAZIL, national_number=int(f"{national[:2]}9{national[2:]}"))
    return longer if phonenumbers.is_valid_number(longer) else number


def _without_former_one(number: PhoneNumber) -> PhoneNumber:
    """The same number; a Mexican one that was written with its country, a 1 and ten digits without the 1.

    None begins with a 1. Without its country, eleven digits from 1 are a North American number.
    """
    national = phonenumbers.national_significant_number(number)
    is_at_home = number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY
    if number.country_code != MEXICO or is_at_home or len(national) != 11 or national[0] != "1":
        return number
    shorter = PhoneNumber(country_code=MEXICO, national_number=int(national[1:]))
    return shorter if phonenumbers.is_valid_number(shorter) else number


def written_phone(e164: str) -> str:
    """A canonical number as people read it: +55 31 98888-4417."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return e164


def default_region(time_zone: str) -> str | None:
    """The country (ISO 3166) whose zone this is: how numbers without a country code are read.

    From the tz database's own zone.tab and its old names. None for UTC and zones at sea.
    """
    return _countries().get(time_zone)


@cache
def _countries() -> dict[str, str]:
    folder = resources.files("tzdata.zoneinfo")
    rows = (line.split("\t") for line in folder.joinpath("zone.tab").read_text("utf-8").splitlines())
    found = {row[2]: row[0] for row in rows if len(row) > 2 and not row[0].startswith("#")}
    links = (line.split() for line in folder.joinpath("tzdata.zi").read_text("utf-8").splitlines())
    for link in links:
        if link[0] == "L" and link[1] in found:
            found.setdefault(link[2], found[link[1]])
    return found


def takes_texts(e164: str) -> bool:
    """Can this number receive a text? Landlines and pagers cannot; where nobody can tell, it may."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return False
    return kind in _TAKE_TEXTS


def country_of(e164: str) -> str | None:
    """The country (ISO 3166) of a canonical number."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
