"""Which passwords are accepted: long ones, not on everybody's list, not the person's own address.

Length instead of composition rules, NFKC and a list of refused values follow NIST SP 800-63B, 5.1.1.2.
"""

import re
import unicodedata

from app.errors import Problem, problem

SHORTEST = 12  # characters: beyond what can be guessed online within the limits on sign-in
LONGEST = 256  # characters: checked before hashing, so that a megabyte of password costs nothing

# Long passwords that every published list holds; short ones fall to SHORTEST, patterns to _is_a_pattern.
_COMMON = """
123456789abc 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv q1w2e3r4t5y6 q1w2e3r4t5y6u7
zaq12wsxcde3 qazwsxedcrfv qwertyuiop123 qwertyuiop12 qwerty123456 qwertyqwerty asdfghjkl123
asdfghjklzxc zxcvbnmasdfg administrator letmeinletmein iloveyou1234 iloveyouforever iloveyousomuch
trustno1trustno1 welcome12345 changeme1234 correcthorsebatterystaple mypassword123 thisismypassword
passwordpassword password1234 unknownunknown masterofpuppets manchesterunited liverpoolfc1
christopher1 administrador senhasenhasenha minhasenha123 senhadificil senhasegura123 mudar1234567
mudarsenha123 brasilbrasil euteamomuito teamomuito123 jesuscristo1 jesuscristo123 deusefiel123
flamengo1981 corinthians1910 palmeiras1914 saopaulofc123 nossasenhora contrasena123 contraseña123
micontrasena micontraseña teamomucho123 administrador1 barcelona1899 realmadrid123 bienvenido123
mexicomexico
"""
_ROOTS = """
password passw0rd p@ssw0rd p@ssword senha contrasena contraseña qwerty qwertyuiop asdfgh asdfghjkl
zxcvbnm abc abcd admin administrator administrador root user usuario teste test welcome bienvenido
letmein iloveyou teamo changeme mudar master dragon monkey sunshine princess football baseball
superman batman brasil flamengo corinthians palmeiras barcelona realmadrid jesus deus google
facebook computer internet retorno secret segredo secreto
"""
_WHOLE = frozenset(_COMMON.split())
_STEMS = frozenset(_ROOTS.split())  # also refused with digits and signs before or after
_ROWS = (
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)


def normalised(password: str) -> str:
    """The form that is hashed: NFKC, so that one password typed on two keyboards is one password."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, email: str, field: str = "password") -> list[Problem]:
    """What is wrong with a new password for the account of `email`; an empty list when it can be used.

    Length is counted in characters after NFKC; the raw length is limited first:
    normalising can make a text eighteen times as long.
    """
    if len(password) > LONGEST or len(normalised(password)) > LONGEST:
        return [problem(field, "Use at most %(most)s characters.", most=LONGEST)]
    candidate = normalised(password)
    if len(candidate) < SHORTEST:
        return [
            problem(
                field,
                "Use at least %(least)s characters. A few words in a row are easy to remember.",
                least=SHORTEST,
            )
        ]
    if "\x00" in candidate:
        return [problem(field, "This password has a character that cannot be typed again.")]
    if _is_common(candidate) or _is_a_pattern(candidate):
        return [problem(field, "This password is on the lists that attackers try first. Choose another one.")]
    if _is_the_address(candidate, email):
        return [problem(field, "Your own address is too easy to guess. Choose another password.")]
    return []


def _is_common(candidate: str) -> bool:
    word = re.sub(r"\s", "", candidate.casefold())
    return word in _WHOLE or re.sub(r"^[\W\d_]+|[\W\d_]+$", "", word) in _STEMS


def _is_a_pattern(candidate: str) -> bool:
    """Few different characters, a short piece repeated, or a walk along alphabet, digits or keyboard."""
    word = candidate.casefold()
    if len(set(word)) < 5 or re.fullmatch(r"(.{1,8}?)\1+.?", word):
        return True
    rows = [row * 8 for row in _ROWS]
    return any(word in row or word in row[::-1] for row in rows)


def _is_the_address(candidate: str, email: str) -> bool:
    """True when, without the address or its parts, less is left than somebody could not try out."""
    word = candidate.casefold()
    address = normalised(email).casefold()
    local, _, domain = address.partition("@")
    for part in sorted({address, local, domain, domain.partition(".")[0]}, key=len, reverse=True):
        if len(part) >= 4:
            word = word.replace(part, "")
    return len(word) < min(6, len(candidate))
