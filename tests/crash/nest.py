"""Web servers and workers as processes of their own, quickly: forked from one that has loaded everything."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parents[2]
FOREVER = 10**9


class Nest:
    """Hatches processes by `tests.crash.dying`; each is as real, and as mortal, as one started anew."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.crash.dying"]
        environment = {"PATH": os.environ["PATH"]}  # no setting of this machine's
        self._mother = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._lock = Lock()

    def hatch(
        self, env: Mapping[str, str], kind: str, port: int = 0, *, point: str = "", skip: int = FOREVER
    ) -> "Hatched":
        """A web server on that port or a worker, which dies at the visit of `point` after `skip` others."""
        asked = {"env": dict(env), "kind": kind, "port": port, "point": point, "skip": skip}
        return Hatched(self, int(self.ask(asked)))

    def ask(self, what: Mapping[str, Any]) -> Any:
        with self._lock:
            assert self._mother.stdin is not None
            assert self._mother.stdout is not None
            self._mother.stdin.write(json.dumps(what) + "\n")
            self._mother.stdin.flush()
            return json.loads(self._mother.stdout.readline())

    def close(self) -> None:
        """All of them end with their mother."""
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.close()
        self._mother.wait()
        self._mother.stdout.close()


class Hatched:
    """One process."""

    def __init__(self, nest: Nest, pid: int) -> None:
        self._nest, self.pid = nest, pid
        self.status: int | None = None

    def poll(self) -> int | None:
        """Its exit status; None while it lives."""
        if self.status is None:
            self.status = self._nest.ask({"poll": self.pid})
        return self.status

    def wait(self, seconds: float = 60) -> int:
        until = time.monotonic() + seconds
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                raise TimeoutError("it lives longer than was meant")
            time.sleep(0.01)
        return status

    def stop(self) -> None:
        """In good order, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            self.wait()

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
