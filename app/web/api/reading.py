"""Reads bodies and queries of the API: malformed JSON is 400, everything else that is wrong 422, by field."""

import hashlib
import json
import re
from typing import Any, NoReturn, TypeVar

from flask import Request, abort
from pydantic import BaseModel, ValidationError

from app.errors import Invalid, Problem, problem
from app.web import problems
from app.web.api.schemas import Body, Query

Model = TypeVar("Model", bound=BaseModel)
SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such field.",
}  # the others are pydantic's own
LONGEST_KEY = 255
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL's text holds neither, and SQLite should not
TOO_LARGE = 2**53  # whole numbers are exact below it in every JSON reader


def body_of(request: Request, model: type[Body] | None, *, optional: bool = False) -> Body | None:
    """The body as the route's model. Answers 400 for what is no JSON; raises Invalid."""
    raw = request.get_data()
    if model is None or (optional and not raw):
        if raw and _json(request, raw) != {}:
            raise Invalid([problem("body", "This takes no fields.")])
        return None
    return _read(model, _json(request, raw), "body")


def query_of(request: Request, model: type[Query] | None) -> Query | None:
    """The parameters as the route's model; each once, except lists. Raises Invalid."""
    fields = model.model_fields if model else {}
    given: dict[str, object] = {}
    for name, values in request.args.lists():
        many = name in fields and "list" in str(fields[name].annotation)
        if not many and len(values) > 1:
            raise Invalid([problem(name, "Say this once.")])
        given[name] = values if many else values[0]
    if model is None:
        if given:
            raise Invalid([problem(name, "There is no such field.") for name in given])
        return None
    return _read(model, given, "query")


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, if there is one. Raises Invalid."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip()
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        message = "A key has 1 to %(most)s visible ASCII characters."
        raise Invalid([problem("Idempotency-Key", message, most=LONGEST_KEY)])
    return key


def fingerprint_of(request: Request) -> str:
    """What the request asks for, whatever the order and spacing of its fields."""
    raw = request.get_data()
    said = json.dumps(json.loads(raw), sort_keys=True) if raw else ""
    return hashlib.sha256(f"{request.method}\n{request.path}\n{said}".encode()).hexdigest()


def _json(request: Request, raw: bytes) -> Any:
    if not request.is_json and raw:
        raise Invalid([problem("Content-Type", "Send application/json.")])
    try:
        return json.loads(raw, parse_constant=_no_number, parse_int=_whole, object_pairs_hook=_named_once)
    except (ValueError, RecursionError):
        abort(problems.plain(400, "The body is not JSON."))


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _whole(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)  # of thousands Python would refuse to read any


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _read(model: type[Model], given: object, whole: str) -> Model:
    if found := _unstorable(given):
        raise Invalid([found])
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(
            [
                Problem(".".join(str(part) for part in each["loc"]) or whole, _sentence(each))
                for each in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from None


def _sentence(error: Any) -> str:
    return SENTENCES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")


def _unstorable(given: object) -> Problem | None:
    """Where a NUL or half a surrogate pair stands, or a number that JSON's readers do not agree about."""
    waiting: list[tuple[str, object]] = [("", given)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str) and UNSTORABLE.search(value):
            return problem(place or "body", "This contains a character that nobody can store.")
        if isinstance(value, int | float) and not abs(value) < TOO_LARGE:
            return problem(place or "body", "This number is too large.")
        if isinstance(value, dict):
            waiting += [(place, name) for name in value]
            waiting += [(f"{place}.{name}".lstrip("."), each) for name, each in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}.{number}".lstrip("."), each) for number, each in enumerate(value)]
    return None
