"""The two gates before every act of the state, the category role and the tool rights, on a locked event and its
participants. The gate of the district's side is `own_access`."""

import datetime
import functools
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import members_of_participants
from certification_lib.database import constant
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.lookup import event_with_versions
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.events.phases import Phase, end_moment, has_opened, local_day, phase
from certification_lib.people.models import Organization, OrganizationKind, Person, Tool
from certification_lib.people.queries import is_state_side, state_time_zone
from certification_lib.people.service import require

# What each state role needs besides the role itself (domain section 2).
_STATE_RIGHTS = {CategoryRole.APPROVER: "RWAD", CategoryRole.REVIEWER: "RW"}
LIVE = frozenset({EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES})


@dataclass(frozen=True)
class LiveEvent:
    """An event with what is published of it, and the state's legal time zone."""

    event: Event
    version: EventVersion
    category: Category
    zone: ZoneInfo

    @property
    def end(self) -> datetime.date:
        if self.version.end_date is None:  # publishing needs all three dates
            raise Conflict(f"{self.version.name} has no Event End.")
        return self.version.end_date

    def has_opened(self, now: datetime.datetime) -> bool:
        return has_opened(self.version, now, self.zone)

    def is_upcoming(self, now: datetime.datetime) -> bool:
        return phase(self.version, now, self.zone) is Phase.UPCOMING

    def is_past(self, day: datetime.date, now: datetime.datetime) -> bool:
        return now >= end_moment(day, self.zone)

    def today(self, now: datetime.datetime) -> datetime.date:
        return local_day(now, self.zone)


def event_for_state(
    key: str,
    roles: Collection[CategoryRole],
    what: str,
    *,
    session: Session,
    actor: Actor,
    alone: bool = False,
    lock: bool = True,
) -> LiveEvent:
    """The live event, held against publishing and closing, for a state person with one of the roles and its rights.

    `what` completes "Only an Approver of the category … may …". `alone` keeps every other act on the event waiting;
    without `lock` it is only looked at.
    """
    live = published_event_for_state(key, roles, what, session=session, actor=actor, alone=alone, lock=lock)
    if live.event.status == EventStatus.CLOSED:
        raise Conflict(f"The event {live.version.name} is closed; nothing in it changes any more.")
    return live


def published_event_for_state(
    key: str,
    roles: Collection[CategoryRole],
    what: str,
    *,
    session: Session,
    actor: Actor,
    alone: bool = False,
    lock: bool = True,
) -> LiveEvent:
    """The same, also of a closed event: for acts that change nothing in it but how long its data are kept."""
    event = found_event(key, session=session, lock=lock, alone=alone)
    version_id = (event.live_version_id or event.draft_version_id) if event else None
    if event is None or version_id is None:
        raise NotFound(f"There is no event {key}.")
    version = session.get_one(EventVersion, version_id)
    category = session.get_one(Category, version.category_id)
    _require_state_role(event, category, roles, what, session=session, actor=actor)
    if event.status == EventStatus.UNPUBLISHED:
        raise Conflict(f"The event {version.name} is not published: nobody can {what} yet.")
    return LiveEvent(event, version, category, state_time_zone(session=session))


def locked_states(live: LiveEvent, numbers: Sequence[str], *, session: Session) -> list[State]:
    """Participants of the event, locked in one fixed order so that two acts never wait for each other in a circle."""
    return _states(live, numbers, session=session, lock=True)


def states_looked_at(live: LiveEvent, numbers: Sequence[str], *, session: Session) -> list[State]:
    """The same without locks, for who is only shown what an act would do."""
    return _states(live, numbers, session=session, lock=False)


def _states(live: LiveEvent, numbers: Sequence[str], *, session: Session, lock: bool) -> list[State]:
    wanted = list(dict.fromkeys(numbers))
    if not wanted:
        raise BadInput("Choose at least one participant.")
    found = found_participants(live.event, wanted, session=session, lock=lock)
    missing = sorted(set(wanted) - {participant.organization_number for participant in found})
    if missing:
        raise NotFound(
            f"{live.version.name} has no participant {missing[0]}.",
            problems=[f"{live.version.name} has no participant {number}." for number in missing],
        )
    return load_states([participant.id for participant in found], session=session)


def needed_reason(text: str | None, what: str = "A reason") -> str:
    """The reason without blanks around it; BadInput when there is none."""
    reason = optional_text(text, what)
    if reason is None:
        raise BadInput(f"{what} is required.")
    return reason


def optional_text(text: str | None, what: str = "A comment") -> str | None:
    """What somebody wrote, without blanks around it, or None; BadInput when it cannot be kept as it is."""
    written = (text or "").strip()
    if len(written) > 4000:
        raise BadInput(f"{what} may have at most 4000 characters.")
    if any(unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in written):
        raise BadInput(f"{what} holds characters that are no text.")
    return written or None


def usable_due_date(live: LiveEvent, day: datetime.date | None, now: datetime.datetime) -> datetime.date | None:
    """The due date that goes with a new round: not before today, and required once End has passed."""
    if day is None and live.is_past(live.end, now):
        raise Conflict(
            f"Event End ({live.end:%B} {live.end.day}, {live.end.year}) has passed: a due date is required, or "
            "nobody could certify again."
        )
    if day is not None and day < live.today(now):
        raise BadInput(f"The due date {day:%B} {day.day}, {day.year} is before today.")
    return day


def found_event(key: str, *, session: Session, lock: bool, alone: bool = False) -> Event | None:
    if lock:
        return session.scalar(_event_query(alone), {"key": key})
    return event_with_versions(key, session=session, fresh=True)


@functools.cache
def _event_query(alone: bool) -> sa.Select[Event]:
    query = sa.select(Event).where(Event.key == sa.bindparam("key")).execution_options(populate_existing=True)
    return query.with_for_update(read=not alone)


def found_participants(event: Event, numbers: Sequence[str], *, session: Session, lock: bool) -> Sequence[Participant]:
    given = {"event_id": event.id, "numbers": list(numbers)}
    return session.scalars(_participants_query(lock), given).all()


@functools.cache
def _participants_query(lock: bool) -> sa.Select[Participant]:
    numbers = sa.bindparam("numbers", type_=sa.ARRAY(sa.Text))
    query = (
        sa.select(Participant)
        .where(Participant.event_id == sa.bindparam("event_id"))
        .where(Participant.organization_number == sa.any_(numbers))
        .order_by(Participant.id)
        .execution_options(populate_existing=True)
    )
    return query.with_for_update() if lock else query


def _require_state_role(
    event: Event,
    category: Category,
    roles: Collection[CategoryRole],
    what: str,
    *,
    session: Session,
    actor: Actor,
) -> None:
    held = set(session.scalars(_state_roles(category.id, actor.person_id)))
    usable = held.intersection(roles)
    role = CategoryRole.APPROVER if CategoryRole.APPROVER in usable else next(iter(usable), None)
    if role is not None:
        require(Tool.EVENT_MANAGEMENT, _STATE_RIGHTS[role], session=session, actor=actor)
        require(Tool.EVENT_REPORT, _STATE_RIGHTS[role], session=session, actor=actor)
        return
    if not held and not _knows_of(event, session=session, actor=actor):
        raise NotFound(f"There is no event {event.key}.")
    needed = " or ".join(sorted(role.value for role in roles))
    article = "an" if needed.startswith("A") else "a"
    yours = f"you are its {next(iter(held)).value}" if held else "you are not one"
    raise NotAllowed(f"Only {article} {needed} of the category {category.name} may {what}; {yours}.")


def _state_roles(category_id: int, person_id: int | None) -> sa.Select[CategoryRole]:
    return (
        sa.select(Member.role)
        .join(Organization, Organization.id == Member.organization_id)
        .join(Person, Person.id == Member.person_id)
        .where(
            Member.category_id == category_id,
            Member.person_id == person_id,
            Member.removed_at.is_(None),
            constant(Organization.kind, OrganizationKind.STATE),
            Person.active,
        )
    )


def _knows_of(event: Event, *, session: Session, actor: Actor) -> bool:
    """Whether the event exists for somebody without a state role in its category."""
    if actor.person_id is None:
        return False
    if is_state_side(actor.person_id, session=session):
        return True
    own = members_of_participants().where(
        Event.id == event.id,
        Event.status.in_(LIVE),
        Participant.withdrawn_at.is_(None),
        Member.person_id == actor.person_id,
    )
    return session.execute(own.limit(1)).first() is not None
