"""What agents read in their chat: a card for each alert, and what to write next."""

from app.domain.agent_chat import Press, data_of
from app.rendering.languages import Language
from app.rendering.mails import Alert
from app.rendering.words import band_word, channel_word, metric_word

Keys = tuple[tuple[tuple[str, str], ...], ...]  # rows of label and data


def card(alert: Alert, language: Language, *, link: str, before: str = "", claimed_by: str = "") -> str:
    """The answer, whose it is, what they gave before, and who looks after it."""
    _ = language.gettext
    lines = [
        _("%(person)s gave %(score)s", person=alert.person, score=alert.score),
        f"{metric_word(language, alert.metric.value)}, {band_word(language, alert.band)}",
    ]
    if alert.wants_contact:
        lines.append(_("Wants somebody to answer."))
    if alert.comment:
        lines.append(f"“{alert.comment}”")
    if before:
        lines.append(_("Before: %(scores)s", scores=before))
    lines.append(
        _("Claimed by %(name)s.", name=claimed_by)
        if claimed_by
        else _("First contact by %(due)s.", due=language.moment(alert.due, alert.zone))
    )
    return "\n".join([*lines, link])


def keys(followup_id: str, language: Language, *, claimed: bool, closed: bool = False) -> Keys:
    """The buttons under it; a closed one has none."""
    if closed:
        return ()
    _ = language.gettext
    row = [] if claimed else [(_("Claim"), data_of(Press.CLAIM, followup_id))]
    row += [(_("Reply"), data_of(Press.REPLY, followup_id)), (_("Close"), data_of(Press.CLOSE, followup_id))]
    return (tuple(row),)


def closed_note(language: Language, name: str) -> str:
    """A line under the card once it is closed."""
    return language.gettext("Closed by %(name)s.", name=name)


def ask_reply(language: Language, person: str, channel: str) -> str:
    """The next message goes to the customer: it has to be clear that it does."""
    return language.gettext(
        "Your next message goes to %(person)s by %(channel)s. Write /cancel to send nothing.",
        person=person,
        channel=channel_word(language, channel),
    )


def ask_cause(language: Language, causes: tuple[str, ...]) -> str:
    """Why it came to this: one of the workspace's causes, or other words."""
    ask = language.gettext("What was the root cause? Write one of these or your own words, or /cancel.")
    return "\n".join([ask, *(f"· {each}" for each in causes)])


def ask_summary(language: Language) -> str:
    """What was done."""
    return language.gettext("What was said or done? Write it in a sentence, or /cancel.")


def heard(language: Language, person: str, text: str) -> str:
    """The customer wrote back."""
    return language.gettext("%(person)s writes: %(text)s", person=person, text=text)


def erased(language: Language) -> str:
    """Instead of a line about somebody whom we have forgotten."""
    return language.gettext("This was about somebody who was erased.")


def connected(language: Language) -> str:
    """A member's chat is tied."""
    return language.gettext("Connected. Alerts come here from now on; claim, reply and close from here.")
