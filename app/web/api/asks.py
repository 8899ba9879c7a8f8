"""/contacts/{id}/asks: why a contact was asked a survey, or not, in words as well."""

from typing import Literal

from flask import request
from pydantic import Field

from app.domain.looks import Look
from app.rendering.languages import LOCALES, Language, language_of
from app.rendering.look_words import look_words, now_words
from app.services import looks
from app.services.access import Visitor
from app.web.api.contacts import contacts
from app.web.api.routes import Call
from app.web.api.schemas import Id, Moment, Query, Resource

Outcome = Literal[
    "asked", "not_asked", "run_skipped", "run_missed", "run_cancelled", "not_here_yet", "inactive",
    "will_be_inactive", "not_an_employee", "not_asked_before", "not_meant", "will_not_be_meant",
    "will_not_be_asked",
    "not_their_turn", "not_meant_then", "to_come", "paused", "under_way", "waits_for_event",
]  # fmt: skip


def reader(who: Visitor) -> Language:
    """The language that was asked for, if we speak it; else the workspace's."""
    return language_of(request.accept_languages.best_match(LOCALES) or who.locale)


class AskOfRun(Resource):
    """One run, and what became of this contact in it, or what will."""

    at: Moment
    outcome: Outcome
    run: str | None = Field(description="Its id; null while it has not come due.")
    schedule: str | None
    invitation: str | None
    state: str | None = Field(description="Of the invitation, else of the run.")
    reason: str | None
    until: Moment | None
    explanation: str


class Asks(Resource):
    """May they be asked this survey now, on any channel, and how the last runs looked at them."""

    survey: str
    eligible: bool
    reason: str | None
    until: Moment | None
    explanation: str
    items: list[AskOfRun] = Field(description="What is to come, then the last runs, the latest first.")


class AsksQuery(Query):
    """About which survey."""

    survey: Id


@contacts.get("/contacts/{id}/asks", "contacts:read", Asks)
def asks_of_contact(call: Call, id: str, query: AsksQuery) -> object:
    """Why this contact was asked this survey, or not.

    `explanation` is in the language of Accept-Language, else in the workspace's.
    """
    told = looks.explain(call.runtime, call.who, id, query.survey)
    language, verdict = reader(call.who), told.eligibility
    return {
        "survey": told.survey,
        "eligible": verdict.reason is None,
        "reason": verdict.reason,
        "until": verdict.until,
        "explanation": now_words(language, verdict, call.who.time_zone),
        "items": [_item(language, verdict.name, each, call.who.time_zone) for each in told.looks],
    }


def _item(language: Language, name: str, look: Look, zone: str) -> dict[str, object]:
    return {
        "at": look.at,
        "outcome": look.code,
        "run": look.run,
        "schedule": look.schedule,
        "invitation": look.invitation,
        "state": look.state,
        "reason": look.reason,
        "until": look.until,
        "explanation": look_words(language, name, look, zone),
    }
