"""/answers and /metrics: what people said, and what it adds up to."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.errors import Invalid, NotFound, problem
from app.services import answers as rows
from app.services import metrics
from app.services.answer_rows import Wanted
from app.services.counting import Filters
from app.web.api.routes import Call, noun
from app.web.api.schemas import Id, MetricName, Moment, Paged, PageOf, Query, Resource, Word, absent

answers = noun(
    "Answers and metrics", "What customers said, and what it adds up to. Answers of pulses are never listed."
)

Band = Literal[
    "promoter", "passive", "detractor", "satisfied", "neutral", "dissatisfied", "easy", "high_effort"
]  # fmt: skip


def _pairs(values: list[str]) -> list[str]:
    if any(":" not in value.strip(":") for value in values):
        raise ValueError("Say name:value, as plan:gold.")
    return values


Attributes = Annotated[
    list[Word], AfterValidator(_pairs), Field(description="name:value, as plan:gold; may be repeated.")
]


class Counted(Query):
    """Which answers count."""

    survey: Id | None = None
    channel: Word | None = None
    contact: Id | None = None
    since: Moment | None = Field(None, description="From this moment on.")
    until: Moment | None = Field(None, description="Before this moment.")
    attribute: Attributes = []  # noqa: RUF012 - pydantic copies it


class AnswersQuery(Paged, Counted):
    """Which answers."""

    metric: MetricName | None = None
    band: Band | None = None
    changed_since: Moment | None = Field(
        None,
        description="Those that came or changed from this moment on, in that order. One may come again: "
        "deduplicate by id.",
    )


class Answer(Resource):
    """One answer to one invitation, as it stands now."""

    id: str
    survey: str
    metric: MetricName
    score: int
    band: Band
    comment: str | None
    channel: str
    contact: str
    invitation: str
    recorded_at: Moment
    updated_at: Moment


class Change(Resource):
    """Compared with the same length of time before `since`, or with the pulse before."""

    difference: int | None
    verdict: Literal["up", "down", "unclear"]
    needed: int | None = Field(description="How many more answers would tell, when it is unclear.")


class Reading(Resource):
    """A score with its interval; null where there is none. Which counts it has depends on the metric."""

    metric: MetricName
    score: int | None
    n: int | None
    low: int | None = Field(description="The 95 % interval.")
    high: int | None
    promoters: int | None = None
    passives: int | None = None
    detractors: int | None = None
    satisfied: int | None = None
    neutral: int | None = None
    dissatisfied: int | None = None
    easy: int | None = None
    high_effort: int | None = None
    mean: float | None = Field(None, description="CES.")
    response_rate: float | None = Field(description="0 to 1, of those whom the question reached.")
    change: Change
    hidden: Literal["open", "fewer_than_5", "protects_another"] = absent(
        "Why there is nothing to see (e-NPS)."
    )


class Group(Reading):
    """The answers that share a value."""

    group: str | None


class Metrics(Reading):
    """A metric, and where it was asked for, its groups."""

    groups: list[Group] = absent("The largest first.")


class MetricsQuery(Counted):
    """Which answers, and how to group them."""

    group_by: Word | None = Field(None, description="survey, channel, or attribute. and its name.")
    pulse: Id | None = Field(None, description="enps: which one; by default the last that closed.")


def _filters(query: Counted) -> Filters:
    pairs = dict(pair.split(":", 1) for pair in query.attribute)
    return Filters(query.survey, query.contact, query.channel, query.since, query.until, pairs)


@answers.get("/answers", "answers:read", PageOf[Answer])
def list_answers(call: Call, query: AnswersQuery) -> object:
    """Answers that count, the latest first; with `changed_since`, in the order in which they changed."""
    wanted = Wanted(_filters(query), query.metric, query.band, query.changed_since)
    page = rows.listed(call.runtime, call.who, wanted, query.cursor, query.limit)
    return {"items": [line.to_json() for line in page.items], "next_cursor": page.next_cursor}


@answers.get("/metrics/{metric}", "metrics:read", Metrics)
def get_metric(call: Call, metric: MetricName, query: MetricsQuery) -> object:
    """nps, csat, ces, or in a people workspace enps, of one pulse.

    `since` and `until` choose answers by the moment they came, and the response rate by the day of asking.
    """
    if metric != "enps":
        if query.pulse is not None:
            raise Invalid([problem("pulse", "Only e-NPS is of a pulse.")])
        return metrics.metric(call.runtime, call.who, metric, _filters(query), query.group_by).to_json()
    if not call.who.is_people:
        raise NotFound
    others = set(query.model_fields_set) - {"pulse"}
    if others:
        message = "e-NPS is of one pulse, of everybody."
        raise Invalid([problem(name, message) for name in sorted(others)])
    return metrics.pulse_metric(call.runtime, call.who, query.pulse).to_json()
