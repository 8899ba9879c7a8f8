"""Which channels an ask may take, in the order in which they are tried."""

import re
from collections.abc import Sequence

from app.errors import Invalid, Problem, problem

CHANNELS = ("email", "sms", "whatsapp", "telegram")


def in_their_order(channels: Sequence[str], first: Sequence[str | None]) -> tuple[str, ...]:
    """These channels in their order, but before them those of `first` that are among them."""
    leading = [each for each in dict.fromkeys(first) if each is not None and each in channels]
    return (*leading, *(each for each in channels if each not in leading))


def read_channels(text: str) -> tuple[str, ...]:
    """The channels that stand in a cell, each once. Raises Invalid for what is none."""
    named = [word for word in re.split(r"[,;/\s]+", text.casefold()) if word]
    for word in named:
        if word.replace("-", "") not in CHANNELS:
            raise Invalid([problem("opted_out_on", "%(channel)s is not a channel.", channel=word[:40])])
    return tuple(dict.fromkeys(word.replace("-", "") for word in named))


def channel_problems(channels: Sequence[str]) -> list[Problem]:
    """What is wrong with a choice of channels; nothing where each is one of ours, once."""
    if not channels:
        return [problem("channels", "Choose at least one channel.")]
    unknown = [each for each in channels if each not in CHANNELS]
    if unknown:
        return [problem("channels", "%(channel)s is not a channel.", channel=unknown[0][:40])]
    if len(set(channels)) < len(channels):
        return [problem("channels", "Name each channel once.")]
    return []
