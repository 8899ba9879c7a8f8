"""The channels that somebody may choose here: what is set up, or played by the sandbox."""

from app.domain.channel_choice import CHANNELS
from app.runtime import Runtime


def offered(runtime: Runtime) -> tuple[str, ...]:
    """In the order in which they are offered; e-mail always, so that a choice is never empty."""
    return tuple(each for each in CHANNELS if each in runtime.channels or each == "email")


def chosen(runtime: Runtime, wanted: str | None) -> str:
    """The wanted one if it is offered, else the first."""
    known = offered(runtime)
    return wanted if wanted in known else known[0]
