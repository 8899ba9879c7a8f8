"""The respondent's page: a GET changes nothing, one POST records, the same again changes nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, AnswerEdit, FollowUp, FollowUpEvent, Invitation, Message, OptOut
from app.runtime import Runtime
from tests.world import Clock, World, token_of

pytestmark = pytest.mark.on_both


@pytest.fixture
def asked(world: World) -> Invitation:
    workspace = world.workspace(name="Aroeira")
    world.member(workspace, Role.AGENT)
    return world.invitation(
        workspace, world.survey(workspace), world.contact(workspace, name="Maria Figueiredo")
    )


@pytest.fixture
def link(asked: Invitation) -> str:
    return f"/r/{token_of(asked)}"


def answers(runtime: Runtime) -> list[Answer]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Answer)))


def count(runtime: Runtime, model: type) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_opening_the_link_in_any_way_records_nothing(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    """B01, B04: scanners, HEAD, OPTIONS, prefetch."""
    for score in range(11):
        assert client.get(f"{link}?score={score}").status_code == 200
    client.head(link)
    client.options(link)
    client.get(link, headers={"Sec-Purpose": "prefetch"})
    assert not answers(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.state)).all() == ["sent"]


def test_a_pressed_score_is_preselected_and_another_value_preselects_nothing(
    client: FlaskClient, link: str
) -> None:
    assert 'value="9" checked' in client.get(f"{link}?score=9").text
    for wrong in ("11", "-1", "7.5", "９", "1e1", "", "nine"):
        assert "checked" not in client.get(link, query_string={"score": wrong}).text


def test_a_score_is_recorded_before_the_comment_is_asked(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    response = client.post(link, data={"score": "9"})
    assert (response.status_code, response.location) == (303, link)
    (answer,) = answers(runtime)
    assert (answer.score, answer.band, answer.comment) == (9, "promoter", None)
    assert 'name="comment"' in client.get(link).text


def test_a_comment_ends_with_thanks_that_show_what_was_said(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    client.post(link, data={"score": "3"})
    page = client.post(link, data={"comment": "A agenda saiu do ar <script>"}, follow_redirects=True)
    assert "A agenda saiu do ar &lt;script&gt;" in page.text
    assert answers(runtime)[0].comment == "A agenda saiu do ar <script>"


def test_a_detractor_opens_one_follow_up_with_an_alert(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    client.post(link, data={"score": "3", "comment": "Caro"})
    client.post(link, data={"score": "3", "comment": "Caro"})
    with runtime.db.read() as session:
        assert session.scalars(select(FollowUp.reason)).all() == ["detractor"]
        assert session.scalars(select(Message.priority).where(Message.purpose == "alert")).all() == [0]
        assert session.scalars(select(Invitation.state)).all() == ["answered"]


def test_a_promoter_who_asks_for_somebody_gets_a_follow_up(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    client.post(link, data={"score": "10"})
    assert count(runtime, FollowUp) == 0
    client.post(link, data={"comment": "", "contact_me": "yes"})
    with runtime.db.read() as session:
        assert session.scalars(select(FollowUp.reason)).all() == ["asked"]


@pytest.mark.parametrize("score", ["-1", "11", "7.5", "10 ", "１０", "٩", "9️⃣", "1e1", "true", "", "9" * 400])
def test_a_bad_score_comes_back_with_its_form(
    client: FlaskClient, link: str, runtime: Runtime, score: str
) -> None:
    """B09."""
    response = client.post(link, data={"score": score, "comment": "meu comentário"})
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert not answers(runtime)


def test_a_comment_that_is_too_long_comes_back_as_it_was_typed(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    client.post(link, data={"score": "9"})
    response = client.post(link, data={"comment": "é" * 2001})
    assert response.status_code == 422
    assert "é" * 2001 in response.text
    assert answers(runtime)[0].comment is None


def test_double_clicks_and_two_tabs_leave_one_answer(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    """B05."""
    for _ in range(3):
        assert client.post(link, data={"score": "9"}).status_code == 303
    assert len(answers(runtime)) == 1
    assert count(runtime, AnswerEdit) == 0


def test_fifty_at_once_leave_one_answer(app: Flask, link: str, runtime: Runtime) -> None:
    """B06, on threads with a connection each."""
    with ThreadPoolExecutor(10) as threads:
        codes = list(
            threads.map(lambda _: app.test_client().post(link, data={"score": "2"}).status_code, range(50))
        )
    assert set(codes) == {303}
    assert len(answers(runtime)) == 1
    assert count(runtime, FollowUp) == 1


def test_a_changed_mind_counts_and_what_it_replaced_is_kept(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    """B21: the follow-up stays and says so."""
    client.post(link, data={"score": "3"})
    client.post(link, data={"score": "9"})
    assert [(each.score, each.band) for each in answers(runtime)] == [(9, "promoter")]
    with runtime.db.read() as session:
        assert session.scalars(select(AnswerEdit.score)).all() == [3]
        kinds = session.scalars(
            select(FollowUpEvent.kind).order_by(FollowUpEvent.at, FollowUpEvent.kind)
        ).all()
        assert sorted(kinds) == ["edited", "opened"]


def test_a_promoter_who_becomes_a_detractor_gets_a_follow_up(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    client.post(link, data={"score": "9"})
    client.post(link, data={"score": "0"})
    assert count(runtime, FollowUp) == 1


def test_after_a_day_an_answer_stands_and_a_later_word_is_kept_apart(
    client: FlaskClient, link: str, runtime: Runtime, clock: Clock
) -> None:
    """B13."""
    client.post(link, data={"score": "9"})
    clock.advance(hours=24)
    assert client.get(link).status_code == 404
    assert client.post(link, data={"score": "0"}).status_code == 404
    assert answers(runtime)[0].score == 9
    with runtime.db.read() as session:
        assert session.execute(select(AnswerEdit.score, AnswerEdit.late)).all() == [(0, True)]


def test_an_answer_after_the_link_has_ended_is_kept_and_not_counted(
    client: FlaskClient, link: str, runtime: Runtime, clock: Clock
) -> None:
    """B13."""
    clock.advance(days=30)
    assert client.post(link, data={"score": "2"}).status_code == 404
    assert client.post(link, data={"score": "2"}).status_code == 404
    (answer,) = answers(runtime)
    assert answer.late
    assert count(runtime, FollowUp) == 0


def test_unknown_ended_and_malformed_links_show_the_same_page(
    client: FlaskClient, link: str, clock: Clock
) -> None:
    """B15."""
    unknown = client.get("/r/" + "a" * 26)
    clock.advance(days=31)
    ended = client.get(link)
    assert unknown.status_code == ended.status_code == 404
    assert unknown.data == ended.data == client.get("/r/%00%00").data


def test_a_token_of_one_purpose_opens_nothing_else(client: FlaskClient, asked: Invitation) -> None:
    """G04."""
    assert client.get(f"/u/{token_of(asked)}").status_code == 404
    assert client.get(f"/r/{token_of(asked, 'unsubscribe')}").status_code == 404
    assert client.get(f"/p/{token_of(asked)}").status_code == 404


def test_a_filled_honeypot_keeps_the_answer_apart(client: FlaskClient, link: str, runtime: Runtime) -> None:
    """B03."""
    client.post(link, data={"score": "0", "website": "https://spam.example"})
    assert answers(runtime)[0].suspect
    assert count(runtime, FollowUp) == 0


def test_a_person_who_answers_after_a_program_counts(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    """B03: what the program sent is kept as what it was before, and the follow-up opens now."""
    client.post(link, data={"score": "9", "website": "https://spam.example"})
    client.post(link, data={"comment": "eu"})
    assert answers(runtime)[0].suspect
    client.post(link, data={"score": "2"})
    (answer,) = answers(runtime)
    assert (answer.score, answer.suspect) == (2, False)
    assert count(runtime, FollowUp) == 1


def test_a_program_that_comes_after_a_person_changes_nothing(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    """B03: however often it comes, the person may still change their mind."""
    client.post(link, data={"score": "9"})
    for score in range(10):
        sent = {"score": str(score), "comment": "spam", "contact_me": "yes", "website": "x"}
        for _ in range(6):
            assert client.post(link, data=sent).status_code == 303
    (answer,) = answers(runtime)
    assert (answer.score, answer.comment, answer.contact_me, answer.suspect) == (9, None, False, False)
    with runtime.db.read() as session:
        assert set(session.scalars(select(AnswerEdit.late))) == {True}
    assert count(runtime, AnswerEdit) == 50
    assert count(runtime, FollowUp) == 0
    assert client.post(link, data={"score": "3"}).status_code == 303
    assert answers(runtime)[0].score == 3


def test_changes_come_to_an_end_with_the_answer_as_it_was(
    client: FlaskClient, link: str, runtime: Runtime
) -> None:
    for number in range(51):
        client.post(link, data={"score": str(number % 2)})
    assert client.post(link, data={"score": "7"}).status_code == 429
    assert answers(runtime)[0].score == 0
    assert count(runtime, AnswerEdit) == 50


def test_the_page_leaks_its_token_to_nobody(client: FlaskClient, link: str) -> None:
    """B17: no referrer, no cache, no cookie, no third party."""
    response = client.get(link)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert "http" not in response.text.replace('<meta name="color-scheme"', "")


def test_an_answer_to_an_unknown_attempt_is_the_evidence_that_it_arrived(
    client: FlaskClient, asked: Invitation, link: str, runtime: Runtime
) -> None:
    with runtime.db.write() as session:
        session.get_one(Invitation, asked.id).state = "unknown"
        session.scalars(select(Message)).one().state = "unknown"
    client.post(link, data={"score": "9"})
    with runtime.db.read() as session:
        assert session.scalars(select(Message.state)).all() == ["delivered"]


@pytest.mark.parametrize(("metric", "choices"), [(Metric.NPS, 11), (Metric.CSAT, 5), (Metric.CES, 7)])
def test_each_question_has_its_own_scale(
    client: FlaskClient, world: World, metric: Metric, choices: int
) -> None:
    workspace = world.workspace()
    invitation = world.invitation(workspace, world.survey(workspace, metric), world.contact(workspace))
    assert client.get(f"/r/{token_of(invitation)}").text.count('type="radio"') == choices


def test_leaving_is_asked_first_and_done_by_a_press(
    client: FlaskClient, asked: Invitation, runtime: Runtime
) -> None:
    link = f"/u/{token_of(asked, 'unsubscribe')}"
    assert client.get(link).status_code == 200
    assert count(runtime, OptOut) == 0
    assert client.post(link).status_code == 200
    client.post(link, data={"List-Unsubscribe": "One-Click"})
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut.origin)).all() == ["unsubscribe"]


def test_whoever_guesses_tokens_is_slowed_down_and_whoever_holds_one_is_not(
    client: FlaskClient, asked: Invitation, link: str
) -> None:
    """B15, B20: by the address that we may believe, whatever the caller writes about itself."""
    here = {"REMOTE_ADDR": "127.9.9.9"}
    for number in range(120):
        forged = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        path = ("/r", "/u")[number % 2]
        assert client.get(f"{path}/{number:026}", environ_base=here, headers=forged).status_code == 404
    for path in ("/r", "/u"):
        for method in ("GET", "POST"):
            refused = client.open(f"{path}/{'b' * 26}", method=method, environ_base=here)
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) > 0
    out = f"/u/{token_of(asked, 'unsubscribe')}"
    for _ in range(130):  # a colleague, behind the same address
        assert client.get(link, environ_base=here).status_code == 200
    assert client.post(link, data={"score": "9"}, environ_base=here).status_code == 303
    assert client.post(out, environ_base=here).status_code == 200
