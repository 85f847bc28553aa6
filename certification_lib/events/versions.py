"""Writing the versions of an event. A version that was published is never written again."""

import datetime
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.events.content import EventContent, Schedule
from certification_lib.events.models import (
    Event,
    EventVersion,
    EventVersionGroup,
    EventVersionParticipant,
    EventVersionRule,
)
from certification_lib.events.rules import Content

# The columns that hold what the wizard asks.
CONTENT_COLUMNS = (
    "name",
    "reporting_year",
    "count_date",
    "start_date",
    "opens_date",
    "end_date",
    "description",
    "level",
    "category_id",
    "links",
    "statement",
    "statement_version",
    "nil_statement",
    "findings_policy",
    "requires_snapshot",
    "datamart_views",
    "state_snapshot_schedule",
    "district_snapshot_schedule",
    "cleanup_snapshot_schedule",
    "districts_may_take_snapshots",
    "days_to_keep",
    "reminder_days",
    "escalation_day",
)


def values_of(source: EventContent | EventVersion, category_id: int | None = None) -> dict[str, Any]:
    """The columns of a version, from a content (with its category's id) or from another version."""
    if isinstance(source, EventVersion):
        return {name: getattr(source, name) for name in CONTENT_COLUMNS}
    values = {name: getattr(source, name) for name in CONTENT_COLUMNS if hasattr(source, name)}
    return {
        **values,
        "category_id": category_id,
        "opens_date": source.opens,
        "statement_version": 1,
        "links": [link.model_dump() for link in source.links],
        "reminder_days": sorted(set(source.reminder_days), reverse=True),
        "state_snapshot_schedule": _stored(source.state_snapshot_schedule),
        "district_snapshot_schedule": _stored(source.district_snapshot_schedule),
        "cleanup_snapshot_schedule": _stored(source.cleanup_snapshot_schedule),
    }


def _stored(schedule: Schedule | None) -> dict[str, Any] | None:
    return None if schedule is None else schedule.model_dump(mode="json")


def content_for_rules(version: EventVersion) -> Content:
    """What the checks look at, of a stored version."""
    return Content(**{name: getattr(version, name) for name in Content.__dataclass_fields__})


def shape_of(content: EventContent, category_id: int) -> Content:
    """What the checks look at, of a content."""
    return Content(
        level=content.level,
        category_id=category_id,
        reporting_year=content.reporting_year,
        count_date=content.count_date,
        start_date=content.start_date,
        opens_date=content.opens,
        end_date=content.end_date,
        datamart_views=content.datamart_views,
        requires_snapshot=content.requires_snapshot,
        districts_may_take_snapshots=content.districts_may_take_snapshots,
    )


def next_number(event_id: int, *, session: Session) -> int:
    """Numbers are not given twice, also when a draft was discarded: the greatest standing one and one more."""
    greatest = session.scalar(sa.select(sa.func.max(EventVersion.number)).where(EventVersion.event_id == event_id))
    return (greatest or 0) + 1


def add_version(
    event: Event,
    number: int,
    values: dict[str, Any],
    participant_ids: Sequence[int],
    group_ids: Sequence[int],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> EventVersion:
    """Make the event's draft."""
    version = EventVersion(event_id=event.id, number=number, made_at=now, made_by=actor.username, **values)
    session.add(version)
    session.flush()  # gives the id
    _write_choices(version.id, participant_ids, group_ids, session)
    event.draft_version_id = version.id
    session.flush()  # the event must point to its draft before anything is read again
    return version


def rewrite(
    draft: EventVersion,
    values: dict[str, Any],
    participant_ids: Sequence[int],
    group_ids: Sequence[int],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Change a draft in place: nobody but its authors has seen it."""
    for name, value in values.items():
        setattr(draft, name, value)
    draft.made_at, draft.made_by = now, actor.username
    for table in (EventVersionParticipant, EventVersionGroup):
        session.execute(
            sa.delete(table).where(table.event_version_id == draft.id).execution_options(synchronize_session=False)
        )
    _write_choices(draft.id, participant_ids, group_ids, session)
    session.flush()  # constraints speak here, before the audit entry


def _write_choices(version_id: int, participant_ids: Sequence[int], group_ids: Sequence[int], session: Session) -> None:
    if participant_ids:
        session.execute(
            sa.insert(EventVersionParticipant),
            [{"event_version_id": version_id, "organization_id": chosen} for chosen in participant_ids],
        )
    if group_ids:
        session.execute(
            sa.insert(EventVersionGroup),
            [
                {"event_version_id": version_id, "group_id": linked, "position": position}
                for position, linked in enumerate(group_ids, start=1)
            ],
        )


def differences(
    version: EventVersion,
    values: dict[str, Any],
    participant_ids: Sequence[int],
    group_ids: Sequence[int],
    *,
    session: Session,
) -> set[str]:
    """The columns in which a version differs from what is to be saved; `participants` and `validation_groups` too."""
    changed = {name for name, value in values.items() if getattr(version, name) != value}
    if set(participants_of(version.id, session=session)) != set(participant_ids):
        changed.add("participants")
    if groups_of(version.id, session=session) != list(group_ids):
        changed.add("validation_groups")
    return changed


def version_differences(old: EventVersion, new: EventVersion, *, session: Session) -> set[str]:
    """The same, between two versions."""
    return differences(
        old,
        values_of(new),
        participants_of(new.id, session=session),
        groups_of(new.id, session=session),
        session=session,
    )


def rules_differ(version_id: int, rule_version_ids: Collection[int], *, session: Session) -> bool:
    """Whether a published version has other rules pinned than these."""
    pinned = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == version_id)
    return set(session.scalars(pinned)) != set(rule_version_ids)


def participants_of(version_id: int, *, session: Session) -> list[int]:
    """Ids of the organizations chosen in a version."""
    query = sa.select(EventVersionParticipant.organization_id).where(
        EventVersionParticipant.event_version_id == version_id
    )
    return list(session.scalars(query.order_by(EventVersionParticipant.organization_id)))


def groups_of(version_id: int, *, session: Session) -> list[int]:
    """Ids of the validation groups of a version, in order."""
    query = sa.select(EventVersionGroup.group_id).where(EventVersionGroup.event_version_id == version_id)
    return list(session.scalars(query.order_by(EventVersionGroup.position)))
