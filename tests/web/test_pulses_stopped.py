"""The page of a pulse that paused itself: it says why, and goes on where a manager says so."""

from collections.abc import Callable

from flask.testing import FlaskClient

from app.domain.access import Role
from app.domain.metrics import Metric
from app.runtime import Runtime
from app.services import pulses, sending
from app.services.access import Visitor
from tests.services.test_pulse_brakes import come_back, sent
from tests.world import World


def test_a_pulse_that_paused_itself_says_why_and_goes_on_by_a_button(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, world: World
) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    for _ in range(20):
        world.contact(people)
    id = pulses.open_pulse(runtime, hr, world.survey(people, Metric.ENPS).id)
    sending.send_due(runtime)
    come_back(runtime, *sent(runtime, "invitation")[:5])
    here = f"/w/{people.slug}/pulses"
    said = "5 de 20 mensagens voltaram"
    assert said in client_for(hr).get(here).text
    page = client_for(hr).get(f"{here}/{id}").text
    assert said in page
    assert f'action="{here}/{id}/resumption"' in page
    looks = client_for(world.member(people, Role.VIEWER)).get(f"{here}/{id}").text
    assert said in looks
    assert "resumption" not in looks
    after = client_for(hr).post(f"{here}/{id}/resumption", follow_redirects=True).text
    assert said not in after
