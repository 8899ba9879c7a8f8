"""A web server or a worker that ends itself with SIGKILL's suddenness at a named point of the path.

`python -m tests.crash.dying` loads what both need once, then forks one for each line that tests.crash.nest
writes to it: nobody waits seconds for a process that is to live for one.
"""

import gc
import json
import os
import signal
import sys
import threading
from typing import Any

import psycopg  # noqa: F401
import telegram.ext  # noqa: F401 - what channels load when they are first used, loaded once for all
from sqlalchemy.orm import configure_mappers
from twilio.request_validator import RequestValidator  # noqa: F401
from werkzeug.serving import WSGIRequestHandler, make_server

from app import logs
from app.channels import twilio_client  # noqa: F401
from app.channels.registry import open_channels
from app.db import open_database
from app.jobs.worker import Worker
from app.rendering.languages import LOCALES, language_of
from app.runtime import Runtime, now
from app.web import create_app
from bots import handle
from config import Config

alive: set[int] = set()


class KeptOpen(WSGIRequestHandler):
    """Connections stay, as providers' do, and requests are not worth a line each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def dying_runtime(env: dict[str, str], point: str, skip: int) -> Runtime:
    """The real runtime, but for one point."""
    left, lock = [skip], threading.Lock()

    def reach(name: str) -> None:
        if name == point:
            with lock:
                if left[0] == 0:
                    os._exit(137)  # no finally, no flush, no rollback: as kill -9 leaves it
                left[0] -= 1

    config = Config.from_env(env)
    channels = open_channels(config)
    return Runtime(config, now, open_database(config.database_url), channels, reach, handle)


def live(env: dict[str, str], kind: str, port: int, point: str, skip: int) -> None:
    runtime = dying_runtime(env, point, skip)
    logs.configure(runtime.config)
    if kind == "worker":
        Worker(runtime).run()
    else:
        app = create_app(runtime)
        make_server("127.0.0.1", port, app, threaded=True, request_handler=KeptOpen).serve_forever()


def hatch(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        alive.add(pid)
        return pid
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)  # neither reads nor writes what we say to each other
        os.dup2(nothing, 1)
        live(**asked)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def answer(asked: dict[str, Any]) -> int | None:
    """A new one's id; or the status of one that has ended."""
    if "kind" in asked:
        return hatch(asked)
    pid, how = (asked["wait"], 0) if "wait" in asked else (asked["poll"], os.WNOHANG)
    found, status = os.waitpid(pid, how)
    if not found:
        return None
    alive.discard(pid)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    configure_mappers()
    for code in LOCALES:
        language_of(code)
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
