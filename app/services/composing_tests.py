"""What a survey says that a member sends to themselves: the real words, marked, with a link to a preview."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from app.domain.anonymity import DEFAULT_ANSWERS, DEFAULT_COMMENTS
from app.domain.metrics import Metric
from app.domain.placeholders import fill, parse, values_for
from app.domain.survey_texts import SurveyTexts
from app.rendering import chats, mails, trial_words
from app.rendering.chats import Asking
from app.rendering.languages import language_of
from app.rendering.mail_drafts import Letterhead
from app.rendering.mails import PulseTerms
from app.rendering.mime import MailForm
from app.runtime import Runtime
from app.services.departing import Departing

SAMPLE_PULSE = timedelta(days=14)  # how long the pulse of a test stays open


@dataclass(frozen=True)
class Tested:
    """What a test says, frozen in its row as it was asked for."""

    survey_id: str
    live: bool
    metric: str
    texts: dict[str, str]
    marked_in: str  # the member's own language
    name: str  # of the member, in the place of a person's

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, each: Departing) -> "Tested":
        return cls(**json.loads(each.body or "{}"))


def mail(
    runtime: Runtime, each: Departing, letterhead: Letterhead, tested: Tested
) -> tuple[MailForm, dict[str, str]]:
    """The form that real ones are filled from, and what fills it."""
    texts = trial_words.marked(SurveyTexts.from_json(tested.texts), language_of(tested.marked_in))
    metric = Metric(tested.metric)
    if metric is Metric.ENPS:
        terms = PulseTerms((each.created_at + SAMPLE_PULSE).date(), DEFAULT_ANSWERS, DEFAULT_COMMENTS)
        form = mails.pulse_mail(letterhead, texts, each.locale, terms, reminder=False)
    else:
        form = mails.survey_mail(letterhead, texts, metric, each.locale, reminder=False)
    link = _preview(runtime, each, tested)
    return form, _values(each, tested) | {"link": link, "unsubscribe": link}


def text(runtime: Runtime, each: Departing, tested: Tested) -> str:
    """A chat message; no buttons, for a button of ours records."""
    values = _values(each, tested)
    said = SurveyTexts(**{name: fill(parse(words), values) for name, words in tested.texts.items()})
    asking = Asking(each.workspace_name or "", Metric(tested.metric), said)
    link, own = _preview(runtime, each, tested), language_of(tested.marked_in)
    words = chats.question(asking, language_of(each.locale), each.channel).replace(chats.LINK, link)
    return "\n".join((trial_words.mark(own), words, trial_words.link_line(own, link)))


def _values(each: Departing, tested: Tested) -> dict[str, str]:
    return values_for(each.workspace_name or "", tested.name)


def _preview(runtime: Runtime, each: Departing, tested: Tested) -> str:
    """Where the page can be seen and nothing is recorded; for members, so it needs their sign-in."""
    which = "live" if tested.live else "draft"
    place = f"/w/{each.workspace_slug}/surveys/{tested.survey_id}/page/{which}/{each.locale}"
    return runtime.config.public_url + place
