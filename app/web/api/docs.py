"""The API for people and for programs: /api/docs, a page made from the description, and the description."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, json, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from app.web.policy import runtime_of

Schema = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One field or parameter."""

    name: str
    kind: Markup
    needed: bool
    about: str


@dataclass(frozen=True)
class Operation:
    """One method at one path."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: list[Field]
    body: list[Field]
    gives: Markup
    statuses: list[str]


@dataclass(frozen=True)
class Section:
    """What belongs together: a noun with its operations, or a model with its fields."""

    id: str
    name: str
    about: str
    operations: list[Operation]
    fields: list[Field]


def as_json(description: Schema) -> Response:
    """The description as a file."""
    return Response(json.dumps(description), content_type="application/json")


def page(description: Schema) -> ResponseReturnValue:
    """The description as a page."""
    return render_template(
        "console/api/docs.html",
        about=prose(description["info"]["description"]),
        scopes=prose(description["components"]["securitySchemes"]["key"]["description"]),
        nouns=_nouns(description),
        models=_models(description["components"]["schemas"]),
        prose=prose,
        address=runtime_of().config.public_url,
    )


def prose(text: str) -> Markup:
    """Paragraphs, lists, `code` and **strong** words, everything else as it stands."""
    blocks = [block for block in text.strip().split("\n\n") if block]
    return Markup("\n").join(_block(block) for block in blocks)


def _block(block: str) -> Markup:
    lines = block.split("\n")
    if all(line.startswith("- ") for line in lines):
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(_line(each[2:])) for each in lines)
        )
    return Markup("<p>{}</p>").format(_line(" ".join(lines)))


def _line(text: str) -> Markup:
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked))  # noqa: S704 - escaped above


def _nouns(description: Schema) -> list[Section]:
    schemas = description["components"]["schemas"]
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in description["tags"]}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            found[operation["tags"][0]].append(_operation(method, path, operation, schemas))
    abouts = {tag["name"]: tag["description"] for tag in description["tags"]}
    return [Section(_anchor(name), name, abouts[name], each, []) for name, each in found.items()]


def _operation(method: str, path: str, operation: Schema, schemas: Schema) -> Operation:
    body = operation.get("requestBody")
    sent = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1] if body else None
    contents = [each["content"] for each in operation["responses"].values() if "content" in each]
    given = next(
        (each["application/json"]["schema"] for each in contents if "application/json" in each), None
    )
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=operation["description"],
        parameters=[
            Field(
                each["name"], _kind(each["schema"]), each.get("required", False), _about(each, each["schema"])
            )
            for each in operation["parameters"]
        ],
        body=_fields(schemas[sent]) if sent else [],
        gives=_kind(given) if given else Markup(""),
        statuses=list(operation["responses"]),
    )


def _models(schemas: Schema) -> list[Section]:
    return [
        Section(_anchor(f"model-{name}"), name, schema.get("description", ""), [], _fields(schema))
        for name, schema in sorted(schemas.items())
        if not name.endswith("Page")
    ]


def _fields(schema: Schema) -> list[Field]:
    needed = schema.get("required", [])
    return [
        Field(name, _kind(each), name in needed, _about(each, each))
        for name, each in schema.get("properties", {}).items()
    ]


def _about(said: Schema, schema: Schema) -> str:
    about = said.get("description", "")
    default = schema.get("default")
    return (
        f"{about} By default `{json.dumps(default)}`.".strip() if default not in (None, "", [], {}) else about
    )


def _kind(schema: Schema) -> Markup:
    """What a value may be, in words; models are links."""
    if "$ref" in schema:
        return _link(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema or "enum" in schema:
        return _literal(schema.get("enum") or [schema["const"]])
    several = schema.get("anyOf") or schema.get("oneOf")
    return Markup(" or ").join(_kind(each) for each in several) if several else _plain_kind(schema)


def _plain_kind(schema: Schema) -> Markup:
    kinds = schema.get("type", "anything")
    if kinds == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    if kinds == "object" and isinstance(schema.get("additionalProperties"), dict):
        return Markup("object of {}").format(_kind(schema["additionalProperties"]))
    if kinds == "object" and "properties" in schema:
        return Markup("object with {}").format(_literal(schema["properties"]))
    return escape(schema.get("format") or (" or ".join(kinds) if isinstance(kinds, list) else kinds))


def _link(name: str) -> Markup:
    if name.endswith("Page"):
        return Markup("page of {}").format(_link(name.removesuffix("Page")))
    return Markup('<a href="#{}">{}</a>').format(_anchor(f"model-{name}"), name)


def _literal(values: Iterable[object]) -> Markup:
    return Markup(", ").join(Markup("<code>{}</code>").format(value) for value in values)


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
