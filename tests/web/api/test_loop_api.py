"""The loop as a script walks it: survey, schedule, invitation, answer, metric, follow-up."""

from datetime import timedelta

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from tests.api_client import Api
from tests.services.loop import opened, replies
from tests.world import Clock, World


def published(api: Api, metric: str = "nps") -> str:
    id = api.post("/surveys", {"name": "Relacionamento", "metric": metric}).json["id"]
    assert api.post(f"/surveys/{id}/publication").status_code == 201
    return id


def test_a_survey_needs_only_a_name_and_a_metric(api: Api) -> None:
    made = api.post("/surveys", {"name": "Relacionamento", "metric": "nps"})
    assert made.status_code == 201
    assert set(made.json["question"]) == {"pt-BR", "en", "es"}
    assert made.json["published_version"] is None
    id = made.json["id"]
    assert api.post(f"/surveys/{id}/publication").json["published_version"] == 1
    changed = api.patch(f"/surveys/{id}", {"question": {"en": "Would you recommend us?"}, "name": "Q4"})
    assert changed.json["question"]["en"] == "Would you recommend us?"
    assert (changed.json["name"], changed.json["changed"]) == ("Q4", True)
    assert api.post(f"/surveys/{id}/publication").json["published_version"] == 2
    assert [each["id"] for each in api.all("/surveys")] == [id]


def test_texts_can_come_with_a_new_survey_and_leave_with_a_change(api: Api) -> None:
    texts = {"en": {"thanks_up": "Thank you!", "question": "Likely?"}}
    made = api.post("/surveys", {"name": "A", "metric": "nps", "texts": texts, "question": {"es": "¿Sí?"}})
    assert made.json["texts"]["en"]["thanks_up"] == "Thank you!"
    assert (made.json["question"]["en"], made.json["question"]["es"]) == ("Likely?", "¿Sí?")
    assert "es" not in api.patch(f"/surveys/{made.json['id']}", {"texts": {"es": None}}).json["texts"]
    own = {"texts": {"en": {"reminder_chat": "Once more:"}}}
    assert api.patch(f"/surveys/{made.json['id']}", own).json["texts"]["en"]["reminder_chat"] == "Once more:"
    own["texts"]["en"]["reminder_chat"] = ""
    assert "reminder_chat" not in api.patch(f"/surveys/{made.json['id']}", own).json["texts"]["en"]
    wrong = api.post("/surveys", {"name": "A", "metric": "nps", "texts": {"en": {"joke": "x"}}})
    assert wrong.json["errors"] == [{"field": "texts.en.joke", "message": "There is no such field."}]


def test_a_metric_of_another_kind_is_refused(api: Api, hr: Api) -> None:
    assert api.post("/surveys", {"name": "A", "metric": "enps"}).status_code == 422
    assert hr.post("/surveys", {"name": "A", "metric": "nps"}).status_code == 422
    assert hr.post("/surveys", {"name": "A", "metric": "enps"}).status_code == 201


def test_somebody_is_asked_now_or_told_why_not(api: Api, world: World, shop: Workspace, clock: Clock) -> None:
    survey = published(api)
    world.contact(shop, external_id="c-1")
    asked = api.post(f"/surveys/{survey}/invitations", {"contact": {"external_id": "c-1"}})
    assert asked.status_code == 201
    assert (asked.json["state"], asked.json["reason"], asked.json["channel"]) == ("queued", None, "email")
    contact = asked.json["contact"]
    clock.advance(minutes=1)
    again = api.post(f"/surveys/{survey}/invitations", {"contact": contact, "channels": ["email"]})
    assert (again.status_code, again.json["state"], again.json["reason"]) == (201, "skipped", "resting")
    told = api.get(f"/surveys/{survey}/eligibility", contact=contact).json
    assert (told["eligible"], told["reason"]) == (False, "resting")
    assert told["until"] is not None
    assert told["explanation"].startswith("Não perguntamos a ")
    asks = api(
        "GET", f"/contacts/{contact}/asks", query_string={"survey": survey}, headers={"Accept-Language": "en"}
    ).json
    assert (asks["eligible"], asks["reason"], asks["survey"]) == (False, "resting", survey)
    assert [each["outcome"] for each in asks["items"]] == ["not_asked", "asked"]
    assert "was asked “Relacionamento” (NPS) today, rests until" in asks["explanation"]
    assert asks["items"][0]["invitation"] == again.json["id"]
    assert api.get(f"/invitations/{asked.json['id']}").json == asked.json
    assert [each["id"] for each in api.all("/invitations", state="skipped", survey=survey)] == [
        again.json["id"]
    ]
    assert len(api.all("/invitations", contact=contact, limit=1)) == 2


def test_what_cannot_be_asked_says_so(
    api: Api, hr: Api, world: World, shop: Workspace, company: Workspace
) -> None:
    draft = api.post("/surveys", {"name": "A", "metric": "nps"}).json["id"]
    person = world.contact(shop).id
    assert api.post(f"/surveys/{draft}/invitations", {"contact": person}).status_code == 409
    survey = published(api)
    assert api.post(f"/surveys/{survey}/invitations", {"contact": "nobody"}).status_code == 404
    assert api.post(f"/surveys/{survey}/invitations", {"contact": 7}).status_code == 422
    assert (
        api.post(f"/surveys/{survey}/invitations", {"contact": person, "channels": ["pigeon"]}).status_code
        == 422
    )
    pulse = published(hr, "enps")
    asked = hr.post(f"/surveys/{pulse}/invitations", {"contact": world.contact(company).id})
    assert asked.status_code == 422


def test_a_schedule_is_made_previewed_paused_and_cancelled(api: Api, world: World, shop: Workspace) -> None:
    survey = published(api)
    world.contact(shop)
    world.contact(shop, active=False)
    world.contact(shop, lawful_basis="none")
    body = {"name": "Cada mês", "survey": survey, "audience": "all", "repeat": "monthly",
            "at": "2026-12-01T10:00", "time_zone": "America/Sao_Paulo", "channels": ["email"]}  # fmt: skip
    made = api.post("/schedules", body)
    assert made.status_code == 201, made.json
    id = made.json["id"]
    assert {**made.json, **body} == made.json
    assert (made.json["state"], made.json["next_run_at"]) == ("active", "2026-12-01T13:00:00Z")
    preview = api.get(f"/schedules/{id}/preview").json
    assert preview == {"asked": 1, "not_asked": 1, "reasons": {"no_lawful_basis": 1}}
    assert api.post(f"/schedules/{id}/pause").json["state"] == "paused"
    assert api.delete(f"/schedules/{id}/pause").status_code == 204
    assert api.patch(f"/schedules/{id}", {"repeat": "quarterly"}).json["repeat"] == "quarterly"
    assert api.patch(f"/schedules/{id}", {"repeat": "weekly", "revision": 1}).status_code == 409
    assert api.get(f"/schedules/{id}/occurrences").json == {"items": [], "next_cursor": None}
    assert api.delete(f"/schedules/{id}").status_code == 204
    assert api.get(f"/schedules/{id}").json["state"] == "cancelled"
    assert api.patch(f"/schedules/{id}", {"repeat": "weekly"}).status_code == 409
    assert [each["id"] for each in api.all("/schedules")] == [id]


def test_answers_are_listed_filtered_and_read_again_when_they_change(
    api: Api, world: World, shop: Workspace, clock: Clock
) -> None:
    first = world.answer(shop, 9, attributes={"plan": "gold"})
    clock.advance(hours=1)
    second = world.answer(shop, 3, attributes={"plan": "free"}, comment="=1+1 <b>")
    listed = api.all("/answers", limit=1)
    assert [each["id"] for each in listed] == [second.id, first.id]
    assert (listed[0]["band"], listed[0]["comment"]) == ("detractor", "=1+1 <b>")
    assert [each["id"] for each in api.all("/answers", attribute="plan:gold")] == [first.id]
    assert [each["id"] for each in api.all("/answers", band="detractor", metric="nps")] == [second.id]
    assert [each["id"] for each in api.all("/answers", contact=first.contact_id)] == [first.id]
    moment = (clock.now - timedelta(minutes=5)).isoformat()
    assert [each["id"] for each in api.all("/answers", changed_since=moment)] == [second.id]
    assert api.get("/answers", band="easy", metric="nps").status_code == 422
    assert api.get("/answers", since="yesterday").status_code == 422


def test_a_metric_says_score_interval_and_change(
    api: Api, world: World, shop: Workspace, clock: Clock
) -> None:
    for score, plan in ((9, "gold"), (10, "gold"), (3, "free")):
        contact = world.contact(shop, attributes={"plan": plan})
        world.answer(shop, score, contact=contact, attributes={"plan": plan})
    found = api.get("/metrics/nps").json
    assert (found["score"], found["n"], found["promoters"], found["detractors"]) == (33, 3, 2, 1)
    assert found["low"] < found["score"] < found["high"]
    assert (found["response_rate"], found["change"]["verdict"]) == (1.0, "unclear")
    groups = api.get("/metrics/nps", group_by="attribute.plan").json["groups"]
    assert [(each["group"], each["score"]) for each in groups] == [("gold", 100), ("free", -100)]
    assert api.get("/metrics/ces").json["score"] is None
    assert api.get("/metrics/ces").json["mean"] is None
    assert api.get("/metrics/love").status_code == 404
    assert api.get("/metrics/enps").status_code == 404
    assert api.get("/metrics/nps", group_by="nonsense").status_code == 422


def test_a_follow_up_is_claimed_noted_answered_closed_and_reopened(
    api: Api, world: World, shop: Workspace, runtime: Runtime
) -> None:
    id = opened(world, shop, 3)
    agent = world.member(shop, Role.AGENT)
    assert [each["id"] for each in api.all("/followups", state="open")] == [id]
    assert api.patch(f"/followups/{id}", {"assignee": agent.member_id}).json["state"] == "claimed"
    assert api.patch(f"/followups/{id}", {"assignee": "nobody"}).status_code == 422
    noted = api.post(f"/followups/{id}/notes", {"text": "Called twice.", "contacted": True})
    assert noted.status_code == 201
    assert noted.json["first_contact_at"] == "2026-11-16T13:00:00Z"
    assert api.post(f"/followups/{id}/replies", {"text": "We are on it."}).status_code == 201
    assert len(replies(runtime, id)) == 1
    assert api.post(f"/followups/{id}/closure", {"summary": "", "root_cause": "x"}).status_code == 422
    closed = api.post(f"/followups/{id}/closure", {"summary": "Refunded.", "root_cause": "Demora"})
    assert (closed.status_code, closed.json["state"], closed.json["root_cause"]) == (201, "closed", "Demora")
    assert api.post(f"/followups/{id}/replies", {"text": "One more."}).status_code == 409
    assert api.delete(f"/followups/{id}/closure").status_code == 204
    assert api.get(f"/followups/{id}").json["state"] == "claimed"


def test_a_follow_up_is_opened_by_hand(
    api: Api, hr: Api, world: World, shop: Workspace, company: Workspace
) -> None:
    contact = world.contact(shop).id
    made = api.post("/followups", {"contact": contact})
    assert (made.status_code, made.json["reason"], made.json["answer"]) == (201, "asked", None)
    answer = world.answer(shop, 9)
    about = {"contact": answer.contact_id, "answer": answer.id}
    assert api.post("/followups", about).json["id"] == api.post("/followups", about).json["id"]
    assert hr.post("/followups", {"contact": world.contact(company).id}).status_code == 404


def test_the_workspace_and_its_members(api: Api, world: World, shop: Workspace, clock: Clock) -> None:
    found = api.get("/workspace").json
    assert (found["id"], found["slug"], found["kind"]) == (shop.id, shop.slug, "customers")
    changed = api.patch("/workspace", {"rest_days": 60, "rest_days_by_metric": {"nps": 120}, "name": "Sul"})
    assert (changed.json["rest_days"], changed.json["name"]) == (60, "Sul")
    assert changed.json["rest_days_by_metric"]["nps"] == 120
    assert changed.json["rest_days_by_metric"]["csat"] == 14
    assert (found["quiet_hours"], found["quiet_days"]) == ({"from": "21:00", "to": "09:00"}, [])
    assert (found["quiet_email"], found["daily_cap"], found["weekly_cap"]) == (False, None, None)
    quiet = {"quiet_hours": {"from": "20:00", "to": "08:00"}, "quiet_days": [6], "quiet_email": True}
    changed = api.patch("/workspace", quiet | {"daily_cap": 1, "weekly_cap": 3}).json
    assert {name: changed[name] for name in quiet} == quiet
    assert (changed["daily_cap"], changed["weekly_cap"]) == (1, 3)
    assert api.patch("/workspace", {"quiet_hours": None, "daily_cap": None}).json["quiet_hours"] is None
    for wrong in ({"quiet_hours": {"from": "20:00"}}, {"quiet_days": [*range(7)]}, {"daily_cap": 0}):
        refused = api.patch("/workspace", wrong)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, next(iter(wrong)))
    assert api.patch("/workspace", {"slug": "mine"}).status_code == 422
    assert api.patch("/workspace", {"name": None}).status_code == 422
    assert api.patch("/workspace", {"name": "Norte", "revision": 1}).status_code == 409
    clock.advance(minutes=1)
    world.member(shop, Role.AGENT)
    members = api.all("/members", limit=1)
    assert [each["role"] for each in members] == ["owner", "agent"]
    assert "@" in members[0]["email"]


def test_the_timeline_tells_asks_and_answers(api: Api, world: World, shop: Workspace) -> None:
    answer = world.answer(shop, 9, comment="Ótimo")
    moments = api.all(f"/contacts/{answer.contact_id}/timeline", limit=1)
    assert {each["kind"] for each in moments} == {"added", "asked", "answered"}
    told = next(each for each in moments if each["kind"] == "answered")
    assert (told["score"], told["comment"], told["channel"]) == (9, "Ótimo", "email")
