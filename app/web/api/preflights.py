"""/schedules/{id}/preflight: what a schedule would send, to how many, at what cost, and what is missing."""

from decimal import Decimal

from pydantic import Field

from app.domain.preflight import Finding as Found
from app.domain.preflight import Texts as Counted
from app.services import preflight
from app.services.preflight import Report
from app.web.api.routes import Call, Made
from app.web.api.schedules import NewSchedule, schedules
from app.web.api.schemas import Channel, Resource
from app.web.api.segments import not_kept

SCHEDULES = schedules  # with the routes below
MONEY = "In the currency of SMS_PRICES, as a decimal; null where a price is unknown."


class Finding(Resource):
    """One thing to know before it begins."""

    code: str
    serious: bool = Field(description="Nobody would be asked, or nothing could be said to them.")
    number: int = Field(description="How many people (of segments: segments) it is about.")
    facts: dict[str, str]


class Reached(Resource):
    """People who would be asked on one channel in one language."""

    channel: Channel
    locale: str
    people: int


class Sample(Resource):
    """The message of one of them. What stands where its links will leads nowhere."""

    channel: Channel
    locale: str
    people: int | None = Field(description="Who get one like it; null where they are not counted.")
    contact: str
    subject: str
    text: str


class Texts(Resource):
    """Text messages in one language; the whole is an estimate by texts that were written."""

    locale: str
    people: int
    segments: int
    segments_without_costly_letters: int
    most_segments_each: int
    money: str | None = Field(description=MONEY)


class Budget(Resource):
    """What is left of today."""

    segments: int
    money: str | None = Field(description=MONEY)


class Preflight(Resource):
    """What launching would mean now."""

    ready: bool = Field(description="Nothing serious stands in the way.")
    asked: int | None = Field(description="Null: to count them takes too long just now.")
    not_asked: int | None
    reasons: dict[str, int]
    groups: list[Reached]
    samples: list[Sample]
    texts: list[Texts]
    budget: Budget | None = Field(description="Of text messages, where some would leave.")
    findings: list[Finding]


@schedules.get("/schedules/{id}/preflight", "schedules:read", Preflight)
def preflight_schedule(call: Call, id: str) -> object:
    """Real messages for real people, numbers, costs, and what is missing. Writes nothing."""
    return _shown(preflight.of_schedule(call.runtime, call.who, id))


@schedules.post("/schedules/preflight", "schedules:write", not_kept, Preflight, 200)
def preflight_new_schedule(call: Call, body: NewSchedule) -> Made:
    """The same of a schedule that would be created with this body. Nothing is kept."""
    return Made("", 200, shown=_shown(preflight.of_draft(call.runtime, call.who, body.given())))


def _shown(report: Report) -> dict[str, object]:
    told, budget = report.preview, report.budget
    return {
        "ready": report.is_ready,
        "asked": told and told.asked,
        "not_asked": told and told.total - told.asked,
        "reasons": dict(told.not_asked) if told else {},
        "groups": [
            {"channel": each.channel, "locale": each.locale, "people": each.people} for each in report.groups
        ],
        "samples": [
            {
                "channel": each.channel, "locale": each.locale, "people": each.people,
                "contact": each.contact_id, "subject": each.subject, "text": each.text,
            }
            for each in report.samples
        ],
        "texts": [_texts(each) for each in report.texts],
        "budget": budget and {"segments": budget.segments, "money": _money(budget.money)},
        "findings": [_finding(each) for each in report.findings],
    }  # fmt: skip


def _texts(each: Counted) -> dict[str, object]:
    return {
        "locale": each.locale,
        "people": each.people,
        "segments": each.segments,
        "segments_without_costly_letters": each.plain_segments,
        "most_segments_each": each.each,
        "money": _money(each.money),
    }


def _finding(each: Found) -> dict[str, object]:
    return {
        "code": each.code, "serious": each.is_serious, "number": each.number, "facts": dict(each.facts),
    }  # fmt: skip


def _money(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}"
