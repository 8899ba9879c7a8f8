"""A clock that was set, or a machine that slept: the wall's time against the time that really passed."""

from datetime import timedelta

NOTICED = timedelta(minutes=1)  # smaller corrections are a clock's daily business


def jump(on_the_wall: timedelta, really: timedelta) -> timedelta | None:
    """By how much the clock on the wall jumped between two looks; negative when it was set back."""
    by = on_the_wall - really
    return by if abs(by) > NOTICED else None
