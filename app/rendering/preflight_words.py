"""What stands between a schedule and its people, in words: each finding, what to do, and where."""

from app.domain.placeholders import ATTRIBUTE
from app.domain.preflight import Finding
from app.rendering.languages import NAMES, Language, language_of
from app.rendering.words import channel_word


def said(language: Language, finding: Finding) -> str:
    """The finding, as a sentence."""
    _, facts = language.gettext, finding.facts
    if finding.code in _ABOUT_PEOPLE:
        one, many = _ABOUT_PEOPLE[finding.code]
        return language.ngettext(one, many, finding.number, **_named(language, finding))
    if finding.code == "channel_missing":
        return _("%(channel)s is not set up here.", channel=channel_word(language, facts["channel"]))
    if finding.code == "dear_letters":
        return _dear_letters(language, finding)
    if finding.code == "unpriced":
        return _("Nobody told what a text to %(countries)s costs, so none goes there.", **facts)
    if finding.code == "over_money":
        return _("These texts cost about %(money)s, and today’s budget has %(left)s left.", **facts)
    return _(_ALONE[finding.code])


def to_do(language: Language, finding: Finding) -> str:
    """What to do about it; the words of a link where `place` has one."""
    return language.gettext(_TO_DO[finding.code])


def place(finding: Finding, survey_id: str, schedule_id: str | None) -> str | None:
    """Where it is mended, inside the workspace; `schedule_id` of one that is saved."""
    if finding.code == "no_address" and schedule_id is not None:
        return f"/schedules/{schedule_id}/people?reason=no_address"
    if finding.code in _PLACES:
        return _PLACES[finding.code]
    if finding.code == "no_template":
        return f"/surveys/{survey_id}/whatsapp"
    locale = finding.facts.get("locale")
    return f"/surveys/{survey_id}" + (f"?locale={language_of(locale).code}" if locale else "")


def language_name(locale: str) -> str:
    """“Português (Brasil)” of a locale that we speak; others by their code."""
    spoken = language_of(locale).code
    return NAMES[spoken] if spoken[:2] == locale[:2].lower() else locale


def _named(language: Language, finding: Finding) -> dict[str, str]:
    named = dict(finding.facts)
    for name in ("locale", "instead"):
        if name in named:
            named[name] = language_name(named[name])
    if "name" in named:
        plain = {
            "contact.name": language.gettext("name"),
            "contact.first_name": language.gettext("first name"),
        }
        named["name"] = plain.get(named["name"], named["name"].removeprefix(ATTRIBUTE))
    if finding.code == "over_segments":
        named["left"] = language.number(int(named["left"]))
    return named


def _dear_letters(language: Language, finding: Finding) -> str:
    named = _named(language, finding)
    more = language.ngettext(
        "In %(locale)s “%(letters)s” makes the texts longer: %(num)s segment more in all.",
        "In %(locale)s “%(letters)s” makes the texts longer: %(num)s segments more in all.",
        finding.number,
        **named,
    )
    if not named["money"]:
        return more
    return f"{more} {language.gettext('That costs about %(money)s more.', money=named['money'])}"


def _(message: str) -> str:
    """Marks a sentence for the catalogues."""
    return message


def ngettext(one: str, many: str) -> tuple[str, str]:
    """Marks two."""
    return one, many


_PEOPLE, _CHANNELS = "/contacts", "/settings/channels"
_PLACES: dict[str, str | None] = {
    "nobody": _PEOPLE,
    "no_address": _PEOPLE,
    "unfilled": _PEOPLE,
    "no_channel": _CHANNELS,
    "channel_missing": _CHANNELS,
    "sending_paused": _CHANNELS,
    "country_not_allowed": _CHANNELS,
    "unpriced": _CHANNELS,
    "over_segments": _CHANNELS,
    "over_money": _CHANNELS,
    "sandbox": None,
    "not_counted": None,
}
_ABOUT_PEOPLE = {
    "no_address": ngettext(
        "%(num)s person has no address on any of these channels.",
        "%(num)s people have no address on any of these channels.",
    ),
    "translation": ngettext(
        "%(num)s person speaks %(locale)s, which the survey does not: they get %(instead)s.",
        "%(num)s people speak %(locale)s, which the survey does not: they get %(instead)s.",
    ),
    "unfilled": ngettext(
        "%(num)s person has no “%(name)s”: they read the words that stand in for it.",
        "%(num)s people have no “%(name)s”: they read the words that stand in for it.",
    ),
    "no_template": ngettext(
        "%(num)s person on WhatsApp in %(locale)s has no approved template.",
        "%(num)s people on WhatsApp in %(locale)s have no approved template.",
    ),
    "country_not_allowed": ngettext(
        "About %(num)s number gets no text: it is a landline, or in a country that is not allowed.",
        "About %(num)s numbers get no text: they are landlines, or in countries that are not allowed.",
    ),
    "over_segments": ngettext(
        "The texts take %(num)s segment, and today’s budget has %(left)s left.",
        "The texts take about %(num)s segments, and today’s budget has %(left)s left.",
    ),
    "unwritable": ngettext(
        "%(num)s message cannot be written.",
        "%(num)s messages cannot be written.",
    ),
}
_ALONE = {
    "unpublished": _("The survey is not published: there is nothing to ask."),
    "no_texts": _("The survey has no text in any language."),
    "no_channel": _("None of its channels is set up here: nothing could leave."),
    "nobody": _("Nobody would be asked."),
    "not_counted": _("To count whom it would ask takes too long just now, so there are no numbers here."),
    "sending_paused": _("Sending is paused for everything here."),
    "sandbox": _("No channel is real yet: the messages stay in the sandbox and reach nobody."),
    "changed": _("The survey has changes that are not published: people get the words below, without them."),
}
_TO_DO = {
    "unpublished": _("Publish the survey"),
    "no_texts": _("Write the texts"),
    "no_channel": _("See how the channels stand"),
    "nobody": _("See the people and their addresses"),
    "no_address": _("See who they are"),
    "channel_missing": _("See how the channels stand"),
    "sending_paused": _("See how the channels stand"),
    "not_counted": _("Nothing depends on it: who may not be asked is left out when it runs."),
    "sandbox": _("Answer there yourself and see what comes of it."),
    "changed": _("See the changes"),
    "unwritable": _("Check the texts of the survey"),
    "translation": _("Translate the survey"),
    "unfilled": _("See the people and add it, or leave it so."),
    "no_template": _("Enter the template, or they are not asked there"),
    "country_not_allowed": _("See which countries are allowed"),
    "dear_letters": _("Write it without those letters"),
    "unpriced": _("See the prices and countries"),
    "over_segments": _("See the budget: what does not fit takes the next channel, or is not asked"),
    "over_money": _("See the budget: what does not fit takes the next channel, or is not asked"),
}
