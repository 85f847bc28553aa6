"""Who would be reminded next and of what, and the pause of an event's reminders."""

import dataclasses
import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, needed_reason
from certification_lib.certification.escalating import who_escalates_to_nobody
from certification_lib.certification.evidence import Evidence, load_evidence_of
from certification_lib.certification.queries import who_owes
from certification_lib.certification.readmodels import Owing
from certification_lib.certification.reminders import days_left_in_words, next_rung
from certification_lib.database import among_given
from certification_lib.errors import Conflict
from certification_lib.events.milestones import REMINDER_HOUR
from certification_lib.events.models import Event, EventStatus, EventVersion, FindingsPolicy, Participant
from certification_lib.events.phases import local_day
from certification_lib.notifications.rules import is_mail_address
from certification_lib.people.models import Person
from certification_lib.people.queries import state_time_zone

_APPROVER = frozenset({CategoryRole.APPROVER})


@dataclass(frozen=True)
class Missing:
    """A participant somebody still owes for, and what is missing there."""

    number: str
    name: str
    what: str


@dataclass(frozen=True)
class Reminded:
    """A person who owes, and when the next reminder would reach him."""

    person_id: int
    username: str
    name: str
    has_email: bool
    due_date: datetime.date
    on: datetime.date | None
    """The day of the next reminder in the state's zone; None when the ladder holds no more."""
    words: str
    """How the due date stands on that day, or today when there is none: due in 3 days."""
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class ReminderPreview:
    """Everybody who owes, by the day of the next reminder. `on` is the first of these days."""

    on: datetime.date | None
    people: tuple[Reminded, ...]
    paused_at: datetime.datetime | None
    paused_by: str | None
    pause_reason: str | None
    held: bool
    escalates_to_nobody: tuple[str, ...] = ()
    """Organizations without a contact, where the event tells contacts who has not certified."""

    @property
    def next_people(self) -> tuple[Reminded, ...]:
        """Who would be reminded at the next reminder, if nobody certified before."""
        return tuple(one for one in self.people if self.on is not None and one.on == self.on)

    @property
    def later_people(self) -> tuple[Reminded, ...]:
        return tuple(one for one in self.people if self.on is None or one.on != self.on)


def reminder_preview(
    event: Event, *, session: Session, now: datetime.datetime, described: int | None = None
) -> ReminderPreview:
    """Who would be reminded when. The caller has checked the right Read on Event Management.

    `described`: what is missing is told of so many of the next to be reminded and of so many others, not of all.
    """
    people: list[Reminded] = []
    without_contact: list[str] = []
    if event.live_version_id is not None and event.status is not EventStatus.CLOSED:
        people = _people(event, described, session=session, now=now)
        version = session.get_one(EventVersion, event.live_version_id)
        without_contact = who_escalates_to_nobody(event, version, session=session)
    return ReminderPreview(
        on=min((one.on for one in people if one.on is not None), default=None),
        people=tuple(people),
        paused_at=event.reminders_paused_at,
        paused_by=event.reminders_paused_by,
        pause_reason=event.reminders_pause_reason,
        held=not event.active,
        escalates_to_nobody=tuple(without_contact),
    )


def pause_reminders(key: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Remind nobody of this event until it is resumed; what comes due meanwhile is left out for good."""
    live = event_for_state(key, _APPROVER, "pause reminders", session=session, actor=actor, alone=True)
    reason = needed_reason(reason)
    event = live.event
    if event.reminders_paused_at is not None:
        raise Conflict(f"Reminders of {live.version.name} are already paused.")
    event.reminders_paused_at, event.reminders_paused_by, event.reminders_pause_reason = now, actor.name, reason
    _record("pause-reminders", live, {"reason": reason}, session=session, actor=actor, now=now)
    return event


def resume_reminders(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Remind again, from the next step of each person's ladder on."""
    live = event_for_state(key, _APPROVER, "resume reminders", session=session, actor=actor, alone=True)
    event = live.event
    if event.reminders_paused_at is None:
        raise Conflict(f"Reminders of {live.version.name} are not paused, or were already resumed.")
    event.reminders_paused_at = event.reminders_paused_by = event.reminders_pause_reason = None
    _record("resume-reminders", live, {}, session=session, actor=actor, now=now)
    return event


_PEOPLE = sa.select(Person.id, Person.username, Person.name, Person.email).where(among_given(Person.id))


def _people(event: Event, described: int | None, *, session: Session, now: datetime.datetime) -> list[Reminded]:
    version = session.get_one(EventVersion, event.live_version_id)
    zone = state_time_zone(session=session)
    today = local_day(now, zone)
    hour_has_passed = now.astimezone(zone).time() >= REMINDER_HOUR
    first = max(today + datetime.timedelta(days=hour_has_passed), version.opens_date or today)
    owed: dict[tuple[int, datetime.date], list[Owing]] = {}
    for one in who_owes(event.id, session=session, now=now):
        owed.setdefault((one.person_id, one.due_date), []).append(one)
    found = session.execute(_PEOPLE, {"ids": list({person_id for person_id, _ in owed})})
    persons = {person.id: person for person in found}
    days = {day for _, day in owed}
    steps = {day: next_rung(day, first=first, reminder_days=version.reminder_days) for day in days}
    people = []
    for person_id, due_date in owed:
        person, step = persons[person_id], steps[due_date]
        people.append(
            Reminded(
                person_id=person_id,
                username=person.username,
                name=person.name,
                has_email=is_mail_address(person.email),
                due_date=due_date,
                on=step[0] if step else None,
                words=days_left_in_words(due_date, step[0] if step else today),
                missing=(),
            )
        )
    people.sort(key=lambda one: (one.on or datetime.date.max, one.name, one.username))
    return _described(people, owed, described, version, session=session)


def _described(
    people: list[Reminded],
    owed: Mapping[tuple[int, datetime.date], list[Owing]],
    limit: int | None,
    version: EventVersion,
    *,
    session: Session,
) -> list[Reminded]:
    """With what is missing, of the first so many on the next day and of the first so many of the others."""
    on = min((one.on for one in people if one.on is not None), default=None)
    is_next = [on is not None and one.on == on for one in people]
    places = {at for kind in (True, False) for at in [at for at, one in enumerate(is_next) if one is kind][:limit]}
    owing = {at: owed[people[at].person_id, people[at].due_date] for at in places}
    missing = what_is_missing(
        version, {one.participant_id for of_one in owing.values() for one in of_one}, session=session
    )
    told = {at: tuple(Missing(of.number, of.name, missing[of.participant_id]) for of in owing[at]) for at in places}
    return [dataclasses.replace(one, missing=told[at]) if at in told else one for at, one in enumerate(people)]


def what_is_missing(version: EventVersion, participant_ids: set[int], *, session: Session) -> dict[int, str]:
    """By participant, in words."""
    participants = session.scalars(sa.select(Participant).where(Participant.id.in_(participant_ids))).all()
    evidence = load_evidence_of(participants, version, session=session)
    return {one.id: _what_is_missing(version, evidence[one.id]) for one in participants}


def _what_is_missing(version: EventVersion, evidence: Evidence) -> str:
    """What stands between a participant and its certification, the first thing first."""
    if version.requires_snapshot and evidence.current is None:
        return "no snapshot yet"
    if version.requires_snapshot and evidence.current is not None and not evidence.current.validated:
        return "its rules are still running"
    blocking = evidence.blocking(FindingsPolicy(version.findings_policy)).rules
    if blocking:
        return f"{sum(blocking.values()):,} findings to correct"
    return "only the certification"


def _record(
    verb: str, live: LiveEvent, details: dict[str, str], *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    record(
        f"event:{verb}",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        details=details,
    )
