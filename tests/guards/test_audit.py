"""I10: whatever a member, a key or a command changes is noted in the audit, or says here why it is not."""

import ast
import re
from pathlib import Path

from app.domain.followups import STEPS
from app.rendering.audit_words import AUDIT_DEEDS, AUDIT_KINDS

SERVICES = Path(__file__).parents[2] / "app" / "services"
NOTES = {"note", "note_of_account", "note_by_operator"}
ACT = {"leave", "take", "claim"}  # of Act: each leaves a line in the timeline and one in the audit

DEED = re.compile(rf"^(?:{'|'.join(AUDIT_KINDS)}|installation|sandbox)\.[a-z_]+$")
WORK = "the clock's own work: nobody did it"
THEIRS = "the respondent's own act: its row tells who, when and how"
DOOR = "coming in and going out; what it changes of an account is noted where it is changed"
INSIDE = "part of a verb that notes it"
DRAFT = "a draft of one's own that goes after a day: nothing of the workspace changes"
NOT_NOTED = {
    "accounts.require_password": DOOR,
    "agents.sit": "finds out which member wrote; what they then do is noted by its verb",
    "api_keys._note_use": WORK,
    "arrival.record": THEIRS,
    "asking_again.ask_again": WORK,
    "backup.backup": "makes the installation's key, if there is none yet",
    "connecting.connect": THEIRS,
    "connecting.shut_out": THEIRS,
    "contact_imports._empty": DRAFT,
    "contact_imports._expected": DRAFT,
    "contact_imports._remove": DRAFT,
    "contact_imports.choose_columns": DRAFT,
    "contact_imports.discard": DRAFT,
    "contact_imports.go_on": INSIDE,
    "contact_imports.receive": DRAFT,
    "contact_imports.stop": INSIDE,
    "conversations.hear": THEIRS,
    "demo.make": "an installation to look around in",
    "events.tell": "what another system tells: its row says what, when, and by which id",
    "choosing.forget_old": WORK,
    "choosing.look": WORK,
    "expanding._expand": WORK,
    "expanding._put_off": WORK,
    "first_owner.first_link": "printed by the first start, before anybody is here",
    "heartbeats.beat": WORK,
    "heartbeats.hold_clock": WORK,
    "heartbeats.leave": WORK,
    "heartbeats.watch_clock": WORK,
    "import_jobs._claim": WORK,
    "import_jobs._fail": WORK,
    "import_jobs._give_back": WORK,
    "import_jobs.clear_away": WORK,
    "import_work._check": WORK,
    "import_work._forget_rows": WORK,
    "import_work._opened": WORK,
    "import_work._read": WORK,
    "import_work._rows": WORK,
    "import_work._take": WORK,
    "import_work._undo": WORK,
    "inbound._try_later": WORK,
    "inbound.receive": THEIRS,
    "journal_replay._apply": WORK,
    "journal_replay._journal": WORK,
    "absent_channels._note": WORK,
    "absent_channels.give_up_waiting": WORK,
    "scrubbing.at_once": WORK,
    "scrubbing.scrub": WORK,
    "limits.count_once": WORK,
    "hourly.forget_old": WORK,
    "limits.forget_old": WORK,
    "links.forget_old": WORK,
    "listening._arrange": WORK,
    "looking_again.look_at_held": WORK,
    "wrong_clock.look_at_waiting": WORK,
    "once.forget_old": WORK,
    "planning._plan": WORK,
    "agent_cards.forget_erased": WORK,
    "perhaps_asked.give_up": INSIDE,
    "pulse_answers.seal_answer": THEIRS,
    "pulse_closing._close": INSIDE,
    "pulse_opening.open_some": INSIDE,
    "pulse_closing._mark_again": INSIDE,
    "pulse_closing._stop_asking": INSIDE,
    "pulse_reminders.remind_pulses": WORK,
    "recovery.request_reset": DOOR,
    "reminding._put_aside": WORK,
    "reminding.remind": WORK,
    "retention._keep": WORK,
    "retiming.retime_schedules": WORK,
    "retiming.retime_steps": WORK,
    "retiming.retime_waiting": WORK,
    "sandbox_phone.answer": "a member plays a respondent",
    "resuming.resume": INSIDE,
    "returned_mail.report": "what a relay tells, as a provider does: its message says what",
    "sending._claim": WORK,
    "sending._record_once": WORK,
    "sending._send_group": WORK,
    "sessions._note_visit": DOOR,
    "sessions.forget_old": WORK,
    "sessions.sign_out": DOOR,
    "settling.end_leases": WORK,
    "settling.expire_invitations": WORK,
    "standstill.follow_all": WORK,
    "unsent.follow_all": WORK,
    "settling.presume_sent": WORK,
    "settling_status.settle": WORK,
    "sparing._count": WORK,
    "sign_in.confirm_code": DOOR,
    "sign_in.sign_in": DOOR,
    "tagging._some": INSIDE,
    "telling_agents.finish": INSIDE,
    "tracing._ask": WORK,
    "unsubscribing.unsubscribe": THEIRS,
}


def called(node: ast.AST) -> set[str]:
    """The names of everything that is called inside."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            found.add(
                each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "")
            )
    return found


def writes(node: ast.AST) -> bool:
    """Does it open a transaction that writes?"""
    return any(
        isinstance(each, ast.Attribute) and each.attr == "write" and getattr(each.value, "attr", "") == "db"
        for each in ast.walk(node)
    )


def notes(
    name: str, functions: dict[str, ast.FunctionDef], noting: set[str], seen: frozenset[str] = frozenset()
) -> bool:
    """Does this function note, itself or by a step of its own module?"""
    names = called(functions[name])
    steps = names & set(functions) - seen - {name}
    return bool(names & noting) or any(notes(each, functions, noting, seen | {name}) for each in steps)


def test_every_deed_has_a_word() -> None:
    noted = set()
    for path in SERVICES.glob("*.py"):
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                noted |= set(DEED.findall(each.value))
    installation = {"installation.restored", "sandbox.cleared"}  # in no workspace's log
    followups = {f"followup.{step}" for step in set(STEPS) - {"edited", "heard"}}
    noted -= {"contact.first_name"}  # a placeholder of survey texts
    assert noted | followups == set(AUDIT_DEEDS) | installation


def test_every_verb_that_writes_is_noted_or_says_why_not() -> None:
    silent = set()
    for path in sorted(SERVICES.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
        noting = NOTES | ACT if path.stem == "followups" else NOTES
        silent |= {
            f"{path.stem}.{name}"
            for name, node in functions.items()
            if writes(node) and not notes(name, functions, noting)
        }
    assert silent == set(NOT_NOTED)
