"""What a submission rests on: the current revision, its counts, the findings on it and the rules set aside."""

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.attestation import CurrentData
from certification_lib.certification.models import RuleSetAside
from certification_lib.certification.readiness import Blocking
from certification_lib.database import among_given, remembered
from certification_lib.events.models import EventVersion, EventVersionRule, FindingsPolicy, Participant
from certification_lib.rulebook.models import Grain, Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.validation.models import ValidationResult

COULD_NOT_RUN = "could not run"


@dataclass(frozen=True)
class SetAside:
    """A rule that blocks nobody, and why."""

    code: str
    reason: str


@dataclass(frozen=True)
class Counted:
    """One pinned rule's result on a revision."""

    code: str
    severity: Severity
    grain: Grain
    count: int | None


@dataclass(frozen=True)
class Evidence:
    """The current revision of a participant and what is known about it; `revision` None before the first snapshot."""

    revision: Revision | None
    current: CurrentData | None
    results: tuple[Counted, ...]
    set_aside: tuple[SetAside, ...]

    def blocking(self, policy: FindingsPolicy) -> Blocking:
        """What blocks under the event's findings policy."""
        if policy != FindingsPolicy.ERRORS_BLOCK:
            return Blocking()
        aside = {rule.code for rule in self.set_aside}
        return Blocking(
            {
                result.code: result.count
                for result in self.results
                if result.severity == Severity.ERROR
                and result.grain != Grain.STATE
                and result.count
                and result.code not in aside
            }
        )


def load_evidence(participant: Participant, version: EventVersion, *, session: Session) -> Evidence:
    """Look up everything a submission of this participant would rest on."""
    return load_evidence_of([participant], version, session=session)[participant.id]


_REVISIONS = sa.select(Revision).where(among_given(Revision.id)).execution_options(populate_existing=True)


def revisions_by_id(revision_ids: Collection[int], *, session: Session) -> Sequence[Revision]:
    """These revisions, as they are in the database now, in no order."""
    ids = frozenset(revision_ids)
    if not ids:
        return ()
    look_up = functools.partial(session.scalars, _REVISIONS, {"ids": list(ids)})
    return remembered(("revisions", ids), lambda: look_up().all(), session=session)


def load_evidence_of(
    participants: Collection[Participant], version: EventVersion, *, session: Session
) -> dict[int, Evidence]:
    """The same of many participants of one event, by participant id, in a fixed number of statements."""
    ids = [one.current_revision_id for one in participants if one.current_revision_id]
    revisions = {revision.participant_id: revision for revision in revisions_by_id(ids, session=session)}
    results = finding_results(ids, version.id, session=session) if ids else {}
    counts = row_counts(ids, session=session) if ids else {}
    # An event without rules has nothing to wait for.
    waiting = any(revision.validated_at is None for revision in revisions.values())
    nothing_to_run = waiting and not _has_rules(version.id, session=session)
    aside = _set_aside_of(participants, session=session)
    evidence = {}
    for one in participants:
        revision = revisions.get(one.id)
        if revision is None:
            evidence[one.id] = Evidence(None, None, (), aside[one.id])
            continue
        current = CurrentData(
            number=revision.number,
            digest=revision.digest,
            row_counts=counts.get(revision.id, {}),
            validated=revision.validated_at is not None or nothing_to_run,
        )
        evidence[one.id] = Evidence(revision, current, results.get(revision.id, ()), aside[one.id])
    return evidence


def rules_set_aside(event_id: int, participant_id: int | None, *, session: Session) -> tuple[SetAside, ...]:
    """Rules set aside for the event, and for the participant when one is named."""
    rows = _rows_set_aside([event_id], [participant_id] if participant_id is not None else [], session=session)
    return tuple(SetAside(code, reason) for code, reason, _, _ in rows)


def _set_aside_of(participants: Collection[Participant], *, session: Session) -> dict[int, tuple[SetAside, ...]]:
    rows = _rows_set_aside({one.event_id for one in participants}, [one.id for one in participants], session=session)
    return {
        one.id: tuple(
            SetAside(code, reason)
            for code, reason, event_id, participant_id in rows
            if event_id == one.event_id and participant_id in {None, one.id}
        )
        for one in participants
    }


def _rows_set_aside(
    event_ids: Collection[int], participant_ids: Collection[int], *, session: Session
) -> Sequence[sa.Row[str, str, int, int | None]]:
    given = {"events": list(event_ids), "participants": list(participant_ids)}
    return session.execute(_SET_ASIDE, given).all()


_SET_ASIDE = (
    sa.select(Rule.code, RuleSetAside.reason, RuleSetAside.event_id, RuleSetAside.participant_id)
    .join(Rule, Rule.id == RuleSetAside.rule_id)
    .where(
        among_given(RuleSetAside.event_id, "events"),
        RuleSetAside.ended_at.is_(None),
        sa.or_(RuleSetAside.participant_id.is_(None), among_given(RuleSetAside.participant_id, "participants")),
    )
    .order_by(Rule.code, RuleSetAside.id)
)


def row_counts(revision_ids: Collection[int], *, session: Session) -> dict[int, dict[str, int]]:
    """{revision: {view: rows}}."""
    found: dict[int, dict[str, int]] = {}
    for revision_id, view, rows in session.execute(_ROW_COUNTS, {"ids": list(revision_ids)}):
        found.setdefault(revision_id, {})[view] = rows
    return found


_ROW_COUNTS = (
    sa.select(RevisionView.revision_id, RevisionView.view, RevisionView.row_count)
    .where(among_given(RevisionView.revision_id))
    .order_by(RevisionView.view)
)


def finding_results(
    revision_ids: Collection[int], version_id: int, *, session: Session
) -> dict[int, tuple[Counted, ...]]:
    """Results of the rules the event pins, by revision.

    A revision signed before a rule was changed keeps what the rule said then: it is not run on it again.
    """
    ids = frozenset(revision_ids)
    look_up = functools.partial(_look_up_results, ids, version_id, session)
    return remembered(("results of the pinned rules", ids, version_id), look_up, session=session)


def _look_up_results(
    revision_ids: Collection[int], version_id: int, session: Session
) -> dict[int, tuple[Counted, ...]]:
    given = {"ids": list(revision_ids), "version_id": version_id}
    found: dict[int, dict[str, Counted]] = {}
    for revision_id, code, severity, grain, count in session.execute(_results(), given):
        found.setdefault(revision_id, {})[code] = Counted(code, severity, grain, count)
    return {revision_id: tuple(results.values()) for revision_id, results in found.items()}


@functools.cache
def _results() -> sa.Select[int, str, Severity, Grain, int | None]:
    pinned = (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .where(EventVersionRule.event_version_id == sa.bindparam("version_id"))
    )
    return (
        sa.select(
            ValidationResult.revision_id,
            Rule.code,
            RuleVersion.severity,
            RuleVersion.grain,
            ValidationResult.finding_count,
        )
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(among_given(ValidationResult.revision_id), Rule.id.in_(pinned))
        .order_by(Rule.code, RuleVersion.version)  # of several versions the newest that ran counts
    )


def finding_counts(results: Collection[Counted]) -> dict[str, Any]:
    """{Error: n, Warning: n, Info: n, "could not run": [codes]}, as a receipt keeps it."""
    counts: dict[str, Any] = {
        severity.value: sum(result.count or 0 for result in results if result.severity == severity)
        for severity in Severity
    }
    counts[COULD_NOT_RUN] = [result.code for result in results if result.count is None]
    return counts


def _has_rules(version_id: int, *, session: Session) -> bool:
    return session.scalar(_A_RULE, {"version_id": version_id}) is not None


_A_RULE = sa.select(sa.literal(1)).where(EventVersionRule.event_version_id == sa.bindparam("version_id")).limit(1)
