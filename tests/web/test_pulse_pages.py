"""The pages of a pulse: they ask, seal and thank, never show back, and leave no line and no count."""

from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from prometheus_client import generate_latest
from sqlalchemy import select

from app import sealing
from app.models import SealedAnswer
from app.runtime import Runtime
from app.services.pulse_closing import close_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World, token_of


class Fields(HTMLParser):
    """What a form of the page would send, and the links on it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: list[dict[str, str | None]] = []
        self.links: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("input", "textarea", "button"):
            self.fields.append(values)
        if tag == "a":
            self.links.append(values.get("href"))


def our_metrics() -> list[bytes]:
    return [line for line in generate_latest().splitlines() if line.startswith(b"retorno")]


def path_of(pulse: PulseWorld, number: int = 0) -> str:
    return f"/p/{token_of(pulse.invitations[number], 'pulse')}"


def sealed(runtime: Runtime) -> list[tuple[int, str]]:
    with runtime.db.read() as session:
        rows = session.execute(select(SealedAnswer.pulse_id, SealedAnswer.box)).all()
    return sorted(
        sealing.open_box(sealing.read_key(runtime.config.keys_dir, pulse_id), box) for pulse_id, box in rows
    )


def test_two_posts_take_score_and_comment_and_each_answers_with_the_next_page(
    world: World, runtime: Runtime, client: FlaskClient
) -> None:
    pulse = open_pulse(world)
    path = path_of(pulse)
    first = client.get(path)
    assert first.status_code == 200
    assert "checked" not in first.text
    second = client.post(path, data={"score": "3"})
    assert second.status_code == 200
    assert sealed(runtime) == [(3, "")]
    carried = {
        each["name"]: each.get("value") for each in Fields(second.text).fields if each.get("type") == "hidden"
    }
    assert carried == {"score": "3"}
    third = client.post(path, data=carried | {"comment": "Descubro a prioridade na sexta."})
    assert third.status_code == 200
    assert "prioridade" not in third.text
    assert sealed(runtime) == [(3, "Descubro a prioridade na sexta.")]


@pytest.mark.parametrize("method", ["get", "head"])
def test_whoever_fetches_the_link_nothing_is_recorded(
    world: World, runtime: Runtime, client: FlaskClient, method: str
) -> None:
    path = path_of(open_pulse(world))
    response = client.open(f"{path}?score=9", method=method)
    assert response.status_code == 200
    assert sealed(runtime) == []


def test_a_score_in_the_address_selects_nothing(world: World, client: FlaskClient) -> None:
    path = path_of(open_pulse(world))
    assert client.get(f"{path}?score=9").text == client.get(path).text


def test_the_page_after_answering_is_the_page_before(world: World, client: FlaskClient) -> None:
    path = path_of(open_pulse(world))
    before = client.get(path).text
    client.post(path, data={"score": "0", "comment": "nunca"})
    assert client.get(path).text == before


def test_finishing_without_a_comment_keeps_the_score_alone(
    world: World, runtime: Runtime, client: FlaskClient
) -> None:
    path = path_of(open_pulse(world))
    response = client.post(
        path, data={"score": "8", "skip": "yes", "comment": "typed and then thought better"}
    )
    assert response.status_code == 200
    assert sealed(runtime) == [(8, "")]


@pytest.mark.parametrize("score", ["11", "", "6.5", "nove"])
def test_a_bad_score_brings_the_form_back_and_seals_nothing(
    world: World, runtime: Runtime, client: FlaskClient, score: str
) -> None:
    response = client.post(path_of(open_pulse(world)), data={"score": score})
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert sealed(runtime) == []


def test_a_comment_without_its_score_brings_the_question_back(
    world: World, runtime: Runtime, client: FlaskClient
) -> None:
    response = client.post(path_of(open_pulse(world)), data={"comment": "sem nota"})
    assert response.status_code == 422
    assert sealed(runtime) == []


def test_a_comment_that_is_too_long_comes_back_with_its_score_and_its_words(
    world: World, runtime: Runtime, client: FlaskClient
) -> None:
    words = "x" * 2001
    response = client.post(path_of(open_pulse(world)), data={"score": "4", "comment": words})
    assert response.status_code == 422
    assert words in response.text
    assert {"type": "hidden", "name": "score", "value": "4"} in Fields(response.text).fields
    assert sealed(runtime) == []


def test_a_comment_full_of_markup_is_text(world: World, runtime: Runtime, client: FlaskClient) -> None:
    words = "</textarea><script>alert(1)</script>{{ 7*7 }}" + "x" * 2000
    response = client.post(path_of(open_pulse(world)), data={"score": "4", "comment": words})
    assert "<script>" not in response.text


def test_unknown_and_closed_links_show_the_same_calm_page(
    world: World, runtime: Runtime, client: FlaskClient, clock: Clock
) -> None:
    pulse = open_pulse(world)
    unknown = client.get("/p/nothing")
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    for closed in (client.get(path_of(pulse)), client.post(path_of(pulse), data={"score": "9"})):
        assert closed.status_code == unknown.status_code == 404
        assert closed.text == unknown.text


def test_nobody_between_may_keep_or_pass_on_the_address(world: World, client: FlaskClient) -> None:
    response = client.post(path_of(open_pulse(world)), data={"score": "9"})
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers


def test_a_respondent_leaves_no_line_in_a_log_and_no_count(
    world: World, client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    pulse = open_pulse(world)
    before = our_metrics()
    capfd.readouterr()
    client.get(path_of(pulse))
    client.post(path_of(pulse), data={"score": "2", "comment": "ninguém sabe"})
    client.post(path_of(pulse), data={"score": "99"})
    client.get("/p/nothing")
    written = capfd.readouterr()
    assert (written.out, written.err) == ("", "")
    assert our_metrics() == before


def test_the_page_tells_what_is_promised_and_offers_the_way_out(world: World, client: FlaskClient) -> None:
    page = client.get(path_of(open_pulse(world)))
    assert "Ninguém fica sabendo quem disse o quê" in page.text
    assert any(link and link.startswith("/u/") for link in Fields(page.text).links)


def test_the_three_pages_are_light(world: World, client: FlaskClient) -> None:
    path = path_of(open_pulse(world))
    pages = (
        client.get(path),
        client.post(path, data={"score": "9"}),
        client.post(path, data={"score": "9", "comment": "bom"}),
    )
    assert sum(len(page.data) for page in pages) < 15_000
