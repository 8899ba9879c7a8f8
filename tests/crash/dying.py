"""A web server or a worker that ends itself with SIGKILL's suddenness at a named point of the path.

`python -m tests.crash.dying POINT SKIP worker|web [PORT]`: gone at the visit of POINT after SKIP others.
"""

import os
import sys
import threading
from dataclasses import replace

from werkzeug.serving import make_server

from app import logs
from app.jobs.worker import Worker
from app.runtime import Runtime
from app.web import create_app
from config import Config
from wsgi import build_runtime


def dying_runtime(point: str, skip: int) -> Runtime:
    """The real runtime, but for one point."""
    left, lock = [skip], threading.Lock()

    def reach(name: str) -> None:
        if name == point:
            with lock:
                if left[0] == 0:
                    os._exit(137)  # no finally, no flush, no rollback: as kill -9 leaves it
                left[0] -= 1

    return replace(build_runtime(Config.from_env()), reach=reach)


def main(point: str, skip: str, kind: str, port: str = "0") -> None:
    runtime = dying_runtime(point, int(skip))
    logs.configure(runtime.config)
    if kind == "worker":
        Worker(runtime).run()
    else:
        make_server("127.0.0.1", int(port), create_app(runtime), threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
