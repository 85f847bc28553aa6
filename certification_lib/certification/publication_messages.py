"""Who hears of a publication. A person of many organizations gets one message that names them all."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.facts import load_states
from certification_lib.certification.listed import Listed, listed_members
from certification_lib.certification.rules import owing
from certification_lib.certification.taking_part import REMOVED, Roll
from certification_lib.certification.telling import day_in_words
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.events.rules import names_in_words, only_dates
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.people.zone_names import zone_name

OWN_EVENTS = "/certification/my-events/"
_LABELS = {
    "count_date": "Count Date",
    "start_date": "Event Start Date",
    "opens_date": "Certification Opens",
    "end_date": "Event End Date",
    "state_snapshot_schedule": "the state snapshot schedule",
    "district_snapshot_schedule": "the district snapshot schedule",
    "cleanup_snapshot_schedule": "the cleanup snapshot schedule",
    "reminder_days": "the reminder days",
    "escalation_day": "when contacts hear of what is missing",
    "name": "the name",
    "description": "the description",
    "links": "the links",
    "statement": "the certification statement",
    "nil_statement": "the nil return statement",
    "findings_policy": "the findings policy",
    "validation_groups": "the validation groups",
    "rules": "the validation rules",
    "requires_snapshot": "whether a snapshot is required",
    "datamart_views": "the datamart views",
    "districts_may_take_snapshots": "whether districts may take snapshots",
    "days_to_keep": "the days superseded data are kept",
    "reporting_year": "Reporting Year",
}


@dataclass(frozen=True)
class _Publication:
    """A publication and what every message about it says."""

    event: Event
    version: EventVersion
    members: Mapping[int, tuple[Listed, ...]]
    zone: ZoneInfo

    @property
    def values(self) -> dict[str, Any]:
        return {
            "event": self.version.name,
            "start": day_in_words(self.version.start_date),
            "opens": day_in_words(self.version.opens_date),
            "end": day_in_words(self.version.end_date),
            "zone": zone_name(self.zone.key),
        }

    def everybody(self, participants: Sequence[Participant]) -> dict[int, list[int]]:
        """Person ids of each participant's members."""
        return {one.id: [member.person_id for member in self.members[one.id]] for one in participants}

    def notice(self, kind: str, fact: str, receivers: Iterable[int | str], path: str, **values: Any) -> Notice:
        """A message; `fact` is completed by kind and version, so that a later publication may say it again."""
        return Notice(
            fact=f"{kind}:{self.event.id}:{self.version.number}{fact}",
            kind=kind,
            receivers=list(receivers),
            values={**self.values, **values},
            path=path,
            event_key=self.event.key,
            organization_number=values.get("number"),
        )


def tell(
    event: Event,
    version: EventVersion,
    roll: Roll,
    *,
    changed: Collection[str],
    first: bool,
    zone: ZoneInfo,
    session: Session,
    now: datetime.datetime,
) -> int:
    """Write every message of a publication; how many there are."""
    new = [*roll.added, *roll.put_back]
    members = listed_members([one.id for one in (*new, *roll.staying, *roll.withdrawn)], session=session)
    publication = _Publication(event, version, members, zone)
    notices = [
        *_published(publication, new),
        *_to_contacts(publication, new, session),
        *_removed(publication, roll.withdrawn),
    ]
    if new:
        notices.append(_to_state(publication, len(new), session))
    if not first and (what := sorted(set(changed) & _LABELS.keys())):
        notices += _changed(publication, roll.staying, what, session)
    return notify_all(notices, session=session, now=now)


def _published(publication: _Publication, participants: Sequence[Participant]) -> list[Notice]:
    by_person = _by_person(participants, publication.everybody(participants))
    return [
        publication.notice("published", "", [person_id], OWN_EVENTS, organizations=names_in_words(names))
        for person_id, names in by_person.items()
    ]


def _to_contacts(publication: _Publication, participants: Sequence[Participant], session: Session) -> list[Notice]:
    """An organization without a certifier would hear nothing: its contact does."""
    without = [
        one
        for one in participants
        if not any(member.role is CategoryRole.CERTIFIER for member in publication.members[one.id])
    ]
    ids = {one.organization_id for one in without} | {one.lea_id for one in without}
    query = sa.select(Organization.id, Organization.contact_email).where(
        Organization.id.in_(ids), Organization.contact_email.is_not(None)
    )
    contacts = dict(session.execute(query).all())
    return [
        publication.notice(
            "published_contact",
            f":{one.id}",
            [address],
            "/certification/",
            organization=one.organization_name,
            number=one.organization_number,
        )
        for one in without
        if (address := contacts.get(one.organization_id) or contacts.get(one.lea_id))
    ]


def _removed(publication: _Publication, participants: Sequence[Participant]) -> list[Notice]:
    return [
        publication.notice(
            "participant_withdrawn",
            f":{one.id}",
            [member.person_id for member in publication.members[one.id]],
            OWN_EVENTS,
            organization=one.organization_name,
            number=one.organization_number,
            reason=REMOVED,
        )
        for one in participants
    ]


def _to_state(publication: _Publication, participants: int, session: Session) -> Notice:
    members = (
        sa.select(Member.person_id)
        .join(Organization, Organization.id == Member.organization_id)
        .where(
            Member.category_id == publication.version.category_id,
            Member.removed_at.is_(None),
            Organization.kind == OrganizationKind.STATE,
        )
    )
    page = f"/certification/events/{publication.event.key}/"
    return publication.notice("published_state", "", session.scalars(members), page, count=participants)


def _changed(
    publication: _Publication, participants: Sequence[Participant], what: list[str], session: Session
) -> list[Notice]:
    """Only dates changed: those who have finished are left in peace."""
    people: Mapping[int, Iterable[int]] = publication.everybody(participants)
    if only_dates(dict.fromkeys(what)):
        states = load_states([one.id for one in participants], session=session)
        people = {state.participant.id: owing(state.facts) for state in states}
    changes = ", ".join(_LABELS[name] for name in what)
    return [
        publication.notice(
            "event_changed", "", [person_id], OWN_EVENTS, organizations=names_in_words(names), changes=changes
        )
        for person_id, names in _by_person(participants, people).items()
    ]


def _by_person(participants: Sequence[Participant], people: Mapping[int, Iterable[int]]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    for participant in sorted(participants, key=lambda one: one.organization_number):
        for person_id in people.get(participant.id, ()):
            names[person_id].append(participant.organization_name)
    return names
