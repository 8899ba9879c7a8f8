"""I04, I07, I09: by no page, file, API, count or log line is one answer more or less to be seen."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.channels.registry import open_channels
from app.domain.access import Role
from app.jobs import worker
from app.jobs.timetable import TIMETABLE
from app.runtime import Runtime
from app.services import api_keys, pulse_reminders
from app.services.access import Visitor
from app.services.pulse_closing import close_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.smtp import SmtpSink
from tests.world import Clock, World

pytestmark = pytest.mark.on_both

PEOPLE = 12
ANSWERED = 6  # and one more stays below the next step of five
OF_NOBODY = ("/static/", "/r/", "/p/", "/u/", "/link/", "/logo/", "/healthz", "/api/docs")


@pytest.fixture
def pulse(world: World) -> PulseWorld:
    found = open_pulse(world, PEOPLE)
    for number in range(ANSWERED):
        found.answer(number, number, f"words of {number}")
    return found


@pytest.fixture
def owner(world: World, pulse: PulseWorld) -> Visitor:
    return world.member(pulse.workspace, Role.OWNER)


@pytest.fixture
def look(
    app: Flask,
    client_for: Callable[[Visitor], FlaskClient],
    runtime: Runtime,
    owner: Visitor,
    pulse: PulseWorld,
) -> Callable[..., dict[str, str]]:
    """Everything that an owner can fetch, about one of the employees."""
    browser = client_for(owner)
    key = {"Authorization": f"Bearer {api_keys.create(runtime, owner, 'x', None).secret}"}

    def fetch(number: int = 0) -> dict[str, str]:
        ids = {
            "contacts": pulse.contacts[number].id,
            "pulses": pulse.pulse.id,
            "surveys": pulse.survey.id,
            "invitations": pulse.invitations[number].id,
        }
        found = {}
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.rule.startswith(OF_NOBODY):
                continue
            path = re.sub(
                r"(contacts|pulses|surveys|invitations)/<id>", lambda at: f"{at[1]}/{ids[at[1]]}", rule.rule
            )
            path = path.replace("<slug>", owner.workspace_slug).replace("<metric>", "enps")
            if "<" not in path:
                headers = {"X-Request-ID": "the-same-for-all", **(key if path.startswith("/api/") else {})}
                found[rule.rule] = plain(read(browser.get(path, headers=headers)))
        assert len(found) > 40
        return found

    fetch()  # that the key was used is noted now and then
    return fetch


def read(page: TestResponse) -> str:
    """What it says: a workbook is packed, and tells when it was made."""
    if not page.mimetype.endswith("spreadsheetml.sheet"):
        return page.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(page.get_data())) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if "docProps" not in name)


def plain(page: str) -> str:
    """Without what differs between any two requests, and without what this process counts of its requests."""
    if page.startswith("# HELP"):
        return "\n".join(line for line in page.splitlines() if line.startswith("retorno_messages"))
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


@pytest.mark.judged_on("sqlite")  # what a page says is the same on both
def test_one_answer_more_changes_nothing_that_anybody_can_fetch(
    look: Callable[..., dict[str, str]], pulse: PulseWorld
) -> None:
    before = look()
    pulse.answer(ANSWERED, 0, "words of one more")
    after = look()
    assert [rule for rule in before if before[rule] != after[rule]] == []
    assert not [rule for rule, page in after.items() if "words of" in page]


@pytest.mark.judged_on("sqlite")  # what a page says is the same on both
def test_nor_does_an_answer_that_was_changed(look: Callable[..., dict[str, str]], pulse: PulseWorld) -> None:
    before = look()
    pulse.answer(0, 10, "quite other words of mine, and longer ones")
    after = look()
    assert [rule for rule in before if before[rule] != after[rule]] == []


@pytest.mark.judged_on("sqlite")  # what a page says is the same on both
@pytest.mark.parametrize("when", ["open", "reminded", "closed"])
def test_whoever_answered_looks_like_whoever_did_not(
    look: Callable[..., dict[str, str]],
    runtime: Runtime,
    pulse: PulseWorld,
    owner: Visitor,
    clock: Clock,
    when: str,
) -> None:
    if when != "open":
        clock.advance(days=3)
        pulse_reminders.remind_pulses(runtime)
    if when == "closed":
        close_pulse(runtime, owner, pulse.pulse.id)
    took_part, did_not = (
        {rule: nameless(page, pulse, number) for rule, page in look(number).items() if "<id>" in rule}
        for number in (0, PEOPLE - 1)
    )
    assert "/w/<slug>/contacts/<id>" in took_part
    assert "/api/v1/contacts/<id>/timeline" in took_part
    assert [rule for rule in took_part if took_part[rule] != did_not[rule]] == []


def nameless(page: str, pulse: PulseWorld, number: int) -> str:
    contact = pulse.contacts[number]
    for known in (contact.id, pulse.invitations[number].id, contact.email or "", contact.name):
        page = page.replace(known, "…")
    return re.sub(r'(<span class="avatar[^>]*>)[^<]*', r"\1", page)


def test_neither_log_nor_metrics_tell_how_many_are_reminded(
    app: Flask,
    runtime: Runtime,
    world: World,
    pulse: PulseWorld,
    clock: Clock,
    smtp_server: SmtpSink,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As many as have not answered: the worker writes the same for six as for seven of them."""
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="rh@aroeira.example")
    real = replace(runtime, config=config, channels=open_channels(config))
    other = open_pulse(world, PEOPLE)
    for number in range(ANSWERED + 1):
        other.answer(number, 9)
    clock.advance(days=3)
    told = []
    for each in (pulse, other):
        with runtime.db.write() as session:
            for one in (pulse, other):  # one of them at a time
                one.pulse.reminded_at = clock.now if one is not each else None
                session.merge(one.pulse)
        capsys.readouterr()
        worker.do(real, next(job for job in TIMETABLE if job.name == "remind_pulses"))
        waiting = app.test_client().get("/metrics").text
        worker.run_until_idle(real)
        written = capsys.readouterr()
        told.append(
            (
                re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|id=\w+|ms=[\d.]+", "", written.out + written.err),
                [line for line in waiting.splitlines() if line.startswith("retorno_messages")],
            )
        )
    assert len(smtp_server.messages) == 2 * PEOPLE - 2 * ANSWERED - 1
    assert told[0] == told[1]
    assert "send_due" in told[0][0]
