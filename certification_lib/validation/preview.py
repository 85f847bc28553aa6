"""What a rule would find, shown to its author before it is saved: one participant of an event, its current data."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.queries import state_role
from certification_lib.errors import BadInput, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.people.models import Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.content import RuleContent
from certification_lib.rulebook.definitions import rule_text
from certification_lib.rulebook.models import Grain
from certification_lib.rulebook.parameters import uses_count_date
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotStatus
from certification_lib.validation.run_schema import current_revisions
from certification_lib.validation.trial import RuleToTry, SampleRow, try_rules

SAMPLE = 20
_ID = 1


@dataclass(frozen=True)
class Preview:
    """What the rule says about one participant. `rows` is None where the reader may see counts only."""

    event_key: str
    event_name: str
    view: str
    number: str
    name: str
    revision: int
    source_as_of: datetime.datetime | None
    finding_count: int | None
    could_not_run: str | None
    row_count: int
    rows: Sequence[SampleRow] | None
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PreviewEvent:
    """An event on whose data a rule can be tried."""

    key: str
    name: str
    reporting_year: int
    views: tuple[str, ...]


def preview_events(*, session: Session) -> list[PreviewEvent]:
    """The published events whose data were taken, the newest first."""
    # Not by the participants' revisions: those of every event there ever was would be looked through.
    with_data = sa.exists().where(Snapshot.event_id == Event.id, Snapshot.status == SnapshotStatus.COMPLETED)
    query = (
        sa.select(Event.key, EventVersion.name, EventVersion.reporting_year, EventVersion.datamart_views)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.status != EventStatus.UNPUBLISHED, with_data)
        .order_by(Event.id.desc())
    )
    return [PreviewEvent(key, name, year, tuple(views)) for key, name, year, views in session.execute(query)]


def preview_rule(
    content: RuleContent,
    event_key: str,
    number: str,
    *,
    session: Session,
    actor: Actor,
    engine: sa.Engine,
    rules_url: str,
) -> Preview:
    """Run a rule that need not be saved on the current data of one participant; nothing is stored.

    Sample rows go to Approvers and Reviewers of the event's category only. `engine` is certification_task's.
    """
    require(Tool.VALIDATION, Right.READ, session=session, actor=actor)
    event, version = _event(event_key, session=session)
    if content.view not in version.datamart_views:
        raise BadInput(f"Event: {version.name} takes no snapshot of {content.view}.")
    participant, revision = _participant(event, version, number, session=session)
    opens_rows = state_role(version.category_id, actor.person_id or 0, session=session) is not None
    # A rule that compares organizations needs them all; what it says about the others is left out.
    alone = None if content.grain is Grain.STATE else [participant.id]
    pinned = current_revisions(event.id, session=session, participant_ids=alone)
    rule = RuleToTry(
        _ID, content.view, content.grain, content.kind, content.definition, tuple(content.row_identifier_columns)
    )
    trial = try_rules(
        [rule],
        pinned,
        version,
        engine=engine,
        rules_url=rules_url,
        sample=SAMPLE if opens_rows else 0,
    )
    counts = trial.counts.get(_ID)
    mine = [row for row in trial.samples.get(_ID, []) if row.participant == number]
    return Preview(
        event_key=event.key,
        event_name=version.name,
        view=content.view,
        number=number,
        name=participant.organization_name,
        revision=revision.number,
        source_as_of=revision.source_as_of,
        finding_count=None if counts is None else counts.get(number, 0),
        could_not_run=trial.failures.get(_ID),
        row_count=trial.row_counts.get(content.view, {}).get(number, 0),
        rows=mine if opens_rows else None,
        seconds=trial.seconds,
        warnings=tuple(_warnings(content, version)),
    )


def _event(key: str, *, session: Session) -> tuple[Event, EventVersion]:
    found = session.execute(
        sa.select(Event, EventVersion)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.key == key, Event.status != EventStatus.UNPUBLISHED)
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no published event {key}.")
    return found[0], found[1]


def _participant(event: Event, version: EventVersion, number: str, *, session: Session) -> tuple[Participant, Revision]:
    found = session.execute(
        sa.select(Participant, Revision)
        .outerjoin(Revision, Revision.id == Participant.current_revision_id)
        .where(Participant.event_id == event.id, Participant.organization_number == number)
    ).one_or_none()
    if found is None or found[0].withdrawn_at is not None:
        raise BadInput(f"Participant: {number or 'nobody'} does not take part in {version.name}.")
    if found[1] is None:
        raise BadInput(f"Participant: no snapshot of {found[0].organization_name} has been taken yet.")
    return found[0], found[1]


def _warnings(content: RuleContent, version: EventVersion) -> list[str]:
    """What keeps an event like this one from using the rule, though it can be tried."""
    found = []
    if version.level not in content.levels:
        found.append(f"This event is of {version.level.value} level, at which the rule cannot be used.")
    if content.uses_ad_hoc_filter:
        found.append("A rule with an ad hoc filter cannot stand in a group that an event links.")
    if content.uses_calendar_parameter:
        found.append("A rule with a calendar parameter cannot stand in a group that an event links.")
    if version.count_date is None and uses_count_date(rule_text(content.definition)):
        found.append("The rule needs a Count Date, and this event has none.")
    return found
