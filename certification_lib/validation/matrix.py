"""Participants by rules: the counts of a whole event on one page, for the state. Counts only, never rows."""

import dataclasses
import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventVersionRule, Participant, ParticipantStatus
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.validation.models import ValidationResult
from certification_lib.validation.worklist import SEVERITIES


class MatrixOrder(enum.StrEnum):
    """How the participants are ordered."""

    FINDINGS = "findings"
    ERRORS = "errors"
    NAME = "name"
    NUMBER = "number"


@dataclass(frozen=True)
class MatrixFilter:
    """Which rules are columns and which participants are rows. Empty: all."""

    severities: Collection[Severity] = ()
    codes: Collection[str] = ()
    area: str | None = None
    """The part of a rule's code before the dash."""
    search: str = ""
    """In the name or number of a participant."""
    only_with_findings: bool = True
    """Rules and participants with nothing to show are left out; what could not run is something to show."""
    order: MatrixOrder = MatrixOrder.FINDINGS


@dataclass(frozen=True)
class MatrixRule:
    """A column: the rule over the revisions shown of all participants that take part."""

    rule_id: int
    code: str
    title: str
    severity: Severity
    findings: int
    participants: int
    could_not_run: int
    """For how many participants."""


@dataclass(frozen=True)
class MatrixCell:
    finding_count: int | None
    could_not_run: str | None


@dataclass(frozen=True)
class MatrixRow:
    """A participant; the sums are over all rules of the filter, the cells those of the columns shown."""

    participant_id: int
    number: str
    name: str
    lea_name: str | None
    """None where the participant is the LEA itself."""
    findings: int
    errors: int
    could_not_run: int
    validated: bool
    """False: nothing ran on its data, or it has none."""
    cells: dict[int, MatrixCell] = dataclasses.field(default_factory=dict)
    """By rule; a rule without a cell did not run on the participant's data."""


@dataclass(frozen=True)
class Matrix:
    rules: tuple[MatrixRule, ...]
    """Every rule of the filter, those with the most to do first."""
    columns: tuple[MatrixRule, ...]
    rows: tuple[MatrixRow, ...]
    total_rows: int


def matrix_rules(event_id: int, *, session: Session) -> list[MatrixRule]:
    """Every rule of the published event that ran; first those that could not run, then the severest and the most."""
    of_rule = _results(event_id).subquery("result")
    findings = sa.func.coalesce(sa.func.sum(of_rule.c.finding_count), 0)
    totals = (
        sa.select(
            of_rule.c.rule_id,
            sa.func.max(of_rule.c.rule_version_id).label("newest"),
            sa.cast(findings, sa.BigInteger).label("findings"),
            sa.func.count().filter(of_rule.c.finding_count > 0).label("participants"),
            sa.func.count().filter(of_rule.c.could_not_run.is_not(None)).label("could_not_run"),
        )
        .group_by(of_rule.c.rule_id)
        .subquery("totals")
    )
    query = (
        sa.select(
            Rule.id,
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            totals.c.findings,
            totals.c.participants,
            totals.c.could_not_run,
        )
        .join(RuleVersion, RuleVersion.id == totals.c.newest)
        .join(Rule, Rule.id == totals.c.rule_id)
    )
    found = [MatrixRule(*row) for row in session.execute(query)]
    return sorted(found, key=lambda one: (not one.could_not_run, SEVERITIES[one.severity], -one.findings, one.code))


def matrix(
    event_id: int,
    where: MatrixFilter,
    *,
    rules: Sequence[MatrixRule],
    first_rule: int = 0,
    columns: int = 10,
    offset: int = 0,
    limit: int = 50,
    session: Session,
) -> Matrix:
    """A page of the matrix: three statements, however many participants and rules there are.

    `rules` are those of `matrix_rules`. A result counts on the revision that the state is shown: the certified one,
    else the current.
    """
    wanted = tuple(rule for rule in rules if _wanted(rule, where))
    shown = wanted[first_rule : first_rule + columns]
    participants = _participants(event_id, where, [rule.rule_id for rule in wanted])
    total = session.scalar(sa.select(sa.func.count()).select_from(participants.subquery())) or 0
    page = [
        MatrixRow(*row) for row in session.execute(participants.order_by(*_order(where)).offset(offset).limit(limit))
    ]
    cells = _cells(event_id, [row.participant_id for row in page], [rule.rule_id for rule in shown], session=session)
    filled = tuple(dataclasses.replace(row, cells=cells.get(row.participant_id, {})) for row in page)
    return Matrix(wanted, shown, filled, total)


def area_of(code: str) -> str:
    return code.partition("-")[0]


def _wanted(rule: MatrixRule, where: MatrixFilter) -> bool:
    return (
        (not where.severities or rule.severity in where.severities)
        and (not where.codes or rule.code in where.codes)
        and (where.area is None or area_of(rule.code) == where.area)
        and (not where.only_with_findings or bool(rule.findings or rule.could_not_run))
    )


def _shown_revision() -> sa.ColumnElement[int | None]:
    return sa.func.coalesce(Participant.certified_revision_id, Participant.current_revision_id)


def _results(event_id: int) -> sa.Select[int, int, int, Severity, int | None, str | None]:
    """The newest result of every rule that counts now, on every revision shown."""
    pinned = (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .join(Event, Event.live_version_id == EventVersionRule.event_version_id)
        .where(Event.id == event_id)
    )
    return (
        sa.select(
            Participant.id.label("participant_id"),
            RuleVersion.rule_id,
            RuleVersion.id.label("rule_version_id"),
            RuleVersion.severity,
            ValidationResult.finding_count,
            ValidationResult.could_not_run,
        )
        .join(ValidationResult, ValidationResult.revision_id == _shown_revision())
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .where(
            Participant.event_id == event_id,
            Participant.status != ParticipantStatus.WITHDRAWN,
            RuleVersion.rule_id.in_(pinned),
        )
        .ext(distinct_on(Participant.id, RuleVersion.rule_id))
        .order_by(Participant.id, RuleVersion.rule_id, RuleVersion.version.desc())
    )


def _participants(
    event_id: int, where: MatrixFilter, rule_ids: Sequence[int]
) -> sa.Select[int, str, str, str | None, int, int, int, bool]:
    result = _results(event_id).where(RuleVersion.rule_id.in_(rule_ids)).subquery("result")
    findings = sa.cast(sa.func.coalesce(sa.func.sum(result.c.finding_count), 0), sa.BigInteger)
    errors = sa.func.sum(result.c.finding_count).filter(result.c.severity == Severity.ERROR)
    could_not_run = sa.func.count().filter(result.c.could_not_run.is_not(None))
    is_lea = Participant.organization_id == Participant.lea_id
    query = (
        sa.select(
            Participant.id,
            Participant.organization_number,
            Participant.organization_name,
            sa.case((~is_lea, Participant.lea_name), else_=sa.null()).label("lea_name"),
            findings.label("findings"),
            sa.cast(sa.func.coalesce(errors, 0), sa.BigInteger).label("errors"),
            could_not_run.label("could_not_run"),
            (sa.func.count(result.c.rule_id) > 0).label("validated"),
        )
        .outerjoin(result, result.c.participant_id == Participant.id)
        .where(Participant.event_id == event_id, Participant.status != ParticipantStatus.WITHDRAWN)
        .group_by(Participant.id)
    )
    text = where.search.strip().replace("\0", "")  # which PostgreSQL could not even compare
    if text:
        named = (Participant.organization_name, Participant.organization_number)
        query = query.where(sa.or_(*(column.icontains(text, autoescape=True) for column in named)))
    if where.only_with_findings:
        query = query.having(sa.or_(findings > 0, could_not_run > 0))
    return query


def _order(where: MatrixFilter) -> list[sa.ColumnElement[Any]]:
    number: sa.ColumnElement[Any] = sa.asc(sa.literal_column("organization_number"))
    first: dict[MatrixOrder, list[sa.ColumnElement[Any]]] = {
        MatrixOrder.FINDINGS: [sa.desc(sa.literal_column("findings"))],
        MatrixOrder.ERRORS: [sa.desc(sa.literal_column("errors")), sa.desc(sa.literal_column("findings"))],
        MatrixOrder.NAME: [sa.asc(sa.literal_column("organization_name"))],
        MatrixOrder.NUMBER: [],
    }
    return [*first[where.order], number]


def _cells(
    event_id: int, participant_ids: Sequence[int], rule_ids: Sequence[int], *, session: Session
) -> dict[int, dict[int, MatrixCell]]:
    query = _results(event_id).where(Participant.id.in_(participant_ids), RuleVersion.rule_id.in_(rule_ids))
    cells: dict[int, dict[int, MatrixCell]] = {}
    for row in session.execute(query):
        cells.setdefault(row.participant_id, {})[row.rule_id] = MatrixCell(row.finding_count, row.could_not_run)
    return cells
