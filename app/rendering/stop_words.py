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


def subject(language: Language, name: str) -> str:
    """Of the alert."""
    return language.gettext("“%(name)s” paused by itself", name=name)


def alert(language: Language, name: str, cause: Cause) -> str:
    """The alert itself; the link stands under it."""
    said = paused_itself(language, cause.why, cause.failed, cause.known)
    return "\n\n".join(
        (
            f"“{name}”: {said}",
            next_step(language, cause.why),
            language.gettext("Nothing more leaves until somebody resumes it."),
        )
    )
