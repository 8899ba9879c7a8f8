"""The words for our codes (bands, channels, states, reasons, roles) in the reader's language.

Every table maps a code to an English sentence, which the catalogue `shell.po` translates.
"""

from collections.abc import Mapping
from typing import Protocol


class Translates(Protocol):
    """A language, as far as words need it."""

    def gettext(self, message: str, /, **params: object) -> str: ...


BANDS = {
    "promoter": "promoter",
    "passive": "passive",
    "detractor": "detractor",
    "satisfied": "satisfied",
    "neutral": "neutral",
    "dissatisfied": "dissatisfied",
    "easy": "easy",
    "high_effort": "high effort",
}
BANDS_MANY = {
    "promoter": "promoters",
    "passive": "passives",
    "detractor": "detractors",
    "satisfied": "satisfied people",
    "neutral": "neutral people",
    "dissatisfied": "dissatisfied people",
    "easy": "easy",
    "high_effort": "high effort",
}
CHANNELS = {
    "email": "E-mail",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "sandbox": "Sandbox",
    "page": "Page",
}
METRICS = {"nps": "NPS", "csat": "CSAT", "ces": "CES", "enps": "e-NPS"}
JOURNEY = {"nps": "the relationship", "csat": "the service", "ces": "the effort", "enps": "the team"}
INVITATION_STATES = {
    "planned": "planned",
    "queued": "queued",
    "sending": "being sent",
    "sent": "sent",
    "delivered": "delivered",
    "unknown": "perhaps sent",
    "answered": "answered",
    "expired": "expired",
    "failed": "failed",
    "skipped": "not asked",
    "cancelled": "cancelled",
}
MESSAGE_STATES = {
    "queued": "queued",
    "claimed": "queued",
    "attempting": "being sent",
    "sent": "sent",
    "delivered": "delivered",
    "unknown": "perhaps sent",
    "failed": "failed",
    "cancelled": "cancelled",
}
OCCURRENCE_STATES = {
    "due": "due",
    "running": "running",
    "run": "run",
    "skipped": "skipped",
    "missed": "missed",
    "cancelled": "cancelled",
}
SCHEDULE_STATES = {
    "active": "active",
    "paused": "paused",
    "ended": "over",
    "cancelled": "called off",
}
FOLLOWUP_STATES = {
    "open": "open",
    "claimed": "claimed",
    "waiting": "waiting for the customer",
    "closed": "closed",
}
PULSE_STATES = {"open": "open", "closed": "closed", "void": "void"}
ROLES = {"owner": "owner", "manager": "manager", "agent": "agent", "viewer": "viewer"}
KINDS = {"customers": "customers", "people": "people"}

# Short: a heading with a count beside it ("Resting 512")
REASONS = {
    "opted_out": "Opted out",
    "complained": "Reported as spam",
    "resting": "Resting",
    "capped": "Asked often enough",
    "quiet_hours": "Quiet hours where they are",
    "no_address": "No address",
    "bounced": "Address bounced",
    "invalid_address": "Address not valid",
    "blocked": "Blocked us",
    "channel_not_configured": "Channel not set up",
    "sending_paused": "Sending paused",
    "expired": "Too late",
    "duplicate": "Same person twice",
    "erased": "Erased",
    "provider_refused": "Refused by the provider",
    "provider_unreachable": "Provider not reached",
    "mailbox_full": "Mailbox full",
    "phone_off": "Phone not reachable",
    "country_not_allowed": "Country not allowed",
    "landline": "A landline",
    "over_budget": "The day’s budget is used up",
    "outside_window": "Chat window closed",
    "no_template": "No approved text",
    "not_written": "Could not be written",
    "presumed": "Counts as sent",
    "inactive": "Inactive",
    "no_lawful_basis": "No lawful basis",
    "in_another_pulse": "In another pulse",
    "another_day": "On another day",
    "sampled_out": "Not drawn",
    "holdout": "Held out to compare",
    "late": "Too late to ask",
    "restored": "A backup was restored",
    "paused": "Schedule paused",
    "newer_event": "Something newer happened",
    "day_off": "A day off",
    "blackout": "A date of silence",
    "unpublished": "Survey not published",
    "edited": "Schedule changed",
    "nobody": "Nobody to ask",
    "cancelled": "Cancelled",
}
# Whole: what a person reads in a timeline
REASON_SENTENCES = {
    "opted_out": "Does not want to be asked, or must not be for a legal reason. Their page says which.",
    "complained": "They were asked, and reported the message as spam. Nothing asks them there any more.",
    "resting": "Was asked or answered a short time ago, and rests.",
    "capped": "Has been asked as often as we allow in this time.",
    "quiet_hours": "Nobody is disturbed at this time where they are; they are asked when it is over.",
    "no_address": "We have no address for the channels that were chosen.",
    "bounced": "The address bounced. A new one makes them askable again, or the word that it works.",
    "invalid_address": "The address is not valid.",
    "blocked": "They blocked us on this channel.",
    "channel_not_configured": "This channel is not set up.",
    "sending_paused": "Sending is paused.",
    "expired": "The time to answer was over before it could be sent.",
    "duplicate": "The same address was already asked by this run.",
    "erased": "The person was erased.",
    "provider_refused": "The provider refused the message.",
    "provider_unreachable": "The provider could not be reached.",
    "mailbox_full": "The mailbox is full.",
    "phone_off": "The phone was off or out of reach.",
    "country_not_allowed": "Texts to this country are not allowed.",
    "landline": "This number is a landline, which receives no texts.",
    "over_budget": "What may be sent in a day was used up, or nobody knows what a text there costs.",
    "outside_window": "Their last message is more than a day old: WhatsApp takes only an approved text.",
    "no_template": "WhatsApp has approved no text for this question.",
    "not_written": "The message could not be written. The log of the worker says why.",
    "presumed": "Nobody heard whether it arrived; after a day it counts as sent.",
    "inactive": "The contact is marked inactive.",
    "no_lawful_basis": "No lawful basis for asking is recorded.",
    "in_another_pulse": "Takes part in another open pulse.",
    "late": "It was due while nothing ran, or we heard of it too late.",
    "restored": "A backup was restored, and they may have been asked since it was made.",
    "paused": "The schedule was paused when it happened.",
    "newer_event": "Something newer happened to them, and the question is about that.",
    "day_off": "It was a day off.",
    "blackout": "Nobody is asked on this date.",
    "unpublished": "The survey was not published.",
    "edited": "The schedule was changed before this run had begun.",
    "nobody": "They were inactive or outside the audience by then, or the step before did not ask them.",
    "another_day": "Their turn comes on another day: about as many people are asked each day.",
    "sampled_out": "This run asks only some people, and did not draw them.",
    "holdout": "This schedule never asks them: the others are compared with them.",
    "cancelled": "Cancelled before it was sent.",
}
PASSING = {  # the same where we know until when
    "resting": "Was asked or answered a short time ago, and rests until %(until)s.",
    "capped": "Has been asked as often as we allow in this time. May be asked again from %(until)s.",
    "blackout": "Nobody is asked on this date; what waits leaves on %(until)s.",
}


def _word(language: Translates, words: Mapping[str, str], code: str) -> str:
    # A code that a later version wrote is shown as it is: a page must not fall over a word
    return language.gettext(words[code]) if code in words else code.replace("_", " ")


def band_word(language: Translates, band: str) -> str:
    """promoter · promotor · promotor: one answer's band."""
    return _word(language, BANDS, band)


def bands_word(language: Translates, band: str) -> str:
    """promoters · promotores · promotores: the people of a band."""
    return _word(language, BANDS_MANY, band)


def channel_word(language: Translates, channel: str) -> str:
    """E-mail · E-mail · Correo."""
    return _word(language, CHANNELS, channel)


def metric_word(language: Translates, metric: str) -> str:
    """NPS, CSAT, CES, e-NPS."""
    return _word(language, METRICS, metric)


def journey_word(language: Translates, metric: str) -> str:
    """What a metric looks at: the relationship, the service, the effort, the team."""
    return _word(language, JOURNEY, metric)


def state_word(language: Translates, state: str) -> str:
    """The state of an invitation."""
    return _word(language, INVITATION_STATES, state)


def message_state_word(language: Translates, state: str) -> str:
    """The state of a message; the inner ones (claimed, attempting) read as what a person would call them."""
    return _word(language, MESSAGE_STATES, state)


def occurrence_word(language: Translates, state: str) -> str:
    """The state of one run of a schedule."""
    return _word(language, OCCURRENCE_STATES, state)


def schedule_word(language: Translates, state: str) -> str:
    """The state of a schedule."""
    return _word(language, SCHEDULE_STATES, state)


def followup_word(language: Translates, state: str) -> str:
    """The state of a follow-up."""
    return _word(language, FOLLOWUP_STATES, state)


def pulse_word(language: Translates, state: str) -> str:
    """The state of a pulse."""
    return _word(language, PULSE_STATES, state)


def role_word(language: Translates, role: str) -> str:
    """owner, manager, agent, viewer."""
    return _word(language, ROLES, role)


def kind_word(language: Translates, kind: str) -> str:
    """The kind of a workspace: customers or people."""
    return _word(language, KINDS, kind)


def reason_word(language: Translates, code: str) -> str:
    """Why not, in two or three words, for a heading with a count."""
    return _word(language, REASONS, code)


def reason_sentence(language: Translates, code: str, **params: object) -> str:
    """Why not, as a sentence; `until` (already a written date) says how long somebody rests or waits."""
    if code in PASSING and params.get("until"):
        return language.gettext(PASSING[code], until=params["until"])
    return _word(language, REASON_SENTENCES, code)


# What templates may call; the web gives them to its environment once.
FOR_TEMPLATES = {
    word.__name__: word
    for word in (
        band_word,
        bands_word,
        channel_word,
        metric_word,
        journey_word,
        state_word,
        message_state_word,
        occurrence_word,
        schedule_word,
        followup_word,
        pulse_word,
        role_word,
        kind_word,
        reason_word,
        reason_sentence,
    )
}
