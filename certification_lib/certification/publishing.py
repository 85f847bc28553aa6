"""Publishing an event and its unpublished changes: all checks again under the lock, then all in one transaction.

No republish resets a certification: participants that stay keep their status, rounds and submissions.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import Category, Level
from certification_lib.categories.queries import able_approvers
from certification_lib.certification.models import Round, Submission
from certification_lib.certification.new_rules import validate_with_new_rules
from certification_lib.certification.publication_messages import tell
from certification_lib.certification.taking_part import Roll, take_roll
from certification_lib.errors import Conflict
from certification_lib.events import rules
from certification_lib.events.corrections import correction_problems
from certification_lib.events.manifest import dag_id_of
from certification_lib.events.milestones import plan
from certification_lib.events.models import (
    Event,
    EventVersion,
    EventVersionGroup,
    EventVersionRule,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
)
from certification_lib.events.participants import participation_problems
from certification_lib.events.phases import end_moment, local_day
from certification_lib.events.planning import occurrence_of, replan
from certification_lib.events.queries import event_by_key, has_snapshot, locked_event, shown_version
from certification_lib.events.versions import content_for_rules, participants_of, rules_differ, version_differences
from certification_lib.people.models import Organization, Tool
from certification_lib.people.queries import leas_of, state_time_zone
from certification_lib.people.service import require
from certification_lib.rulebook.models import ValidationGroup
from certification_lib.rulebook.queries import rules_of_groups
from certification_lib.rulebook.rules import LinkedRule, form_problems, group_problems
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.view_files import read_views


@dataclass(frozen=True)
class PublishedEvent:
    """What a publication did; participants by number."""

    key: str
    dag_id: str
    version: int
    first: bool
    added: tuple[str, ...]
    put_back: tuple[str, ...]
    withdrawn: tuple[str, ...]
    milestones: int
    messages: int


def publish_event(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> PublishedEvent:
    """Publish the draft. Conflict lists every reason that keeps it from being published.

    After the commit the caller writes the manifest (`events.manifest.write_manifest_of`).
    """
    require(Tool.EVENT_MANAGEMENT, "A", session=session, actor=actor)
    event = locked_event(key, session=session)
    draft = shown_version(event, session=session)
    status = rules.after(event.status, rules.EventAct.PUBLISH, draft.name) or event.status
    live = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    zone = state_time_zone(session=session)
    _hold_what_is_checked(event, draft, session)
    linked = _linked_rules(draft, session)
    problems = publish_problems(event, draft, live, linked, zone, session=session, now=now)
    if problems:
        raise Conflict(f"{draft.name} cannot be published: {' '.join(problems)}", problems=problems)
    changed = _changed(live, draft, linked, session)
    _pin(draft, linked, session)
    roll = take_roll(event, draft, live, local_day(now, zone), session=session, actor=actor, now=now)
    draft.published_at, draft.published_by = now, actor.username
    event.live_version_id, event.draft_version_id = draft.id, None
    event.status = status
    event.published_at = event.published_at or now
    milestones = replan(event, draft, zone, session=session, now=now)
    told = tell(event, draft, roll, changed=changed, first=live is None, zone=zone, session=session, now=now)
    published = _answer(event, draft, live, roll, milestones=len(milestones), messages=told)
    # Late, like the entry of this publication: it takes the lock of the audit trail.
    validate_with_new_rules(
        event,
        before=live.id if live is not None else None,
        rule_version_ids=[rule.rule_version_id for rule in linked],
        moved=roll.moved,
        session=session,
        now=now,
    )
    record(
        "event:publish",
        draft.name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"version": draft.number, "changed": sorted(changed), **_numbers(published)},
    )
    return published


def problems_of_draft(key: str, *, session: Session, now: datetime.datetime) -> list[str]:
    """What would keep the event from being published now, to be shown before anybody tries: by the same rules, but
    nothing is locked or written. The caller has checked the right."""
    event = event_by_key(key, session=session)
    draft = shown_version(event, session=session)
    live = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    zone = state_time_zone(session=session)
    return publish_problems(event, draft, live, _linked_rules(draft, session), zone, session=session, now=now)


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
    groups = session.scalars(_groups_of(draft)).all()
    organizations = session.scalars(
        sa.select(Organization)
        .where(Organization.id.in_(participants_of(draft.id, session=session)))
        .order_by(Organization.number)
    ).all()
    today = local_day(now, zone)
    views = read_views()
    chosen_views = [name for name in draft.datamart_views if name in views]
    known = {one.organization_id: one for one in _participants(event.id, session)}
    # One whom an approver withdrew stays so while it is on the list: what is wrong with it concerns nobody.
    listed = set(participants_of(live.id, session=session)) if live is not None else set()
    gone = {one.organization_id for one in known.values() if one.withdrawn_at is not None} & listed
    organizations = [one for one in organizations if one.id not in gone]
    new = [one for one in organizations if one.id not in known or known[one.id].withdrawn_at is not None]
    with_data = {one.organization_id for one in known.values() if one.current_revision_id is not None}
    leas = leas_of([organization.id for organization in organizations], today, session=session)
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
        participants=len(organizations),
        wrong_participants=[
            *participation_problems(new, draft.level, today),
            *(f"{one.number} {one.name} belongs to no LEA today" for one in organizations if one.id not in leas),
        ],
        without_snapshot=[one.name for one in organizations if one.id not in with_data],
        next_takings=_next_takings(event, draft, zone, session=session, now=now),
        live=content_for_rules(live) if live is not None else None,
        has_snapshot=has_snapshot(event.id, session=session),
        has_submission=_has_submission(event.id, session),
        correction_problems=_correction_problems(event, draft, session),
    )
    return rules.publish_problems(facts)


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


def _groups_of(draft: EventVersion) -> sa.Select[ValidationGroup]:
    return (
        sa.select(ValidationGroup)
        .join(EventVersionGroup, EventVersionGroup.group_id == ValidationGroup.id)
        .where(EventVersionGroup.event_version_id == draft.id)
        .order_by(EventVersionGroup.position)
    )


def _hold_what_is_checked(event: Event, draft: EventVersion, session: Session) -> None:
    """Keep category and groups from being deactivated or unpublished until this publication is there to refuse that,
    and other corrections of the same closed event from being copied or published."""
    if event.corrects_event_id is not None:
        session.get_one(Event, event.corrects_event_id, with_for_update=True, populate_existing=True)
    session.get_one(Category, draft.category_id, with_for_update={"read": True}, populate_existing=True)
    held = _groups_of(draft).with_for_update(read=True, of=ValidationGroup)
    session.execute(held.execution_options(populate_existing=True))


def _linked_rules(draft: EventVersion, session: Session) -> list[LinkedRule]:
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


def _changed(live: EventVersion | None, draft: EventVersion, linked: list[LinkedRule], session: Session) -> set[str]:
    if live is None:
        return set()
    changed = version_differences(live, draft, session=session)
    if rules_differ(live.id, [rule.rule_version_id for rule in linked], session=session):
        changed.add("rules")
    return changed


def _pin(draft: EventVersion, linked: list[LinkedRule], session: Session) -> None:
    if linked:
        session.execute(
            sa.insert(EventVersionRule),
            [
                {
                    "event_version_id": draft.id,
                    "group_id": rule.group_id,
                    "rule_version_id": rule.rule_version_id,
                    "position": rule.position,
                }
                for rule in linked
            ],
        )


def _answer(
    event: Event, draft: EventVersion, live: EventVersion | None, roll: Roll, *, milestones: int, messages: int
) -> PublishedEvent:
    return PublishedEvent(
        key=event.key,
        dag_id=dag_id_of(event.key),
        version=draft.number,
        first=live is None,
        added=tuple(participant.organization_number for participant in roll.added),
        put_back=tuple(participant.organization_number for participant in roll.put_back),
        withdrawn=tuple(participant.organization_number for participant in roll.withdrawn),
        milestones=milestones,
        messages=messages,
    )


def _numbers(published: PublishedEvent) -> dict[str, object]:
    return {
        "added": len(published.added),
        "put_back": published.put_back,
        "withdrawn": published.withdrawn,
        "messages": published.messages,
    }
