"""“Maria was not asked: answered “Relationship” (NPS) 12 days ago, rests until 14 March.” Why, in words."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from app.domain.audience import Condition, Member
from app.domain.audience_matching import opposite
from app.domain.looks import Ask, Eligibility, Look
from app.rendering.audience_words import condition_words, member_words
from app.rendering.languages import Language
from app.rendering.schedule_words import run_sentence
from app.rendering.words import channel_word, metric_word, reason_sentence, state_word


class Held(Protocol):
    """An ask that was held back: a look at a run, or a moment of a timeline."""

    @property
    def at(self) -> datetime: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def rests_on(self) -> Ask | None: ...


def now_words(language: Language, told: Eligibility, zone: str) -> str:
    """May they be asked now; if not, why, and until when."""
    if told.reason is None:
        return language.gettext("%(name)s may be asked now.", name=told.name)
    if told.rests_on is not None and told.until is not None:
        return language.gettext(
            "%(name)s is not asked now: %(because)s, rests until %(day)s.",
            name=told.name,
            because=_ago(language, told.rests_on, told.now, zone),
            day=_day(language, told.until, zone),
        )
    why = reason_sentence(language, told.reason, until=told.until and _day(language, told.until, zone))
    return language.gettext("%(name)s is not asked now. %(reason)s", name=told.name, reason=why)


def not_asked_words(language: Language, name: str, held: Held, zone: str) -> str:
    """Why a run did not ask somebody, with what their rest was counted from."""
    reason, until = held.reason or "cancelled", held.until
    if reason == "resting" and held.rests_on is not None and until is not None:
        return language.gettext(
            "%(name)s was not asked: %(because)s, rests until %(day)s.",
            name=name,
            because=_before(language, held.rests_on, held.at, zone),
            day=_day(language, until, zone),
        )
    why = reason_sentence(language, reason, until=until and _day(language, until, zone))
    return language.gettext("%(name)s was not asked. %(reason)s", name=name, reason=why)


def look_words(language: Language, name: str, look: Look, zone: str) -> str:
    """What became of somebody in one run, or will."""
    if look.code == "not_asked":
        return not_asked_words(language, name, look, zone)
    if look.code in ("not_meant", "will_not_be_meant"):
        return _outside(language, name, look, zone)
    if look.code == "asked":
        return _asked(language, name, look, zone)
    if look.code in ("run_skipped", "run_missed"):
        return run_sentence(language, look.code.removeprefix("run_"), look.reason, 0)
    return _sentence(language, name, look, zone)


def look_title(language: Language, look: Look) -> str:
    """Which run it is: its schedule, or where else it came from."""
    _ = language.gettext
    if look.schedule_name is not None:
        return look.schedule_name
    return {"closure": _("Asked again after a follow-up"), "pulse": _("A pulse")}.get(
        look.origin, _("Asked by hand")
    )


def _ago(language: Language, ask: Ask, now: datetime, zone: str) -> str:
    """“answered “Relationship” (NPS) 12 days ago”."""
    days, what = _days(ask, now, zone), _what(language, ask)
    if ask.answered_at is not None and ask.answered_at <= now:
        if days == 0:
            return language.gettext("answered %(survey)s today", survey=what)
        return language.ngettext(
            "answered %(survey)s yesterday", "answered %(survey)s %(num)s days ago", days, survey=what
        )
    if days == 0:
        return language.gettext("was asked %(survey)s today", survey=what)
    return language.ngettext(
        "was asked %(survey)s yesterday", "was asked %(survey)s %(num)s days ago", days, survey=what
    )


def _before(language: Language, ask: Ask, then: datetime, zone: str) -> str:
    """“answered “Relationship” (NPS) 12 days before”."""
    days, what = _days(ask, then, zone), _what(language, ask)
    if ask.answered_at is not None and ask.answered_at <= then:
        if days == 0:
            return language.gettext("answered %(survey)s the same day", survey=what)
        return language.ngettext(
            "answered %(survey)s the day before", "answered %(survey)s %(num)s days before", days, survey=what
        )
    if days == 0:
        return language.gettext("was asked %(survey)s the same day", survey=what)
    return language.ngettext(
        "was asked %(survey)s the day before", "was asked %(survey)s %(num)s days before", days, survey=what
    )


def _what(language: Language, ask: Ask) -> str:
    return f"“{ask.survey}” ({metric_word(language, ask.metric)})"


def _days(ask: Ask, then: datetime, zone: str) -> int:
    """Days of the calendar between what they answered, else were asked, and a moment."""
    at = ask.answered_at if ask.answered_at is not None and ask.answered_at <= then else ask.at
    here = ZoneInfo(zone)
    return max(0, (then.astimezone(here).date() - at.astimezone(here).date()).days)


def _day(language: Language, moment: datetime, zone: str) -> str:
    return language.date(moment.astimezone(ZoneInfo(zone)))


def _outside(language: Language, name: str, look: Look, zone: str) -> str:
    """The audience does not include them, and what of it is not true of them."""
    _ = language.gettext
    said = [_untrue(language, each) for each in look.unmet]
    simple = "; ".join(words for words, is_opposite in said if is_opposite)
    wanted = "; ".join(words for words, is_opposite in said if not is_opposite)
    when = language.moment(look.at, zone)
    if look.code == "not_meant":
        first = _("The audience did not include %(name)s", name=name)
    else:
        first = _("As it stands, the run of %(when)s does not include %(name)s", name=name, when=when)
    sentence = f"{first}: {simple}." if simple else f"{first}."
    if wanted:
        sentence += " " + _("It means only people of whom this is true: %(what)s.", what=wanted)
    return sentence


def _untrue(language: Language, member: Member) -> tuple[str, bool]:
    """A part that is not true of them: by its opposite where there is one."""
    other = opposite(member) if isinstance(member, Condition) else None
    return (condition_words(language, other), True) if other else (member_words(language, member), False)


def _asked(language: Language, name: str, look: Look, zone: str) -> str:
    if look.reason is not None:  # it has not left, and waits for something
        until = look.until and _day(language, look.until, zone)
        why = reason_sentence(language, look.reason, until=until)
        return language.gettext("%(name)s is about to be asked, and waits. %(reason)s", name=name, reason=why)
    channel = look.channel or "email"
    word = channel_word(language, channel)
    return language.gettext(
        "%(name)s was asked by %(channel)s: %(state)s.",
        name=name,
        channel=word.lower() if channel == "email" else word,
        state=state_word(language, look.state or "sent"),
    )


def _sentence(language: Language, name: str, look: Look, zone: str) -> str:
    _ = language.gettext
    said = {
        "run_cancelled": _("The run was called off before it came to %(name)s."),
        "not_here_yet": _("%(name)s was not among the contacts yet."),
        "inactive": _("%(name)s is inactive, and who is inactive is in no audience."),
        "will_be_inactive": _("The run of %(when)s does not ask %(name)s, who is inactive."),
        "not_an_employee": _("e-NPS asks employees, and %(name)s is not marked as one."),
        "not_asked_before": _("The step before did not ask %(name)s, so this one did not either."),
        "will_not_be_asked": _(
            "The run of %(when)s does not ask %(name)s, whom the step before did not ask."
        ),
        "not_their_turn": _(
            "The turn of %(name)s comes on another day: about as many people are asked each day."
        ),
        "not_meant_then": _(
            "The audience did not include %(name)s. What is known today would fit: "
            "something has changed since."
        ),
        "to_come": _("%(name)s will be looked at on %(when)s."),
        "paused": _("%(name)s would be looked at on %(when)s, but the schedule is paused."),
        "under_way": _("This run is under way, and has not come to %(name)s yet."),
        "waits_for_event": _("%(name)s is asked after “%(event)s” happens."),
    }[look.code]
    return said % {"name": name, "when": language.moment(look.at, zone), "event": look.event}
