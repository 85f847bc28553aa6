"""The state's summary of one event as plain values: participation, timeliness, findings by rule, and last year."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.control_room import DayOfCertifying, control_room, year_before
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, EventVersionRule, Participant
from certification_lib.people.queries import state_organization
from certification_lib.reports.event_report import Total
from certification_lib.reports.reading import event_report
from certification_lib.reports.shown_totals import view_title
from certification_lib.rulebook.models import Rule, RuleVersion
from certification_lib.snapshots.models import RevisionView
from certification_lib.validation.models import ValidationResult


@dataclass(frozen=True)
class RuleTotal:
    """A rule over all participants that were not withdrawn, on the data shown to approvers."""

    rule: str
    title: str
    severity: str
    findings: int
    participants: int
    """With a finding."""
    could_not_run: int
    """Participants for whom it could not run."""


@dataclass(frozen=True)
class Change:
    """A number of this event beside that of the year before; None where there was none."""

    what: str
    now: int
    last_year: int | None

    @property
    def difference(self) -> int | None:
        return None if self.last_year is None else self.now - self.last_year


@dataclass(frozen=True)
class StateSummary:
    event_key: str
    event_name: str
    event_status: str
    category: str
    level: str
    school_year: str
    opens_date: datetime.date | None
    end_date: datetime.date | None
    totals: tuple[Total, ...]
    """Those of the Event Report, with and without participants approved uncertified."""
    statuses: tuple[tuple[str, int], ...]
    participants: int
    """Withdrawn ones not counted."""
    days: tuple[DayOfCertifying, ...]
    findings: tuple[RuleTotal, ...]
    last_year_event: str | None
    last_year_participants: int
    changes: tuple[Change, ...]
    state_name: str
    time_zone: str
    made_at: datetime.datetime
    made_by: str


def state_summary(key: str, *, made_by: str, session: Session, now: datetime.datetime) -> StateSummary:
    """The summary of an event that is or was published; NotFound of any other.

    The caller has checked the right Read on Event Report.
    """
    row = session.execute(
        sa.select(Event, EventVersion)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.key == key)
    ).first()
    if row is None:
        raise NotFound(f"There is no published event {key}. An event that is not published has no report.")
    event, version = row
    whole = event_report(key, made_by=made_by, session=session, now=now)
    room = control_room(event, session=session, now=now)
    if room is None:
        raise NotFound(f"There is no published event {key}. An event that is not published has no report.")
    before = year_before(event, version, session)
    state = state_organization(session=session)
    return StateSummary(
        event_key=event.key,
        event_name=version.name,
        event_status=event.status.value,
        category=whole.header.category,
        level=version.level.value,
        school_year=whole.header.school_year,
        opens_date=version.opens_date,
        end_date=version.end_date,
        totals=whole.totals,
        statuses=tuple((status.value, number) for status, number in room.statuses),
        participants=room.participants,
        days=room.days,
        findings=_findings(event.id, version.id, session),
        last_year_event=room.last_year,
        last_year_participants=room.last_year_participants,
        changes=tuple(_changes(event, before[0] if before else None, session=session, now=now)),
        state_name=state.name,
        time_zone=state.time_zone or "UTC",
        made_at=now.astimezone(ZoneInfo(state.time_zone or "UTC")),
        made_by=made_by,
    )


def _shown() -> sa.ColumnElement[int | None]:
    """The revision shown to approvers."""
    return sa.func.coalesce(Participant.certified_revision_id, Participant.current_revision_id)


def _findings(event_id: int, version_id: int, session: Session) -> tuple[RuleTotal, ...]:
    """The rules that found something or could not run, those with most findings first."""
    pinned = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == version_id)
    findings = sa.cast(sa.func.coalesce(sa.func.sum(ValidationResult.finding_count), 0), sa.BigInteger)
    not_run = sa.func.count().filter(ValidationResult.finding_count.is_(None))
    query = (
        sa.select(
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            findings,
            sa.func.count(Participant.id.distinct()).filter(ValidationResult.finding_count > 0),
            not_run,
        )
        .select_from(Participant)
        .join(ValidationResult, ValidationResult.revision_id == _shown())
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(Participant.event_id == event_id, Participant.withdrawn_at.is_(None), RuleVersion.id.in_(pinned))
        .group_by(Rule.code, RuleVersion.title, RuleVersion.severity)
        .having(sa.or_(findings > 0, not_run > 0))
        .order_by(findings.desc(), Rule.code)
    )
    return tuple(RuleTotal(row[0], row[1], row[2].value, row[3] or 0, row[4], row[5]) for row in session.execute(query))


def _changes(event: Event, before: Event | None, *, session: Session, now: datetime.datetime) -> list[Change]:
    here = _numbers(event, session=session, now=now)
    there = _numbers(before, session=session, now=now) if before else {}
    return [Change(what, number, there.get(what) if before else None) for what, number in here.items()]


def _numbers(event: Event, *, session: Session, now: datetime.datetime) -> dict[str, int]:
    room = control_room(event, session=session, now=now)
    if room is None:
        return {}
    found = {
        "Participants": room.participants,
        "Participants that certified": room.days[-1].certified if room.days else 0,
        "Participants approved": room.approved,
    }
    found |= {f"Findings of severity {one.severity.value}": one.findings for one in room.findings}
    return found | {f"Rows: {view_title(view)}": rows for view, rows in _rows(event.id, session)}


def _rows(event_id: int, session: Session) -> Sequence[sa.Row[str, int]]:
    query = (
        sa.select(RevisionView.view, sa.cast(sa.func.sum(RevisionView.row_count), sa.BigInteger))
        .join(Participant, _shown() == RevisionView.revision_id)
        .where(Participant.event_id == event_id, Participant.withdrawn_at.is_(None))
        .group_by(RevisionView.view)
        .order_by(RevisionView.view)
    )
    return session.execute(query).all()
