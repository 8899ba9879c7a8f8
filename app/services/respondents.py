"""What a respondent sees behind a link: which step, in which words. Reading only; arrival writes."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain import dialogue
from app.domain.dialogue import Step
from app.domain.metrics import RULES, BadScore, Band, Metric, read_score, tone
from app.domain.placeholders import Segments, fill, parse, values_for
from app.errors import NotFound
from app.rendering.assets import logo_path
from app.runtime import Runtime
from app.services import standing
from app.services.standing import Found


@dataclass(frozen=True)
class Sheet:
    """One page for one person: the step and every word on it."""

    step: Step
    locale: str
    metric: Metric
    workspace_name: str
    logo_url: str | None
    question: str
    low_label: str
    high_label: str
    choices: range
    selected: int | None
    score: int | None
    followup_question: str
    comment: str | None
    contact_me: bool
    thanks: str
    returns_by: datetime | None  # in the workspace's zone
    editable_until: datetime | None


def sheet(runtime: Runtime, token: str, wish: str | None = None, pressed: str | None = None) -> Sheet:
    """The page behind an answer link; `pressed` is the score of a mail's button. Raises NotFound."""
    now = runtime.clock()
    found = standing.look_up(runtime.db, token, "answer")
    if found is None:
        raise NotFound
    selected = _selected(found.metric, pressed)
    step = dialogue.next_step(
        found.standing(runtime.config.sandbox_on), now, wish, preselected=selected is not None
    )
    if step is Step.GONE:
        raise NotFound
    locale, texts = standing.look_up_words(runtime.db, found.version_id, found.locale, found.workspace_locale)
    band_tone = tone(Band(found.band)) if found.band else "flat"
    values = values_for(found.workspace_name, found.contact_name, found.attributes)
    rule = RULES[found.metric]
    zone = ZoneInfo(found.time_zone)
    return Sheet(
        step=step,
        locale=locale,
        metric=found.metric,
        workspace_name=found.workspace_name,
        logo_url=logo_path(found.logo_id),
        question=fill(_segments(texts.question), values),
        low_label=fill(_segments(texts.low_label), values),
        high_label=fill(_segments(texts.high_label), values),
        choices=range(rule.low, rule.high + 1),
        selected=found.score if selected is None else selected,
        score=found.score,
        followup_question=fill(_segments(texts.followup(band_tone)), values),
        comment=found.comment,
        contact_me=bool(found.contact_me),
        thanks=fill(_segments(texts.thanks(band_tone)), values),
        returns_by=found.first_contact_due_at.astimezone(zone) if found.first_contact_due_at else None,
        editable_until=_editable_until(found, zone),
    )


def _selected(metric: Metric, pressed: str | None) -> int | None:
    """The score in a mail's link, when it is one; anything else preselects nothing."""
    if pressed is None:
        return None
    try:
        return read_score(metric, pressed)
    except BadScore:
        return None


def _editable_until(found: Found, zone: ZoneInfo) -> datetime | None:
    if found.recorded_at is None:
        return None
    return (found.recorded_at + dialogue.EDITABLE).astimezone(zone)


@lru_cache(maxsize=2_000)
def _segments(text: str) -> Segments:
    return parse(text)
