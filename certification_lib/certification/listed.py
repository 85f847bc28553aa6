"""Who is listed for a participant: the active members of its category, for the LEA or for the one school."""

import datetime
import functools
from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.database import among, among_given, constant
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.models import Person


class Listed(NamedTuple):
    """An active member of the category for a participant; of several memberships the Certifier's is told."""

    person_id: int
    username: str
    name: str
    title: str | None
    email: str | None
    role: CategoryRole
    since: datetime.datetime


class Place(NamedTuple):
    """Where the members of a participant are listed."""

    participant_id: int
    lea_id: int
    organization_id: int
    category_id: int


def listed_members(participant_ids: Collection[int], *, session: Session) -> dict[int, tuple[Listed, ...]]:
    """The active certifiers and reviewers of each participant, by name; empty for one without.

    Read in two steps, LEAs first: joined in one, a database without statistics yet compares everything with everything.
    """
    places = session.execute(
        sa.select(Participant.id, Participant.lea_id, Participant.organization_id, EventVersion.category_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(among(Participant.id, participant_ids))
    )
    return members_at([Place(*row) for row in places], session=session)


def members_at(places: Collection[Place], *, session: Session) -> dict[int, tuple[Listed, ...]]:
    """The same, for who knows already where the participants belong."""
    of_lea = _members_of_leas({(place.category_id, place.lea_id) for place in places}, session)
    found: dict[int, tuple[Listed, ...]] = defaultdict(tuple)
    for place in places:
        people: dict[int, Listed] = {}
        for school_id, listed in of_lea[place.category_id, place.lea_id]:
            known = people.get(listed.person_id)
            promoted = known is not None and known.role != listed.role == CategoryRole.CERTIFIER
            if school_id in {None, place.organization_id} and (known is None or promoted):
                people[listed.person_id] = listed
        found[place.participant_id] = tuple(people.values())
    return found


def _members_of_leas(
    places: Collection[tuple[int, int]], session: Session
) -> dict[tuple[int, int], list[tuple[int | None, Listed]]]:
    """{(category, LEA): [(school or None, member)]} of standing memberships of active people, by name."""
    categories, leas = ({place[at] for place in places} for at in (0, 1))
    given = {"categories": list(categories), "leas": list(leas)}
    found: dict[tuple[int, int], list[tuple[int | None, Listed]]] = defaultdict(list)
    session.flush()  # which a statement on tables does not do by itself
    for row in session.execute(_members_there(), given).all():
        found[row[0], row[1]].append((row[2], Listed._make(row[3:])))
    return found


@functools.cache
def _members_there() -> sa.Select[*tuple[Any, ...]]:
    # Of the tables: rows of mapped classes are looked at one by one a second time, and a state has ten thousand.
    member, person = Member.__table__.c, Person.__table__.c
    return (
        sa.select(
            member.category_id,
            member.organization_id,
            member.school_id,
            person.id,
            person.username,
            person.name,
            person.title,
            person.email,
            member.role,
            member.added_at,
        )
        .join_from(Member.__table__, Person.__table__, person.id == member.person_id)
        .where(
            among_given(member.category_id, "categories"),
            among_given(member.organization_id, "leas"),
            member.removed_at.is_(None),
            constant(member.role, CategoryRole.CERTIFIER, CategoryRole.REVIEWER),
            person.active,
        )
        .order_by(person.name, person.username, member.added_at)
    )


def members_of_participants() -> sa.Select[int, int]:
    """(participant id, person id) of every standing membership of somebody active, to be filtered and extended.

    A membership without a school covers the LEA itself and, on School level, all its schools.
    """
    return (
        sa.select(Participant.id, Member.person_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(
            Member,
            sa.and_(
                Member.category_id == EventVersion.category_id,
                Member.organization_id == Participant.lea_id,
                sa.or_(Member.school_id.is_(None), Member.school_id == Participant.organization_id),
                Member.removed_at.is_(None),
                Member.role.in_([CategoryRole.CERTIFIER, CategoryRole.REVIEWER]),
            ),
        )
        .join(Person, sa.and_(Person.id == Member.person_id, Person.active))
    )
