"""What a publication would do, for whoever is about to publish: nothing is locked or written."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.rules import state_status
from certification_lib.database import among
from certification_lib.events.content import LABELS, EventContent
from certification_lib.events.milestones import PlannedMilestone, plan
from certification_lib.events.models import (
    Event,
    EventVersion,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
    ParticipantStatus,
)
from certification_lib.events.planning import occurrence_of
from certification_lib.events.queries import content_of, event_by_key, shown_version
from certification_lib.events.rules import only_dates
from certification_lib.events.timeline import TimelineLine, timeline
from certification_lib.events.versions import participants_of, version_differences
from certification_lib.events.warnings import late_snapshots, warnings_of
from certification_lib.people.directory import OrganizationLine, organizations_by_id
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.people.queries import leas_of, state_time_zone
from certification_lib.people.rules import is_email
from certification_lib.snapshots.models import Snapshot, SnapshotStatus


@dataclass(frozen=True)
class Told:
    """How many people a publication is told to."""

    people: int
    without_email: int
    state: int
    contacts: int
    """Organizations without a certifier whose contact is told instead."""
    nobody: int
    """Organizations of which nobody can be told: neither a member nor a contact."""


@dataclass(frozen=True)
class Change:
    """A field in which the unpublished changes differ from what is published; values as the wizard writes them."""

    name: str
    label: str
    live: Any
    draft: Any


@dataclass(frozen=True)
class PublicationPreview:
    """What is about to be published. `added` and `removed` are organizations by number; `changes` is empty the first
    time."""

    first: bool
    warnings: tuple[str, ...]
    lines: tuple[TimelineLine, ...]
    told: Told
    added: tuple[OrganizationLine, ...]
    removed: tuple[OrganizationLine, ...]
    removed_standing: tuple[tuple[str, int], ...]
    """How many of those removed have which status now, in the state's words."""
    changes: tuple[Change, ...]
    only_unfinished: bool
    """Only dates changed: of those who stay, only people who have not finished are told."""


def publication_preview(key: str, *, session: Session, now: datetime.datetime) -> PublicationPreview:
    """Who would be told and what would run when. The caller has checked the right."""
    event = event_by_key(key, session=session)
    draft = shown_version(event, session=session)
    live = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    zone = state_time_zone(session=session)
    chosen, before = _participants(draft, session), _participants(live, session) if live else {}
    added = [chosen[one] for one in chosen.keys() - before.keys()]
    changed = version_differences(live, draft, session=session) if live else set()
    dated = draft.start_date is not None and draft.end_date is not None
    content = content_of(draft, active=event.active, session=session)
    return PublicationPreview(
        first=live is None,
        warnings=_warnings(event, content, list(chosen.values()), draft.category_id, session) if dated else (),
        lines=tuple(timeline(_planned(event, draft, zone, session=session, now=now))),
        told=_told(chosen if live is None or changed else {}, draft, zone, session=session, now=now),
        added=_by_number(added),
        removed=_by_number([before[one] for one in before.keys() - chosen.keys()]),
        removed_standing=_standing(event.id, before.keys() - chosen.keys(), session),
        changes=tuple(_changes(event, live, draft, changed, session)) if live else (),
        only_unfinished=live is not None and bool(changed) and only_dates(dict.fromkeys(changed)),
    )


def _standing(event_id: int, organization_ids: Collection[int], session: Session) -> tuple[tuple[str, int], ...]:
    if not organization_ids:
        return ()
    counted = (
        sa.select(Participant.status, sa.func.count())
        .where(Participant.event_id == event_id, among(Participant.organization_id, organization_ids))
        .group_by(Participant.status)
    )
    found = {row[0]: row[1] for row in session.execute(counted)}
    return tuple((state_status(status), found[status]) for status in ParticipantStatus if status in found)


def _warnings(
    event: Event, content: EventContent, chosen: list[OrganizationLine], category_id: int, session: Session
) -> tuple[str, ...]:
    """Once a snapshot was taken the first of the schedules is not the first any more."""
    taken = session.scalar(
        sa.select(sa.exists().where(Snapshot.event_id == event.id, Snapshot.status == SnapshotStatus.COMPLETED))
    )
    untrue = set(late_snapshots(content)) if taken else set()
    found = warnings_of(content, chosen, category_id, session=session)
    return tuple(one for one in found if one not in untrue)


def _planned(
    event: Event, draft: EventVersion, zone: ZoneInfo, *, session: Session, now: datetime.datetime
) -> list[PlannedMilestone]:
    """What is to come: what an earlier publication has done is not done again."""
    query = sa.select(Milestone).where(
        Milestone.event_id == event.id,
        Milestone.kind != MilestoneKind.PUBLICATION,
        Milestone.state.in_([MilestoneState.DONE, MilestoneState.SKIPPED]),
    )
    over = {(milestone.kind, occurrence_of(milestone)) for milestone in session.scalars(query)}
    return [one for one in plan(draft, zone, now) if (one.kind, one.occurrence) not in over]


def _participants(version: EventVersion, session: Session) -> dict[int, OrganizationLine]:
    wanted = participants_of(version.id, session=session)
    return {one.id: one for one in organizations_by_id(wanted, session=session)}


def _by_number(organizations: Collection[OrganizationLine]) -> tuple[OrganizationLine, ...]:
    return tuple(sorted(organizations, key=lambda one: one.number))


def _changes(
    event: Event, live: EventVersion, draft: EventVersion, changed: set[str], session: Session
) -> list[Change]:
    old = content_of(live, active=event.active, session=session)
    new = content_of(draft, active=event.active, session=session)
    named = {"category" if name == "category_id" else name for name in changed} - {"participants"}
    names = [name for name in LABELS if name in named]
    return [Change(name, LABELS[name], getattr(old, name), getattr(new, name)) for name in names]


def _told(
    organizations: dict[int, OrganizationLine],
    draft: EventVersion,
    zone: ZoneInfo,
    *,
    session: Session,
    now: datetime.datetime,
) -> Told:
    leas = leas_of(list(organizations), now.astimezone(zone).date(), session=session)
    members = _members(draft.category_id, session)
    people: dict[int, str | None] = {}
    contacts = nobody = 0
    for organization_id, organization in organizations.items():
        lea = leas.get(organization_id)
        own = [
            one
            for one in members.get(lea.id if lea else organization_id, ())
            if one.school_id in {None, organization_id}
        ]
        people |= {one.person_id: one.email for one in own}
        if not any(one.role is CategoryRole.CERTIFIER for one in own):
            contact = organization.contact_email or (lea.contact_email if lea else None)
            contacts += bool(contact)
            nobody += not contact and not own
    state = {one.person_id for one in members.get(None, ())}
    return Told(len(people), sum(not is_email(email) for email in people.values()), len(state), contacts, nobody)


@dataclass(frozen=True)
class _Listed:
    organization_id: int
    school_id: int | None
    role: CategoryRole
    person_id: int
    email: str | None
    of_state: bool


def _members(category_id: int, session: Session) -> dict[int | None, list[_Listed]]:
    """Standing members who are active by LEA; those of the state under None."""
    query = (
        sa.select(
            Member.organization_id,
            Member.school_id,
            Member.role,
            Member.person_id,
            Person.email,
            Organization.kind == OrganizationKind.STATE,
        )
        .join(Person, Person.id == Member.person_id)
        .join(Organization, Organization.id == Member.organization_id)
        .where(Member.category_id == category_id, Member.removed_at.is_(None), Person.active)
    )
    found: dict[int | None, list[_Listed]] = {}
    for row in session.execute(query):
        listed = _Listed(*row)
        found.setdefault(None if listed.of_state else listed.organization_id, []).append(listed)
    return found
