"""Which channels an ask may take, in the order in which they are tried."""

from collections.abc import Sequence

from app.errors import Problem, problem

CHANNELS = ("email", "sms", "whatsapp", "telegram")


def in_their_order(channels: Sequence[str], first: Sequence[str | None]) -> tuple[str, ...]:
    """These channels in their order, but before them those of `first` that are among them."""
    leading = [each for each in dict.fromkeys(first) if each is not None and each in channels]
    return (*leading, *(each for each in channels if each not in leading))


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
