"""The API under /api/v1: bodies by pydantic, one verb each, described by OpenAPI 3.1."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect


def register(app: Flask, csrf: CSRFProtect) -> None:
    """The resources; keys are their authority, so they take no CSRF token."""
