"""What keeps an event from being published: the facts gathered, to be decided on by `events.rules`."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, Level
from certification_lib.categories.queries import able_approvers
from certification_lib.certification.models import Round, Submission
from certification_lib.events import rules
from certification_lib.events.corrections import correction_problems
from certification_lib.events.milestones import plan
from certification_lib.events.models import (
    Event,
    EventVersion,
    EventVersionGroup,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
)
from certification_lib.events.participants import participation_problems
from certification_lib.events.phases import end_moment, local_day
from certification_lib.events.planning import occurrence_of
from certification_lib.events.queries import event_by_key, has_snapshot, shown_version
from certification_lib.events.versions import content_for_rules, participants_of
from certification_lib.people.directory import OrganizationLine, organizations_by_id
from certification_lib.people.queries import leas_of, state_time_zone
from certification_lib.rulebook.models import ValidationGroup
from certification_lib.rulebook.queries import rules_of_groups
from certification_lib.rulebook.rules import LinkedRule, form_problems, group_problems
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.view_files import read_views


def problems_of_draft(key: str, *, session: Session, now: datetime.datetime) -> list[str]:
    """What would keep the event from being published now, to be shown before anybody tries: by the same rules, but
    nothing is locked or written. The caller has checked the right."""
    event = event_by_key(key, session=session)
    draft = shown_version(event, session=session)
    live = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    zone = state_time_zone(session=session)
    return publish_problems(event, draft, live, linked_rules(draft, session), zone, session=session, now=now)


def publish_problems(
    event: Event,
    draft: EventVersion,
    live: EventVersion | None,
    linked: list[LinkedRule],
    zone: ZoneInfo,
    *,
    session: Session,
    now: datetime.datetime,
) -> list[str]:
    """Gather the facts and decide on them."""
    category = session.get_one(Category, draft.category_id)
    groups = session.scalars(groups_of(draft)).all()
    taking_part = _taking_part(event, draft, live, session)
    today = local_day(now, zone)
    views = read_views()
    chosen_views = [name for name in draft.datamart_views if name in views]
    leas = leas_of([one.id for one in taking_part.organizations], today, session=session)
    facts = rules.PublishFacts(
        content=content_for_rules(draft),
        active=event.active,
        today=today,
        end_of_event=end_moment(draft.end_date, zone) if draft.end_date is not None else None,
        category_name=category.name,
        category_level=category.level,
        category_active=category.active,
        category_published=category.published,
        has_able_approver=bool(able_approvers(category.id, session=session)),
        inactive_groups=[group.name for group in groups if not group.active],
        rule_problems=[
            *group_problems(draft.level, linked, count_date=draft.count_date),
            *(f"{rule.code} {problem}." for rule in linked for problem in form_problems(rule, views=chosen_views)),
        ],
        unknown_views=[name for name in draft.datamart_views if name not in views],
        views_without_schools=[
            views[name].title
            for name in chosen_views
            if draft.level is Level.SCHOOL and views[name].header.schools == "none"
        ],
        participants=len(taking_part.organizations),
        wrong_participants=[
            *participation_problems(taking_part.new, draft.level, today),
            *(
                f"{one.number} {one.name} belongs to no LEA today"
                for one in taking_part.organizations
                if one.id not in leas
            ),
        ],
        without_snapshot=[one.name for one in taking_part.organizations if one.id not in taking_part.with_data],
        next_takings=_next_takings(event, draft, zone, session=session, now=now),
        live=content_for_rules(live) if live is not None else None,
        has_snapshot=has_snapshot(event.id, session=session),
        has_submission=_has_submission(event.id, session),
        correction_problems=_correction_problems(event, draft, session),
    )
    return rules.publish_problems(facts)


@dataclass(frozen=True)
class _TakingPart:
    """The organizations a publication would ask, those of them it would add, and the ids of those that have data."""

    organizations: list[OrganizationLine]
    new: list[OrganizationLine]
    with_data: set[int]


def _taking_part(event: Event, draft: EventVersion, live: EventVersion | None, session: Session) -> _TakingPart:
    listed_now = organizations_by_id(participants_of(draft.id, session=session), session=session)
    known = {one.organization_id: one for one in _participants(event.id, session)}
    # One whom an approver withdrew stays so while it is on the list: what is wrong with it concerns nobody.
    listed = set(participants_of(live.id, session=session)) if live is not None else set()
    gone = {one.organization_id for one in known.values() if one.withdrawn_at is not None} & listed
    organizations = [one for one in listed_now if one.id not in gone]
    return _TakingPart(
        organizations,
        [one for one in organizations if one.id not in known or known[one.id].withdrawn_at is not None],
        {one.organization_id for one in known.values() if one.current_revision_id is not None},
    )


def _correction_problems(event: Event, draft: EventVersion, session: Session) -> list[str]:
    if event.corrects_event_id is None:
        return []
    return correction_problems(
        event.corrects_event_id,
        participants_of(draft.id, session=session),
        category_id=draft.category_id,
        reporting_year=draft.reporting_year,
        event_id=event.id,
        session=session,
    )


def groups_of(draft: EventVersion) -> sa.Select[ValidationGroup]:
    return (
        sa.select(ValidationGroup)
        .join(EventVersionGroup, EventVersionGroup.group_id == ValidationGroup.id)
        .where(EventVersionGroup.event_version_id == draft.id)
        .order_by(EventVersionGroup.position)
    )


def linked_rules(draft: EventVersion, session: Session) -> list[LinkedRule]:
    group_ids = session.scalars(
        sa.select(EventVersionGroup.group_id).where(EventVersionGroup.event_version_id == draft.id)
    ).all()
    return [rule for rule in rules_of_groups(group_ids, session=session) if not rule.archived]


def _participants(event_id: int, session: Session) -> Sequence[Participant]:
    query = sa.select(Participant).where(Participant.event_id == event_id).execution_options(populate_existing=True)
    return session.scalars(query).all()


def _next_takings(
    event: Event, draft: EventVersion, zone: ZoneInfo, *, session: Session, now: datetime.datetime
) -> list[datetime.datetime]:
    """When snapshots will be taken that a participant added now is part of: not one that was taken, or begun."""
    begun = sa.exists().where(Snapshot.milestone_id == Milestone.id, Snapshot.status != SnapshotStatus.CANCELLED)
    over = sa.select(Milestone).where(
        Milestone.event_id == event.id,
        sa.or_(Milestone.state.in_([MilestoneState.DONE, MilestoneState.SKIPPED]), begun),
    )
    settled = {(milestone.kind, occurrence_of(milestone)) for milestone in session.scalars(over)}
    kinds = {MilestoneKind.STATE_SNAPSHOT, MilestoneKind.DISTRICT_SNAPSHOT}
    planned = [milestone for milestone in plan(draft, zone, now) if milestone.kind in kinds]
    return [milestone.at for milestone in planned if (milestone.kind, milestone.occurrence) not in settled]


def _has_submission(event_id: int, session: Session) -> bool:
    query = (
        sa.select(Submission.id)
        .join(Round, Round.id == Submission.round_id)
        .join(Participant, Participant.id == Round.participant_id)
        .where(Participant.event_id == event_id)
        .limit(1)
    )
    return session.scalar(query) is not None
