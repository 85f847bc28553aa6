"""Which rows of Certification Status, and in which order: decided by the database, also for ten thousand schools."""

import datetime
import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.certification.models import Round
from certification_lib.certification.progress_filter import (
    certified_share,
    due_date_of,
    progress_condition,
    what_counts,
)
from certification_lib.database import among_given, constant
from certification_lib.errors import BadInput
from certification_lib.events.models import EventVersion, Participant, ParticipantStatus
from certification_lib.people.models import Organization
from certification_lib.rulebook.models import RuleVersion, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.counted import FOUND_SOMETHING, SAYS_SOMETHING, SHOWN, is_pinned, newest_only
from certification_lib.validation.models import ValidationResult

Condition = sa.ColumnElement[bool]
Order = list[sa.SQLColumnExpression[Any]]

FINDINGS = ("has errors", "has warnings", "could not run", "no findings")
SIZES: Mapping[str, tuple[int, int | None]] = {
    "no rows": (0, 0),
    "fewer than 1,000 rows": (1, 999),
    "1,000 to 9,999 rows": (1_000, 9_999),
    "10,000 rows or more": (10_000, None),
}
SORTS = ("number", "name", "status", "progress", "snapshot date", "findings", "due date")


@dataclass(frozen=True)
class ParticipantFilter:
    """Which rows of Certification Status: any of `statuses`, name or number containing `search`, county, region,
    `progress` a word of PROGRESS_FILTERS, `findings` of FINDINGS, and `size` of SIZES, both in the revision shown.

    `sort` is a word of SORTS, with a minus before it the other way round.
    """

    statuses: Collection[ParticipantStatus] = ()
    search: str = ""
    county: str | None = None
    region: str | None = None
    lea_number: str | None = None
    progress: str | None = None
    findings: str | None = None
    size: str | None = None
    sort: str = "number"


def matching(
    version: EventVersion, where: ParticipantFilter, now: datetime.datetime, *, session: Session
) -> sa.Select[int]:
    """Ids of the participants, in no order. BadInput for a word that is no filter."""
    query = (
        sa.select(Participant.id)
        .join(Organization, Organization.id == Participant.organization_id)
        .where(constant(Participant.event_id, version.event_id))
    )
    if where.statuses:
        query = query.where(constant(Participant.status, *where.statuses))
    if where.search.strip():
        query = query.where(_named(where.search.strip()))
    for column, wanted in (
        (Organization.county, where.county),
        (Organization.region, where.region),
        (Participant.lea_number, where.lea_number),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if where.progress is not None:
        query = query.where(progress_condition(where.progress, version, now, session=session))
    if where.findings is not None:
        query = query.where(_with_findings(where.findings, version.event_id))
    if where.size is not None:
        query = query.where(_of_size(where.size))
    return query


def sorted_as(query: sa.Select[int], sort: str, version: EventVersion) -> sa.Select[int]:
    """The same participants in order, of equal ones by number. BadInput for a word that is no order."""
    word = sort.removeprefix("-")
    if word not in _ORDERS:
        raise BadInput(f"Sort by {', '.join(SORTS)}, not {sort}.")
    query, columns = _ORDERS[word](query, version)
    ways = [column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_first() for column in columns]
    return query.order_by(*ways, Participant.organization_number)


_PLACES = (
    sa.select(Organization.county, Organization.region)
    .join(Participant, Participant.organization_id == Organization.id)
    .where(Participant.event_id == sa.bindparam("event_id"))
    .distinct()
)


def places(event_id: int, *, session: Session) -> tuple[list[str], list[str]]:
    """Counties and regions of an event's participants, for the choices of the filter."""
    found = session.execute(_PLACES, {"event_id": event_id}).all()
    return sorted({row.county for row in found if row.county}), sorted({row.region for row in found if row.region})


@functools.lru_cache(1024)
def finding_totals(event_id: int) -> sa.Select[int, int, int, int]:
    """(revision, errors, warnings, could_not_run) of the revisions whose ids are given as `revisions`, by the newest
    version of each rule that ran."""
    return _sums(_results(event_id).where(among_given(ValidationResult.revision_id, "revisions")))


@functools.lru_cache(1024)
def _finding_totals_of_all(event_id: int) -> sa.Subquery:
    """The same of all revisions shown; one on which nothing was found is left out."""
    # Joined, not looked up in a list: the planner takes such a list for short and looks up each of thousands.
    part = aliased(Participant)
    shown = sa.func.coalesce(part.certified_revision_id, part.current_revision_id)
    results = _results(event_id).join(part, shown == ValidationResult.revision_id)
    return _sums(results.where(constant(part.event_id, event_id), SAYS_SOMETHING)).subquery("finding_totals")


def _sums(results: sa.Select[int]) -> sa.Select[int, int, int, int]:
    return results.with_only_columns(
        ValidationResult.revision_id,
        _sum_of(Severity.ERROR).label("errors"),
        _sum_of(Severity.WARNING).label("warnings"),
        sa.func.count().filter(ValidationResult.finding_count.is_(None)).label("could_not_run"),
    ).group_by(ValidationResult.revision_id)


def _sum_of(severity: Severity) -> sa.ColumnElement[int]:
    counted = sa.func.sum(ValidationResult.finding_count).filter(constant(RuleVersion.severity, severity))
    return sa.cast(sa.func.coalesce(counted, 0), sa.BigInteger)


def _named(text: str) -> Condition:
    text = text.replace("\0", "")  # which PostgreSQL could not even compare
    return sa.or_(
        Participant.organization_name.icontains(text, autoescape=True),
        Participant.organization_number.icontains(text, autoescape=True),
    )


@functools.lru_cache(1024)
def _results(event_id: int) -> sa.Select[int]:
    """Results of the rules the event pins; of several versions of one rule on a revision the newest counts."""
    return (
        sa.select(ValidationResult.revision_id)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .where(is_pinned(event_id), newest_only(event_id))
    )


@functools.lru_cache(1024)
def _with_findings(word: str, event_id: int) -> Condition:
    if word not in FINDINGS:
        raise BadInput(f"Findings is one of {', '.join(FINDINGS)}, not {word}.")
    found = FOUND_SOMETHING
    could_not_run = ValidationResult.finding_count.is_(None)
    wanted = {
        "has errors": found & constant(RuleVersion.severity, Severity.ERROR),
        "has warnings": found & constant(RuleVersion.severity, Severity.WARNING),
        "could not run": could_not_run,
        "no findings": found | could_not_run,
    }[word]
    some = _results(event_id).where(wanted, ValidationResult.revision_id == SHOWN).correlate(Participant).exists()
    if word != "no findings":
        return some
    validated = sa.select(Revision.id).where(Revision.id == SHOWN, Revision.validated_at.is_not(None))
    return ~some & validated.correlate(Participant).exists()


def _of_size(word: str) -> Condition:
    if word not in SIZES:
        raise BadInput(f"Size is one of {', '.join(SIZES)}, not {word}.")
    least, most = SIZES[word]
    rows = sa.select(Revision.id).where(Revision.id == SHOWN, Revision.row_count >= least)
    if most is not None:
        rows = rows.where(Revision.row_count <= most)
    return rows.correlate(Participant).exists()


_Ordered = tuple[sa.Select[int], Order]


def _plain(column: sa.SQLColumnExpression[Any]) -> Callable[[sa.Select[int], EventVersion], _Ordered]:
    return lambda query, _version: (query, [column])


def _by_snapshot_date(query: sa.Select[int], _version: EventVersion) -> _Ordered:
    return query.outerjoin(Revision, Revision.id == SHOWN), [Revision.source_as_of]


def _by_findings(query: sa.Select[int], version: EventVersion) -> _Ordered:
    totals = _finding_totals_of_all(version.event_id)
    nothing_found = sa.case((Revision.validated_at.is_not(None), 0))
    columns: Order = [sa.func.coalesce(one, nothing_found) for one in (totals.c.errors, totals.c.warnings)]
    found = query.outerjoin(totals, totals.c.revision_id == SHOWN).outerjoin(Revision, Revision.id == SHOWN)
    return found, columns


def _by_progress(query: sa.Select[int], version: EventVersion) -> _Ordered:
    rounds = sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number)
    return query.join(Round, rounds), [certified_share(what_counts(version))]


def _by_due_date(query: sa.Select[int], version: EventVersion) -> _Ordered:
    return query, [due_date_of(what_counts(version))]


_ORDERS: Mapping[str, Callable[[sa.Select[int], EventVersion], _Ordered]] = {
    "number": _plain(Participant.organization_number),
    "name": _plain(Participant.organization_name),
    "status": _plain(
        sa.case({status: place for place, status in enumerate(ParticipantStatus)}, value=Participant.status)
    ),
    "progress": _by_progress,
    "snapshot date": _by_snapshot_date,
    "findings": _by_findings,
    "due date": _by_due_date,
}
