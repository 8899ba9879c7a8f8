"""Connecting a Telegram chat: a contact's, to be asked there, or one's own, for alerts."""

from flask import Blueprint, flash, g, redirect
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Conflict
from app.rendering.qr import qr_picture
from app.services import connect_links, contacts
from app.web.pages import render, render_at_home, sentence
from app.web.policy import allows, runtime_of, signed_in, visitor

pages = Blueprint("telegram_links", __name__)


@pages.post("/w/<slug>/contacts/<id>/telegram-link")
@allows(Role.AGENT)
def connect_contact(id: str) -> ResponseReturnValue:
    """A link for this person, to be sent to them or to be shown as a code."""
    contact = contacts.one(runtime_of(), visitor(), id)
    back = f"/w/{visitor().workspace_slug}/contacts/{id}"
    try:
        link = connect_links.for_contact(runtime_of(), visitor(), id)
    except Conflict as refused:
        flash(sentence(refused))
        return redirect(back, 303)
    return render(
        "telegram-link.html", active="contacts", link=link, name=contact.label, back=back,
        picture=qr_picture(link.url), zone=visitor().time_zone,
    )  # fmt: skip


@pages.post("/account/telegram-link")
@signed_in
def connect_me() -> ResponseReturnValue:
    """A link for my own chat."""
    try:
        link = connect_links.for_member(runtime_of(), g.user.id)
    except Conflict as refused:
        flash(sentence(refused))
        return redirect("/account", 303)
    return render_at_home(
        "telegram-link.html", active="account", link=link, name=None, back="/account",
        picture=qr_picture(link.url), zone="UTC",
    )  # fmt: skip
