"""“Why was she not asked?” has one answer, for every reason: on her page, where one asks, and by the API."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Contact, Message, Occurrence, Workspace, new_id
from app.rendering.languages import language_of
from app.rendering.words import REASON_SENTENCES, REASONS, reason_sentence, reason_word
from app.services import schedules
from app.services.access import Visitor
from tests.api_client import Api
from tests.world import World

ENGLISH = language_of("en")
NEVER_KEPT = {"another_day", "presumed"}  # told by a preview; of what counts as sent
OF_ASKS = sorted(REASONS.keys() - NEVER_KEPT)
OF_RUNS = [
    ("skipped", "paused"), ("skipped", "newer_event"), ("skipped", "day_off"), ("skipped", "blackout"),
    ("skipped", "unpublished"), ("skipped", "edited"), ("skipped", "nobody"), ("missed", "late"),
    ("cancelled", "cancelled"),
]  # fmt: skip


@pytest.fixture
def camila(world: World, shop: Workspace) -> Visitor:
    return world.member(shop, Role.MANAGER, world.user(name="Camila", locale="en"))


@pytest.fixture
def console(client_for: Callable[[Visitor], FlaskClient], camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture
def maria(world: World, shop: Workspace) -> Contact:
    return world.contact(shop, name="Maria")


def page(console: FlaskClient, shop: Workspace, maria: Contact, survey: str = "") -> str:
    """Her page as it reads, with why she was asked this survey or not."""
    found = console.get(f"/w/{shop.slug}/contacts/{maria.id}", query_string={"why": survey} if survey else {})
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", found.text)).split())


def ask_of(api: Api, maria: Contact, survey: str) -> tuple[str, str | None, str]:
    query, headers = {"survey": survey}, {"Accept-Language": "en"}
    answer = api("GET", f"/contacts/{maria.id}/asks", query_string=query, headers=headers)
    (item,) = [each for each in answer.json["items"] if each["run"]]
    return item["outcome"], item["reason"], item["explanation"]


def held_back(api: Api, maria: Contact) -> dict[str, tuple[str, str | None]]:
    """By the name of their survey, what of her timeline is no ask: its kind or state, and the reason."""
    items = api.all(f"/contacts/{maria.id}/timeline")
    return {
        each["survey"]: (each.get("state", each["kind"]), each["reason"])
        for each in items
        if each["kind"] in ("asked", "held_back")
    }


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ("skipped", OF_ASKS[::2]), ("skipped", OF_ASKS[1::2]),
        ("failed", ["invalid_address", "provider_refused", "landline"]),
        ("cancelled", ["cancelled", "newer_event", "expired"]),
    ],
)  # fmt: skip
def test_whatever_held_an_ask_back_is_told_alike_everywhere(
    api: Api,
    console: FlaskClient,
    world: World,
    shop: Workspace,
    maria: Contact,
    state: str,
    codes: list[str],
) -> None:
    assert len(codes) < 40  # they stand on one page
    surveys = {code: world.survey(shop, name=f"About {code}") for code in codes}
    for code, survey in surveys.items():
        world.invitation(shop, survey, maria, state=state, reason=code, sent_at=None)
    read, told = page(console, shop, maria), held_back(api, maria)
    for code, survey in surveys.items():
        sentence = reason_sentence(ENGLISH, code)
        assert told[f"About {code}"] == ("held_back" if state == "skipped" else state, code)
        assert ask_of(api, maria, survey.id) == ("not_asked", code, f"Maria was not asked. {sentence}")
        assert sentence in read, code
        if state == "skipped":
            assert f"We did not ask: {reason_word(ENGLISH, code).lower()}" in read, code
    assert f"Maria was not asked. {sentence}" in page(console, shop, maria, survey.id)


@pytest.mark.parametrize(("state", "code"), OF_RUNS)
def test_whatever_kept_a_run_from_asking_her_is_told_alike_everywhere(
    api: Api, console: FlaskClient, world: World, shop: Workspace, maria: Contact, camila: Visitor,
    state: str, code: str,
) -> None:  # fmt: skip
    """After an event, and as a step after one that she was asked."""
    first, second = world.survey(shop, name="Alone"), world.survey(shop, name="After another")
    asked = world.invitation(shop, world.survey(shop, name="Before"), maria)
    id = schedules.create(
        world.runtime, camila, {"survey": first.id, "repeat": "event", "trigger": {"event": "x"}}
    )
    for survey, whose in ((first, {"contact_id": maria.id}), (second, {"after_id": asked.occurrence_id})):
        run = Occurrence(
            id=new_id(), workspace_id=shop.id, schedule_id=id, survey_id=survey.id, key=new_id(),
            origin="sequence" if survey is second else "trigger", audience={}, channels=["email"],
            state=state, reason=code, due_at=world.now, created_at=world.now, ended_at=world.now, **whose,
        )  # fmt: skip
        world.add(run)
    told, read = held_back(api, maria), page(console, shop, maria)
    assert (told["Alone"], told["After another"]) == (("held_back", code),) * 2
    assert read.count(f"Maria was not asked. {reason_sentence(ENGLISH, code)}") == 2
    for survey in (first, second):
        outcome, reason, words = ask_of(api, maria, survey.id)
        assert reason == code
        assert code == "nobody" or outcome == f"run_{state}"
        assert words in page(console, shop, maria, survey.id)


def test_every_reason_has_a_word_and_a_sentence() -> None:
    assert REASONS.keys() - {"presumed"} <= REASON_SENTENCES.keys() <= REASONS.keys()


@pytest.mark.parametrize(
    ("state", "reason", "title", "words"),
    [
        ("cancelled", "cancelled", "The reminder by e-mail did not leave", "Cancelled before it was sent."),
        ("cancelled", "duplicate", "The reminder by e-mail did not leave", "They had answered by then"),
        ("cancelled", "opted_out", "The reminder by e-mail did not leave", "Does not want to be asked"),
        ("failed", "invalid_address", "We could not remind them by e-mail", "The address is not valid."),
        ("sent", None, "We reminded them by e-mail", "sent."),
    ],
)
def test_so_is_whatever_became_of_a_reminder(
    api: Api, console: FlaskClient, world: World, shop: Workspace, maria: Contact,
    state: str, reason: str | None, title: str, words: str,
) -> None:  # fmt: skip
    ask = world.invitation(shop, world.survey(shop), maria)
    row = Message(
        id=new_id(), workspace_id=shop.id, purpose="reminder", channel="email", invitation_id=ask.id,
        contact_id=maria.id, to_address=str(maria.email), address_key=maria.email_key, locale="en",
        state=state, reason=reason, priority=20, due_at=world.now, created_at=world.now,
    )  # fmt: skip
    world.add(row)
    (told,) = [each for each in api.all(f"/contacts/{maria.id}/timeline") if each["kind"] == "reminded"]
    assert (told["state"], told["reason"]) == (state, reason)
    read = page(console, shop, maria)
    assert title in read
    assert words in read.split(title)[1]
