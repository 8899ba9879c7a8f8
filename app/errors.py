"""The one tree of deliberate errors; app/web/errors.py maps each to HTTP in one place.

RetornoError
├── NotFound         unknown, or another workspace's: nobody can tell which
├── Unauthenticated  nobody is signed in, or the key is not one of ours
├── Forbidden        somebody is, but may not
├── Invalid          what was sent cannot be taken; carries one Problem per field
├── Conflict         somebody else was quicker, or the thing is in another state
├── TooMany          a limit on callers; carries when to try again
├── Unavailable      we cannot do it now and nothing was done; try again
└── Refusal          what an operator asked for cannot be done; the sentence is for a terminal, in English
"""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with one field, as an English sentence that catalogues translate."""

    field: str
    message: str
    params: dict[str, object] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


def problem(field_name: str, message: str, /, **params: object) -> Problem:
    """A problem; the second argument is extracted into the catalogues."""
    return Problem(field_name, message, params)


class RetornoError(Exception):
    """Anything that we refuse on purpose."""


class NotFound(RetornoError):
    """Unknown here. Another workspace's row raises the same."""


class Unauthenticated(RetornoError):
    """Nobody known is asking."""


class Forbidden(RetornoError):
    """Known, but without the role or scope."""


class Invalid(RetornoError):
    """Input that cannot be taken, with every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.field}: {each}" for each in self.problems))

    def by_field(self) -> dict[str, Problem]:
        """The first problem of each field, for a form."""
        found: dict[str, Problem] = {}
        for each in self.problems:
            found.setdefault(each.field, each)
        return found


class Conflict(RetornoError):
    """The world has moved on; the message says how, and is translated like a Problem's."""

    def __init__(self, message: str, /, **params: object) -> None:
        self.message = message
        self.params = params
        super().__init__(message % params if params else message)


class TooMany(RetornoError):
    """A limit on callers was reached."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"try again in {retry_after} seconds")


class Unavailable(RetornoError):
    """Not now, and nothing was done: the database is busy, or a setting is missing."""


class Refusal(RetornoError):
    """A command stops here and changed nothing; the sentence says what to do."""
