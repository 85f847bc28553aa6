"""Publishing an event and its unpublished changes: all checks again under the lock, then all in one transaction.

No republish resets a certification: participants that stay keep their status, rounds and submissions.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import Category
from certification_lib.certification.new_rules import validate_with_new_rules
from certification_lib.certification.publication_messages import tell
from certification_lib.certification.publication_problems import groups_of, linked_rules, publish_problems
from certification_lib.certification.taking_part import Roll, take_roll
from certification_lib.errors import Conflict
from certification_lib.events import rules
from certification_lib.events.manifest import dag_id_of
from certification_lib.events.models import (
    Event,
    EventVersion,
    EventVersionRule,
)
from certification_lib.events.phases import local_day
from certification_lib.events.planning import replan
from certification_lib.events.queries import locked_event, shown_version
from certification_lib.events.versions import rules_differ, version_differences
from certification_lib.people.models import Tool
from certification_lib.people.queries import state_time_zone
from certification_lib.people.service import require
from certification_lib.rulebook.models import ValidationGroup
from certification_lib.rulebook.rules import LinkedRule


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
    linked = linked_rules(draft, session)
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


def _hold_what_is_checked(event: Event, draft: EventVersion, session: Session) -> None:
    """Keep category and groups from being deactivated or unpublished until this publication is there to refuse that,
    and other corrections of the same closed event from being copied or published."""
    if event.corrects_event_id is not None:
        session.get_one(Event, event.corrects_event_id, with_for_update=True, populate_existing=True)
    session.get_one(Category, draft.category_id, with_for_update={"read": True}, populate_existing=True)
    held = groups_of(draft).with_for_update(read=True, of=ValidationGroup)
    session.execute(held.execution_options(populate_existing=True))


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
