"""The worker: APScheduler's threads tick, the timetable's jobs look into the tables and do what is due."""

import signal
import sys
import threading
from dataclasses import replace
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.errors import Unavailable
from app.jobs.timetable import AT_START, TIMETABLE, Job
from app.runtime import Runtime
from app.services import heartbeats

log = structlog.get_logger("worker")
# Sending, urgent sending, planning, importing, asking Telegram, one for the rest; each keeps a connection
THREADS = 6
RENEW_SECONDS = 1
# How long a thread that computes (an import) keeps the others from the interpreter: a mail needs it some
# twenty times, and at Python's own 5 ms each of them would wait a tenth of a second
SWITCH_SECONDS = 0.0005


class Worker:
    """Runs every job in its rhythm until told to stop; what is under way is finished."""

    def __init__(self, runtime: Runtime) -> None:
        self.stopped = threading.Event()
        self.runtime = replace(runtime, stopping=self.stopped.is_set)
        self.has_clock = False
        self.looked = heartbeats.look(runtime)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._stop)
        sys.setswitchinterval(SWITCH_SECONDS)
        for job in TIMETABLE:
            self._scheduler.add_job(
                self._tick, "interval", args=[job], seconds=job.every_seconds, id=job.name
            )
        self._renew()
        do(self.runtime, next(each for each in TIMETABLE if each.name == "heartbeat"))
        self._scheduler.start()
        log.info("worker started", name=heartbeats.worker_name())
        while not self.stopped.wait(RENEW_SECONDS):
            self._renew()
        self._end()
        heartbeats.leave(self.runtime)
        log.info("worker stopped", name=heartbeats.worker_name())

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopped.set()

    def _end(self) -> None:
        self._scheduler.pause()
        self._scheduler.get_jobs()  # waits for a look under way, which would fail as the jobs go
        self._scheduler.shutdown(wait=True)

    def _renew(self) -> None:
        had_it = self.has_clock
        try:
            self.looked = heartbeats.watch_clock(self.runtime, self.looked)
            self.has_clock = heartbeats.hold_clock(self.runtime)
        except Unavailable:
            self.has_clock = False
        if self.has_clock and not had_it:
            # Before us nobody had it, perhaps for long. A worker that was killed keeps it for some seconds
            # more: whoever starts after it would ask for nothing.
            for job in AT_START:
                self._scheduler.add_job(self._tick, args=[job], id=job.name, replace_existing=True)

    def _tick(self, job: Job) -> None:
        if not self.stopped.is_set() and (self.has_clock or not job.clock):
            do(self.runtime, job)


def do(runtime: Runtime, job: Job) -> int:
    """One job once. A failure is logged and the others go on; its rows are still due at the next tick."""
    try:
        done = job.work(runtime)
    except Unavailable:
        log.info("database busy", job=job.name)
        return 0
    except Exception:
        log.exception("job failed", job=job.name)
        return 0
    if done and not job.upkeep:
        log.info("job done", job=job.name, **({"number": done} if job.logs_how_much else {}))
    return done


def run_until_idle(runtime: Runtime) -> int:
    """Every job again and again until none finds anything due. How much was done."""
    total = 0
    while done := sum(do(runtime, job) for job in TIMETABLE if not job.upkeep):
        total += done
    return total
