"""A real SMTP server on loopback that keeps what arrives, and fails by address when it is told to."""

import asyncio
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LATEST_REPLY_SECONDS = 10.0


@dataclass(frozen=True)
class Arrived:
    """One message as it came over the wire, and parsed."""

    sender: str
    recipient: str
    raw: bytes
    encrypted: bool
    user: str

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.mail.get_body(preferencelist=(kind,))
        assert part is not None, f"no {kind} part"
        return str(part.get_content())


@dataclass
class SmtpSink:
    """Start it, point SMTP_URL to `url`, read `messages`.

    `refuse_recipient["ana@example.com"] = "550 5.1.1 No such user"` answers RCPT so; `refuse_content` answers
    the final dot. `security` is clear, starttls or tls, the last two with `context`.
    """

    user: str = ""
    password: str = ""
    security: str = "clear"
    context: ssl.SSLContext | None = None
    messages: list[Arrived] = field(default_factory=list)
    refuse_recipient: dict[str, str] = field(default_factory=dict)
    refuse_content: dict[str, str] = field(default_factory=dict)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        scheme = {"clear": "smtp", "starttls": "smtp+starttls", "tls": "smtps"}[self.security]
        who = f"{self.user}:{self.password}@" if self.user else ""
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    def start(self) -> "SmtpSink":
        self._loop = asyncio.new_event_loop()
        self._arrival = threading.Condition()
        self._ready = threading.Event()
        # All of the loop in its own thread: where a browser is driven, this one has a loop already
        self._thread = threading.Thread(target=self._run, name="smtp-sink", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the mail server did not start"
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def wait_for(self, count: int, seconds: float = LATEST_REPLY_SECONDS) -> list[Arrived]:
        """The messages, as soon as there are `count` of them."""
        with self._arrival:
            enough = self._arrival.wait_for(lambda: len(self.messages) >= count, seconds)
        assert enough, f"{len(self.messages)} of {count} messages arrived"
        return list(self.messages)

    def to(self, address: str) -> list[Arrived]:
        return [each for each in self.messages if each.recipient == address]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient for a message"
        if address in self.refuse_recipient:
            return self.refuse_recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipient = envelope.rcpt_tos[0]
        if recipient in self.refuse_content:
            return self.refuse_content[recipient]
        assert isinstance(envelope.original_content, bytes)
        assert envelope.mail_from is not None
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        encrypted = session.ssl is not None or self.security == "tls"
        with self._arrival:
            self.messages.append(
                Arrived(envelope.mail_from, recipient, envelope.original_content, encrypted, user)
            )
            self._arrival.notify_all()
        return f"250 2.0.0 Ok: queued as {len(self.messages):08X}"

    def _protocol(self) -> SMTP:
        self.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of sign-in in the clear, which is tested here
            return self._smtp()

    def _smtp(self) -> SMTP:
        return SMTP(
            self,
            hostname="sink.test",
            loop=self._loop,
            tls_context=self.context if self.security == "starttls" else None,
            require_starttls=self.security == "starttls",
            authenticator=self._authenticate if self.user else None,
            auth_required=bool(self.user),
            auth_require_tls=self.security == "starttls",
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (self.user.encode(), self.password.encode())
        return AuthResult(success=right, handled=False, auth_data=given)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            self._loop.create_server(
                self._protocol, "127.0.0.1", 0, ssl=self.context if self.security == "tls" else None
            )
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


@pytest.fixture
def smtp_server() -> Iterator[SmtpSink]:
    """A sink without encryption or sign-in."""
    sink = SmtpSink().start()
    yield sink
    sink.stop()
