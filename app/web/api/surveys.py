"""/surveys: the questions, their texts by language, and publishing them."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.services import survey_sheets
from app.services import surveys as verbs
from app.services.survey_sheets import Sheet
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Locale, MetricName, Moment, Paged, PageOf, Resource, absent

surveys = noun(
    "Surveys", "A metric question with its texts in three languages; publishing freezes a version."
)


class Texts(Body):
    """Texts of one language; what is absent stays."""

    subject: str = absent("Of the e-mail.")
    greeting: str = absent("Above the question in an e-mail.")
    question: str = absent()
    low_label: str = absent("What the lowest score means.")
    high_label: str = absent("What the highest score means.")
    followup_up: str = absent("The second question, after a high score.")
    followup_flat: str = absent("After one in the middle.")
    followup_down: str = absent("After a low one.")
    thanks_up: str = absent()
    thanks_flat: str = absent()
    thanks_down: str = absent()
    reminder_subject: str = absent("Of an e-mail that reminds; empty: ready words, as in the next two.")
    reminder_greeting: str = absent("Above the question in it, instead of the greeting.")
    reminder_chat: str = absent("Before the question, in a text message or chat that reminds.")


class NewSurvey(Body):
    """Name and metric are enough: the texts of the metric are ready in all three languages."""

    name: str
    metric: MetricName = Field(description="enps in a people workspace; the others in a customers workspace.")
    question: dict[Locale, str] = absent("The question by language, instead of the ready one.")
    texts: dict[Locale, Texts] = absent("Any of the texts by language.")


class SurveyChanges(Body):
    """What is absent stays. People see a change only after publishing."""

    name: str = absent()
    question: dict[Locale, str] = absent()
    texts: dict[Locale, Texts | None] = absent("Null leaves a language out.")
    opens_followup: bool = absent("Does a low score open a follow-up? Never for enps.")
    revision: int = absent("The one that you read: 409 when somebody has saved since.")


class Survey(Resource):
    """A survey as it is being written; `published_version` is what people are shown."""

    id: str
    name: str
    metric: MetricName
    question: dict[str, str] = Field(description="By language.")
    texts: dict[str, dict[str, str]] = Field(description="Everything that it says, by language.")
    opens_followup: bool
    published_version: int | None = Field(description="Null before the first publishing.")
    published_at: Moment | None
    changed: bool = Field(description="Is there something that has not been published?")
    archived_at: Moment | None
    revision: int


def _shown(sheet: Sheet) -> dict[str, object]:
    live = sheet.live
    return {
        "id": sheet.id,
        "name": sheet.name,
        "metric": sheet.metric.value,
        "question": {locale: texts.question for locale, texts in sheet.texts.items()},
        "texts": {locale: texts.to_json() for locale, texts in sheet.texts.items()},
        "opens_followup": sheet.opens_followup,
        "published_version": live and live.number,
        "published_at": live and live.published_at,
        "changed": sheet.changed,
        "archived_at": sheet.archived_at,
        "revision": sheet.revision,
    }


def one(call: Call, id: str) -> dict[str, object]:
    return _shown(survey_sheets.get(call.runtime, call.who, id))


@surveys.post("/surveys", "surveys:write", one, Survey)
def create_survey(call: Call, body: NewSurvey) -> Made:
    """A new survey with ready-made texts; it is not published yet."""
    texts = _texts(body.given())
    id = verbs.create(call.runtime, call.who, body.name, body.metric, texts=texts, once=call.once)
    return Made(id)


@surveys.get("/surveys", "surveys:read", PageOf[Survey])
def list_surveys(call: Call, query: Paged) -> object:
    """Every survey, those in the archive as well, the oldest first."""
    page = survey_sheets.listed(call.runtime, call.who, query.cursor, query.limit)
    return {"items": [_shown(sheet) for sheet in page.items], "next_cursor": page.next_cursor}


@surveys.get("/surveys/{id}", "surveys:read", Survey)
def get_survey(call: Call, id: str) -> object:
    """One survey."""
    return one(call, id)


@surveys.patch("/surveys/{id}", "surveys:write", Survey)
def edit_survey(call: Call, id: str, body: SurveyChanges) -> object:
    """Change the draft of a survey; answers belong to the version that was shown."""
    given = body.given()
    verbs.edit(
        call.runtime, call.who, id, given.get("revision"), name=given.get("name"),
        opens_followup=given.get("opens_followup"), texts=_texts(given),
    )  # fmt: skip
    return one(call, id)


@surveys.post("/surveys/{id}/publication", "surveys:write", one, Survey)
def publish_survey(call: Call, id: str) -> Made:
    """Freeze the draft as the next version; from now on people are shown that one. Twice is harmless."""
    verbs.publish(call.runtime, call.who, id, once=call.once)
    return Made(id)


def _texts(given: Mapping[str, Any]) -> dict[str, Any]:
    """`question` is one of the texts, said shorter."""
    texts: dict[str, Any] = dict(given.get("texts", {}))
    for locale, question in given.get("question", {}).items():
        texts[locale] = {**(texts.get(locale) or {}), "question": question}
    return texts
