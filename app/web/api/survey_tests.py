"""/surveys/{id}/test: a survey to the own address of a member, marked as a test; it counts nowhere."""

from typing import Literal

from pydantic import Field

from app.services import survey_tests
from app.services.survey_tests import Wanted
from app.web.api.routes import Call, Made
from app.web.api.schemas import Body, Id, Resource, absent
from app.web.api.surveys import surveys

SURVEYS = surveys  # with the route below
Own = Literal["email", "telegram"]


class NewTest(Body):
    """To whom and how: it goes to the address of their own account, never to another one."""

    member: Id
    channel: Own = absent("By default e-mail.")
    locale: str = absent("Of the draft; by default the member's own.")


class Test(Resource):
    """A test on its way."""

    id: str
    channel: Own
    state: str
    reason: str | None = Field(description="Why it did not leave.")


def one(call: Call, id: str) -> dict[str, object]:
    channel, state, reason = survey_tests.state(call.runtime, call.who, id)
    return {"id": id, "channel": channel, "state": state, "reason": reason}


@surveys.post("/surveys/{id}/test", "surveys:write", one, Test)
def test_survey(call: Call, id: str, body: NewTest) -> Made:
    """Send the saved draft to a member, as a test. Nothing that they answer is recorded."""
    given = body.given()
    wanted = Wanted(given.get("channel", "email"), given.get("locale"), member_id=body.member)
    return Made(survey_tests.send(call.runtime, call.who, id, wanted, call.once))
