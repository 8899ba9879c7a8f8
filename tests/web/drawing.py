"""Draws a template without a server, with the values that the shell and the answer pages are given."""

from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.rendering import words
from app.rendering.assets import asset
from app.rendering.languages import language_of


def environment(flashes: tuple[tuple[str, str], ...] = ()) -> Environment:
    """As Flask's, but a name that nobody gave is an error."""
    drawn = Environment(
        loader=FileSystemLoader("templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn.globals.update(
        words.FOR_TEMPLATES,
        asset=asset,
        csrf_token=lambda: "token",
        get_flashed_messages=lambda with_categories: flashes,
    )
    return drawn


def spoken(code: str) -> dict[str, Any]:
    """The language and its functions, as the web gives them to every page."""
    language = language_of(code)
    return {"language": language, "_": language.gettext, "ngettext": language.ngettext, "request_id": None}


def shell(kind: str = "customers", code: str = "pt-BR", **values: Any) -> dict[str, Any]:
    """What the shell shows around a page."""
    place = SimpleNamespace(name="Aroeira", slug="aroeira", kind=kind, logo_url=None)
    return {
        **spoken(code),
        "who": SimpleNamespace(name="Camila Duarte", role="manager"),
        "workspace": place,
        "workspaces": (place,),
        "open_followups": 11,
        "sending_paused": False,
        "sandbox_on": False,
        "active": "home",
        "theme": None,
        "shortcuts": None,
    } | values


def draw(template: str, **values: Any) -> str:
    """The page of a template file."""
    return environment().get_template(template).render(**values)


def draw_text(source: str, flashes: tuple[tuple[str, str], ...] = (), **values: Any) -> str:
    """The page of a template given as text."""
    return environment(flashes).from_string(source).render(**values)
