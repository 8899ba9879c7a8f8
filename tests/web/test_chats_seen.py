"""The pretend phone, the channels and the chat on a follow-up in a real browser: seen, and they work."""

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, FollowUp, Survey, Workspace
from app.runtime import Runtime
from app.services import asking, followups, limits, sending, sms_budget
from app.services.access import Visitor
from app.services.limits import Limit
from app.web.console import sandbox as sandbox_pages
from tests.services.chat_person import Person
from tests.web.browser import ALL, Look, Visit, follow, looks
from tests.world import World

pytestmark = pytest.mark.browser
PHONE = "+5531988884417"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside these pages, so nothing comes that could be waited for."""
    monkeypatch.setattr(sandbox_pages, "PATIENCE_SECONDS", 0)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", sender_name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship NPS")


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(
        workspace, name="Maria Figueiredo", phone=PHONE, telegram_chat_id="77", email="maria@b.example"
    )


def asked(runtime: Runtime, camila: Visitor, survey: Survey, maria: Contact, channel: str) -> Person:
    asking.ask(runtime, camila, survey.id, maria.id, [channel])
    sending.send_due(runtime)
    return Person(runtime, channel, "77" if channel == "telegram" else PHONE)


def picture(page: Page, name: str) -> None:
    """With PICTURES=folder, to look at while building."""
    if folder := os.environ.get("PICTURES"):
        for seen in looks(page, ALL):
            page.screenshot(path=Path(folder) / f"{name}-{seen}.png", full_page=True)


def test_an_empty_phone_says_what_will_be_here(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit("/sandbox/phone", camila)
    expect(page.get_by_text("No chat yet.")).to_be_visible()
    look(page)


def test_a_person_answers_on_the_phone_without_a_script(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    person = asked(runtime, camila, survey, maria, "whatsapp")
    for words in ("nota 6,5", "4", "Demora demais para responder"):
        person.sends(words)
    page = visit("/sandbox/phone", camila, width=390, javascript=False)
    expect(page.get_by_text("Demora demais para responder")).to_be_visible()
    page.get_by_label("Answer as Maria Figueiredo").fill("na verdade 5")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("na verdade 5")).to_be_visible()
    sending.send_urgent(runtime)
    page = visit("/sandbox/phone", camila)
    look(page)
    picture(page, "phone-whatsapp")


def test_a_button_is_pressed_on_the_phone(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    asked(runtime, camila, survey, maria, "telegram")
    page = visit("/sandbox/phone", camila)
    look(page)
    picture(page, "phone-telegram")
    follow(page.get_by_role("button", name="9", exact=True))
    sending.send_urgent(runtime)
    page.reload()
    expect(page.locator(".bubble-ours").get_by_text("9", exact=True)).to_be_visible()
    assert page.locator(".bubble:not(.bubble-ours)").count() == 2


def test_the_channels_say_how_they_stand(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit("/w/aroeira/settings/channels", camila)
    expect(page.get_by_role("heading", name="WhatsApp")).to_be_visible()
    look(page)
    picture(page, "channels")


def test_what_of_the_days_texts_is_used_is_told(
    app: Flask, runtime: Runtime, visit: Visit, look: Look, camila: Visitor
) -> None:
    config = replace(
        runtime.config, twilio_account_sid="AC" + "5a" * 16, twilio_auth_token="0123456789abcdef0123",
        twilio_sms_from="+551140028922", twilio_api_url="http://127.0.0.1:9", sms_countries=("BR", "PT"),
        sms_daily_spend=Decimal(25), sms_prices=(("BR", Decimal("0.05")),),
    )  # fmt: skip
    app.extensions["runtime"] = replace(runtime, config=config, channels=open_channels(config))
    with runtime.db.write() as session:
        for key, number in (("sms_segments", 412), ("sms_money", 206_000)):
            limits.count(session, key, Limit(10**9, sms_budget.DAY), runtime.clock(), by=number)
    page = visit("/w/aroeira/settings/channels", camila)
    expect(page.get_by_text("412 of 1,000")).to_be_visible()
    expect(page.get_by_text("20.60 of 25.00")).to_be_visible()
    expect(page.get_by_text("Not texted: no price is known")).to_be_visible()
    look(page)
    picture(page, "channels-budget")


def test_the_conversation_stands_on_the_follow_up(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    person = asked(runtime, camila, survey, maria, "whatsapp")
    person.sends("2 - atrasou de novo")
    with runtime.db.read() as session:
        followup = session.scalars(select(FollowUp)).one()
    followups.reply(runtime, camila, followup.id, "Maria, sou a Camila. Posso ligar?")
    sending.send_urgent(runtime)
    person.sends("Pode sim, às 15h")
    page = visit(f"/w/aroeira/followups/{followup.id}", camila)
    expect(page.get_by_text("Pode sim, às 15h")).to_be_visible()
    look(page)
    picture(page, "followup-chat")


def test_how_replies_are_read_can_be_tried(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit("/w/aroeira/reading", camila)
    page.get_by_label("Type as a customer would").fill("nota 8, mas demorou")
    page.get_by_role("button", name="Read it").click()
    expect(page.locator("#read")).to_contain_text("8 with the words")
    look(page)
    picture(page, "reading")


def test_that_a_template_has_buttons_is_ticked_where_three_suffice(
    visit: Visit, look: Look, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    csat = world.survey(workspace, Metric.CSAT, name="After a ticket")
    page = visit(f"/w/aroeira/surveys/{csat.id}/whatsapp", camila)
    page.get_by_label("English", exact=True).fill("HX" + "5a" * 16)
    page.get_by_label("It has buttons (English)").check()
    look(page)
    picture(page, "whatsapp-buttons")
    follow(page.get_by_role("button", name="Save the templates"))
    page.goto(f"/w/aroeira/surveys/{csat.id}/whatsapp")
    expect(page.get_by_label("It has buttons (English)")).to_be_checked()
    page.goto(f"/w/aroeira/surveys/{survey.id}/whatsapp")
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_whatsapp_template_is_kept_and_a_wrong_one_comes_back(
    visit: Visit, look: Look, camila: Visitor, survey: Survey
) -> None:
    page = visit(f"/w/aroeira/surveys/{survey.id}/whatsapp", camila)
    page.get_by_label("English").fill("HX12")
    page.get_by_role("button", name="Save the templates").click()
    expect(page.get_by_label("English")).to_have_value("HX12")
    look(page)
    page.get_by_label("English").fill("HX" + "5a" * 16)
    follow(page.get_by_role("button", name="Save the templates"))
    page.goto(f"/w/aroeira/surveys/{survey.id}/whatsapp")
    expect(page.get_by_label("English")).to_have_value("HX" + "5a" * 16)
