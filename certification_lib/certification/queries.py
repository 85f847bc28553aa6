"""Read models of certification. The visibility filter comes first: what a person may not see does not exist for him."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.readmodels import (
    MyEvent,
    MyEventDetail,
    Owing,
    ParticipantDetail,
    ParticipantsPage,
    Receipt,
)
from certification_lib.events.models import ParticipantStatus


@dataclass(frozen=True)
class ParticipantFilter:
    """Which rows of Certification Status: any of `statuses`, name or number containing `search`, county, region, and
    `progress` one of "owing", "overdue", "ready to send", "no certifiers", "certified"."""

    statuses: Collection[ParticipantStatus] = ()
    search: str = ""
    county: str | None = None
    region: str | None = None
    lea_number: str | None = None
    progress: str | None = None


def participants_page(
    key: str,
    *,
    session: Session,
    now: datetime.datetime,
    where: ParticipantFilter | None = None,
    page: int = 1,
    size: int = 50,
) -> ParticipantsPage:
    """Certification Status for the state, by number. The caller has checked the right Read on Event Management."""
    raise NotImplementedError


def participant_numbers(
    key: str, *, session: Session, now: datetime.datetime, where: ParticipantFilter | None = None
) -> list[str]:
    """The numbers of all that match, for acts on "all filtered"."""
    raise NotImplementedError


def participant_detail(key: str, number: str, *, session: Session, now: datetime.datetime) -> ParticipantDetail:
    """What opening a row shows to the state. The caller has checked the right Read on Event Management."""
    raise NotImplementedError


def my_events(person_id: int, *, session: Session, now: datetime.datetime) -> list[MyEvent]:
    """Certification Event list: published, not closed events of the person's categories in which an organization of
    his takes part; one line per participant."""
    raise NotImplementedError


def my_event(key: str, number: str, *, session: Session, actor: Actor, now: datetime.datetime) -> MyEventDetail:
    """Event Detail for one participant of the person's own; anything else is NotFound."""
    raise NotImplementedError


def my_receipts(person_id: int, *, session: Session) -> list[Receipt]:
    """What the person, or an organization he is a member for, certified; also of closed events. Newest first."""
    raise NotImplementedError


def receipt(receipt_id: int, *, session: Session, actor: Actor) -> Receipt:
    """One of these, or any for state people who may read Event Management."""
    raise NotImplementedError


def who_owes(
    event_id: int, *, session: Session, now: datetime.datetime, participant_ids: Collection[int] | None = None
) -> list[Owing]:
    """Everybody who still owes, each with his own due date (for reminders and overdue notices)."""
    raise NotImplementedError


def people_of_participants(participant_ids: Sequence[int], *, session: Session) -> Mapping[int, list[int]]:
    """Person ids of each participant's certifiers and reviewers."""
    raise NotImplementedError


def participants_to_leave_alone(event_id: int, *, session: Session) -> dict[int, str]:
    """{participant id: reason}: in whose open round somebody has submitted; unattended snapshots leave them alone."""
    raise NotImplementedError


def submissions_that_would_fall(participant_ids: Sequence[int], *, session: Session) -> dict[int, list[str]]:
    """{participant id: names}: whose submissions an on-demand snapshot would make count no more, if data changed."""
    raise NotImplementedError
