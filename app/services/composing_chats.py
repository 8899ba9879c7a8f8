"""What a departing chat or text message says: words, buttons, and the links minted with the attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.channels.base import Button, Outgoing, Template
from app.domain.delivery import ASKING
from app.domain.metrics import Metric
from app.domain.placeholders import fill, parse, values_for
from app.domain.survey_texts import SurveyTexts
from app.rendering import chats
from app.rendering.chats import Asking
from app.rendering.languages import LOCALES, language_of
from app.runtime import Runtime
from app.services import agent_cards, senders, standing, tokens, whatsapp_rules
from app.services.departing import Departing
from app.services.tokens import Minted


@dataclass(frozen=True)
class Note:
    """A chat or text message that may leave once the attempt is committed."""

    of: Departing
    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    template: Template | None = None

    def outgoing(self, runtime: Runtime, identity: str) -> Outgoing:
        """As the channel takes it."""
        return Outgoing(
            id=self.of.id,
            from_address=identity,
            to_address=self.of.to_address,
            text=self.text,
            buttons=self.buttons,
            template=self.template,
            valid_seconds=_valid_seconds(self.of, runtime.clock()),
            status_url=_status_url(runtime, self.of),
        )


def _valid_seconds(each: Departing, now: datetime) -> int | None:
    """A question must not lie at the provider until it rings in their quiet."""
    if each.purpose not in ASKING or each.quiet is None:
        return None
    return each.quiet.seconds_left(now, each.zone_at(now)) or None


def _status_url(runtime: Runtime, each: Departing) -> str:
    """Where the provider tells what became of it: it carries our id, so an unknown end can be settled."""
    if each.channel not in ("sms", "whatsapp"):
        return ""
    return f"{runtime.config.public_url}/hooks/twilio/status?m={each.id}"


def note(session: Session, runtime: Runtime, each: Departing, minted: list[Minted]) -> Note:
    """The message of this purpose; its links are `minted`, to be kept in this transaction."""
    if each.purpose in ("invitation", "reminder"):
        return _asking(session, runtime, each, minted)
    if each.purpose == "alert" and each.followup_id:
        told = agent_cards.card(session, runtime, each.followup_id, each.locale)
        return Note(each, told.text, told.buttons)
    text = each.body or ""
    if each.purpose == "dialogue" and each.followup_id:
        return Note(each, text, agent_cards.card(session, runtime, each.followup_id, each.locale).buttons)
    if chats.LINK in text and each.invitation_id and each.workspace_id:
        text = text.replace(chats.LINK, _link(runtime, each, minted))
    return Note(each, text)


def _asking(session: Session, runtime: Runtime, each: Departing, minted: list[Minted]) -> Note:
    assert (
        each.version_id and each.invitation_id and each.workspace_id and each.workspace_locale
    )  # of every ask
    locale, texts, _ = standing.words(session, each.version_id, each.locale, each.workspace_locale)
    values = values_for(each.workspace_name or "", each.contact_name or "", each.attributes)
    metric = Metric(each.metric or "")
    asking = Asking(each.workspace_name or "", metric, _filled(texts, values))
    language = language_of(locale if locale in LOCALES else "en")
    write = chats.reminder if each.purpose == "reminder" else chats.question
    text = write(asking, language, each.channel)
    if chats.LINK in text:
        text = text.replace(chats.LINK, _link(runtime, each, minted))
    if each.channel == "whatsapp":
        return Note(each, text, template=_template(session, runtime, each, asking, values))
    if each.channel not in chats.BUTTONS or metric is Metric.ENPS:
        return Note(each, text)
    press = tokens.mint("press", each.workspace_id, each.id, each.invitation_id)
    minted.append(press)
    rows = tuple(
        tuple(Button(str(score), f"{press.token}.{score}") for score in row) for row in chats.scale(metric)
    )
    return Note(each, text, rows)


def _template(
    session: Session, runtime: Runtime, each: Departing, asking: Asking, values: Mapping[str, str]
) -> Template | None:
    """What WhatsApp approved, for its buttons or while its window is closed: {{1}} name, {{2}} question."""
    channel = runtime.channels[each.channel]
    if channel.pretends:
        return None
    sender = senders.sender_id(session, each.channel, channel.identity, runtime.clock())
    is_open = whatsapp_rules.is_open(session, each, sender, runtime.clock())
    said = {"1": values["contact.first_name"] or asking.workspace_name, "2": asking.said.question}
    return whatsapp_rules.template(session, each, said, within_window=is_open)


def sample_text(session: Session, runtime: Runtime, each: Departing) -> str:
    """The text as long as it will be, to count its segments before it may leave."""
    return note(session, runtime, each, []).text


def _link(runtime: Runtime, each: Departing, minted: list[Minted]) -> str:
    """This message's own link to the page; a pulse has its own."""
    assert each.workspace_id and each.invitation_id  # the caller looked
    is_pulse = each.metric == Metric.ENPS
    token = tokens.mint("pulse" if is_pulse else "answer", each.workspace_id, each.id, each.invitation_id)
    minted.append(token)
    return f"{runtime.config.public_url}/{'p' if is_pulse else 'r'}/{token.token}"


def _filled(texts: SurveyTexts, values: Mapping[str, str]) -> SurveyTexts:
    return SurveyTexts(**{name: fill(parse(text), values) for name, text in texts.to_json().items()})
