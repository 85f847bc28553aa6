"""What approvers are told while something waits for them: a digest each day, and who has not certified each week after
Event End until the event is closed. For housekeeping, any number of times a day: each is told once."""

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole
from certification_lib.certification.models import RecertificationRequest, Round
from certification_lib.certification.reminders import waits_too_long, weeks_since
from certification_lib.certification.rules import OPEN
from certification_lib.certification.telling import day_in_words, state_members
from certification_lib.events.milestones import REMINDER_HOUR
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.events.phases import local_day
from certification_lib.events.rules import names_in_words
from certification_lib.notifications.kinds import WAITS_FOR_STATE
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Organization, OrganizationKind


@dataclass(frozen=True)
class _Unfinished:
    """A participant that is not approved, and since when the state has been asked to act."""

    name: str
    status: ParticipantStatus
    since: datetime.datetime | None


def tell_approvers_what_waits(*, session: Session, now: datetime.datetime) -> int:
    """Write both kinds of notice for every live event that is not on hold, from eight in the morning of the state's
    time. Returns how many messages are new."""
    state = session.scalar(sa.select(Organization).where(Organization.kind == OrganizationKind.STATE))
    if state is None:
        return 0
    zone = ZoneInfo(state.time_zone or "UTC")
    if now.astimezone(zone).time() < REMINDER_HOUR:
        return 0
    live = session.execute(
        sa.select(Event, EventVersion)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.status.in_([EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES]), Event.active)
        .order_by(Event.id)
    ).all()
    unfinished = _unfinished([event.id for event, _ in live], session)
    too_long = _too_long(unfinished, now)
    notices = []
    for event, version in live:
        approvers = state_members(version.category_id, CategoryRole.APPROVER, session=session)
        today = local_day(now, zone)
        notices += _weekly(event, version, unfinished[event.id], approvers, today)
        notices += _digest(event, version, too_long[event.id], approvers, today)
    return notify_all(notices, session=session, now=now)


def waits_for_the_state(event_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> dict[int, list[str]]:
    """By event, numbers and names of the participants that have waited too long for the state."""
    return _too_long(_unfinished(event_ids, session), now)


def _too_long(unfinished: Mapping[int, Sequence[_Unfinished]], now: datetime.datetime) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for event_id, of_event in unfinished.items():
        found[event_id] = [one.name for one in of_event if one.since is not None and waits_too_long(one.since, now)]
    return found


def _unfinished(event_ids: Sequence[int], session: Session) -> dict[int, list[_Unfinished]]:
    query = (
        sa.select(Participant, sa.func.coalesce(RecertificationRequest.requested_at, Round.sent_at))
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .outerjoin(
            RecertificationRequest,
            sa.and_(RecertificationRequest.round_id == Round.id, RecertificationRequest.outcome.is_(None)),
        )
        .where(
            Participant.event_id.in_(event_ids),
            Participant.status.not_in([ParticipantStatus.APPROVED, ParticipantStatus.WITHDRAWN]),
        )
        .order_by(Participant.organization_number)
    )
    found: dict[int, list[_Unfinished]] = defaultdict(list)
    for participant, asked_at in session.execute(query):
        name = f"{participant.organization_number} {participant.organization_name}"
        since = None if participant.status in OPEN else asked_at
        found[participant.event_id].append(_Unfinished(name, participant.status, since))
    return found


def _weekly(
    event: Event,
    version: EventVersion,
    unfinished: Sequence[_Unfinished],
    approvers: Sequence[int],
    today: datetime.date,
) -> list[Notice]:
    """The day End passes has a message of its own (announcements.close_window)."""
    weeks = weeks_since(version.end_date, today) if version.end_date is not None else 0
    if weeks < 1:
        return []
    names = [one.name for one in unfinished if one.status in OPEN]
    values = {
        "event": version.name,
        "end": day_in_words(version.end_date),
        "count": len(names),
        "participants": names_in_words(names),
    }
    # End is part of the fact: moved to a later day, the weeks begin anew.
    return [_to(approvers, f"still_open:{event.id}:{version.end_date}:{weeks}", "still_open", event, values)]


def _digest(
    event: Event, version: EventVersion, names: Sequence[str], approvers: Sequence[int], today: datetime.date
) -> list[Notice]:
    """Its mail is the approver's one mail of the day, over all events."""
    if not names:
        return []
    values = {"event": version.name, "count": len(names), "participants": names_in_words(names)}
    fact = f"{WAITS_FOR_STATE}:{event.id}:{today}"
    return [_to(approvers, fact, WAITS_FOR_STATE, event, values)]


def _to(receivers: Sequence[int], fact: str, kind: str, event: Event, values: Mapping[str, object]) -> Notice:
    path = f"/certification/events/{event.key}/"
    gathered = kind == WAITS_FOR_STATE
    return Notice(fact, kind, receivers, values, path=path, event_key=event.key, gathered=gathered)
