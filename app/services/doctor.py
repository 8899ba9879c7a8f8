"""Is everything all right, and what to do where it is not: every check is a sentence for an operator."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.channels.base import Channel, ChatBot, DeliveryError
from app.engines import LOG_BYTES
from app.errors import Unavailable
from app.models import InboundEvent, Message, Pulse
from app.runtime import Runtime
from app.services import absent_channels, database_file, health, losses, schema, sms_rules, switch
from app.services.checks import Check, State
from app.services.checks_of_clocks import CLOCKS
from app.services.checks_of_privacy import PRIVACY

LITTLE, ALMOST_NONE = 1024**3, 128 * 1024**2  # bytes left: look after it; nothing may fit soon
RECENTLY = timedelta(days=1)
MINUTE = "%Y-%m-%d %H:%M"

log = structlog.get_logger("doctor")

PREVIOUS = ("TWILIO_AUTH_TOKEN_PREVIOUS", "TELEGRAM_WEBHOOK_SECRET_PREVIOUS")
LETS_US_IN = "the provider answers and lets us in"


def examine(runtime: Runtime) -> list[Check]:
    """Everything, in the order in which one would mend it. What cannot be looked at has failed."""
    found = [*_settings(runtime), *_file(runtime)]
    reachable = _database(runtime)
    found.append(reachable)
    if reachable.state == "ok":
        for look in (*CLOCKS, _worker, _sending, _messages, _waiting, _inbound, _texts, _keys, *PRIVACY):
            found += _safely(look, runtime)
    return [*found, *_disk(runtime), *_channels(runtime)]


def check_pages(runtime: Runtime) -> int:
    """A job: read all of SQLite's pages, and say loudly when one is damaged. How many it found."""
    path = database_file.path_of(runtime.db)
    if path is None:
        return 0  # PostgreSQL keeps watch over its own pages
    if damage := database_file.quick_check(path):
        log.error("database damaged", what=damage, do="stop, keep the file, restore a backup")
        return 1
    return 0


def _safely(look: Callable[[Runtime], Iterable[Check]], runtime: Runtime) -> list[Check]:
    try:
        return list(look(runtime))
    except (DBAPIError, Unavailable) as error:
        return [Check(look.__name__.strip("_"), "failed", f"cannot be looked at: {type(error).__name__}")]


def _settings(runtime: Runtime) -> Iterator[Check]:
    """Secrets in files that others can read, and one that was kept longer than it is needed."""
    config = runtime.config
    open_files = [str(path) for path in config.secret_files if path.stat().st_mode & 0o077]
    if open_files:
        files = " ".join(open_files)
        yield Check("secrets", "failed", f"others on this machine can read them; run: chmod 600 {files}")
    elif previous := [name for name in PREVIOUS if getattr(config, name.lower())]:
        names = " and ".join(previous)
        says = f"{names} is still accepted; remove it once the provider uses the new one"
        yield Check("secrets", "warning", says)
    elif config.secret_key_previous:
        says = (
            "SECRET_KEY_PREVIOUS is still accepted; remove it once sessions made with it are over (30 days)"
        )
        yield Check("secrets", "warning", says)
    else:
        yield Check("secrets", "ok", "nobody else can read them")


def _file(runtime: Runtime) -> Iterator[Check]:
    """SQLite's file: may be written, is on a disk that stays, is whole, and its log is small."""
    path = database_file.path_of(runtime.db)
    if path is None:
        return
    trouble = database_file.why_unusable(path)
    if trouble is None and path.exists() and (damage := database_file.quick_check(path)):
        trouble = f"{path} is damaged ({damage}). Stop, keep the file, and restore a backup"
    kind = database_file.file_system(path.parent)
    if trouble:
        yield Check("file", "failed", trouble)
    elif kind in database_file.PASSING:
        yield Check("file", "warning", f"{path} is on {kind}: it goes with the container. Mount a disk there")
    elif database_file.log_bytes(path) > 2 * LOG_BYTES:
        says = "its log grows: some program reads without end. Restart what has the file open"
        yield Check("file", "warning", says)
    else:
        yield Check("file", "ok", f"{path} is whole and can be written")


def _database(runtime: Runtime) -> Check:
    try:
        trouble = schema.trouble(runtime.db)
    except (DBAPIError, Unavailable) as error:
        return Check("database", "failed", f"cannot be reached: {error}. Is DATABASE_URL right?")
    if trouble:
        return Check("database", "failed", trouble)
    return Check("database", "ok", f"is reached, and at migration {schema.head()}")


def _worker(runtime: Runtime) -> Iterator[Check]:
    found = health.check(runtime).checks.get("worker", "")
    if found == "ok":
        yield Check("worker", "ok", "was heard of within half a minute")
    else:
        yield Check("worker", "failed", f"none is alive, so nothing is sent; {found}")


def _sending(runtime: Runtime) -> Iterator[Check]:
    why = switch.why(runtime)
    if why is None:
        yield Check("sending", "ok", "is on")
    else:
        yield Check("sending", "warning", f"is paused ({why}); run: flask --app wsgi sending resume")


def _messages(runtime: Runtime) -> Iterator[Check]:
    """Of the last day: what failed, and what nobody knows the end of."""
    since: datetime = runtime.clock() - RECENTLY
    query = (
        select(Message.state, func.count())
        .where(Message.state.in_(("failed", "unknown")), Message.created_at > since)
        .group_by(Message.state)
    )
    with runtime.db.read() as session:
        counts: dict[str, int] = dict(session.execute(query).all())
    failed, unknown = counts.get("failed", 0), counts.get("unknown", 0)
    if failed or unknown:
        says = (
            f"of the last day {failed} failed and {unknown} perhaps arrived; the log of the worker says why"
        )
        yield Check("messages", "warning", says)
    else:
        yield Check("messages", "ok", "none of the last day failed")


def _waiting(runtime: Runtime) -> Iterator[Check]:
    """What waits on a channel that is not set up any more."""
    with runtime.db.read() as session:
        waiting = absent_channels.waiting(session, runtime)
    if waiting:
        where = ", ".join(f"{number} on {channel}" for channel, number in waiting)
        says = f"messages wait where no channel is set up ({where}): set it up again"
        yield Check("waiting", "warning", f"{says}, or questions take their next channel after ten minutes")
    else:
        yield Check("waiting", "ok", "no message waits on a channel that is not set up")


def _keys(runtime: Runtime) -> Iterator[Check]:
    """KEYS_DIR holds what opens pulses: for us alone, and not where the database is copied from."""
    folder = runtime.config.keys_dir
    with runtime.db.read() as session:
        pulses = session.scalars(select(Pulse.id).where(Pulse.state == "open")).all()
    missing = sum(not (folder / f"{pulse}.key").exists() for pulse in pulses)
    file = database_file.path_of(runtime.db)
    if missing:
        says = f"{missing} open pulses have no key in {folder} and will close void; is KEYS_DIR right?"
        yield Check("keys", "failed", says)
    elif folder.exists() and folder.stat().st_mode & 0o077:
        yield Check("keys", "failed", f"others on this machine can read them; run: chmod 700 {folder}")
    elif file and folder.absolute().is_relative_to(file.parent) and runtime.config.is_public:
        says = f"{folder} is beside the database, and a backup of both opens pulses; move it, set KEYS_DIR"
        yield Check("keys", "warning", says)
    else:
        yield Check("keys", "ok", f"{folder} is ours alone" if folder.exists() else "no pulse needs one yet")


def _disk(runtime: Runtime) -> Iterator[Check]:
    path = database_file.path_of(runtime.db)
    folder = path.parent if path else runtime.config.keys_dir.parent
    if not folder.exists():
        return
    space = database_file.space(folder)
    left = f"{space.free / 1024**3:.1f} GB left where {folder} is"
    if space.free < ALMOST_NONE:
        yield Check("disk", "failed", f"{left}: answers are refused when it is full. Make room now")
    elif space.free < LITTLE:
        yield Check("disk", "warning", f"{left}; make room")
    else:
        yield Check("disk", "ok", left)


def _channels(runtime: Runtime) -> Iterator[Check]:
    if runtime.config.sandbox_on and not runtime.config.has_channel:
        state: State = "warning" if runtime.config.is_public else "ok"
        yield Check("email", state, "nothing leaves: the sandbox keeps it. Set SMTP_URL and MAIL_FROM")
        return
    for name, channel in runtime.channels.items():
        try:
            channel.probe()
        except DeliveryError as error:
            says = f"{error.reason}: {error.detail or 'no more was said'}. Look at its settings"
            yield Check(name, "failed", says)
        else:
            is_bot = name == "telegram" and not channel.pretends
            yield _bot(channel) if is_bot else Check(name, "ok", LETS_US_IN)


def _bot(channel: Channel) -> Check:
    """What Telegram says of our bot: how much waits there, and whether it could not reach us."""
    found = cast(ChatBot, channel).status()
    if found.failed_at is not None:
        says = f"could not bring us something at {found.failed_at:{MINUTE}} UTC: {found.failure}"
        return Check("telegram", "warning", f"{says}. What waited longer than 24 hours is lost")
    return Check("telegram", "ok", f"{LETS_US_IN}; {found.waiting} updates wait there")


def _texts(runtime: Runtime) -> Iterator[Check]:
    """What the day's budget has left, where texts are real."""
    channel = runtime.channels.get("sms")
    if channel is None or channel.pretends:
        return
    with runtime.db.read() as session:
        today = sms_rules.today(session, runtime, runtime.clock())
    used = f"{today.segments} of {today.most_segments} segments are used today"
    if today.spend is not None:
        used += f", and {today.spent} of {today.spend} in money"
    if today.unpriced:
        where = ",".join(today.unpriced)
        says = f"none leaves to {where}: SMS_PRICES has no price for it, and SMS_DAILY_SPEND is set. {used}"
        yield Check("texts", "warning", says)
    elif today.is_used_up:
        yield Check("texts", "warning", f"none leaves until midnight UTC: {used}")
    else:
        yield Check("texts", "ok", used)


def _inbound(runtime: Runtime) -> Iterator[Check]:
    """What came in and nobody could place, and what may never have come in."""
    query = select(func.count()).select_from(InboundEvent).where(InboundEvent.state == "set_aside")
    with runtime.db.read() as session:
        number = session.scalar(query) or 0
        lost = losses.recent(session, "telegram", runtime.clock())
    if lost is not None:
        says = f"what people wrote in Telegram from {lost.begins:{MINUTE}} to {lost.ends:{MINUTE}} UTC"
        yield Check("inbound", "warning", f"{says} may be lost: it keeps messages for 24 hours")
    elif number:
        yield Check("inbound", "warning", f"{number} events could not be placed; see Settings, Channels")
    else:
        yield Check("inbound", "ok", "everything that came in found its place")
