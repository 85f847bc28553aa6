"""Events as pages, API and command line read them. For districts unpublished and closed events do not exist."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, Member
from certification_lib.categories.queries import MemberView, acts_for, state_members
from certification_lib.database import SCHEMA
from certification_lib.errors import NotFound
from certification_lib.events.content import EventContent, Link, Schedule
from certification_lib.events.lookup import event_with_versions
from certification_lib.events.models import (
    Event,
    EventVersion,
    EventVersionGroup,
    EventVersionParticipant,
    Participant,
)
from certification_lib.events.phases import Phase, phase
from certification_lib.events.rules import LIVE
from certification_lib.people.models import Organization, Tool
from certification_lib.people.queries import rights_held, state_time_zone
from certification_lib.rulebook.models import ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.queries import groups_by_name

# Revisions belong to a package above this one.
_revision = sa.table("revision", sa.column("participant_id", sa.BigInteger), schema=SCHEMA)


@dataclass(frozen=True)
class GroupView:
    """A linked validation group."""

    id: int
    name: str
    description: str
    active: bool
    rules: int


@dataclass(frozen=True)
class EventHead:
    """What every page about an event needs. `version` is the live one, or the draft while it is unpublished."""

    event: Event
    version: EventVersion
    draft: EventVersion | None
    """The unpublished changes beside a live version."""
    category: Category
    time_zone: str
    phase: Phase | None


@dataclass(frozen=True)
class EventDetails(EventHead):
    """Sections 1, 3 and 4 of the Event Viewer."""

    participants: int
    groups: tuple[GroupView, ...]
    staff: tuple[MemberView, ...]
    corrects: str | None


def locked_event(key: str, *, session: Session) -> Event:
    """The event, held until the commit against every other act on it; NotFound when there is none."""
    query = sa.select(Event).where(Event.key == key).with_for_update().execution_options(populate_existing=True)
    event = session.scalar(query)
    if event is None:
        raise NotFound(f"There is no event {key}.")
    return event


def event_by_key(key: str, *, session: Session) -> Event:
    """The event, whatever its status; NotFound when there is none."""
    event = event_with_versions(key, session=session)
    if event is None:
        raise NotFound(f"There is no event {key}.")
    return event


def shown_version(event: Event, *, session: Session) -> EventVersion:
    """What its editors see: the draft if there is one, else the live version."""
    return session.get_one(EventVersion, event.draft_version_id or event.live_version_id)


def live_version(event: Event, *, session: Session) -> EventVersion:
    """What participants see; NotFound while nothing is published."""
    if event.live_version_id is None:
        raise NotFound(f"There is no event {event.key}.")
    return session.get_one(EventVersion, event.live_version_id)


def visible_event(key: str, *, session: Session, actor: Actor) -> Event:
    """The event as far as it exists for the actor: any for holders of a right on Event Management, for others a live
    one of their category in which an organization of theirs takes part."""
    event = event_by_key(key, session=session)
    if actor.person_id is None or rights_held(Tool.EVENT_MANAGEMENT, session=session, person_id=actor.person_id):
        return event
    own = events_of_person(actor.person_id).where(Event.id == event.id)
    if session.scalar(own) is None:
        raise NotFound(f"There is no event {key}.")
    return event


def events_of_person(person_id: int) -> sa.Select[Event]:
    """The live events that exist for a district person: his category, and an organization of his takes part."""
    takes_part = (
        sa.select(Participant.id)
        .join(Member, acts_for(Participant.lea_id, Participant.organization_id))
        .where(
            Participant.event_id == Event.id,
            Participant.withdrawn_at.is_(None),
            Member.category_id == EventVersion.category_id,
            Member.person_id == person_id,
        )
    )
    return (
        sa.select(Event)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.status.in_(LIVE), takes_part.exists())
        .order_by(Event.key)
    )


def event_names(keys: Collection[str], *, session: Session) -> dict[str, str]:
    """{key: name} of events that were ever published."""
    query = (
        sa.select(Event.key, EventVersion.name)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.key.in_(keys))
    )
    return {row.key: row.name for row in session.execute(query)}


def event_head(key: str, *, session: Session, now: datetime.datetime) -> EventHead:
    """An event as the state sees it; the caller has checked the right Read on Event Management."""
    event = event_by_key(key, session=session)
    version = session.get_one(EventVersion, event.live_version_id or event.draft_version_id)
    has_draft = event.live_version_id is not None and event.draft_version_id is not None
    zone = state_time_zone(session=session)
    return EventHead(
        event=event,
        version=version,
        draft=session.get(EventVersion, event.draft_version_id) if has_draft else None,
        category=session.get_one(Category, version.category_id),
        time_zone=zone.key,
        phase=phase(version, now, zone) if event.status in LIVE else None,
    )


def event_details(key: str, *, session: Session, now: datetime.datetime) -> EventDetails:
    """The Event Viewer's own sections; the caller has checked the right Read on Event Management."""
    head = event_head(key, session=session, now=now)
    event, version = head.event, head.version
    corrected = (
        sa.select(EventVersion.name)
        .join(Event, Event.live_version_id == EventVersion.id)
        .where(Event.id == event.corrects_event_id)
    )
    return EventDetails(
        **vars(head),
        participants=_participant_count(version.id, session),
        groups=tuple(linked_groups(version.id, session=session)),
        staff=tuple(state_members(version.category_id, session=session)),
        corrects=session.scalar(corrected) if event.corrects_event_id else None,
    )


def linked_groups(version_id: int, *, session: Session) -> list[GroupView]:
    """The validation groups of a version, in order, with how many rules each has today."""
    return [GroupView(*row) for row in session.execute(_LINKED_GROUPS, {"version_id": version_id})]


_LINKED_GROUPS = (
    sa.select(
        ValidationGroup.id,
        ValidationGroup.name,
        ValidationGroup.description,
        ValidationGroup.active,
        sa.func.count(ValidationGroupRule.rule_id),
    )
    .join(EventVersionGroup, EventVersionGroup.group_id == ValidationGroup.id)
    .outerjoin(ValidationGroupRule, ValidationGroupRule.group_id == ValidationGroup.id)
    .where(EventVersionGroup.event_version_id == sa.bindparam("version_id"))
    .group_by(ValidationGroup.id, EventVersionGroup.position)
    .order_by(EventVersionGroup.position)
)


def content_of(version: EventVersion, *, active: bool, session: Session) -> EventContent:
    """A stored version as it would be written down, for editing; the dates of a copy are None."""
    category = session.get_one(Category, version.category_id)
    fields = {
        name: getattr(version, name) for name in EventContent.model_fields if name in EventVersion.__table__.columns
    }
    schedules = {
        name: Schedule.model_validate(value) if value is not None else None
        for name, value in fields.items()
        if name.endswith("_schedule")
    }
    # Not validated: a copy has no dates yet, and the wizard must be able to show it.
    return EventContent.model_construct(
        **{
            **fields,
            **schedules,
            "links": [Link.model_validate(link) for link in version.links],
            "active": active,
            "category": category.name,
            "validation_groups": [group.name for group in linked_groups(version.id, session=session)],
            "participants": _numbers_chosen(version.id, session),
        }
    )


def _numbers_chosen(version_id: int, session: Session) -> list[str]:
    """Of the tables, not of the mapped classes: those look at each of thousands of rows a second time."""
    organization, chosen = Organization.__table__.c, EventVersionParticipant.__table__.c
    query = (
        sa.select(organization.number)
        .join_from(EventVersionParticipant.__table__, Organization.__table__, organization.id == chosen.organization_id)
        .where(chosen.event_version_id == version_id)
        .order_by(organization.number)
    )
    session.flush()  # which a statement on tables does not do by itself
    return list(session.scalars(query).all())


def category_and_groups(
    category_name: str, group_names: Sequence[str], *, session: Session
) -> tuple[Category | None, list[ValidationGroup], list[str]]:
    """What a content names, looked up, and what there is not."""
    category = session.scalar(sa.select(Category).where(Category.name == category_name))
    found = groups_by_name(group_names, session=session)
    problems = [] if category or not category_name else [f"There is no certification category {category_name}"]
    problems += [f"There is no validation group {name}" for name in group_names if name not in found]
    return category, [found[name] for name in dict.fromkeys(group_names) if name in found], problems


def participants_by_number(event_id: int, numbers: Sequence[str], *, session: Session) -> list[Participant]:
    """Participants of an event with these numbers, by number."""
    query = (
        sa.select(Participant)
        .where(Participant.event_id == event_id, Participant.organization_number.in_(numbers))
        .order_by(Participant.organization_number)
    )
    return list(session.scalars(query))


def has_snapshot(event_id: int, *, session: Session) -> bool:
    """Whether a complete snapshot of the event exists."""
    query = (
        sa.select(sa.literal(1))
        .select_from(_revision.join(Participant.__table__, Participant.id == _revision.c.participant_id))
        .where(Participant.event_id == event_id)
    )
    return session.execute(query.limit(1)).first() is not None


def _participant_count(version_id: int, session: Session) -> int:
    return session.scalar(_PARTICIPANTS, {"version_id": version_id}) or 0


_PARTICIPANTS = sa.select(sa.func.count()).where(EventVersionParticipant.event_version_id == sa.bindparam("version_id"))
