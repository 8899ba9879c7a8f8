"""How a command gets at the runtime."""

from typing import cast

from flask import current_app

from app.runtime import Runtime


def runtime_of() -> Runtime:
    """The runtime that wsgi.py built."""
    return cast(Runtime, current_app.extensions["runtime"])
