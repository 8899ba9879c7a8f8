"""An opt-out that arrives while thousands of messages are claimed: none of them leaves (I4, C20)."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, insert, select

from app.channels.base import Event, Kind
from app.models import Message, SandboxCopy, new_id
from app.runtime import Runtime
from app.services import asking, inbound, sending
from app.services.last_gate import Lease
from bots import handle
from tests.world import Clock, World

CLAIMED = 5_000
PHONE = "+5531988884417"
CHANNELS = ("email", "sms", "whatsapp", "telegram")


def test_no_message_leaves_after_the_opt_out_on_any_channel(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    runtime = replace(runtime, inbound=handle)
    workspace = world.workspace()
    manager = world.member(workspace)
    maria = world.contact(workspace, phone=PHONE, telegram_chat_id="77", email="maria@b.example")
    survey = world.survey(workspace)
    invitation = asking.ask(runtime, manager, survey.id, maria.id, ["sms"])
    sending.send_due(runtime)
    lease = new_id()
    with runtime.db.write() as session:
        session.execute(
            insert(Message),
            [
                {
                    "id": new_id(), "workspace_id": workspace.id, "purpose": "reminder", "priority": 1,
                    "channel": CHANNELS[number % 4], "invitation_id": invitation, "contact_id": maria.id,
                    "to_address": maria.address_on(CHANNELS[number % 4]),
                    "address_key": maria.key_on(CHANNELS[number % 4]), "locale": "pt-BR",
                    "state": "claimed", "lease_token": lease[:25] + CHANNELS[number % 4][0],
                    "lease_until": clock() + timedelta(hours=1), "due_at": clock(), "created_at": clock(),
                }
                for number in range(CLAIMED)
            ],
        )  # fmt: skip
        before = session.scalar(select(func.count()).select_from(SandboxCopy))
        inbound.keep(session, "sms", Event("sandbox", "SM1", Kind.TEXT, PHONE, text="PARE"), clock())
    inbound.handle_new(runtime)
    for name in CHANNELS:
        held = Lease(lease[:25] + name[0], CLAIMED, name, runtime.channels[name])
        while sending._send_group(runtime, held) is not None:
            pass
    with runtime.db.read() as session:
        states = dict(
            session.execute(
                select(Message.state, func.count())
                .where(Message.purpose == "reminder")
                .group_by(Message.state)
            ).all()
        )
        assert states == {"cancelled": CLAIMED}
        assert session.scalar(select(func.count()).select_from(SandboxCopy)) == before
