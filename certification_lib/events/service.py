"""Saving events: create, edit, discard, delete, copy, import.

Publishing, closing and holding reach into certification and live there: `certification.publishing.publish_event`,
`certification.closing.close_event`, `certification.holding.hold_event` and `resume_event`.
"""

import datetime
import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import Category
from certification_lib.errors import BadInput, Conflict
from certification_lib.events import rules
from certification_lib.events.content import EventContent, content_problems, parse_content
from certification_lib.events.corrections import correction_problems
from certification_lib.events.models import Event, EventStatus, EventVersion, EventVersionGroup, EventVersionParticipant
from certification_lib.events.participants import resolve
from certification_lib.events.phases import local_day
from certification_lib.events.queries import category_and_groups, has_snapshot, locked_event, shown_version
from certification_lib.events.versions import (
    add_version,
    content_for_rules,
    differences,
    next_number,
    rewrite,
    rules_differ,
    shape_of,
    values_of,
)
from certification_lib.people.directory import OrganizationLine
from certification_lib.people.models import Organization, Tool
from certification_lib.people.queries import state_time_zone
from certification_lib.people.service import require
from certification_lib.rulebook.models import ValidationGroup
from certification_lib.rulebook.queries import rules_of_groups
from certification_lib.rulebook.rules import group_problems

COPIED = " (copy)"


@dataclass(frozen=True)
class _Looked:
    """A content with everything it names looked up."""

    content: EventContent
    category: Category
    groups: list[ValidationGroup]
    participants: list[OrganizationLine]
    rule_version_ids: list[int]


def save_event(
    content: EventContent,
    *,
    key: str | None = None,
    seen_version: datetime.datetime | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Event:
    """Create an event (no key) or edit the one with `key`; nothing is published.

    Editing a published event makes or changes the draft beside the live version. BadInput lists every problem at once.
    `seen_version`: when the version was made that the editor began with; Conflict if another was saved since.
    Saving what is already there changes nothing, unless a linked rule has changed since: publishing the draft pins it.
    """
    require(Tool.EVENT_MANAGEMENT, "A" if key is None else "W", session=session, actor=actor)
    event = locked_event(key, session=session) if key is not None else None
    if event is not None:
        standing = shown_version(event, session=session)
        rules.after(event.status, rules.EventAct.EDIT, standing.name)
        if seen_version is not None and standing.made_at != seen_version:
            raise Conflict(
                f"{standing.made_by} has already saved {standing.name} since you began. Your entries are kept; compare "
                "them with the event as it is now, then save again."
            )
    looked = _look_up(content, event, session=session, now=now)
    if event is None:
        return _create(looked, session=session, actor=actor, now=now)
    _edit(event, looked, session=session, actor=actor, now=now)
    return event


def discard_draft(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Drop the unpublished changes; participants have seen the published version all along."""
    require(Tool.EVENT_MANAGEMENT, "W", session=session, actor=actor)
    event = locked_event(key, session=session)
    name = shown_version(event, session=session).name
    status = rules.after(event.status, rules.EventAct.DISCARD_DRAFT, name)
    drop_draft(event, session=session)
    event.status = status or event.status
    record("event:discard-draft", name, session=session, actor=actor, now=now, event_key=key)
    return event


def delete_event(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Delete an event that was never published; the audit trail keeps that it was."""
    require(Tool.EVENT_MANAGEMENT, "D", session=session, actor=actor)
    event = locked_event(key, session=session)
    name = shown_version(event, session=session).name
    rules.after(event.status, rules.EventAct.DELETE, name)
    drop_draft(event, session=session)
    session.delete(event)
    session.flush()  # the audit entry follows what is done
    record("event:delete", name, session=session, actor=actor, now=now, event_key=key)


def copy_event(
    key: str,
    *,
    corrects: bool = False,
    participants: list[str] | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Event:
    """A new unpublished event with the same content, " (copy)" behind its name and no dates.

    `corrects`: it corrects this closed event; `participants` may name some of its participants only. Refused for one
    that another correction of it has, or may still bring, official rows for.
    """
    require(Tool.EVENT_MANAGEMENT, "A", session=session, actor=actor)
    original = locked_event(key, session=session)
    version = shown_version(original, session=session)
    if corrects and original.status is not EventStatus.CLOSED:
        raise Conflict(f"Only a closed event can be corrected; {version.name} is {original.status}.")
    chosen = _participant_ids(version.id, session)
    if participants is not None:
        chosen = _some_of(chosen, participants, version.name, session)
    if corrects:
        _refuse_second_correction(original, version, chosen, session)
    values = {**values_of(version), **_UNDATED, "name": version.name + COPIED, "statement_version": 1}
    event = Event(
        key=_free_key(version.name + COPIED, version.reporting_year, session),
        status=EventStatus.UNPUBLISHED,
        active=True,
        corrects_event_id=original.id if corrects else None,
        created_at=now,
        created_by=actor.username,
    )
    session.add(event)
    session.flush()  # gives the id
    group_ids = session.scalars(
        sa.select(EventVersionGroup.group_id)
        .where(EventVersionGroup.event_version_id == version.id)
        .order_by(EventVersionGroup.position)
    ).all()
    add_version(event, 1, values, chosen, group_ids, session=session, actor=actor, now=now)
    details = {"copy_of": key, "corrects": corrects}
    record("event:copy", values["name"], session=session, actor=actor, now=now, event_key=event.key, details=details)
    return event


def import_event(yaml_text: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Create an event from YAML, or edit the one with the same key. Nothing is published.

    Without a `key` it is made of name and reporting year. The same file again changes nothing.
    """
    try:
        document = yaml.safe_load(yaml_text)
    except yaml.YAMLError:
        raise BadInput("The file of the event is not YAML.") from None
    if not isinstance(document, dict):
        raise BadInput("The file of the event holds no fields.")
    content = parse_content({str(name): value for name, value in document.items()})
    key = content.key or key_of(content.name, content.reporting_year)
    status = session.scalar(sa.select(Event.status).where(Event.key == key))
    known = status is not None and (content.key is not None or status is not EventStatus.CLOSED)
    return save_event(content, key=key if known else None, session=session, actor=actor, now=now)


def key_of(name: str, reporting_year: int) -> str:
    """`fall-enrollment-count-2016-17`."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-") or "event"
    return f"{slug}-{reporting_year - 1}-{reporting_year % 100:02}"


def drop_draft(event: Event, *, session: Session) -> None:
    """Delete the draft version of a locked event, if there is one."""
    draft_id, event.draft_version_id = event.draft_version_id, None
    session.flush()  # the event must let go of the version first
    if draft_id is not None:
        session.execute(sa.delete(EventVersion).where(EventVersion.id == draft_id))
        session.expire(event)


_UNDATED: dict[str, Any] = {
    "count_date": None,
    "start_date": None,
    "opens_date": None,
    "end_date": None,
    "state_snapshot_schedule": None,
    "district_snapshot_schedule": None,
    "cleanup_snapshot_schedule": None,
}


def _look_up(content: EventContent, event: Event | None, *, session: Session, now: datetime.datetime) -> _Looked:
    problems = content_problems(content)
    category, groups, unknown = category_and_groups(content.category, content.validation_groups, session=session)
    problems += unknown
    if category is not None:
        problems += filter(None, [rules.level_problem(content.level, category.name, category.level)])
    linked = rules_of_groups([group.id for group in groups], session=session)
    problems += group_problems(content.level, linked, count_date=content.count_date)
    today = local_day(now, state_time_zone(session=session))
    participants, wrong = resolve(content, today, session=session)
    problems += [problem for problem in wrong if problem not in problems]
    if event is not None and content.key not in {None, event.key}:
        problems.append("The key of an event never changes.")
    if event is not None and event.live_version_id is not None and category is not None:
        problems += _live_problems(event, content, category, today, session)
    if event is not None and event.corrects_event_id is not None and category is not None:
        problems += correction_problems(
            event.corrects_event_id,
            [one.id for one in participants],
            category_id=category.id,
            reporting_year=content.reporting_year,
            event_id=event.id,
            session=session,
        )
    if problems or category is None:
        raise BadInput(f"The event cannot be saved: {'; '.join(problems)}", problems=problems)
    current = [rule.rule_version_id for rule in linked if not rule.archived]
    return _Looked(content, category, groups, participants, current)


def _live_problems(
    event: Event, content: EventContent, category: Category, today: datetime.date, session: Session
) -> list[str]:
    live = session.get_one(EventVersion, event.live_version_id)
    problems = rules.frozen_problems(
        shape_of(content, category.id), content_for_rules(live), has_snapshot=has_snapshot(event.id, session=session)
    )
    if content.end_date < today and content.end_date != live.end_date:
        problems.append(f"Event End Date cannot move before today ({today}).")
    if content.active != event.active:
        problems.append("Active of a published event is switched by Hold and Resume, with a reason.")
    return problems


def _create(looked: _Looked, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    content = looked.content
    if content.key is not None and session.scalar(sa.select(Event.id).where(Event.key == content.key)):
        raise Conflict(f"There is already an event with the key {content.key}.")
    event = Event(
        key=content.key or _free_key(content.name, content.reporting_year, session),
        status=EventStatus.UNPUBLISHED,
        active=content.active,
        created_at=now,
        created_by=actor.username,
    )
    session.add(event)
    session.flush()  # gives the id
    values = values_of(content, looked.category.id)
    add_version(
        event,
        1,
        values,
        [one.id for one in looked.participants],
        [group.id for group in looked.groups],
        session=session,
        actor=actor,
        now=now,
    )
    details = {"participants": len(looked.participants)}
    record("event:create", content.name, session=session, actor=actor, now=now, event_key=event.key, details=details)
    return event


def _edit(event: Event, looked: _Looked, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    live = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    standing = shown_version(event, session=session)
    values = values_of(looked.content, looked.category.id)
    values["statement_version"] = _statement_version(values, live)
    participant_ids = [one.id for one in looked.participants]
    group_ids = [group.id for group in looked.groups]
    changed = differences(standing, values, participant_ids, group_ids, session=session)
    if live is not None and rules_differ(live.id, looked.rule_version_ids, session=session):
        changed.add("rules")
    if not changed and event.active == looked.content.active:
        return
    if event.draft_version_id is None:
        number = next_number(event.id, session=session)
        add_version(event, number, values, participant_ids, group_ids, session=session, actor=actor, now=now)
    else:
        rewrite(standing, values, participant_ids, group_ids, session=session, actor=actor, now=now)
    event.active = looked.content.active
    event.status = rules.after(event.status, rules.EventAct.EDIT, standing.name) or event.status
    details = {"changed": sorted(changed), "version": standing.number}
    record("event:edit", values["name"], session=session, actor=actor, now=now, event_key=event.key, details=details)


def _statement_version(values: dict[str, Any], live: EventVersion | None) -> int:
    """The words certifiers sign get a new number whenever they differ from the published ones."""
    if live is None:
        return 1
    same = live.statement == values["statement"] and live.nil_statement == values["nil_statement"]
    return live.statement_version if same else live.statement_version + 1


def _free_key(name: str, reporting_year: int, session: Session) -> str:
    base = key_of(name, reporting_year)
    taken = set(session.scalars(sa.select(Event.key).where(Event.key.startswith(base, autoescape=True))))
    number, key = 1, base
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def _participant_ids(version_id: int, session: Session) -> list[int]:
    query = sa.select(EventVersionParticipant.organization_id).where(
        EventVersionParticipant.event_version_id == version_id
    )
    return list(session.scalars(query))


def _refuse_second_correction(original: Event, version: EventVersion, chosen: list[int], session: Session) -> None:
    problems = correction_problems(
        original.id, chosen, category_id=version.category_id, reporting_year=version.reporting_year, session=session
    )
    if problems:
        raise Conflict(f"{version.name} cannot be corrected so: {' '.join(problems)}", problems=problems)


def _some_of(organization_ids: list[int], numbers: list[str], name: str, session: Session) -> list[int]:
    query = sa.select(Organization.number, Organization.id).where(Organization.id.in_(organization_ids))
    known = dict(session.execute(query).all())
    problems = [f"{number} is no participant of {name}" for number in numbers if number not in known]
    if problems or not numbers:
        raise BadInput("Choose participants of the event that is copied.", problems=problems)
    return [known[number] for number in dict.fromkeys(numbers)]
