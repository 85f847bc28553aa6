"""Reads the Event Report in a fixed number of statements, whatever the number of participants."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, CategoryRole
from certification_lib.categories.queries import state_members
from certification_lib.certification.evidence import COULD_NOT_RUN, finding_counts, finding_results
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.models import RuleSetAside
from certification_lib.certification.rules import progress, state_words
from certification_lib.certification.views import Dates, dates_of, shown_revision_id
from certification_lib.errors import BadInput, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.events.phases import local_day
from certification_lib.people.queries import state_organization
from certification_lib.reports.event_report import Choice, EventReport, Header, ParticipantLine, RuleLine, StaffLine
from certification_lib.reports.people_lines import Signings, local, names_of, person_lines, signings_of, timeliness
from certification_lib.reports.totals import totals_of
from certification_lib.rulebook.models import Rule, Severity
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotStatus


@dataclass(frozen=True)
class _Looked:
    """What lines show beside a participant's state."""

    snapshot_dates: dict[int, datetime.datetime]
    findings: dict[int, dict[str, Any]]
    signings: Signings
    names: dict[str, str]
    codes_set_aside: dict[int | None, list[str]]


def event_report(
    key: str, choice: Choice | None = None, *, made_by: str, session: Session, now: datetime.datetime
) -> EventReport:
    """The report of an event that is or was published; NotFound of any other.

    The caller has checked the right Read on Event Report. A chosen participant that the event has not: BadInput.
    """
    choice = choice or Choice()
    event, version, category = _published(key, session)
    state = state_organization(session=session)
    dates = dates_of(version, ZoneInfo(state.time_zone or "UTC"), now)
    states = load_states(_chosen(event, version, choice, session), session=session)
    rules = _rules_set_aside(event.id, {one.participant.id for one in states}, session)
    names = names_of(states, [row.RuleSetAside.set_by for row in rules], session=session)
    looked = _looked(states, rules, names, version, session)
    lines = [_line(one, dates, looked, choice) for one in states]
    standing = tuple(line for line in lines if line.withdrawn_at is None)
    withdrawn = tuple(line for line in lines if line.withdrawn_at is not None)
    header = Header(
        event_key=event.key,
        event_name=version.name,
        category=category.name,
        level=version.level.value,
        school_year=f"{version.reporting_year - 1}-{version.reporting_year % 100:02d}",
        event_status=event.status.value,
        start_date=version.start_date,
        opens_date=version.opens_date,
        end_date=version.end_date,
        count_date=version.count_date,
        snapshot_available=_snapshot_available(event.id, dates.zone, session),
        state_name=state.name,
        time_zone=dates.zone.key,
        made_at=now.astimezone(dates.zone),
        made_by=made_by,
        statuses=tuple(one.value for one in choice.statuses),
        participants=tuple(choice.participants),
        include_reviewers=choice.include_reviewers,
    )
    staff = _staff(category.id, choice, session)
    aside = tuple(_rule_line(row, names, dates.zone) for row in rules)
    return EventReport(header, totals_of(standing, withdrawn), staff, aside, standing, withdrawn)


@dataclass(frozen=True)
class ReportedEvent:
    """An event of which there is a report."""

    key: str
    name: str
    reporting_year: int
    status: EventStatus


def reported_events(*, session: Session) -> list[ReportedEvent]:
    """Every event that is or was published, the latest year first. The caller has checked the right."""
    query = (
        sa.select(Event.key, EventVersion.name, EventVersion.reporting_year, Event.status)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .order_by(EventVersion.reporting_year.desc(), EventVersion.name, Event.key)
    )
    return [ReportedEvent(*row) for row in session.execute(query)]


def _published(key: str, session: Session) -> tuple[Event, EventVersion, Category]:
    query = (
        sa.select(Event, EventVersion, Category)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(Category, Category.id == EventVersion.category_id)
        .where(Event.key == key)
    )
    found = session.execute(query).first()
    if found is None:
        raise NotFound(f"There is no published event {key}. An event that is not published has no report.")
    return found[0], found[1], found[2]


def _chosen(event: Event, version: EventVersion, choice: Choice, session: Session) -> list[int]:
    query = sa.select(Participant.id, Participant.organization_number).where(Participant.event_id == event.id)
    if choice.participants:
        query = query.where(Participant.organization_number.in_(set(choice.participants)))
    rows = session.execute(query.where(Participant.status.in_(choice.statuses)) if choice.statuses else query).all()
    if choice.participants:
        _refuse_unknown(event, version, choice, session)
    return [row.id for row in rows]


def _refuse_unknown(event: Event, version: EventVersion, choice: Choice, session: Session) -> None:
    known = session.scalars(
        sa.select(Participant.organization_number).where(
            Participant.event_id == event.id, Participant.organization_number.in_(set(choice.participants))
        )
    )
    missing = sorted(set(choice.participants) - set(known))
    if missing:
        raise BadInput("; ".join(f"{version.name} has no participant {number}" for number in missing) + ".")


def _looked(
    states: Collection[State],
    rules: Sequence[sa.Row[RuleSetAside, str, str | None, str | None]],
    names: dict[str, str],
    version: EventVersion,
    session: Session,
) -> _Looked:
    shown = {revision_id for one in states if (revision_id := shown_revision_id(one)) is not None}
    revisions = session.execute(sa.select(Revision.id, Revision.source_as_of).where(Revision.id.in_(shown)))
    results = finding_results(shown, version.id, session=session)
    codes: dict[int | None, list[str]] = defaultdict(list)
    for row in rules:
        codes[row.RuleSetAside.participant_id].append(row.code)
    return _Looked(
        snapshot_dates={row.id: row.source_as_of for row in revisions},
        findings={revision_id: finding_counts(results.get(revision_id, ())) for revision_id in shown},
        signings=signings_of([one.round.id for one in states], session=session),
        names=names,
        codes_set_aside=codes,
    )


def _line(state: State, dates: Dates, looked: _Looked, choice: Choice) -> ParticipantLine:
    participant, approval, done = state.participant, state.approval, progress(state.facts)
    revision_id = shown_revision_id(state) or 0
    found = looked.findings.get(revision_id, {})
    extensions = [one for one in state.due_dates if dates.beyond_end(one.due_date)]
    own_due_date = next((one for one in extensions if one.person_id is None), None)
    aside = {*looked.codes_set_aside.get(None, []), *looked.codes_set_aside.get(participant.id, [])}
    return ParticipantLine(
        number=state.number,
        name=state.name,
        lea_number=participant.lea_number,
        lea_name=participant.lea_name,
        status=state_words(state.facts),
        certification=f"{done.certified} of {done.certifiers} certified",
        certified=done.certified,
        certifiers=done.certifiers,
        round=state.round.number,
        snapshot_date=local(looked.snapshot_dates.get(revision_id), dates.zone),
        timeliness=timeliness(state, dates, looked.signings),
        due_date=own_due_date.due_date if own_due_date else None,
        extended_by=looked.names.get(own_due_date.given_by, own_due_date.given_by) if own_due_date else None,
        extension_reason=own_due_date.reason if own_due_date else None,
        approved_at=local(approval.approved_at, dates.zone) if approval else None,
        approved_by=looked.names.get(approval.approved_by, approval.approved_by) if approval else None,
        approval_reason=approval.reason if approval else None,
        errors=found.get(Severity.ERROR.value, 0),
        warnings=found.get(Severity.WARNING.value, 0),
        information=found.get(Severity.INFO.value, 0),
        could_not_run=tuple(found.get(COULD_NOT_RUN, ())),
        rules_set_aside=tuple(sorted(aside)),
        withdrawn_at=local(participant.withdrawn_at, dates.zone),
        withdrawn_reason=participant.withdrawn_reason,
        people=person_lines(state, dates, looked.signings, looked.names, include_reviewers=choice.include_reviewers),
    )


def _rules_set_aside(
    event_id: int, participant_ids: Collection[int], session: Session
) -> Sequence[sa.Row[RuleSetAside, str, str | None, str | None]]:
    """Those still set aside, for the event or for one of the participants, by rule."""
    query = (
        sa.select(RuleSetAside, Rule.code, Participant.organization_number, Participant.organization_name)
        .join(Rule, Rule.id == RuleSetAside.rule_id)
        .outerjoin(Participant, Participant.id == RuleSetAside.participant_id)
        .where(
            RuleSetAside.event_id == event_id,
            RuleSetAside.ended_at.is_(None),
            sa.or_(RuleSetAside.participant_id.is_(None), RuleSetAside.participant_id.in_(participant_ids)),
        )
        .order_by(Rule.code, Participant.organization_number.nulls_first(), RuleSetAside.id)
    )
    return session.execute(query).all()


def _rule_line(
    row: sa.Row[RuleSetAside, str, str | None, str | None], names: dict[str, str], zone: ZoneInfo
) -> RuleLine:
    aside, code, number, name = row
    return RuleLine(
        rule=code,
        participant=f"{number} {name}" if number else None,
        reason=aside.reason,
        set_aside_by=names.get(aside.set_by, aside.set_by),
        set_aside_at=aside.set_at.astimezone(zone),
    )


def _staff(category_id: int, choice: Choice, session: Session) -> tuple[StaffLine, ...]:
    return tuple(
        StaffLine(
            name=one.name,
            title=one.title,
            role=one.role.value,
            status=one.status.value,
            state_staff_id=one.state_staff_id,
            email=one.email,
        )
        for one in state_members(category_id, session=session)
        if choice.include_reviewers or one.role is not CategoryRole.REVIEWER
    )


def _snapshot_available(event_id: int, zone: ZoneInfo, session: Session) -> datetime.date | None:
    first = session.scalar(
        sa.select(sa.func.min(Snapshot.finished_at)).where(
            Snapshot.event_id == event_id, Snapshot.status == SnapshotStatus.COMPLETED
        )
    )
    return local_day(first, zone) if first else None
