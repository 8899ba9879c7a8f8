"""Everything in one terminal: database up to date, web server and worker, stopped together."""

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import click

from app.db import open_database
from app.errors import Refusal
from app.runtime import Runtime, now
from app.services import first_owner, migrating
from config import ROOT, BadConfig, Config, make_first_secret

STOPPING_SECONDS = 20  # a worker finishes the group that it sends
LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> int:
    """Start web and worker and wait; whoever ends takes the other along. The exit status."""
    make_first_secret()
    try:
        config = Config.from_env()
    except BadConfig as refused:
        click.echo(str(refused), err=True)
        return 1
    db = open_database(config.database_url)
    try:
        migrating.make_ready(db)
    except Refusal as refused:
        click.echo(f"Retorno does not start: {refused}", err=True)
        return 1
    first_link = first_owner.first_link(Runtime(config=config, clock=now, db=db, channels={}))
    db.dispose()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stop)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(_start(*web_command(config)))
        processes.append(_start(sys.executable, "-m", "flask", "--app", "wsgi", "worker"))
        greet(config, first_link)
        while all(process.poll() is None for process in processes):
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return _end(processes, asked=True)
    return _end(processes, asked=False)


def web_command(config: Config) -> list[str]:
    """The web server's command line."""
    return [
        str(Path(sys.executable).with_name("granian")),
        "--interface", "wsgi", "--no-ws", "--http", "1", "--host", config.host, "--port", str(config.port),
        "--workers", str(config.web_concurrency), "--blocking-threads", "4", "--respawn-failed-workers",
        "--workers-kill-timeout", "10", "--log-level", "warning", "wsgi:app",
    ]  # fmt: skip


def greet(config: Config, first_link: str | None) -> None:
    """Where to go, and the first owner's link while nobody is here."""
    click.echo(f"\n  Retorno: {config.public_url}", err=True)
    if first_link:
        click.echo(f"  Begin here (works once): {first_link}", err=True)
    click.echo("  Ctrl-C stops everything.\n", err=True)


def _start(*command: str) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches us alone, and we end both in good order.
    return subprocess.Popen(  # noqa: S603 - our own two commands
        command,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs yet
    )


def _end_with_parent() -> None:
    """If this terminal is killed, the two processes get SIGTERM instead of living on (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(processes: list[subprocess.Popen[bytes]], *, asked: bool) -> int:
    for process in processes:
        process.terminate()
    until = time.monotonic() + STOPPING_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    return 0 if asked else 1


if __name__ == "__main__":
    sys.exit(main())
