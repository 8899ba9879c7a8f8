"""Telegram as a test sees it: what people do to our bots, what the bots said, and what goes wrong."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.peers.running import Process, free_port
from tests.peers.telegram.conversation import Call, Notice, Said, calls_of, fold, notices_of

ALWAYS = 1_000_000
LATEST_SECONDS = 10.0
Update = dict[str, Any]


@dataclass(frozen=True)
class BotAccount:
    """A bot of ours. The number before the colon is its id, as at Telegram."""

    token: str
    username: str
    name: str = "Retorno"

    @property
    def id(self) -> int:
        return int(self.token.split(":")[0])


RESPONDENTS = BotAccount("7001001:for-respondents-in-tests-0123456789", "retorno_asks_bot", "Retorno")
AGENTS = BotAccount("7001002:for-agents-in-tests-0123456789abcde", "retorno_team_bot", "Retorno Team")


@dataclass(frozen=True)
class Taken:
    """What became of something that a person did: its ids, and what our webhook said to the first attempt.

    `status` is None while updates are polled, 0 when nothing answered; `update_id` is None when the bot had
    asked for other kinds of updates.
    """

    update_id: int | None
    message_id: int | None = None
    status: int | None = None


@dataclass(frozen=True)
class Refused:
    """A call that Telegram would not take."""

    method: str
    chat_id: int | None
    error_code: int
    description: str
    is_breach: bool


@dataclass(frozen=True)
class Person:
    """Somebody with Telegram on a phone, who talks to one of our bots, alone or in a group."""

    peer: "TelegramPeer"
    bot: BotAccount
    id: int
    name: str
    language: str
    group_id: int | None = None

    @property
    def chat_id(self) -> int:
        return self.group_id or self.id

    @property
    def said(self) -> list[Said]:
        return self.peer.said_to(self.chat_id, self.bot)

    def sends(self, text: str, at: datetime | None = None) -> Taken:
        return self._do("message", text=text, date=_seconds(at))

    def starts(self, payload: str = "") -> Taken:
        """Follows t.me/<bot>?start=<payload>."""
        return self.sends(f"/start {payload}".strip())

    def replies_to(self, message: Said | int, text: str) -> Taken:
        """Quotes one of the bot's messages, or an own one by its id."""
        return self._do("message", text=text, reply_to=_id_of(message))

    def sends_other(self, **content: Any) -> Taken:
        """A message of another kind, as the Bot API describes it: `sticker={…}`, `contact={…}`."""
        return self._do("message", content=content)

    def edits(self, message: Taken, text: str) -> Taken:
        return self._do("edit", message_id=message.message_id, text=text)

    def presses(self, message: Said, data: str, *, inaccessible: bool = False) -> Taken:
        """Presses a button, whoever the message was for. `data` may be one that nobody ever offered.

        `inaccessible`: the message is so old that Telegram no longer tells what it said.
        """
        where = {"chat_id": message.chat_id, "message_id": message.message_id, "inaccessible": inaccessible}
        return self._do("press", data=data, **where)

    def taps(self, message: Said, label: str) -> Taken:
        """Presses the button that reads so."""
        return self.presses(message, message.button(label).data)

    def blocks(self) -> Taken:
        """From now on the bot gets 403, and a my_chat_member update says so."""
        return self._do("block", blocked=True)

    def unblocks(self) -> Taken:
        return self._do("block", blocked=False)

    def _do(self, verb: str, **what: Any) -> Taken:
        user = {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}
        chat: dict[str, Any] = {"id": self.id, "type": "private", "first_name": self.name}
        if self.group_id:
            chat = {"id": self.group_id, "type": "supergroup", "title": "A group"}
        asked = {name: value for name, value in what.items() if value is not None}
        return Taken(**self.peer.tell(verb, token=self.bot.token, **{"from": user, "chat": chat, **asked}))


class TelegramPeer:
    """Start it once, `reset` it before each test. `base_url` is for python-telegram-bot's Bot."""

    respondents = RESPONDENTS
    agents = AGENTS

    def __init__(self, log: Path) -> None:
        port = free_port()
        server = Path(__file__).with_name("server.js")
        self._process = Process([shutil.which("node") or "node", str(server), str(port)], port, log)
        self.url = self._process.url
        self.base_url = f"{self.url}/bot"
        self.tell = self._process.tell

    def start(self) -> "TelegramPeer":
        self._process.start()
        return self

    def stop(self) -> None:
        self._process.stop()

    def reset(self) -> None:
        self.tell("reset")
        for bot in (RESPONDENTS, AGENTS):
            self.knows(bot)

    def knows(self, bot: BotAccount) -> BotAccount:
        """One more bot; a token that it does not know is unauthorized."""
        self.tell("bot", token=bot.token, username=bot.username, first_name=bot.name)
        return bot

    def stands_at(self, moment: datetime | None) -> None:
        """The hour that messages are dated with; None is the real one again."""
        self.tell("set", now=_seconds(moment))

    # People

    def user(
        self,
        id: int,
        bot: BotAccount = RESPONDENTS,
        *,
        name: str = "Ana",
        language: str = "pt-br",
        group: int | None = None,
    ) -> Person:
        return Person(self, bot, id, name, language, group)

    def said_to(self, chat_id: int, bot: BotAccount = RESPONDENTS) -> list[Said]:
        """What stands in a chat by this bot, as it reads now; deleted messages stay, marked."""
        return fold(self.calls(bot=bot), chat_id)

    def waits_for(self, count: int, chat_id: int, bot: BotAccount = RESPONDENTS) -> list[Said]:
        """The bot's messages in a chat, as soon as there are so many."""
        until = time.monotonic() + LATEST_SECONDS
        while len(said := self.said_to(chat_id, bot)) < count:
            assert time.monotonic() < until, f"{len(said)} of {count} messages came to {chat_id}"
            time.sleep(0.02)
        return said

    # The ledger

    def calls(self, method: str | None = None, bot: BotAccount | None = None) -> list[Call]:
        """Every call that was taken and changed something, in order."""
        every = calls_of(self.tell("ledger")["calls"])
        return [
            each
            for each in every
            if method in {None, each.method} and (bot is None or each.token == bot.token)
        ]

    def notices(self, bot: BotAccount = RESPONDENTS) -> list[Notice]:
        """What presses were answered with."""
        return notices_of(self.calls("answerCallbackQuery", bot))

    def refused(self) -> list[Refused]:
        return [
            Refused(
                each["method"],
                int(each["params"]["chat_id"]) if "chat_id" in each["params"] else None,
                each["error_code"],
                each["description"],
                each["breach"],
            )
            for each in self.tell("ledger")["refused"]
        ]

    def breaches(self) -> list[Refused]:
        """Calls that can never be right. Who reads them has expected them; else the fixture complains."""
        found = [each for each in self.refused() if each.is_breach]
        self.tell("forgive")
        return found

    def commands(self, bot: BotAccount = RESPONDENTS) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """The menu by scope and language: `{"type":"default"} pt`."""
        menu: Mapping[str, Sequence[Mapping[str, str]]] = self._bot(bot)["commands"]
        return menu

    # Updates

    def pending(self, bot: BotAccount = RESPONDENTS) -> list[Update]:
        """What is neither confirmed nor delivered."""
        updates: list[Update] = self._bot(bot)["pending"]
        return updates

    def given_up(self, bot: BotAccount = RESPONDENTS) -> list[Update]:
        """What our webhook refused until Telegram lost its patience."""
        updates: list[Update] = self._bot(bot)["given_up"]
        return updates

    def injects(self, update: Update, bot: BotAccount = RESPONDENTS) -> Taken:
        """Any update, as it is: the same again, out of order, of an unknown kind. Numbered if it is not."""
        return Taken(**self.tell("update", token=bot.token, update=update))

    def posts_at_once(self, updates: Sequence[Update], bot: BotAccount = RESPONDENTS) -> list[int]:
        """Straight to our webhook, beside the queue; the same one several times if told. The statuses."""
        statuses: list[int] = self.tell("post", token=bot.token, updates=updates)
        return statuses

    def jumps_to(self, update_id: int, bot: BotAccount = RESPONDENTS) -> None:
        """The next update gets this number, as after a week without any."""
        self.tell("set", token=bot.token, next_update_id=update_id)

    def patience(
        self, *, attempts: int, delay: float = 0.05, timeout: float = 10.0, bot: BotAccount = RESPONDENTS
    ) -> None:
        """How often a webhook is tried, the first pause (each doubles), and how long it may take."""
        how = {"attempts": attempts, "delay_ms": delay * 1000, "timeout_ms": timeout * 1000}
        self.tell("set", token=bot.token, patience=how)

    def says_of_webhook(self, bot: BotAccount = RESPONDENTS, **info: Any) -> None:
        """What getWebhookInfo claims beside the truth: `pending_update_count`, `last_error_date`, …"""
        self.tell("set", token=bot.token, webhook_info=info)

    # Trouble

    def fails(
        self,
        method: str,
        error_code: int,
        description: str,
        *,
        times: int = 1,
        chat_id: int | None = None,
        bot: BotAccount | None = None,
        parameters: Mapping[str, int] | None = None,
    ) -> None:
        what = {"error_code": error_code, "description": description, "parameters": parameters}
        self._fault(method, times, chat_id, bot, **what)

    def floods(
        self, retry_after: int, *, method: str = "sendMessage", times: int = 1, chat_id: int | None = None
    ) -> None:
        description = f"Too Many Requests: retry after {retry_after}"
        self.fails(
            method, 429, description, times=times, chat_id=chat_id, parameters={"retry_after": retry_after}
        )

    def migrates(self, chat_id: int, to: int) -> None:
        """The group became a supergroup, with another id."""
        description = "Bad Request: group chat was upgraded to a supergroup chat"
        self.fails(
            "sendMessage",
            400,
            description,
            times=ALWAYS,
            chat_id=chat_id,
            parameters={"migrate_to_chat_id": to},
        )

    def forgets_presses(self, times: int = 1) -> None:
        """answerCallbackQuery comes too late."""
        description = "Bad Request: query is too old and response timeout expired or query ID is invalid"
        self.fails("answerCallbackQuery", 400, description, times=times)

    def hangs(
        self, method: str = "sendMessage", *, taken: bool = True, times: int = 1, chat_id: int | None = None
    ) -> None:
        """Never answers; what was asked is done all the same, unless `taken` is False."""
        self._fault(method, times, chat_id, None, then="hang", unseen=not taken)

    def cuts(
        self, method: str = "sendMessage", *, taken: bool = True, times: int = 1, chat_id: int | None = None
    ) -> None:
        """Resets the connection instead of answering."""
        self._fault(method, times, chat_id, None, then="reset", unseen=not taken)

    def _fault(
        self, method: str, times: int, chat_id: int | None, bot: BotAccount | None, **how: Any
    ) -> None:
        whom = {"chat_id": chat_id, "token": bot.token if bot else None}
        given = {name: value for name, value in {**whom, **how}.items() if value is not None}
        self.tell("fault", method=method, times=times, **given)

    def _bot(self, bot: BotAccount) -> dict[str, Any]:
        bots: list[dict[str, Any]] = self.tell("ledger")["bots"]
        return next(each for each in bots if each["token"] == bot.token)


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.astimezone(UTC).timestamp()) if moment else None


def _id_of(message: Said | int) -> int:
    return message if isinstance(message, int) else message.message_id
