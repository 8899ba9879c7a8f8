"""Every page module, one line each."""

from flask import Blueprint

RESPONDENT: tuple[Blueprint, ...] = ()  # their links are their authority: no session, no CSRF token

CONSOLE: tuple[Blueprint, ...] = ()
