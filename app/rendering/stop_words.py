"""A schedule that paused itself, in words: for its page, for home, for the alert to who looks after it."""

from app.domain.brakes import Cause
from app.rendering.languages import Language


def paused_itself(language: Language, why: str, failed: int, known: int | None) -> str:
    """“Paused by itself: 7 of 100 messages came back.”"""
    if why == "bounces":
        return language.ngettext(
            "Paused by itself: %(num)s of %(known)s message came back.",
            "Paused by itself: %(num)s of %(known)s messages came back.",
            failed,
            known=language.number(known or 0),
        )
    if why == "complaints":
        return language.ngettext(
            "Paused by itself: of %(known)s messages that arrived, %(num)s was reported as spam.",
            "Paused by itself: of %(known)s messages that arrived, %(num)s were reported as spam.",
            failed,
            known=language.number(known or 0),
        )
    return language.ngettext(
        "Paused by itself: %(num)s message was refused for what it says.",
        "Paused by itself: %(num)s messages were refused for what they say.",
        failed,
    )


def next_step(language: Language, why: str) -> str:
    """What whoever looks after it does now."""
    if why == "bounces":
        return language.gettext(
            "These addresses take no messages. See where they came from and mend them, then resume: who was "
            "not asked yet is asked then."
        )
    if why == "complaints":
        return language.gettext(
            "More than one in a thousand said so: going on would send all that you write to the spam folder. "
            "Ask fewer people, or only those who know you, and say who writes; then resume."
        )
    return language.gettext(
        "The provider takes these words for unwanted, or your number is not registered for them. See what it "
        "says under Channels, then resume."
    )


def alert(language: Language, name: str | None, cause: Cause) -> tuple[str, str]:
    """Subject and words of the alert; the link stands under it. Without a name: what was asked one by one."""
    if name is None:
        return language.gettext("Many of your questions do not arrive"), "\n\n".join(
            (_one_by_one(language, cause), language.gettext("Nothing was paused: they are asked one by one."))
        )
    said = paused_itself(language, cause.why, cause.failed, cause.known)
    return language.gettext("“%(name)s” paused by itself", name=name), "\n\n".join(
        (
            f"“{name}”: {said}",
            next_step(language, cause.why),
            language.gettext("Nothing more leaves until somebody resumes it."),
        )
    )


def _one_by_one(language: Language, cause: Cause) -> str:
    if cause.why == "bounces":
        return language.ngettext(
            "Of the last %(known)s questions asked one by one, %(num)s came back: its address takes no "
            "messages. See where it came from before you ask more.",
            "Of the last %(known)s questions asked one by one, %(num)s came back: their addresses take no "
            "messages. See where they came from before you ask more.",
            cause.failed,
            known=language.number(cause.known or 0),
        )
    if cause.why == "complaints":
        return language.ngettext(
            "Of %(known)s questions asked one by one that arrived, %(num)s was reported as spam. Ask only "
            "those who know you, and say who writes.",
            "Of %(known)s questions asked one by one that arrived, %(num)s were reported as spam. Ask only "
            "those who know you, and say who writes.",
            cause.failed,
            known=language.number(cause.known or 0),
        )
    return language.ngettext(
        "%(num)s question asked by itself was refused for what it says. See what the provider says under "
        "Channels before you ask more.",
        "%(num)s questions asked one by one were refused for what they say. See what the provider says under "
        "Channels before you ask more.",
        cause.failed,
    )
