"""Dates of events as an iCalendar feed: of a person's own events, and of the windows a state publishes to everybody."""

import datetime
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from icalendar import Calendar
from icalendar import Event as Entry
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.certification.own_readmodels import MyEvent
from certification_lib.certification.queries import my_events
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import Event, EventVersion, ParticipantStatus
from certification_lib.events.rules import LIVE
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.people.queries import state_organization, state_time_zone

_DONE = frozenset({ParticipantStatus.SENT, ParticipantStatus.APPROVED, ParticipantStatus.REQUESTED})
_DAY = datetime.timedelta(days=1)
_NAMED = 20


@dataclass(frozen=True)
class CalendarDay:
    """One whole day of the state's calendar that something happens on. `path` is the page, below the base URL."""

    fact: str
    """What makes the entry the same one when its day moves."""
    day: datetime.date
    title: str
    text: str
    path: str | None = None


def own_days(person_id: int, *, session: Session, now: datetime.datetime) -> list[CalendarDay]:
    """Opening and due dates of every event the person takes part in, and the window of those he follows for the state.

    Organizations with the same date in the same event share an entry: a superintendent of many schools has one.
    """
    dates: dict[tuple[str, str, datetime.date], list[MyEvent]] = defaultdict(list)
    for line in my_events(person_id, session=session, now=now):
        dates[line.key, "opens", line.opens_date].append(line)
        dates[line.key, "due", line.due_date].append(line)
    own = [_own_day(what, day, lines) for (_, what, day), lines in dates.items()]
    return own + _followed(person_id, session=session)


def _own_day(what: str, day: datetime.date, lines: Sequence[MyEvent]) -> CalendarDay:
    first = min(lines, key=lambda line: line.number)
    waiting = [line for line in lines if line.event_status not in _DONE]
    words = "certification opens" if what == "opens" else "due" if waiting else "due (certified)"
    about = [f"{line.organization}: {line.user_status}" for line in lines[:_NAMED]]
    if len(lines) > _NAMED:
        about.append(f"and {len(lines) - _NAMED} more")
    path = f"/certification/my-events/{first.key}/{quote(first.number, safe='')}/"
    if len(lines) > 1:
        path = "/certification/my-events/"
    return CalendarDay(f"{first.key}-{first.number}-{what}", day, f"{first.name}: {words}", "\n".join(about), path)


def public_days(*, session: Session) -> list[CalendarDay]:
    """The windows of published events of published categories; nothing about who takes part."""
    query = _live().where(Category.published, Event.active)
    return [day for row in session.execute(query) for day in _window(row.key, row.EventVersion, None)]


def as_ical(
    days: Iterable[CalendarDay], name: str, *, base_url: str, session: Session, now: datetime.datetime
) -> bytes:
    """The feed, as calendar programs read it: days are whole days, the same in every time zone."""
    zone = state_time_zone(session=session)
    calendar = Calendar()
    calendar.add("prodid", "-//Data Certification//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", zone.key)
    calendar.add("refresh-interval", datetime.timedelta(hours=6), parameters={"VALUE": "DURATION"})
    for one in sorted(days, key=lambda day: (day.day, day.fact)):
        entry = Entry()
        entry.add("uid", f"{hashlib.sha256(one.fact.encode()).hexdigest()[:32]}@certification.invalid")
        entry.add("dtstamp", now)
        entry.add("dtstart", one.day)
        entry.add("dtend", one.day + _DAY)
        entry.add("summary", one.title)
        entry.add("description", one.text)
        entry.add("transp", "TRANSPARENT")
        if one.path:
            entry.add("url", base_url.rstrip("/") + one.path)
        calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written


def new_secret(*, session: Session, actor: Actor, now: datetime.datetime) -> str:
    """Give the person a calendar address of his own; an earlier one ends. Told once: only its digest is kept."""
    person = _locked(actor, session=session)
    secret = secrets.token_urlsafe(32)
    again = person.calendar_digest is not None
    person.calendar_digest = _digest(secret)
    _record("renew-calendar" if again else "make-calendar", person, session=session, actor=actor, now=now)
    return secret


def end_secret(*, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """End the person's calendar address."""
    person = _locked(actor, session=session)
    if person.calendar_digest is None:
        raise Conflict("You have no calendar address, or it was already ended.")
    person.calendar_digest = None
    _record("end-calendar", person, session=session, actor=actor, now=now)


def has_secret(person_id: int, *, session: Session) -> bool:
    """Whether the person has a calendar address."""
    return session.scalar(sa.select(Person.calendar_digest).where(Person.id == person_id)) is not None


def person_of_secret(secret: str, *, session: Session) -> Person:
    """The active person whose calendar address holds this secret; NotFound for any other."""
    found = sa.select(Person).where(Person.calendar_digest == _digest(secret), Person.active)
    person = session.scalars(found).one_or_none()
    if person is None:
        raise NotFound("There is no such calendar.")
    return person


def calendar_name(session: Session) -> str:
    """What calendar programs call the feed."""
    return f"Data certification, {state_organization(session=session).name}"


def _followed(person_id: int, *, session: Session) -> list[CalendarDay]:
    """Events of the categories in which the person is an Approver or Reviewer of the state."""
    categories = (
        sa.select(Member.category_id)
        .join(Organization, Organization.id == Member.organization_id)
        .where(
            Member.person_id == person_id,
            Member.removed_at.is_(None),
            Member.role.in_([CategoryRole.APPROVER, CategoryRole.REVIEWER]),
            Organization.kind == OrganizationKind.STATE,
        )
    )
    query = _live().where(EventVersion.category_id.in_(categories))
    return [
        day
        for row in session.execute(query)
        for day in _window(row.key, row.EventVersion, f"/certification/events/{row.key}/")
    ]


def _live() -> sa.Select[str, EventVersion, str]:
    return (
        sa.select(Event.key, EventVersion, Category.name)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(Category, Category.id == EventVersion.category_id)
        .where(Event.status.in_(LIVE))
        .order_by(Event.key)
    )


def _window(key: str, version: EventVersion, path: str | None) -> list[CalendarDay]:
    days = (
        ("start", version.start_date, "starts"),
        ("opens", version.opens_date, "certification opens"),
        ("end", version.end_date, "last day to certify"),
    )
    return [
        CalendarDay(f"{key}-{what}", day, f"{version.name}: {words}", version.name, path)
        for what, day, words in days
        if day is not None
    ]


def _locked(actor: Actor, *, session: Session) -> Person:
    return session.get_one(Person, actor.person_id, with_for_update=True, populate_existing=True)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(verb: str, person: Person, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    record(f"person:{verb}", person.username, session=session, actor=actor, now=now)
