"""Every page module, one line each."""

from flask import Blueprint

from app.web import answer_pages, hooks, pulse_pages
from app.web.console import (
    account,
    answers,
    api_keys,
    asking,
    audiences,
    audit,
    channels,
    contact_imports,
    contacts,
    followups,
    home,
    members,
    preflights,
    privacy,
    pulses,
    reading,
    sandbox,
    schedules,
    settings,
    sign_in,
    survey_tests,
    surveys,
    telegram_links,
    whatsapp_templates,
)

RESPONDENT: tuple[Blueprint, ...] = (
    answer_pages.pages,
    pulse_pages.pages,
    hooks.pages,
)  # their links are their authority: no session, no CSRF token

CONSOLE: tuple[Blueprint, ...] = (
    home.pages,
    surveys.pages,
    followups.pages,
    answers.pages,
    pulses.pages,
    schedules.pages,
    preflights.pages,
    survey_tests.pages,
    asking.pages,
    sandbox.pages,
    contacts.pages,
    audiences.pages,
    contact_imports.pages,
    sign_in.pages,
    account.pages,
    settings.pages,
    members.pages,
    api_keys.pages,
    channels.pages,
    audit.pages,
    privacy.pages,
    telegram_links.pages,
    whatsapp_templates.pages,
    reading.pages,
)
