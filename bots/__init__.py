"""The chat edges: one stored inbound event becomes one verb."""

from app.channels.base import Kind
from app.runtime import Runtime
from app.services import chat_presses, connecting, conversations, settling_status
from app.services.inbound import Stored
from bots import agent


def handle(runtime: Runtime, stored: Stored) -> None:
    """The verb for what came in; each of them changes nothing the second time."""
    kind = stored.event.kind
    if kind is Kind.STATUS:
        settling_status.settle(runtime, stored.id)
    elif kind is Kind.BLOCKED:
        connecting.shut_out(runtime, stored.id)
    elif kind is Kind.START and stored.event.data:
        connecting.connect(runtime, stored.id)
    elif agent.concerns(runtime, stored):
        agent.handle(runtime, stored)
    else:
        conversations.hear(runtime, stored.id)
        if kind is Kind.PRESS:
            chat_presses.show(runtime, stored)
