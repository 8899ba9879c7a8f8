"""The common ways to write an address, read without the libraries that know all of them.

What is read here is read there alike (a property test compares); None says nothing, the library decides.
"""

import re
from dataclasses import dataclass
from functools import cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, country_code_for_region
from phonenumbers.phonemetadata import PhoneNumberDesc

BRAZIL = 55

# Letters and digits with single signs between them; no label here can be one of IDNA's, with its two hyphens
_EMAIL = re.compile(
    r"([A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*)@((?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,63})", re.ASCII
)
_RESERVED = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)
_PHONE = re.compile(r"\+?[0-9(][0-9 ().-]*[0-9]", re.ASCII)
_SIGNS = str.maketrans("", "", " ().-")


def plain_email(text: str) -> tuple[str, str] | None:
    """What stands before and after the @ of an address in plain letters and digits."""
    found = _EMAIL.fullmatch(text)
    if found is None or len(text) > 254:
        return None
    local, domain = found[1], found[2].lower()
    if len(local) > 64 or domain.rpartition(".")[2] in _RESERVED:
        return None
    if len(domain) > 63 and any(len(label) > 63 for label in domain.split(".")):
        return None
    return local, domain


def plain_phone(text: str, region: str | None) -> str | None:
    """The E.164 form of a mobile number written with its country code, or in full in `region`."""
    if len(text) > 30 or _PHONE.fullmatch(text) is None:
        return None
    digits = text.translate(_SIGNS)
    if digits[0] == "+":
        for length in (2, 3, 1):
            mobiles = _mobiles(digits[1 : length + 1])
            if mobiles is not None:
                return digits if mobiles.holds(digits[length + 1 :]) else None
        return None
    home = _home(region) if region else None
    if home is None or not home.holds(digits) or home.dialled_abroad(digits):
        return None
    return f"+{home.code}{digits}"


@dataclass(frozen=True)
class _Mobiles:
    """The mobile numbers of one country, by the library's own patterns."""

    code: str
    lengths: frozenset[int]
    wanted: tuple[re.Pattern[str], ...]  # all of them
    unwanted: tuple[re.Pattern[str], ...]  # none of them: numbers that cost the caller
    prefix: re.Pattern[str] | None  # what is dialled before a number inside the country
    abroad: re.Pattern[str] | None

    def holds(self, national: str) -> bool:
        """Is it one of them, with nothing that the library would take away or add?"""
        if len(national) not in self.lengths or national[0] == "0":
            return False
        if self.prefix is not None and (before := self.prefix.match(national)) and before.end():
            return False
        return all(each.fullmatch(national) for each in self.wanted) and not any(
            each.fullmatch(national) for each in self.unwanted
        )

    def dialled_abroad(self, national: str) -> bool:
        return self.abroad is not None and self.abroad.match(national) is not None


@cache
def _home(region: str) -> _Mobiles | None:
    return _mobiles(str(country_code_for_region(region)))


@cache
def _mobiles(code: str) -> _Mobiles | None:
    """Countries that share their code with others are left to the library, which tells them apart."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ())
    if len(regions) != 1 or (data := PhoneMetadata.metadata_for_region(regions[0], None)) is None:
        return None
    if data.mobile is None or data.general_desc is None:
        return None
    lengths = frozenset(data.mobile.possible_length) & frozenset(data.general_desc.possible_length)
    wanted = tuple(each for each in map(_pattern, (data.general_desc, data.mobile)) if each)
    services = (data.premium_rate, data.toll_free, data.shared_cost, data.uan)
    if len(wanted) < 2 or not lengths:
        return None
    return _Mobiles(
        code=code,
        # An old Brazilian number gains its ninth digit, which is not done here; a Mexican one that loses its
        # former 1 is longer than any here
        lengths=lengths - {10} if int(code) == BRAZIL else lengths,
        wanted=wanted,
        unwanted=tuple(each for each in map(_pattern, services) if each),
        prefix=_compiled(data.national_prefix_for_parsing),
        abroad=_compiled(data.international_prefix),
    )


def _pattern(desc: PhoneNumberDesc | None) -> re.Pattern[str] | None:
    return _compiled(desc.national_number_pattern) if desc is not None else None


def _compiled(words: str | None) -> re.Pattern[str] | None:
    return re.compile(words) if words else None
