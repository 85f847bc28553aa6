"""Participants by rules: the counts of a whole event on one page, for the state. Counts only, never rows."""

import dataclasses
import enum
import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import among_given
from certification_lib.events.models import Participant
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.validation.counted import (
    SHOWN,
    is_pinned,
    newest_only,
    results_that_say_something,
    rules_that_ran,
    taking_part,
)
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


class MatrixCell(NamedTuple):
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
    found = [MatrixRule(*row) for row in session.execute(_rules(event_id))]
    return sorted(found, key=lambda one: (not one.could_not_run, SEVERITIES[one.severity], -one.findings, one.code))


@functools.lru_cache(1024)
def _rules(event_id: int) -> sa.Select[*tuple[Any, ...]]:
    of_rule = results_that_say_something(event_id).subquery("result")
    findings = sa.func.coalesce(sa.func.sum(of_rule.c.finding_count), 0)
    totals = (
        sa.select(
            of_rule.c.rule_id,
            sa.cast(findings, sa.BigInteger).label("findings"),
            sa.func.count().filter(of_rule.c.finding_count > 0).label("participants"),
            sa.func.count().filter(of_rule.c.could_not_run.is_not(None)).label("could_not_run"),
        )
        .group_by(of_rule.c.rule_id)
        .subquery("totals")
    )
    ran = rules_that_ran(event_id).subquery("ran_rule")
    return (
        sa.select(
            Rule.id,
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            *(
                sa.func.coalesce(column, 0)
                for column in (totals.c.findings, totals.c.participants, totals.c.could_not_run)
            ),
        )
        .select_from(ran)
        .join(RuleVersion, RuleVersion.id == ran.c.newest)
        .join(Rule, Rule.id == ran.c.rule_id)
        .outerjoin(totals, totals.c.rule_id == ran.c.rule_id)
    )


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
    """A page of the matrix: four statements at most, however many participants and rules there are.

    `rules` are those of `matrix_rules`. A result counts on the revision that the state is shown: the certified one,
    else the current.
    """
    wanted = tuple(rule for rule in rules if _wanted(rule, where))
    shown = wanted[first_rule : first_rule + columns]
    participants = _named(_participants(event_id, where.only_with_findings), where.search)
    given = {"rule_ids": [rule.rule_id for rule in wanted]}
    counted = participants.add_columns(sa.func.count().over().label("total"))
    page = session.execute(counted.order_by(*_order(where)).offset(offset).limit(limit), given).all()
    total = page[0].total if page else None
    if total is None:  # beyond the last page there is no row to say how many there are
        total = session.scalar(sa.select(sa.func.count()).select_from(participants.subquery()), given)
    ids = [row.id for row in page]
    cells = _cells(event_id, ids, [rule.rule_id for rule in shown], session=session)
    silent = [row.id for row in page if not row.findings and not row.could_not_run]
    validated = frozenset(ids) - set(silent)
    if silent:
        validated |= _validated(event_id, silent, [rule.rule_id for rule in wanted], session=session)
    rows = (_row(row, row.id in validated, cells.get(row.id, {})) for row in page)
    return Matrix(wanted, shown, tuple(rows), total or 0)


def _row(row: sa.Row[Any], validated: bool, cells: dict[int, MatrixCell]) -> MatrixRow:
    return MatrixRow(
        participant_id=row.id,
        number=row.organization_number,
        name=row.organization_name,
        lea_name=row.lea_name,
        findings=row.findings,
        errors=row.errors,
        could_not_run=row.could_not_run,
        validated=validated,
        cells=cells,
    )


def area_of(code: str) -> str:
    return code.partition("-")[0]


def _wanted(rule: MatrixRule, where: MatrixFilter) -> bool:
    return (
        (not where.severities or rule.severity in where.severities)
        and (not where.codes or rule.code in where.codes)
        and (where.area is None or area_of(rule.code) == where.area)
        and (not where.only_with_findings or bool(rule.findings or rule.could_not_run))
    )


@functools.lru_cache(1024)
def _participants(event_id: int, only_with_findings: bool) -> sa.Select[int, str, str, str | None, int, int, int]:
    """With their sums over the rules whose ids are given as `rule_ids`."""
    result = results_that_say_something(event_id, some_rules=True).subquery("result")
    findings = sa.cast(sa.func.coalesce(sa.func.sum(result.c.finding_count), 0), sa.BigInteger)
    errors = sa.func.sum(result.c.finding_count).filter(result.c.severity == Severity.ERROR)
    could_not_run = sa.func.count().filter(result.c.could_not_run.is_not(None))
    is_lea = Participant.organization_id == Participant.lea_id
    return (
        sa.select(
            Participant.id,
            Participant.organization_number,
            Participant.organization_name,
            sa.case((~is_lea, Participant.lea_name), else_=sa.null()).label("lea_name"),
            findings.label("findings"),
            sa.cast(sa.func.coalesce(errors, 0), sa.BigInteger).label("errors"),
            could_not_run.label("could_not_run"),
        )
        .join(result, result.c.participant_id == Participant.id, isouter=not only_with_findings)
        .where(taking_part(event_id))
        .group_by(Participant.id)
    )


def _named(
    participants: sa.Select[int, str, str, str | None, int, int, int], search: str
) -> sa.Select[int, str, str, str | None, int, int, int]:
    text = search.strip().replace("\0", "")  # which PostgreSQL could not even compare
    if not text:
        return participants
    named = (Participant.organization_name, Participant.organization_number)
    return participants.where(sa.or_(*(column.icontains(text, autoescape=True) for column in named)))


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
    given = {"participant_ids": participant_ids, "rule_ids": rule_ids}
    cells: dict[int, dict[int, MatrixCell]] = {}
    for participant_id, rule_id, finding_count, could_not_run in session.execute(_results(event_id), given):
        cells.setdefault(participant_id, {})[rule_id] = MatrixCell(finding_count, could_not_run)
    return cells


def _validated(
    event_id: int, participant_ids: Sequence[int], rule_ids: Sequence[int], *, session: Session
) -> frozenset[int]:
    """Those on whose data one of the rules ran, whatever it found."""
    query = _results(event_id).with_only_columns(Participant.id).distinct()
    return frozenset(session.scalars(query, {"participant_ids": participant_ids, "rule_ids": rule_ids}))


@functools.lru_cache(1024)
def _results(event_id: int) -> sa.Select[int, int, int | None, str | None]:
    """All results that count, those of 0 too: for the few participants and rules whose ids are given."""
    return (
        sa.select(Participant.id, RuleVersion.rule_id, ValidationResult.finding_count, ValidationResult.could_not_run)
        .join(ValidationResult, ValidationResult.revision_id == SHOWN)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .where(
            among_given(Participant.id, "participant_ids"),
            among_given(RuleVersion.rule_id, "rule_ids"),
            taking_part(event_id),
            is_pinned(event_id),
            newest_only(event_id),
        )
    )
