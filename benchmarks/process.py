"""What one web process costs: seconds to its first answer, and memory after a thousand pages."""

import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from app.db import open_database
from benchmarks.report import Line
from benchmarks.seed import seed
from benchmarks.servers import environment, granian

START_SECONDS = 1.5
MEMORY_MB = 150.0


def measure() -> list[Line]:
    """Start-up is from the command to the first page; the limits are absolute, so the floor is the limit."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'retorno.db'}"
        db = open_database(url)
        token = seed(db, 1)[0]
        db.dispose()
        began = time.perf_counter()
        with granian("wsgi:app", environment(url), workers=1) as port:
            started = time.perf_counter() - began
            for _ in range(1_000):
                urlopen(f"http://127.0.0.1:{port}/r/{token}").read()
            memory = max(_resident_mb(port))
    return [
        Line("start-up of the web process: seconds", started, START_SECONDS, 1.0, higher_is_better=False),
        Line("memory of one web process: MB", memory, MEMORY_MB, 1.0, higher_is_better=False),
    ]


def _resident_mb(port: int) -> list[float]:
    """Of every process that has the port in its command line."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if str(port) in (status.parent / "cmdline").read_text():
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                found.append(int(lines["VmRSS"].split()[0]) / 1024)
        except (OSError, KeyError):
            continue
    return found
