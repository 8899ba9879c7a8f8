"""What Telegram's updates tell, and that no request whatever does more than be refused."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.channels.base import BadSignature, Event, Kind, RawRequest, Unreadable
from app.channels.telegram import Telegram
from tests.bot_api import SECRET, TOKEN

TELEGRAM = Telegram(TOKEN, webhook_secret=SECRET)
PERSON: dict[str, Any] = {
    "id": 77, "is_bot": False, "first_name": "Ana", "last_name": "Lima", "username": "ana",
    "language_code": "pt-br",
}  # fmt: skip
CHAT: dict[str, Any] = {"id": 77, "type": "private", "first_name": "Ana"}
GROUP: dict[str, Any] = {"id": -100777, "type": "supergroup", "title": "Clientes"}
AT = datetime(2026, 1, 1, tzinfo=UTC)
STRANGER = {"id": 88, "is_bot": False, "first_name": "Bia"}
OURS = {"message_id": 105, "date": 1_767_225_500, "chat": CHAT, "text": "De 0 a 10?"}


def message(**more: Any) -> dict[str, Any]:
    return {"message_id": 7, "date": 1_767_225_600, "from": PERSON, "chat": CHAT, **more}


def press(**more: Any) -> dict[str, Any]:
    query = {
        "id": "4382bfdwdsb323b2d9",
        "from": PERSON,
        "chat_instance": "-3",
        "message": OURS,
        "data": "s:9",
    }
    return {"callback_query": query | more}


def membership(status: str, **more: Any) -> dict[str, Any]:
    member = {"user": {"id": 4242, "is_bot": True, "first_name": "Loja"}, "status": status}
    change = {"chat": CHAT, "from": PERSON, "date": 1_767_225_600, "new_chat_member": member}
    return {"my_chat_member": change | more}


def raw(body: bytes, **headers: str) -> RawRequest:
    return RawRequest("https://r.example/hooks/telegram", headers, body)


def parse_bytes(body: bytes) -> list[Event]:
    return TELEGRAM.parse(RawRequest("https://r.example", {"x-telegram-bot-api-secret-token": SECRET}, body))


def parse(tells: dict[str, Any]) -> list[Event]:
    return parse_bytes(json.dumps({"update_id": 5, **tells}).encode())


def the_one(tells: dict[str, Any]) -> Event:
    (event,) = parse(tells)
    return event


def test_a_text_says_who_what_and_when() -> None:
    event = the_one({"message": message(text="9, adorei! 🎉")})
    assert event.provider_id.endswith(":5")
    assert event == Event(
        sender="4242",
        provider_id=event.provider_id,
        kind=Kind.TEXT,
        address="77",
        text="9, adorei! 🎉",
        language="pt-br",
        name="Ana Lima",
        at=AT,
    )


def test_numbers_of_another_token_are_another_series() -> None:
    body = json.dumps({"update_id": 5, "message": message(text="9")}).encode()
    headers = {"x-telegram-bot-api-secret-token": SECRET}
    renewed = Telegram("4242:renewed", webhook_secret=SECRET)
    (one,), (other,) = TELEGRAM.parse(raw(body, **headers)), renewed.parse(raw(body, **headers))
    assert one.sender == other.sender == TELEGRAM.identity == "4242"
    assert one.provider_id != other.provider_id
    assert TOKEN.partition(":")[2] not in one.provider_id


def test_an_answer_to_a_message_of_ours_quotes_it_as_its_receipt_named_it() -> None:
    assert the_one({"message": message(text="9", reply_to_message=OURS)}).quotes == "77:105"


@pytest.mark.parametrize(
    ("text", "kind", "said", "data"),
    [
        ("/start", Kind.START, "", ""),
        ("/start Ab9_-", Kind.START, "", "Ab9_-"),
        ("/start@loja_bot  Ab9", Kind.START, "", "Ab9"),
        ("/START Ab9", Kind.START, "", "Ab9"),
        ("/start " + "x" * 64, Kind.START, "", "x" * 64),
        ("/start " + "x" * 65, Kind.START, "", ""),
        ("/start ção", Kind.START, "", ""),
        ("/start a b", Kind.START, "", ""),
        ("/start ../etc", Kind.START, "", ""),
        ("/startle", Kind.TEXT, "/startle", ""),
        ("please /start x", Kind.TEXT, "please /start x", ""),
        ("/stop", Kind.TEXT, "/stop", ""),
        ("/stop@loja_bot", Kind.TEXT, "/stop", ""),
        ("/language@loja_bot pt", Kind.TEXT, "/language pt", ""),
        ("/help", Kind.TEXT, "/help", ""),
        ("/", Kind.TEXT, "/", ""),
        ("10/10", Kind.TEXT, "10/10", ""),
    ],
)
def test_a_command_is_what_was_typed_and_only_start_begins_a_chat(
    text: str, kind: Kind, said: str, data: str
) -> None:
    event = the_one({"message": message(text=text)})
    assert (event.kind, event.text, event.data) == (kind, said, data)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"photo": [{"file_id": "x"}]}, ""),
        ({"photo": [], "caption": "a fila hoje"}, "a fila hoje"),
        ({"sticker": {}}, ""),
        ({"voice": {}}, ""),
        ({"location": {"latitude": 1.5, "longitude": 2}}, ""),
        ({"document": {}, "caption": "/start x"}, "/start x"),
    ],
)
def test_what_is_not_text_is_a_text_of_its_caption(sent: dict[str, Any], said: str) -> None:
    event = the_one({"message": message(**sent)})
    assert (event.kind, event.text) == (Kind.TEXT, said)


def test_a_press_names_its_button_its_message_and_how_it_is_answered() -> None:
    event = the_one(press())
    assert (event.kind, event.address, event.data, event.quotes) == (Kind.PRESS, "77", "s:9", "77:105")
    assert event.press_id == "4382bfdwdsb323b2d9"
    assert event.at is None, "Telegram does not say when"


def test_a_press_on_a_message_that_telegram_no_longer_shows_us_counts() -> None:
    gone = {"message_id": 105, "date": 0, "chat": CHAT}
    assert the_one(press(message=gone)).quotes == "77:105"


@pytest.mark.parametrize("data", ["x" * 65, "é" * 33, None, 7])
def test_data_that_was_never_ours_is_nothing(data: object) -> None:
    event = the_one(press(data=data))
    assert (event.kind, event.data) == (Kind.PRESS, "")


@pytest.mark.parametrize(
    "foreign",
    [
        {"from": STRANGER},
        {"message": OURS | {"chat": GROUP}},
        {"message": None, "inline_message_id": "abc"},
        {"message": OURS | {"chat": {"type": "private"}}},
        {"from": None},
    ],
)
def test_a_press_by_anybody_but_the_one_whose_chat_it_is_tells_nothing(foreign: dict[str, Any]) -> None:
    assert parse(press(**foreign)) == []


@pytest.mark.parametrize("status", ["kicked", "left"])
def test_who_blocks_the_bot_has_shut_us_out(status: str) -> None:
    event = the_one(membership(status))
    assert (event.kind, event.address, event.at) == (Kind.BLOCKED, "77", AT)


@pytest.mark.parametrize(
    "tells",
    [
        {},
        membership("member"),
        membership("kicked", chat=GROUP),
        membership("banned_in_a_new_way"),
        {"message": message(text="9", chat=GROUP)},
        {"message": message(text="9", **{"from": STRANGER})},
        {"message": message(migrate_to_chat_id=-1001)},
        {"message": message(pinned_message=OURS)},
        {"message": message(new_thing_of_next_year={})},
        {"message": message(text="\0")},
        {"edited_message": message(text="10")},
        {"channel_post": message(text="9")},
        {"business_message": message(text="9")},
        {"poll": {"id": "1"}},
        {"next_years_kind": {"id": 1}},
        {"message": None},
        {"message": []},
    ],
    ids=str,
)
def test_everything_else_tells_nothing(tells: dict[str, Any]) -> None:
    assert parse(tells) == []


def test_nothing_that_no_database_takes_is_passed_on() -> None:
    person = PERSON | {"first_name": "A\0na", "last_name": "x" * 900, "language_code": "p\0"}
    event = the_one({"message": message(text="no\0ve", **{"from": person})})
    assert (event.text, event.name, event.language) == ("nove", ("Ana " + "x" * 900)[:200], "")


@pytest.mark.parametrize("date", [None, "now", -1, 0, 2**32, 10**30, 1.5, True])
def test_a_time_that_is_none_is_left_out(date: object) -> None:
    at = the_one({"message": message(text="9", date=date)}).at
    assert at is None or at.year == 1970


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b"[]",
        b'"update_id"',
        b"{}",
        b'{"update_id": "5"}',
        b'{"update_id": true}',
        b'{"update_id": 5.0}',
        b'{"update_id": -5}',
        b'{"update_id": 99999999999999999999}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": 5, "x": NaN}',
        b'{"update_id": 5, "x": -Infinity}',
        b'{"update_id": 5, "update_id": 6}',
        b'{"update_id": 5, "message": {"text": "9", "text": "0"}}',
        b'{"update_id": 5, "message": {"text": "\\ud83d"}}',
        b'{"update_id": 5, "\\udc00": 1}',
        b'{"update_id": 5, "x": "\xff"}',
        b"\xff\xfe{\0}\0",
        b"[" * 10_000,
        b'{"update_id": 5, "x": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        b"a=1&b=2",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_update_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_bytes(body)


@pytest.mark.parametrize(
    "given_secret", [None, "", "wrong", SECRET + "x", SECRET.upper(), "ção", "\ud800", "\xff"]
)
def test_nothing_is_read_without_the_secret(given_secret: str | None) -> None:
    headers = {} if given_secret is None else {"x-telegram-bot-api-secret-token": given_secret}
    with pytest.raises(BadSignature):
        TELEGRAM.parse(raw(b"[" * 100_000, **headers))


@pytest.mark.parametrize("none", [None, ""])
def test_where_no_secret_is_set_nobody_is_believed(none: str | None) -> None:
    open_door = Telegram(TOKEN, webhook_secret=none)
    for headers in ({}, {"x-telegram-bot-api-secret-token": ""}):
        with pytest.raises(BadSignature):
            open_door.parse(raw(b'{"update_id": 5}', **headers))


WHOLE: dict[str, Any] = {
    "update_id": 5,
    "message": message(text="/start x", reply_to_message=OURS, photo=[]),
    **press(),
    **membership("kicked"),
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(tree: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path] if path else []
    if isinstance(tree, dict):
        for name, inner in tree.items():
            found += places(inner, (*path, name))
    return found


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["message", "callback_query", "my_chat_member"]),
    changes=st.lists(st.tuples(st.sampled_from(places(WHOLE)), anything), min_size=1, max_size=3),
)
def test_whatever_stands_where_it_is_refused_or_read_and_never_more(
    kind: str, changes: list[tuple[tuple[str, ...], Any]]
) -> None:
    tree = copy.deepcopy({"update_id": 5, kind: WHOLE[kind]})
    for path, value in changes:
        inner: Any = tree
        for name in path[:-1]:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[path[-1]] = value
    try:
        events = parse_bytes(json.dumps(tree).encode())
    except Unreadable:
        return
    for event in events:
        words = (event.text, event.data, event.name, event.quotes, event.press_id, event.language)
        assert "\0" not in "".join(words).encode().decode()
        assert event.address.isdigit()


@given(st.binary(max_size=200))
def test_bytes_are_refused_or_read(body: bytes) -> None:
    try:
        parse_bytes(body)
    except Unreadable:
        return
