"""What the product watches by itself: milestones that nobody did, and reminders on people's own due dates."""

import datetime
from contextlib import suppress

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.orm import Session

from certification_lib.certification.models import DueDate, Round
from certification_lib.database import refresh_statistics
from certification_lib.events import due
from certification_lib.events.due import Late
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Person, PersonRole, Role
from certification_lib.snapshots.models import Snapshot, SnapshotStatus

_LONGEST_SNAPSHOT = datetime.timedelta(hours=2)


def late_milestones(*, session: Session, now: datetime.datetime) -> list[Late]:
    """Milestones that nobody did in time. A snapshot that is being taken is not late, however big the state."""
    taken = sa.select(Snapshot.milestone_id).where(
        Snapshot.status == SnapshotStatus.RUNNING, Snapshot.started_at > now - _LONGEST_SNAPSHOT
    )
    under_way = set(session.scalars(taken))
    return [one for one in due.late_milestones(session=session, now=now) if one.milestone_id not in under_way]


def statistics_after_publication(engine: sa.Engine) -> None:
    """Tell the planner of the participants a publication has just made, so that the list of who owes is quick at once.

    Pages work without; when it fails nothing is lost.
    """
    tables = ("participant", "certification_round", "category_member", "person", "organization", "due_date")
    with suppress(sqlalchemy.exc.DBAPIError):
        refresh_statistics(engine, *tables)


def alarm_about_late_milestones(late: list[Late], *, session: Session, now: datetime.datetime) -> int:
    """Tell the state's Administrators, once for each milestone."""
    administrators = session.scalars(
        sa.select(Person.id)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(PersonRole.role == Role.ADMINISTRATOR, Person.active)
        .distinct()
    ).all()
    notices = [
        Notice(
            fact=f"milestone_late:{milestone.milestone_id}",
            kind="milestone_late",
            receivers=administrators,
            values={
                "event": milestone.event_key,
                "kind": milestone.kind.value.replace("_", " "),
                "at": _utc(milestone.at),
            },
            path=f"/certification/events/{milestone.event_key}/",
            event_key=milestone.event_key,
        )
        for milestone in late
    ]
    return notify_all(notices, session=session, now=now)


def events_with_own_due_dates(*, session: Session) -> list[str]:
    """Keys of live events in which somebody has a due date other than Event End."""
    query = (
        sa.select(Event.key)
        .join(Participant, Participant.event_id == Event.id)
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(DueDate, DueDate.round_id == Round.id)
        .where(
            Event.status.in_([EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES]),
            Event.active,
            DueDate.taken_back_at.is_(None),
        )
        .distinct()
        .order_by(Event.key)
    )
    return list(session.scalars(query))


def _utc(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"
