"""Who would be reminded next and of what, and the pause of an event's reminders."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, needed_reason
from certification_lib.certification.escalating import who_escalates_to_nobody
from certification_lib.certification.evidence import Evidence, load_evidence_of
from certification_lib.certification.facts import State
from certification_lib.certification.listed import Listed
from certification_lib.certification.queries import open_states, owed_by
from certification_lib.certification.reminders import days_left_in_words, next_rung
from certification_lib.errors import Conflict
from certification_lib.events.milestones import REMINDER_HOUR
from certification_lib.events.models import Event, EventStatus, EventVersion, FindingsPolicy, Participant
from certification_lib.events.phases import local_day
from certification_lib.notifications.rules import is_mail_address
from certification_lib.people.queries import state_time_zone

_APPROVER = frozenset({CategoryRole.APPROVER})


class Missing(NamedTuple):
    """A participant somebody still owes for, and what is missing there."""

    number: str
    name: str
    what: str


class Reminded(NamedTuple):
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
        version = session.get_one(EventVersion, event.live_version_id)
        people = _people(event, version, described, session=session, now=now)
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


def _people(
    event: Event, version: EventVersion, described: int | None, *, session: Session, now: datetime.datetime
) -> list[Reminded]:
    zone = state_time_zone(session=session)
    today = local_day(now, zone)
    hour_has_passed = now.astimezone(zone).time() >= REMINDER_HOUR
    first = max(today + datetime.timedelta(days=hour_has_passed), version.opens_date or today)
    debts = _debts(open_states(event.id, session=session), version, zone=zone, now=now)
    days = {debt.due_date for debt in debts}
    steps = {day: next_rung(day, first=first, reminder_days=version.reminder_days) for day in days}
    on = {day: step[0] if step else None for day, step in steps.items()}
    words = {day: days_left_in_words(day, on[day] or today) for day in days}
    debts.sort(key=lambda debt: (on[debt.due_date] or datetime.date.max, debt.person.name, debt.person.username))
    missing = _missing(debts, on, described, version, session=session)
    return [
        Reminded(
            person_id=debt.person.person_id,
            username=debt.person.username,
            name=debt.person.name,
            has_email=is_mail_address(debt.person.email),
            due_date=debt.due_date,
            on=on[debt.due_date],
            words=words[debt.due_date],
            missing=missing.get(at, ()),
        )
        for at, debt in enumerate(debts)
    ]


class _Debt(NamedTuple):
    """For whom somebody owes by one day."""

    person: Listed
    due_date: datetime.date
    participants: list[Participant]


def _debts(states: Sequence[State], version: EventVersion, *, zone: ZoneInfo, now: datetime.datetime) -> list[_Debt]:
    found: dict[tuple[int, datetime.date], _Debt] = {}
    for state in states:
        people = {one.person_id: one for one in state.members}
        for one in owed_by(state, version.end_date, zone=zone, now=now):
            debt = found.setdefault((one.person_id, one.due_date), _Debt(people[one.person_id], one.due_date, []))
            debt.participants.append(state.participant)
    return list(found.values())


def _missing(
    debts: Sequence[_Debt],
    on: Mapping[datetime.date, datetime.date | None],
    limit: int | None,
    version: EventVersion,
    *,
    session: Session,
) -> dict[int, tuple[Missing, ...]]:
    """By place in `debts`, of the first so many on the next day and of the first so many of the others."""
    soonest = min((day for day in on.values() if day is not None), default=None)
    is_next = [soonest is not None and on[debt.due_date] == soonest for debt in debts]
    places = {at for kind in (True, False) for at in [at for at, one in enumerate(is_next) if one is kind][:limit]}
    participants = {one.id: one for at in places for one in debts[at].participants}
    what = what_is_missing(version, participants.values(), session=session)
    return {
        at: tuple(
            Missing(one.organization_number, one.organization_name, what[one.id]) for one in debts[at].participants
        )
        for at in places
    }


def what_is_missing(
    version: EventVersion, participants: Collection[Participant], *, session: Session
) -> dict[int, str]:
    """By participant's id, in words."""
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
