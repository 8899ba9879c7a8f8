"""Three closed pulses in the demonstration, as closing leaves them: counts, and words without names."""

import secrets
from datetime import datetime, timedelta

from app.domain.anonymity import DEFAULT_ANSWERS, DEFAULT_COMMENTS
from app.domain.metrics import RULES, Band, Metric
from app.models import (
    Headline,
    Invitation,
    Message,
    Occurrence,
    Pulse,
    PulseComment,
    PulseCount,
    PulseScore,
    new_id,
)  # fmt: skip
from app.services.demo_house import House, Person
from app.services.demo_words import COLLEAGUES
from app.services.outbox import USUAL
from app.services.pulse_opening import OPEN_FOR
from app.services.pulse_results import WHOLE

EMPLOYEES = 91
# Days since it closed; promoters, passives, detractors
PULSES = ((187, (23, 20, 18)), (96, (27, 19, 18)), (6, (31, 22, 15)))
PUBLISHED = 2  # the latest ones, handed to the customers workspace


def fill(house: House, customers: House) -> None:
    """The pulses of half a year, and what HR handed on."""
    people = house.people(EMPLOYEES, employees=True)
    for number, (days, counts) in enumerate(PULSES):
        closed = house.now - timedelta(days=days)
        pulse_id = _pulse(house, people, closed, counts, number)
        if number >= len(PULSES) - PUBLISHED:
            house.heap.put(
                Headline, id=new_id(), pulse_id=pulse_id, workspace_id=customers.workspace.id,
                promoters=counts[0], passives=counts[1], detractors=counts[2], asked=len(people),
                closed_at=closed, published_at=closed + timedelta(hours=2),
            )  # fmt: skip


def _pulse(
    house: House, people: list[Person], closed: datetime, counts: tuple[int, int, int], number: int
) -> str:
    survey_id, version_id = house.surveys[Metric.ENPS]
    opened, pulse_id, occurrence_id = closed - OPEN_FOR, new_id(), new_id()
    house.heap.put(
        Occurrence, id=occurrence_id, workspace_id=house.workspace.id, schedule_id=None, survey_id=survey_id,
        version_id=version_id, origin="pulse", key=pulse_id, audience={}, channels=["email"], state="run",
        due_at=opened, created_at=opened, ended_at=opened,
    )  # fmt: skip
    house.heap.put(
        Pulse, id=pulse_id, workspace_id=house.workspace.id, occurrence_id=occurrence_id, survey_id=survey_id,
        version_id=version_id, state="closed", public_key=secrets.token_bytes(32),
        least_answers=DEFAULT_ANSWERS, least_comments=DEFAULT_COMMENTS, opened_at=opened, closes_at=closed,
        reminded_at=opened + timedelta(days=3), closed_at=closed, asked=len(people), answered=sum(counts),
    )  # fmt: skip
    for person in people:
        _ask(house, person, occurrence_id, opened, closed)
    house.heap.put(
        PulseCount,
        pulse_id=pulse_id,
        cut=WHOLE,
        promoters=counts[0],
        passives=counts[1],
        detractors=counts[2],
    )
    for band, many in zip(RULES[Metric.ENPS].bands, counts, strict=True):
        for _ in range(many):
            house.heap.put(PulseScore, pulse_id=pulse_id, key=new_id(), score=_score(house, band))
    # The latest pulse is read most: its words are the first ones
    for words in COLLEAGUES[:: len(PULSES) - number]:
        house.heap.put(PulseComment, pulse_id=pulse_id, key=new_id(), comment=words)
    return pulse_id


def _score(house: House, band: Band) -> int:
    rule = RULES[Metric.ENPS]
    return house.chance.choice([each for each in rule.scores if rule.band(each) is band])


def _ask(house: House, person: Person, occurrence_id: str, at: datetime, closes: datetime) -> None:
    survey_id, version_id = house.surveys[Metric.ENPS]
    invitation_id = new_id()
    house.heap.put(
        Invitation, id=invitation_id, workspace_id=house.workspace.id, occurrence_id=occurrence_id,
        survey_id=survey_id, version_id=version_id, metric=Metric.ENPS.value, contact_id=person.id,
        address_key=person.key, locale=person.locale, channel="email", state="sent", sandbox=False,
        created_at=at, sent_at=at, expires_at=closes,
    )  # fmt: skip
    house.heap.put(
        Message, id=new_id(), workspace_id=house.workspace.id, purpose="invitation", priority=USUAL,
        channel="email", invitation_id=invitation_id, contact_id=person.id, to_address=person.email,
        address_key=person.key, locale=person.locale, state="sent", tries=1, due_at=at, created_at=at,
        sent_at=at,
    )  # fmt: skip
