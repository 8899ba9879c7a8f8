"""E-mail out: our filling and sending beside smtplib that sends the same bytes on one kept connection."""

import smtplib
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from app.channels.base import Outgoing, Receipt
from app.channels.email import Email
from app.channels.smtp_connection import Server
from app.domain.metrics import Metric
from app.domain.placeholders import values_for
from app.domain.ready_texts import ready_texts
from app.models import new_id
from app.rendering.mail_drafts import Letterhead
from app.rendering.mails import survey_mail
from app.rendering.mime import To
from benchmarks.report import Line
from benchmarks.servers import environment, free_port, running

MESSAGES = 1_000
ROUNDS = 8  # of each, in turns; the best counts, as the machine does not always belong to us
TARGET = 0.7
FROM = "pergunta@aroeira.example"


def measure() -> list[Line]:
    """Messages per second, filled for each person, to a sink in a process of its own."""
    port = free_port()
    sink = [sys.executable, "-m", "benchmarks.sink", str(port)]
    with running(sink, environment("sqlite://")):
        _wait_for(port)
        finished = list(_messages(MESSAGES))
        rates = [(_ours(port), _floor(port, finished)) for _ in range(ROUNDS)]
    ours, floor = max(each[0] for each in rates), max(each[1] for each in rates)
    filling = time.perf_counter()
    size = sum(len(each.mime) for each in _messages(MESSAGES))
    filled = MESSAGES / (time.perf_counter() - filling)
    note = f"{filled:,.0f}/s filled, {size / MESSAGES / 1000:.1f} kB each"
    return [Line("e-mail out, fill and send: per second", ours, floor, TARGET, True, note)]


def _messages(count: int) -> Iterator[Outgoing]:
    """As the sender makes them: the form by its cache, a name and two links of one's own."""
    letterhead = Letterhead(
        "Aroeira", FROM, "Camila Duarte", "ola@aroeira.example", "Belo Horizonte", rest_days=30
    )
    texts, now = ready_texts(Metric.NPS, "pt-BR"), datetime.now(UTC)
    for number in range(count):
        form = survey_mail(letterhead, texts, Metric.NPS, "pt-BR", False)
        name, token = f"Maria Figueiredo {number}", new_id()
        values = values_for("Aroeira", name, {"plano": "ouro"})
        values |= {
            "link": f"https://retorno.example/r/{token}",
            "unsubscribe": f"https://retorno.example/u/{token}",
        }
        to = To(token, f"maria{number}@bemtevi.example", name, now)
        yield Outgoing(token, FROM, to.address, form.fill(to, values))


def _ours(port: int) -> float:
    channel = Email(Server("127.0.0.1", port))
    began = time.perf_counter()
    outcomes = [outcome for _, outcome in channel.deliver(_messages(MESSAGES))]
    took = time.perf_counter() - began
    channel.close()
    if not all(isinstance(each, Receipt) for each in outcomes):
        raise RuntimeError(f"not every message was taken: {outcomes[-1]}")
    return MESSAGES / took


def _floor(port: int, finished: list[Outgoing]) -> float:
    with closing(smtplib.SMTP("127.0.0.1", port)) as server:
        began = time.perf_counter()
        for each in finished:
            server.sendmail(each.from_address, [each.to_address], each.mime)
        return MESSAGES / (time.perf_counter() - began)


def _wait_for(port: int) -> None:
    """Until the sink greets."""
    for _ in range(100):
        try:
            smtplib.SMTP("127.0.0.1", port, timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sink did not start")
