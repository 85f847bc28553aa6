"""*Directory changed*: participants whose organization is no longer what it was when the event was published.

Publishing copies name, number and LEA into the participant; a later change of the directory changes nothing by itself.
"""

import functools
from dataclasses import dataclass
from typing import TypeVarTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.certification.telling import day_in_words
from certification_lib.database import among_given, constant
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.people.models import Organization, OrganizationKind, SchoolAgency

_Now = aliased(Organization, name="organization_now")
_Successor = aliased(Organization, name="successor")
_Lea = aliased(Organization, name="lea_now")
_Part = aliased(Participant, name="part")
_Columns = TypeVarTuple("_Columns")


@dataclass(frozen=True)
class DirectoryChange:
    """What changed about one participant since publication, one sentence each."""

    number: str
    name: str
    changes: tuple[str, ...]


def changed_in_directory() -> sa.Select[int]:
    """Ids of participants with a change; without those withdrawn, with which the state has dealt.

    The caller narrows it down with `of_event` or by ids: it looks through all there are.
    """
    return _joined(sa.select(_Part.id))


@functools.lru_cache(1024)
def of_event(event_id: int) -> sa.Select[int]:
    return changed_in_directory().where(_Part.event_id == event_id)


def of_participants() -> sa.Select[int]:
    """To be executed with `{"ids": [participant ids]}`."""
    return changed_in_directory().where(among_given(_Part.id))


def directory_changes(event: Event, *, session: Session) -> list[DirectoryChange]:
    """What changed since an event was published, by number; nothing for one that is not live."""
    if event.live_version_id is None or event.status is EventStatus.CLOSED:
        return []
    changed = session.scalars(of_event(event.id)).all()
    if not changed:
        return []
    columns = sa.select(_Part, _Now, _Successor.name.label("successor"), _Lea)
    query = _joined(columns).where(_Part.id.in_(changed)).order_by(_Part.organization_number)
    return [
        DirectoryChange(part.organization_number, part.organization_name, _sentences(part, now, successor, lea))
        for part, now, successor, lea in session.execute(query)
    ]


def _joined(query: sa.Select[*_Columns]) -> sa.Select[*_Columns]:
    """An LEA is its own; a school's is the one it belongs to now, or none when it has left its last."""
    standing = sa.and_(SchoolAgency.school_id == _Now.id, SchoolAgency.until_date.is_(None))
    lea = sa.and_(
        _Lea.id == sa.func.coalesce(SchoolAgency.lea_id, _Part.lea_id), constant(_Lea.kind, OrganizationKind.LEA)
    )
    return (
        query.join_from(_Part, _Now, _Now.id == _Part.organization_id)
        .outerjoin(SchoolAgency, standing)
        .outerjoin(_Successor, _Successor.id == _Now.merged_into_id)
        .outerjoin(_Lea, lea)
        .where(
            _Part.withdrawn_at.is_(None),
            sa.or_(
                _Now.name != _Part.organization_name,
                _Now.number != _Part.organization_number,
                _Now.merged_into_id.is_not(None),
                _Now.closed.is_not(None),
                _Lea.id != _Part.lea_id,
                _Lea.name != _Part.lea_name,
                _Lea.number != _Part.lea_number,
            ),
        )
    )


def _sentences(
    part: Participant, now: Organization, successor: str | None, lea: Organization | None
) -> tuple[str, ...]:
    said = {
        f"is now called {now.name}": now.name != part.organization_name,
        f"now has the number {now.number}": now.number != part.organization_number,
        f"was merged into {successor}": successor is not None,
        f"has {day_in_words(now.closed)} as its closing day": now.closed is not None and successor is None,
    }
    if lea is not None and lea.id != part.lea_id:
        said[f"belongs to {lea.name} now, no longer to {part.lea_name}"] = True
    elif lea is not None and lea.id != part.organization_id:
        said[f"its district is now called {lea.name}"] = lea.name != part.lea_name
        said[f"its district now has the number {lea.number}"] = lea.number != part.lea_number
    return tuple(sentence for sentence, holds in said.items() if holds)
