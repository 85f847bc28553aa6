"""What each validation run did and found: who asked, on whose data, with which rules, how long, what could not run."""

import datetime
import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.models import Person
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.validation.models import (
    ValidationResult,
    ValidationRun,
    ValidationRunRule,
    ValidationRunView,
    ValidationStatus,
)
from certification_lib.validation.worklist import SEVERITIES


@dataclass(frozen=True)
class RunLine:
    """One run in a list."""

    id: int
    status: ValidationStatus
    snapshot_id: int | None
    participants: int | None
    """How many were chosen; None: all of the event."""
    requested_by: str
    """The person's name; `system` where a schedule asked."""
    requested_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    rule_set_hash: str
    event_version: int
    failure: str | None
    rules: int
    findings: int
    could_not_run: int
    """Rules without a result."""

    @property
    def seconds(self) -> float | None:
        """From its start to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class RunRule:
    """What one rule gave. `seconds` are those of a pass that counted `rules_in_pass` rules together."""

    code: str
    version: int
    title: str
    severity: Severity
    view: str
    finding_count: int | None
    participants_with_findings: int
    could_not_run: str | None
    seconds: float | None
    rules_in_pass: int | None


@dataclass(frozen=True)
class RunSuite:
    """What Great Expectations says of one suite: one view, all rules on it."""

    view: str
    statewide: bool
    row_count: int
    seconds: float
    evaluated_expectations: int
    successful_expectations: int
    unsuccessful_expectations: int


@dataclass(frozen=True)
class RunReport:
    """Everything about one run."""

    line: RunLine
    rules: tuple[RunRule, ...]
    """First those that could not run, then the severest and the most findings."""
    suites: tuple[RunSuite, ...]
    chosen: tuple[tuple[str, str], ...]
    """(number, name) of the participants chosen, at most `NAMED`; empty: all."""


NAMED = 200


def runs(
    event_id: int,
    *,
    participant_id: int | None = None,
    before: int | None = None,
    offset: int = 0,
    limit: int = 50,
    session: Session,
) -> list[RunLine]:
    """Runs of an event, the newest first; of one participant: those that looked at its data."""
    query = _newest()
    if participant_id is not None:
        query = query.where(_concerns(participant_id))
    if before is not None:
        query = query.where(ValidationRun.id < before)
    given = {"event_id": event_id, "offset": offset, "limit": limit}
    return [_line(row) for row in session.execute(query, given)]


@functools.cache
def _newest() -> sa.Select[*tuple[Any, ...]]:
    query = _lines().where(ValidationRun.event_id == sa.bindparam("event_id")).order_by(ValidationRun.id.desc())
    return query.offset(sa.bindparam("offset")).limit(sa.bindparam("limit"))


def run_count(event_id: int, *, session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).where(ValidationRun.event_id == event_id)) or 0


def run_report(event_id: int, run_id: int, *, session: Session) -> RunReport:
    """One run of this event; NotFound for any other."""
    row = session.execute(_lines().where(ValidationRun.event_id == event_id, ValidationRun.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such run of the rules.")
    suites = sa.select(ValidationRunView).where(ValidationRunView.validation_run_id == run_id)
    return RunReport(
        line=_line(row),
        rules=tuple(_rules(run_id, session=session)),
        suites=tuple(
            RunSuite(
                one.view,
                one.statewide,
                one.row_count,
                one.seconds,
                one.evaluated_expectations,
                one.successful_expectations,
                one.unsuccessful_expectations,
            )
            for one in session.scalars(suites.order_by(ValidationRunView.view, ValidationRunView.statewide))
        ),
        chosen=_named(row.participant_ids or (), session=session),
    )


def is_being_validated(participant_id: int, event_id: int, *, session: Session) -> bool:
    """Whether a run that looks at this participant's data waits or is at work."""
    open_run = sa.exists().where(
        ValidationRun.event_id == event_id,
        ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
        _concerns(participant_id),
    )
    return bool(session.scalar(sa.select(open_run)))


def last_checked(revision_id: int, *, session: Session) -> datetime.datetime | None:
    """When a run that wrote about this revision last ended; None: no rule ran on it."""
    query = (
        sa.select(sa.func.max(ValidationRun.finished_at))
        .join(ValidationResult, ValidationResult.validation_run_id == ValidationRun.id)
        .where(ValidationResult.revision_id == revision_id)
    )
    return session.scalar(query)


def _concerns(participant_id: int) -> sa.ColumnElement[bool]:
    ids = ValidationRun.participant_ids
    return sa.or_(ids.is_(None), sa.literal(participant_id) == sa.any_(ids))


def _lines() -> sa.Select[*tuple[Any, ...]]:
    of_run = ValidationRunRule.validation_run_id == ValidationRun.id
    totals = (
        sa.select(
            sa.func.count().label("rules"),
            sa.cast(sa.func.coalesce(sa.func.sum(ValidationRunRule.finding_count), 0), sa.BigInteger).label("findings"),
            sa.func.count(ValidationRunRule.could_not_run).label("could_not_run"),
        )
        .where(of_run)
        .lateral("totals")
    )
    asker = sa.select(Person.name).where(Person.username == ValidationRun.requested_by).scalar_subquery()
    return (
        sa.select(
            ValidationRun.id,
            ValidationRun.status,
            ValidationRun.snapshot_id,
            ValidationRun.participant_ids,
            sa.func.coalesce(asker, ValidationRun.requested_by).label("requested_by"),
            ValidationRun.requested_at,
            ValidationRun.started_at,
            ValidationRun.finished_at,
            ValidationRun.rule_set_hash,
            EventVersion.number.label("event_version"),
            ValidationRun.failure,
            totals.c.rules,
            totals.c.findings,
            totals.c.could_not_run,
        )
        .join(EventVersion, EventVersion.id == ValidationRun.event_version_id)
        .join(Event, Event.id == ValidationRun.event_id)
        .join(totals, sa.true())
    )


def _line(row: sa.Row[*tuple[Any, ...]]) -> RunLine:
    values = dict(row._mapping)  # noqa: SLF001  the public name of a row's columns
    chosen: Collection[int] | None = values.pop("participant_ids")
    return RunLine(participants=None if chosen is None else len(chosen), **values)


def _rules(run_id: int, *, session: Session) -> list[RunRule]:
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Rule.code,
            RuleVersion.version,
            RuleVersion.title,
            RuleVersion.severity,
            RuleVersion.view,
            ValidationRunRule.finding_count,
            ValidationRunRule.participants_with_findings,
            ValidationRunRule.could_not_run,
            ValidationRunRule.seconds,
            ValidationRunRule.rules_in_pass,
        )
        .join(RuleVersion, RuleVersion.id == ValidationRunRule.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationRunRule.validation_run_id == run_id)
    )
    found = [RunRule(*row) for row in session.execute(query)]
    return sorted(
        found,
        key=lambda one: (
            one.could_not_run is None,
            SEVERITIES[one.severity],
            -(one.finding_count or 0),
            one.code,
        ),
    )


def _named(participant_ids: Sequence[int], *, session: Session) -> tuple[tuple[str, str], ...]:
    if not participant_ids:
        return ()
    query = (
        sa.select(Participant.organization_number, Participant.organization_name)
        .where(Participant.id.in_(participant_ids))
        .order_by(Participant.organization_number)
        .limit(NAMED)
    )
    return tuple((number, name) for number, name in session.execute(query))
