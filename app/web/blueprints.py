"""Every page module, one line each."""

from flask import Blueprint

from app.web import answer_pages, pulse_pages
from app.web.console import home, surveys

RESPONDENT: tuple[Blueprint, ...] = (
    answer_pages.pages,
    pulse_pages.pages,
)  # their links are their authority: no session, no CSRF token

CONSOLE: tuple[Blueprint, ...] = (home.pages, surveys.pages)
