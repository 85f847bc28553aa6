"""How an event stands: counts, the days people came in, and who cannot be reached."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.control_room import ControlRoom, DayOfCertifying, Unreachable, control_room
from certification_lib.certification.models import Approval, Round
from certification_lib.events.models import Event, Participant, ParticipantStatus
from certification_lib.people.models import Organization
from certification_lib.rulebook.models import Severity
from tests.factories import World

DAY = datetime.timedelta(days=1)
OPENS = datetime.date(2016, 10, 3)
NOON = datetime.datetime(2016, 10, 3, 16, 0, tzinfo=datetime.UTC)  # in New York


def sent(world: World, event: Event, organization: Organization, at: datetime.datetime) -> Participant:
    participant = world.participant(event, organization)
    world.session.execute(sa.update(Round).where(Round.participant_id == participant.id).values(sent_at=at))
    participant.status = ParticipantStatus.SENT
    return participant


def approved(world: World, participant: Participant, at: datetime.datetime) -> None:
    round_id = world.session.scalars(sa.select(Round.id).where(Round.participant_id == participant.id)).one()
    world.session.add(
        Approval(round_id=round_id, certified_count=1, certifier_count=1, approved_at=at, approved_by="approver")
    )
    participant.status = ParticipantStatus.APPROVED


def room_of(event: Event, session: Session, now: datetime.datetime) -> ControlRoom:
    session.flush()
    room = control_room(event, session=session, now=now)
    assert room is not None
    return room


def three_districts(world: World, key: str, **fields: object) -> tuple[Event, list[Organization]]:
    leas = [world.lea(number, name) for number, name in (("001", "Adair"), ("005", "Allen"), ("011", "Anderson"))]
    dates = {"start_date": OPENS, "opens_date": OPENS, "end_date": OPENS + 10 * DAY}
    return world.event(leas, key=key, **{**dates, **fields}), leas


def test_the_ball_is_with_the_districts_the_state_or_nobody(session: Session) -> None:
    world = World(session)
    event, [adair, allen, _] = three_districts(world, "fall")
    approved(world, sent(world, event, adair, NOON), NOON + DAY)
    sent(world, event, allen, NOON)

    room = room_of(event, session, NOON + 2 * DAY)

    assert (room.with_districts, room.with_state, room.approved, room.participants) == (1, 1, 1, 3)
    assert room.days_left == 8
    assert dict(room.statuses)[ParticipantStatus.SENT] == 1


def test_the_curve_counts_each_participant_on_the_day_it_was_first_sent_in_the_states_time_zone(
    session: Session,
) -> None:
    world = World(session)
    event, [adair, allen, _] = three_districts(world, "fall")
    late_evening = datetime.datetime(2016, 10, 4, 3, 30, tzinfo=datetime.UTC)  # still 3 October in New York
    approved(world, sent(world, event, adair, late_evening), NOON + 2 * DAY)
    sent(world, event, allen, NOON + DAY)

    days = room_of(event, session, NOON + 2 * DAY).days

    assert days == (
        DayOfCertifying(OPENS, 1, 0, None),
        DayOfCertifying(OPENS + DAY, 2, 0, None),
        DayOfCertifying(OPENS + 2 * DAY, 2, 1, None),
    )


def test_last_year_is_laid_beside_it_by_days_since_certification_opened(session: Session) -> None:
    world = World(session)
    event, leas = three_districts(world, "fall")
    opened = datetime.date(2015, 9, 1)
    dates = {"start_date": opened, "opens_date": opened, "end_date": opened + 10 * DAY}
    before = world.event(leas, key="fall-before", reporting_year=event_year(event, session) - 1, **dates)
    sent(world, before, leas[0], datetime.datetime(2015, 9, 2, 15, 0, tzinfo=datetime.UTC))

    room = room_of(event, session, NOON + DAY)

    assert [day.certified_last_year for day in room.days] == [0, 1]
    assert room.last_year_participants == 3


def event_year(event: Event, session: Session) -> int:
    year = session.execute(
        sa.text("select reporting_year from certification.event_version where id = :id"), {"id": event.live_version_id}
    ).scalar_one()
    return int(year)


def test_open_participants_nobody_can_be_reminded_of_are_named(session: Session) -> None:
    world = World(session)
    event, [adair, allen, anderson] = three_districts(world, "fall")
    world.certifier("smith", adair)
    world.certifier("jones", allen)
    session.execute(sa.text("update certification.person set email = null where username = 'jones'"))
    session.expire_all()

    room = room_of(event, session, NOON)

    assert room.unreachable == (Unreachable("005", allen.name, 1), Unreachable("011", anderson.name, 0))


def test_findings_are_counted_by_severity_on_what_approvers_are_shown(session: Session) -> None:
    world = World(session)
    leas = [world.lea("001", "Adair"), world.lea("005", "Allen")]
    rules = [world.rule("ENR-001"), world.rule("ENR-002", Severity.WARNING)]
    event = world.event(leas, key="fall", rules=rules)
    for lea, errors in zip(leas, (3, 0), strict=True):
        revision = world.revision(world.participant(event, lea), lea.name, rows=10)
        world.result(revision, rules[0], errors)
        world.result(revision, rules[1], 2)

    found = {one.severity: (one.findings, one.participants) for one in room_of(event, session, NOON).findings}

    assert found == {Severity.ERROR: (3, 1), Severity.WARNING: (4, 2)}


def test_an_event_that_was_never_published_has_none(session: Session) -> None:
    event = Event(key="none", status="Unpublished", created_at=NOON, created_by="x")
    session.add(event)
    session.flush()

    assert control_room(event, session=session, now=NOON) is None
