"""Structured logs on standard error: console or JSON, never a secret, a token or an answer's words."""

import logging
import sys

import structlog

from config import Config

# The library's own default shows the variables of every frame: answers, tokens, passwords
_FRAMES = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
# Tell every address that they call, and Telegram's carries the token; or what they send, and to whom
NOISY = ("httpx", "httpcore", "telegram")


def configure(config: Config) -> None:
    """One line for each event; libraries speak only when something is wrong."""
    level = logging.getLevelNamesMapping()[config.log_level]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if config.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_FRAMES)
            if config.log_format == "json"
            else structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in NOISY:  # whatever the level of the root: a program that runs us may have set it
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # A tick that comes while its job still works is no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # These tell addresses and what is asked, at levels that somebody who looks for a fault may choose.
    for telltale in ("twilio", "aiohttp", "urllib3", "asyncio"):
        logging.getLogger(telltale).setLevel(logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=max(level, logging.WARNING), format="%(name)s %(message)s")
