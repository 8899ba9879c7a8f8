"""The inbox and the page of one follow-up: what is shown to whom, what each button does (B18, B21, H02)."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.domain.access import Role
from app.models import Member, Message, Workspace
from app.runtime import Runtime
from app.services import followups
from app.services.access import Visitor
from app.services.followup_opening import annotate_edit, reply_left
from tests.services.loop import closures, followup, kinds, opened, replies
from tests.world import Clock, World

SignIn = Callable[[Visitor], FlaskClient]
CLOSE = {"summary": "We called.", "root_cause": "Outage", "ask_again": "yes"}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(slug="aroeira")


@pytest.fixture
def beatriz(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Beatriz Lima", locale="en"))


@pytest.fixture
def rafael(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Rafael Nogueira", locale="en"))


@pytest.fixture
def agent(client_for: SignIn, beatriz: Visitor) -> FlaskClient:
    return client_for(beatriz)


@pytest.fixture
def id(world: World, workspace: Workspace) -> str:
    contact = world.contact(workspace, name="Maria Figueiredo", attributes={"company": "Bem-te-vi"})
    return opened(world, workspace, 4, contact=contact, comment="It was down twice.")


@pytest.fixture
def page(id: str) -> str:
    return f"/w/aroeira/followups/{id}"


def test_an_empty_inbox_says_who_will_be_here(agent: FlaskClient) -> None:
    page = agent.get("/w/aroeira/followups").text
    assert "Nobody waits for an answer." in page
    assert "button-go" not in page


@pytest.mark.parametrize(
    ("narrowed", "words"),
    [
        ("?whose=mine", "You have no follow-up."),
        ("?whose=unassigned", "Every follow-up has somebody."),
        ("?shown=overdue", "Nothing is late."),
        ("?shown=closed", "Nothing has been closed here yet."),
        ("?whose=x&shown=y", "Nobody waits for an answer."),
    ],
)
def test_a_filter_without_result_says_so_and_leads_back(
    agent: FlaskClient, narrowed: str, words: str
) -> None:
    assert words in agent.get(f"/w/aroeira/followups{narrowed}").text


def test_the_inbox_names_who_waits_where_from_and_what_they_said(
    agent: FlaskClient, id: str, page: str
) -> None:
    inbox = agent.get("/w/aroeira/followups").text
    for words in ("Maria Figueiredo", "Bem-te-vi", "It was down twice.", "Nobody yet", page, "in 2 days"):
        assert words in inbox
    assert inbox.count("button-go") == 1


def test_the_next_one_is_claimed_and_opened(
    runtime: Runtime, agent: FlaskClient, beatriz: Visitor, id: str
) -> None:
    answer = agent.post("/w/aroeira/followups/next")
    assert (answer.status_code, answer.location.endswith(id)) == (303, True)
    assert followup(runtime, id).assignee_id == beatriz.member_id
    answer = agent.post("/w/aroeira/followups/next")
    assert "Nobody waits without somebody." in agent.get(answer.location).text


def test_unclaimed_the_yellow_thing_is_to_claim_and_the_composer_waits(agent: FlaskClient, page: str) -> None:
    shown = agent.get(page).text
    assert "Maria Figueiredo gave 4 and waits for us" in shown
    assert shown.count("button-go") == 1
    assert "Send reply" not in shown
    assert "Claim it to write to Maria" in shown


def test_claimed_the_yellow_thing_is_to_reply(
    runtime: Runtime, agent: FlaskClient, id: str, page: str
) -> None:
    assert agent.post(f"{page}/claim").status_code == 303
    shown = agent.get(page).text
    assert "Maria Figueiredo gave 4 and waits for you" in shown
    assert shown.count("button-go") == 1
    assert "Send reply" in shown
    agent.post(f"{page}/replies", data={"text": "Sorry, Maria."})
    assert [message.body for message in replies(runtime, id)] == ["Sorry, Maria."]
    assert "Sorry, Maria." in agent.get(page).text


def test_when_the_reply_has_left_it_is_their_turn(
    runtime: Runtime, clock: Clock, agent: FlaskClient, id: str, page: str
) -> None:
    agent.post(f"{page}/claim")
    clock.advance(minutes=3)
    with runtime.db.write() as session:
        reply_left(session, id, clock.now)
    assert "We answered Maria Figueiredo" in agent.get(page).text
    assert "First contact made" in agent.get("/w/aroeira/followups").text


def test_another_has_it_and_it_can_be_taken_over(
    runtime: Runtime, agent: FlaskClient, beatriz: Visitor, rafael: Visitor, id: str, page: str
) -> None:
    followups.claim(runtime, rafael, id)
    shown = agent.get(page).text
    assert "waits for Rafael Nogueira" in shown
    assert "Rafael Nogueira is taking care of Maria" in shown
    assert "button-go" not in shown
    taken = agent.post(f"{page}/assignment", data={"assignee": beatriz.member_id, "seen": rafael.member_id})
    assert taken.status_code == 303
    assert followup(runtime, id).assignee_id == beatriz.member_id


def test_whoever_is_slower_is_told_and_loses_no_words(
    runtime: Runtime, clock: Clock, agent: FlaskClient, rafael: Visitor, id: str, page: str
) -> None:
    followups.claim(runtime, rafael, id)
    clock.advance(minutes=2)
    answer = agent.post(f"{page}/claim")
    assert answer.status_code == 409
    assert "Rafael Nogueira claimed it 2 minutes ago." in answer.text
    followups.close(runtime, rafael, id, summary="I called.", root_cause="Outage")
    answer = agent.post(f"{page}/closure", data=CLOSE)
    assert answer.status_code == 409
    assert "Rafael Nogueira closed it just now." in answer.text


def test_a_refused_form_keeps_what_was_typed_and_says_why(agent: FlaskClient, id: str, page: str) -> None:
    answer = agent.post(f"{page}/closure", data={"summary": "We called & fixed it.", "root_cause": " "})
    assert answer.status_code == 422
    assert "We called &amp; fixed it." in answer.text
    assert "Choose a cause, or write one." in answer.text
    agent.post(f"{page}/claim")
    long = "x" * 5001
    answer = agent.post(f"{page}/replies", data={"text": long})
    assert answer.status_code == 422
    assert long in answer.text
    assert agent.post(f"{page}/notes", data={"text": ""}).status_code == 422


def test_closing_suggests_the_causes_of_the_workspace_and_those_used_before(
    world: World, runtime: Runtime, workspace: Workspace, agent: FlaskClient, beatriz: Visitor, page: str
) -> None:
    other = opened(world, workspace)
    followups.close(runtime, beatriz, other, summary="Done.", root_cause="A cause of our own")
    shown = agent.get(page).text
    assert '<option value="Sistema fora do ar">' in shown
    assert '<option value="A cause of our own">' in shown


def test_a_cause_that_is_not_on_the_list_is_written(
    runtime: Runtime, agent: FlaskClient, id: str, page: str
) -> None:
    closing = {"summary": "We called.", "root_cause": "+", "other_cause": " "}
    answer = agent.post(f"{page}/closure", data=closing)
    assert answer.status_code == 422
    assert '<option value="+" selected>' in answer.text
    agent.post(f"{page}/closure", data=closing | {"other_cause": "  The  weather "})
    assert closures(runtime, id)[0].root_cause == "The weather"


def test_a_closed_one_says_when_we_ask_again(clock: Clock, agent: FlaskClient, page: str) -> None:
    agent.post(f"{page}/closure", data=CLOSE)
    assert "We ask again on Monday, 23 November." in agent.get(page).text


def test_closing_shows_the_record_and_reopening_keeps_it(
    runtime: Runtime, agent: FlaskClient, id: str, page: str
) -> None:
    assert agent.post(f"{page}/closure", data=CLOSE).status_code == 303
    shown = agent.get(page).text
    assert "this is closed" in shown
    assert "We called." in shown
    assert "Send reply" not in shown
    assert "Maria Figueiredo" in agent.get("/w/aroeira/followups?shown=closed").text
    agent.post(f"{page}/reopening")
    assert followup(runtime, id).closed_at is None
    assert closures(runtime, id)[0].summary == "We called."
    assert "You opened it again" in agent.get(page).text


def test_notes_are_ours_and_one_that_we_spoke_moves_the_clock_to_closing(
    agent: FlaskClient, page: str
) -> None:
    agent.post(f"{page}/notes", data={"text": "She is on holiday."})
    assert "First contact in 2 days" in agent.get(page).text
    agent.post(f"{page}/notes", data={"text": "Called her.", "contacted": "yes"})
    shown = agent.get(page).text
    assert "She is on holiday." in shown
    assert "We spoke with Maria Figueiredo; it is still open" in shown
    assert "To be closed in 11 days" in shown


def test_a_changed_score_stands_in_the_conversation(
    world: World, runtime: Runtime, clock: Clock, agent: FlaskClient, id: str, page: str
) -> None:
    answer_id = followup(runtime, id).answer_id
    assert answer_id is not None
    with runtime.db.write() as session:
        annotate_edit(session, answer_id, 4, 9, clock.now)
    assert "The score was changed: 4 → 9" in agent.get(page).text


def test_a_person_who_cannot_be_written_to_is_noted_not_written(
    world: World, workspace: Workspace, agent: FlaskClient
) -> None:
    id = opened(world, workspace, contact=world.contact(workspace, email=None))
    agent.post(f"/w/aroeira/followups/{id}/claim")
    shown = agent.get(f"/w/aroeira/followups/{id}").text
    assert "We have no e-mail address of this person." in shown
    assert "Send reply" not in shown


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        "<svg onload=alert(1)>",
        "{{7*7}}",
        "${7*7}",
        "javascript:alert(1)",
        '"><b>x',
    ],
)
def test_words_are_inert_wherever_they_come_from(
    world: World, workspace: Workspace, agent: FlaskClient, words: str
) -> None:
    contact = world.contact(workspace, name=words, attributes={"company": words, words: words})
    id = opened(world, workspace, contact=contact, comment=words)
    page = f"/w/aroeira/followups/{id}"
    agent.post(f"{page}/claim")
    agent.post(f"{page}/notes", data={"text": words})
    agent.post(f"{page}/replies", data={"text": words})
    agent.post(f"{page}/closure", data={"summary": words, "root_cause": words})
    for shown in (agent.get(page).text, agent.get("/w/aroeira/followups?shown=closed").text):
        assert "<script>alert" not in shown
        assert "<svg onload" not in shown
        assert "<b>x" not in shown
        assert "49" not in shown.split("<main", 1)[1].split("datetime=")[0]


def test_a_viewer_reads_and_changes_nothing(
    world: World, runtime: Runtime, client_for: SignIn, workspace: Workspace, id: str, page: str
) -> None:
    viewer = client_for(world.member(workspace, Role.VIEWER))
    shown = viewer.get(page).text
    assert 'action="' + page not in shown
    assert viewer.get("/w/aroeira/followups").status_code == 200
    for verb in ("claim", "assignment", "notes", "replies", "closure", "reopening"):
        assert viewer.post(f"{page}/{verb}", data={"text": "x", **CLOSE}).status_code == 403
    assert viewer.post("/w/aroeira/followups/next").status_code == 403
    assert kinds(runtime, id) == ["opened"]


def test_another_workspaces_follow_up_does_not_exist(
    world: World, runtime: Runtime, client_for: SignIn, id: str
) -> None:
    other = world.workspace(slug="outra")
    stranger = client_for(world.member(other, Role.OWNER))
    for path in (f"/w/outra/followups/{id}", "/w/outra/followups/" + "a" * 26, f"/w/aroeira/followups/{id}"):
        assert stranger.get(path).status_code == 404
        for verb in ("claim", "notes", "replies", "closure", "reopening", "assignment"):
            assert stranger.post(f"{path}/{verb}", data={"text": "x", **CLOSE}).status_code == 404
    assert kinds(runtime, id) == ["opened"]


def test_work_cannot_be_given_to_another_workspaces_member(
    world: World, runtime: Runtime, agent: FlaskClient, id: str, page: str
) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    answer = agent.post(f"{page}/assignment", data={"assignee": stranger.member_id, "seen": ""})
    assert answer.status_code == 422
    assert followup(runtime, id).assignee_id is None


def test_whoever_has_it_and_works_no_longer_stays_named_until_it_is_handed_over(
    runtime: Runtime, agent: FlaskClient, rafael: Visitor, id: str, page: str
) -> None:
    agent.post(f"{page}/assignment", data={"assignee": rafael.member_id, "seen": ""})
    with runtime.db.write() as session:
        session.get_one(Member, rafael.member_id).role = Role.VIEWER.value
    assert re.search(rf'value="{rafael.member_id}" selected>Rafael', agent.get(page).text)


def test_who_is_removed_is_out_at_the_next_request_own_notes_included(
    runtime: Runtime, agent: FlaskClient, beatriz: Visitor, id: str, page: str
) -> None:
    agent.post(f"{page}/notes", data={"text": "Mine."})
    with runtime.db.write() as session:
        session.delete(session.get_one(Member, beatriz.member_id))
    assert agent.get(page).status_code == 404
    assert agent.post(f"{page}/notes", data={"text": "Again."}).status_code == 404
    assert kinds(runtime, id) == ["opened", "noted"]


def test_a_people_workspace_has_no_such_room(world: World, client_for: SignIn) -> None:
    people = client_for(world.member(world.workspace("people", slug="gente"), Role.OWNER))
    for path in ("/w/gente/followups", "/w/gente/answers", "/w/gente/answers/export.csv"):
        assert people.get(path).status_code == 404


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_the_pages_speak_the_readers_language(
    world: World, client_for: SignIn, workspace: Workspace, id: str, page: str, locale: str
) -> None:
    client = client_for(world.member(workspace, Role.AGENT, world.user(name="Ana", locale=locale)))
    inbox, shown = client.get("/w/aroeira/followups").text, client.get(page).text
    words = {
        "pt-BR": ("Assumir o próximo", "deu 4 e espera por nós"),
        "es": ("Tomar el siguiente", "dio 4 y nos espera"),
    }
    assert words[locale][0] in inbox
    assert words[locale][1] in shown


def test_words_that_did_not_leave_are_sent_another_way_from_where_they_stand(
    runtime: Runtime, clock: Clock, agent: FlaskClient, beatriz: Visitor, id: str, page: str
) -> None:
    followups.claim(runtime, beatriz, id)
    followups.reply(runtime, beatriz, id, "We are sorry.\nCome back!")
    with runtime.db.write() as session:
        lost = update(Message).where(Message.purpose == "reply")
        session.execute(lost.values(state="failed", reason="channel_not_configured"))
    clock.advance(minutes=1)
    home = agent.get("/w/aroeira/").text
    assert "A reply could not be sent" in home and f'href="{page}"' in home
    talk = agent.get(page).text
    assert "Channel not set up" in talk and "Send it by e-mail" in talk
    words = re.search(r'name="text" value="([^"]*)"', talk)
    assert words is not None
    assert agent.post(f"{page}/replies", data={"text": words[1]}).status_code == 303
    assert replies(runtime, id)[-1].body == "We are sorry.\nCome back!"
    assert "Send it by e-mail" not in agent.get(page).text
    assert "could not be sent" not in agent.get("/w/aroeira/").text
