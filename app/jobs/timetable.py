"""The whole timetable on one page. A job is `f(runtime) -> how much it did`; it only wakes us."""

from collections.abc import Callable
from dataclasses import dataclass

from app.runtime import Runtime
from app.services import (
    absent_channels,
    agent_cards,
    asking_again,
    choosing,
    doctor,
    expanding,
    heartbeats,
    hourly,
    import_jobs,
    inbound,
    journal_replay,
    limits,
    links,
    listening,
    looking_again,
    once,
    planning,
    pulse_closing,
    pulse_reminders,
    reminding,
    retention,
    retiming,
    scrubbing,
    sending,
    sessions,
    settling,
    sparing,
    standstill,
    tracing,
    unsent,
    wrong_clock,
)  # fmt: skip

Work = Callable[[Runtime], int]


@dataclass(frozen=True)
class Job:
    """`clock` jobs run in one worker at a time, the one that holds the lease; the others in every worker.

    `upkeep` looks after the house and finds nothing due: `worker --once` does without.
    """

    name: str
    work: Work
    every_seconds: float
    clock: bool = True
    logs_how_much: bool = (
        True  # a mail out is perhaps a pulse's reminder: their number tells how many answered
    )
    upkeep: bool = False


AT_START = (
    Job("keep_journal_at_start", journal_replay.keep, 0, upkeep=True),
    Job("catch_up_at_start", listening.catch_up_at_start, 0),
    Job("retime_schedules", retiming.retime_schedules, 0),
    Job("retime_steps", retiming.retime_steps, 0),
)
TIMETABLE = (
    Job("send_urgent", sending.send_urgent, 0.25, clock=False),  # an alert leaves within a second
    Job("send_due", sending.send_due, 0.5, clock=False, logs_how_much=False),
    Job("handle_inbound", inbound.handle_new, 0.25, clock=False),
    Job("poll_telegram", listening.poll_telegram, 0.2),  # asks for seconds at a time
    Job("catch_up", listening.catch_up, 30),
    Job("heartbeat", heartbeats.beat, 5, clock=False, upkeep=True),
    Job("give_up_waiting", absent_channels.give_up_waiting, 60, logs_how_much=False),
    Job("end_leases", settling.end_leases, 1),
    Job("trace_unknown", tracing.ask_providers, 60, logs_how_much=False),
    Job("plan_schedules", planning.plan_schedules, 1),
    Job("expand_occurrences", expanding.expand_occurrences, 1),
    Job("follow_schedules", unsent.follow_all, 1),
    Job("follow_stops", standstill.follow_all, 1),
    Job("retime_waiting", retiming.retime_waiting, 1),
    Job("look_at_held", looking_again.look_at_held, 1),
    Job("look_at_waiting", wrong_clock.look_at_waiting, 10),
    Job("count_spared", sparing.count_spared, 5),
    Job("import_contacts", import_jobs.run_due, 0.5, clock=False),
    Job("ask_again", asking_again.ask_again, 60),
    Job("remind", reminding.remind, 30),
    Job("close_due_pulses", pulse_closing.close_due_pulses, 15),
    Job("remind_pulses", pulse_reminders.remind_pulses, 60),
    Job("presume_sent", settling.presume_sent, 300),
    Job("expire_invitations", settling.expire_invitations, 300),
    Job("forget_sessions", sessions.forget_old, 3600),
    Job("forget_links", links.forget_old, 3600),
    Job("forget_limits", limits.forget_old, 3600),
    Job("forget_hours", hourly.forget_old, 3600),
    Job("forget_searches", choosing.forget_old, 600),
    Job("forget_requests", once.forget_old, 3600),
    Job("let_go", retention.let_go, 600),
    Job("scrub", scrubbing.scrub, 60),
    Job("forget_cards", agent_cards.forget_erased, 60),
    Job("keep_journal", journal_replay.keep, 3600, upkeep=True),
    Job("check_pages", doctor.check_pages, 6 * 3600, upkeep=True),
    Job("clear_imports", import_jobs.clear_away, 20, upkeep=True),
)
