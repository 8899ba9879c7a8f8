"""The API as OpenAPI 3.1, made from the same routes and models that serve it."""

import inspect
import re
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from app.domain.access import SCOPES, least_role
from app.rendering.words import REASON_SENTENCES
from app.web.api.routes import Noun, Route

VERSION = "1"  # of the API: it only grows
ABOUT = """\
Every request carries `Authorization: Bearer <key>`. A key belongs to one workspace and sees no
other; its scopes say what it may do. An owner makes keys in the settings, or the operator with
`flask --app wsgi keys create`.

**Bodies** are JSON. Unknown fields and parameters are refused. Times are ISO 8601 with their zone,
and answered in UTC; ids are opaque; what refers to something else (`survey`, `contact`, …) is its
id.

**Errors** are RFC 9457 problem documents. Malformed JSON is 400; anything else that is wrong with a
request 422, with `errors: [{field, message}]`; no key 401; a missing scope 403; an unknown id, and
another workspace's, 404; 409 says that something is in another state. 429 says when to try again;
503 that nothing was done and you may try again.

**Pages**: `limit` and `cursor`; `next_cursor` is null on the last page. What comes in meanwhile is
neither skipped nor repeated.

**Once**: every POST takes an `Idempotency-Key`. The same request with the same key does nothing
more and reads what it made; another request with that key is 422. A key is kept for three days.

**Rates**: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` come with every response,
`Retry-After` with a 429.

**Reasons** why somebody was not asked, or a message did not arrive:

"""
REFUSALS = {
    400: "The body is not JSON.",
    401: "No key, or not one of ours.",
    403: "The key lacks the scope, or its maker had not the role.",
    404: "Unknown, or another workspace's.",
    409: "Something is in another state, or somebody was quicker.",
    413: "The body is too large.",
    422: "Something in the request is wrong; `errors` says what.",
    429: "Too many requests with this key; `Retry-After` says when to go on.",
    503: "Not now, and nothing was done.",
}
RATES = {
    "RateLimit-Limit": "Requests per minute.",
    "RateLimit-Remaining": "How many are left of them.",
    "RateLimit-Reset": "Seconds until all are there again.",
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
REF = "#/components/schemas/{model}"
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your word for this request: sent again, it does nothing more.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


@cache
def described(nouns: tuple[Noun, ...], prefix: str) -> dict[str, Any]:
    """The whole description, made once for each process."""
    routes = [route for noun in nouns for route in noun.routes]
    schemas = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Retorno", "version": VERSION, "description": ABOUT + _reasons()},
        "tags": [{"name": noun.name, "description": noun.about} for noun in nouns],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _scopes()}},
            "headers": {
                name: {"description": about, "schema": {"type": "integer"}} for name, about in RATES.items()
            },
        },
    }


def _reasons() -> str:
    return "\n".join(f"- `{code}`: {sentence}" for code, sentence in REASON_SENTENCES.items())


def _scopes() -> str:
    scopes = "\n".join(
        f"- `{scope}`, at least of a key made by the role {least_role(scope)}" for scope in SCOPES
    )
    return f"A key of one workspace, shown once when it is made. Its scopes:\n\n{scopes}"


def _operation(route: Route) -> dict[str, Any]:
    lines = inspect.cleandoc(route.view.__doc__ or route.name).split("\n\n", 1)
    found: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.noun],
        "summary": lines[0].replace("\n", " "),
        "description": "\n\n".join([*lines[1:], f"Scope: `{route.scope}`."]),
        "parameters": [_in_path(route, name) for name in route.values] + _in_query(route),
        "responses": _successes(route) | _refusals(route),
    }
    if route.method == "POST":
        found["parameters"].append(IDEMPOTENCY)
    if route.body is not None:
        found["requestBody"] = {
            "required": not route.body_is_optional,
            "content": {"application/json": {"schema": {"$ref": REF.format(model=route.body.__name__)}}},
        }
    return found


def _in_path(route: Route, name: str) -> dict[str, Any]:
    kind = inspect.signature(route.view).parameters[name].annotation
    return {"name": name, "in": "path", "required": True, "schema": TypeAdapter(kind).json_schema()}


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = _tidied(route.query.model_json_schema(ref_template=REF))
    found = []
    for name, field in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        if "description" in field:
            parameter["description"] = field.pop("description")
        found.append(parameter | {"schema": _not_null(field)})
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; it has no way to be null."""
    kinds = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    return {**schema, **kinds[0]} if kinds else schema


def _successes(route: Route) -> dict[str, Any]:
    if route.gives is None:
        return {"204": {"description": "Done.", "headers": _rates()}}
    content = {"application/json": {"schema": {"$ref": REF.format(model=_name(route.gives))}}}
    return {
        str(status): {"description": "Done.", "headers": _rates(), "content": content}
        for status in sorted({route.status, *route.also})
    }


def _refusals(route: Route) -> dict[str, Any]:
    statuses = {401, 403, 422, 429, 503}
    if route.method in ("POST", "PATCH", "DELETE"):
        statuses |= {400, 409, 413}
    if route.values or route.method == "POST":
        statuses.add(404)
    content = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    return {str(each): {"description": REFUSALS[each], "content": content} for each in sorted(statuses)}


def _rates() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in RATES}


def _schemas(routes: list[Route]) -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Any]] = []
    for route in routes:
        models += [
            (model, mode)
            for model, mode in ((route.body, "validation"), (route.gives, "serialization"))
            if model
        ]
    _, found = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)
    schemas = {_plain(name): schema for name, schema in found.get("$defs", {}).items()}
    return {name: _tidied(schema) for name, schema in schemas.items()}


def _name(model: type[BaseModel]) -> str:
    return _plain(re.sub(r"\W", "_", model.__name__))


def _plain(name: str) -> str:
    """`PageOf_Contact_`, as pydantic calls it, is a ContactPage."""
    return re.sub(r"PageOf_(\w+?)_$", r"\1Page", name)


def _tidied(schema: Any) -> Any:
    """Without titles that repeat names, and without the null that stands for an absent field."""
    if isinstance(schema, list):
        return [_tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if (name == "title" and isinstance(value, str)) or (name == "default" and value is None):
            continue
        if name == "$ref":
            found[name] = REF.format(model=_plain(value.rsplit("/", 1)[-1]))
        elif name == "properties":
            found[name] = {key: _tidied(each) for key, each in value.items()}
        else:
            found[name] = _tidied(value)
    return found
