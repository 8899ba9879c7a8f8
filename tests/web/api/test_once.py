"""Idempotency-Key: the same request has one effect, and is answered by reading what it made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.models import ApiKey, Contact, FollowUpEvent, IdempotencyKey, Invitation, Survey, Workspace
from app.runtime import Runtime
from app.services import once
from tests.api_client import Api
from tests.services.loop import opened, replies
from tests.world import Clock, World

pytestmark = pytest.mark.on_both


def count(runtime: Runtime, model: type) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def keyed(key: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": key}}


def test_fifty_at_once_have_one_effect(
    app: Flask, api: Api, world: World, shop: Workspace, runtime: Runtime
) -> None:
    survey = world.survey(shop).id
    person = world.contact(shop).id

    def ask(_: int) -> tuple[int, str]:
        mine = Api(app.test_client(), api.secret)
        answer = mine.post(f"/surveys/{survey}/invitations", {"contact": person}, **keyed("one"))
        return answer.status_code, answer.json.get("id", "")

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(ask, range(50)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 201
    assert count(runtime, Invitation) == 1
    assert count(runtime, IdempotencyKey) == 1


def test_a_repeated_request_reads_what_it_made_as_it_is_now(api: Api, runtime: Runtime) -> None:
    body = {"name": "Relacionamento", "metric": "nps"}
    made = api.post("/surveys", body, **keyed("k-1"))
    api.patch(f"/surveys/{made.json['id']}", {"name": "Outro nome"})
    again = api.post("/surveys", {"metric": "nps", "name": "Relacionamento"}, **keyed("k-1"))
    assert (again.status_code, again.json["id"], again.json["name"]) == (201, made.json["id"], "Outro nome")
    assert count(runtime, Survey) == 1
    assert api.post("/surveys", body, **keyed("k-2")).json["id"] != made.json["id"]


def test_the_status_of_the_first_time_is_kept(api: Api) -> None:
    api.post("/contacts", {"external_id": "c-1", "name": "Maria"})
    for _ in range(2):
        assert api.post("/contacts", {"external_id": "c-1", "name": "M."}, **keyed("k")).status_code == 200
    for _ in range(2):
        assert api.post("/contacts", {"external_id": "c-2"}, **keyed("l")).status_code == 201


def test_the_key_of_another_request_is_refused(api: Api, runtime: Runtime) -> None:
    api.post("/contacts", {"name": "Maria"}, **keyed("k"))
    for path, body in (("/contacts", {"name": "João"}), ("/surveys", {"name": "A", "metric": "nps"})):
        refused = api.post(path, body, **keyed("k"))
        assert refused.status_code == 422
        assert refused.json["errors"][0]["field"] == "Idempotency-Key"
    assert count(runtime, Contact) == 1
    for key in ("", "x" * 256, "ação"):
        assert api.post("/contacts", {"name": "Maria"}, **keyed(key)).status_code == 422


def test_what_failed_is_not_kept(api: Api, world: World, shop: Workspace, runtime: Runtime) -> None:
    draft = api.post("/surveys", {"name": "A", "metric": "nps"}).json["id"]
    person = world.contact(shop).id
    path = f"/surveys/{draft}/invitations"
    assert api.post(path, {"contact": person}, **keyed("k")).status_code == 409
    assert count(runtime, IdempotencyKey) == 0
    api.post(f"/surveys/{draft}/publication")
    assert api.post(path, {"contact": person}, **keyed("k")).status_code == 201


def test_two_keys_of_a_workspace_do_not_know_each_others_words(
    api: Api, api_for: Callable[..., Api], shop: Workspace, runtime: Runtime
) -> None:
    api.post("/contacts", {"name": "Maria"}, **keyed("k"))
    api_for(shop).post("/contacts", {"name": "João"}, **keyed("k"))
    assert count(runtime, Contact) == 2


def test_every_post_happens_once(api: Api, world: World, shop: Workspace, runtime: Runtime) -> None:
    survey, contact = world.survey(shop).id, world.contact(shop).id
    followup = opened(world, shop, 3)
    schedule = {"survey": survey, "repeat": "monthly", "at": "2026-12-01T10:00"}
    requests = [
        ("/contacts", {"name": "Maria"}),
        (f"/contacts/{contact}/opt-out", None),
        (f"/contacts/{contact}/consents", {"lawful_basis": "contract", "evidence": "Signed."}),
        ("/surveys", {"name": "A", "metric": "csat"}),
        (f"/surveys/{survey}/publication", None),
        (f"/surveys/{survey}/invitations", {"contact": contact}),
        ("/schedules", schedule),
        ("/segments", {"name": "Pro", "audience": "all"}),
        ("/followups", {"contact": contact}),
        (f"/followups/{followup}/notes", {"text": "Ligamos."}),
        (f"/followups/{followup}/replies", {"text": "Estamos vendo."}),
        (f"/followups/{followup}/closure", {"summary": "Feito.", "root_cause": "Demora"}),
    ]
    for number, (path, body) in enumerate(requests):
        first, second = (api.post(path, body, **keyed(f"k-{number}")) for _ in range(2))
        assert (first.status_code, first.json) == (second.status_code, second.json), path
        assert first.status_code == 201, (path, first.json)
    assert count(runtime, IdempotencyKey) == len(requests)
    assert len(replies(runtime, followup)) == 1
    # a late repetition of closing does not close again what was opened since
    api.delete(f"/followups/{followup}/closure")
    again = api.post(f"/followups/{followup}/closure", requests[-1][1], **keyed(f"k-{len(requests) - 1}"))
    assert again.json["state"] == "open"


def test_the_body_is_not_kept_and_old_keys_go(api: Api, runtime: Runtime, clock: Clock) -> None:
    api.post("/contacts", {"name": "Maria Figueiredo"}, **keyed("k"))
    with runtime.db.read() as session:
        row = session.execute(select(IdempotencyKey.__table__)).one()
    assert not any("Maria" in str(value) for value in row)
    assert once.forget_old(runtime) == 0
    clock.advance(days=4)
    assert once.forget_old(runtime) == 1


def test_what_breaks_before_the_commit_leaves_neither_effect_nor_key(api: Api, runtime: Runtime) -> None:
    with runtime.db.read() as session:
        key = session.scalars(select(ApiKey.id)).one()
    with pytest.raises(ZeroDivisionError), runtime.db.write() as session:
        once.Once(key, "k", "fingerprint", runtime.clock()).keep(session, "x")
        raise ZeroDivisionError
    assert count(runtime, IdempotencyKey) == 0


def test_notes_are_written_once(api: Api, world: World, shop: Workspace, runtime: Runtime) -> None:
    followup = opened(world, shop, 3)
    before = count(runtime, FollowUpEvent)
    for _ in range(3):
        api.post(f"/followups/{followup}/notes", {"text": "Ligamos."}, **keyed("k"))
    assert count(runtime, FollowUpEvent) == before + 1
