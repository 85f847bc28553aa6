"""Who hears of an act, and where the message leads. The words are in `include/mail/`."""

import datetime
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.facts import State
from certification_lib.notifications.service import Notice
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.people.zone_names import zone_name


def state_members(category_id: int, role: CategoryRole, *, session: Session) -> list[int]:
    """Person ids of the state's approvers or reviewers of a category."""
    query = (
        sa.select(Member.person_id)
        .join(Organization, Organization.id == Member.organization_id)
        .where(
            Member.category_id == category_id,
            Member.role == role,
            Member.removed_at.is_(None),
            Organization.kind == OrganizationKind.STATE,
        )
        .order_by(Member.person_id)
    )
    return list(session.scalars(query))


def state_page(live: LiveEvent, state: State) -> str:
    return f"/certification/events/{live.event.key}/participants/{state.number}/"


def own_page(live: LiveEvent, state: State) -> str:
    return f"/certification/my-events/{live.event.key}/{state.number}/"


def notice(
    kind: str,
    fact: str,
    live: LiveEvent,
    state: State,
    receivers: Iterable[int],
    *,
    path: str | None = None,
    **values: Any,
) -> Notice:
    """A message about one participant; `fact` is completed by the kind, so an id is enough."""
    return Notice(
        fact=f"{kind}:{fact}",
        kind=kind,
        receivers=tuple(receivers),
        values={
            "event": live.version.name,
            "organization": state.name,
            "number": state.number,
            "zone": zone_name(live.zone.key),
            **values,
        },
        path=path or own_page(live, state),
        event_key=live.event.key,
        organization_number=state.number,
    )


def day_in_words(day: datetime.date | None) -> str | None:
    """November 3, 2016, as every message writes days; None stays None."""
    return f"{day:%B} {day.day}, {day.year}" if day else None
