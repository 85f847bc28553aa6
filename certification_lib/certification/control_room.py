"""How an event stands, for the people who run it: how many are where, how fast they come in, and who is to act."""

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.models import Approval, Round
from certification_lib.certification.rules import OPEN
from certification_lib.certification.status_counts import status_counts
from certification_lib.database import constant
from certification_lib.events.models import Event, EventVersion, Participant, ParticipantStatus
from certification_lib.events.phases import local_day
from certification_lib.people.models import Person
from certification_lib.people.queries import state_time_zone
from certification_lib.rulebook.models import RuleVersion, Severity
from certification_lib.validation.counted import results_that_say_something, rules_that_ran

WAITING_FOR_THE_STATE = frozenset({ParticipantStatus.SENT, ParticipantStatus.REQUESTED})


@dataclass(frozen=True)
class DayOfCertifying:
    """How many had certified for the first time, and stood approved, by the end of a day in the state."""

    day: datetime.date
    certified: int
    approved: int
    certified_last_year: int | None
    """As many days after Certification Opens, in the event of the year before; None when there is none."""


@dataclass(frozen=True)
class Findings:
    """Of the revisions shown to approvers: findings of a severity, in how many participants."""

    severity: Severity
    findings: int
    participants: int
    could_not_run: int


@dataclass(frozen=True)
class Unreachable:
    """An open participant nobody can be reminded of: no certifier at all, or none with an e-mail address."""

    number: str
    name: str
    certifiers: int


@dataclass(frozen=True)
class ControlRoom:
    """Withdrawn participants are in `statuses` only."""

    statuses: tuple[tuple[ParticipantStatus, int], ...]
    participants: int
    days_left: int | None
    """To Event End, today not counted; negative when it has passed, None without dates."""
    with_districts: int
    with_state: int
    approved: int
    days: tuple[DayOfCertifying, ...]
    last_year: str | None
    """Name of the event of the year before."""
    last_year_participants: int
    findings: tuple[Findings, ...]
    unreachable: tuple[Unreachable, ...]


def control_room(event: Event, *, session: Session, now: datetime.datetime) -> ControlRoom | None:
    """How a published event stands; None for one that was never published. The caller has checked the right."""
    if event.live_version_id is None:
        return None
    version = session.get_one(EventVersion, event.live_version_id)
    zone = state_time_zone(session=session)
    today = local_day(min(now, event.closed_at or now), zone)
    counts = status_counts(event.id, session=session)
    participants = sum(counts.values()) - counts.get(ParticipantStatus.WITHDRAWN, 0)
    before = year_before(event, version, session)
    return ControlRoom(
        statuses=tuple(counts.items()),
        participants=participants,
        days_left=(version.end_date - today).days if version.end_date else None,
        with_districts=sum(counts.get(one, 0) for one in OPEN),
        with_state=sum(counts.get(one, 0) for one in WAITING_FOR_THE_STATE),
        approved=counts.get(ParticipantStatus.APPROVED, 0),
        days=tuple(_days(event, version, before, today=today, zone=zone.key, session=session)),
        last_year=before[1].name if before else None,
        last_year_participants=_standing(before[0].id, session) if before else 0,
        findings=tuple(_findings(event.id, session)),
        unreachable=tuple(_unreachable(event.id, version, session)),
    )


def _standing(event_id: int, session: Session) -> int:
    query = sa.select(sa.func.count()).where(Participant.event_id == event_id, Participant.withdrawn_at.is_(None))
    return session.scalar(query) or 0


def year_before(event: Event, version: EventVersion, session: Session) -> tuple[Event, EventVersion] | None:
    """The event of the same category and level whose Reporting Year is one less; the last of several."""
    query = (
        sa.select(Event, EventVersion)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(
            EventVersion.category_id == version.category_id,
            EventVersion.level == version.level,
            EventVersion.reporting_year == version.reporting_year - 1,
            Event.corrects_event_id.is_(None),
            Event.id != event.id,
        )
        .order_by(Event.published_at.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    return (found[0], found[1]) if found else None


def _days(
    event: Event,
    version: EventVersion,
    before: tuple[Event, EventVersion] | None,
    *,
    today: datetime.date,
    zone: str,
    session: Session,
) -> list[DayOfCertifying]:
    """From Certification Opens to today, Event End at the latest unless people still come in after it."""
    opens = version.opens_date
    if opens is None or today < opens:
        return []
    certified, approved = _certified_by_day(event.id, zone, session), _approved_by_day(event.id, zone, session)
    busy = [version.end_date or today, *certified, *approved]
    length = (min(today, max(busy)) - opens).days + 1
    last_year: Sequence[int | None] = [None] * length
    if before is not None and before[1].opens_date is not None:
        last_year = _sums(_certified_by_day(before[0].id, zone, session), before[1].opens_date, length)
    rows = zip(_sums(certified, opens, length), _sums(approved, opens, length), last_year, strict=True)
    return [DayOfCertifying(opens + datetime.timedelta(days=number), *row) for number, row in enumerate(rows)]


def _sums(by_day: dict[datetime.date, int], first: datetime.date, length: int) -> list[int]:
    """How many there were by the end of each day; what came before the first day counts on it."""
    early = sum(count for day, count in by_day.items() if day < first)
    days = [by_day.get(first + datetime.timedelta(days=number), 0) for number in range(length)]
    return list(accumulate([early + days[0], *days[1:]]))


def _by_day(moments: sa.Subquery) -> sa.Select[datetime.date, int]:
    day = sa.cast(sa.func.timezone(sa.bindparam("zone"), moments.c.moment), sa.Date).label("day")
    return sa.select(day, sa.func.count()).group_by(sa.literal_column("day"))


def _certified_by_day(event_id: int, zone: str, session: Session) -> dict[datetime.date, int]:
    """Each participant on the day it was sent for the first time."""
    rows = session.execute(_first_sent(), {"event_id": event_id, "zone": zone})
    return {row[0]: row[1] for row in rows}


@functools.cache
def _first_sent() -> sa.Select[datetime.date, int]:
    # Looked up for each participant: joined, the planner reads the rounds of all events there ever were.
    sent = (
        sa.select(sa.func.min(Round.sent_at).label("moment"))
        .where(Round.participant_id == Participant.id, Round.sent_at.is_not(None), Round.taken_back_at.is_(None))
        .correlate(Participant)
        .lateral("sent")
    )
    first = (
        sa.select(sent.c.moment)
        .select_from(Participant)
        .join(sent, sa.true())
        .where(Participant.event_id == sa.bindparam("event_id"))
        .where(Participant.withdrawn_at.is_(None), sent.c.moment.is_not(None))
    )
    return _by_day(first.subquery())


def _approved_by_day(event_id: int, zone: str, session: Session) -> dict[datetime.date, int]:
    """Each approved participant on the day of the approval that stands."""
    rows = session.execute(_approved(), {"event_id": event_id, "zone": zone})
    return {row[0]: row[1] for row in rows}


@functools.cache
def _approved() -> sa.Select[datetime.date, int]:
    standing = (
        sa.select(sa.func.max(Approval.approved_at).label("moment"))
        .join(Round, Round.id == Approval.round_id)
        .join(Participant, Participant.id == Round.participant_id)
        .where(
            Participant.event_id == sa.bindparam("event_id"),
            Participant.status == ParticipantStatus.APPROVED,
            Round.number == Participant.round_number,
            Approval.withdrawn_at.is_(None),
        )
        .group_by(Participant.id)
    )
    return _by_day(standing.subquery())


def _findings(event_id: int, session: Session) -> list[Findings]:
    """Of every severity of which a rule has run, also where it found nothing."""
    telling, ran = _by_severity(event_id)
    found = {row[0]: Findings(row[0], int(row[1] or 0), row[2], row[3]) for row in session.execute(telling)}
    nothing = {severity: Findings(severity, 0, 0, 0) for severity in session.scalars(ran)}
    return [(nothing | found)[severity] for severity in Severity if severity in nothing | found]


@functools.lru_cache(1024)
def _by_severity(event_id: int) -> tuple[sa.Select[Severity, int, int, int], sa.Select[Severity]]:
    """What says something by severity, and the severities of all rules that ran."""
    telling = results_that_say_something(event_id).subquery("telling")
    query = sa.select(
        telling.c.severity,
        sa.func.coalesce(sa.func.sum(telling.c.finding_count), 0),
        sa.func.count(telling.c.participant_id.distinct()).filter(telling.c.finding_count > 0),
        sa.func.count(telling.c.rule_id.distinct()).filter(telling.c.finding_count.is_(None)),
    ).group_by(telling.c.severity)
    ran = rules_that_ran(event_id).subquery("ran_rule")
    return query, sa.select(RuleVersion.severity).join(ran, ran.c.newest == RuleVersion.id).distinct()


def _unreachable(event_id: int, version: EventVersion, session: Session) -> list[Unreachable]:
    given = {"event_id": event_id, "category_id": version.category_id}
    return [Unreachable(*row) for row in session.execute(_without_address(), given)]


@functools.cache
def _without_address() -> sa.Select[str, str, int]:
    certifier = (
        sa.select(Member.organization_id, Member.school_id, Person.email)
        .join(Person, Person.id == Member.person_id)
        .where(
            Member.category_id == sa.bindparam("category_id"),
            Member.removed_at.is_(None),
            constant(Member.role, CategoryRole.CERTIFIER),
            Person.active,
        )
        .subquery()
    )
    for_participant = sa.and_(
        certifier.c.organization_id == Participant.lea_id,
        sa.or_(certifier.c.school_id.is_(None), certifier.c.school_id == Participant.organization_id),
    )
    return (
        sa.select(
            Participant.organization_number,
            Participant.organization_name,
            sa.func.count(certifier.c.organization_id),
        )
        .outerjoin(certifier, for_participant)
        .where(Participant.event_id == sa.bindparam("event_id"), constant(Participant.status, *OPEN))
        .group_by(Participant.id)
        .having(sa.func.count().filter(certifier.c.email.contains("@")) == 0)
        .order_by(Participant.organization_number)
    )
