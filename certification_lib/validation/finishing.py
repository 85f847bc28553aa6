"""The end of a validation run: nothing is left unsaid, the revisions count as validated, the run schema goes."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import Event, EventVersion, EventVersionRule
from certification_lib.rulebook.models import Rule, RuleVersion
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationRunRule, ValidationStatus
from certification_lib.validation.rules import refusals
from certification_lib.validation.run_schema import drop_schemas_of, pinned_table, schema_of

NOT_REACHED = "the validation of its view did not finish"


@dataclass(frozen=True)
class RuleThatCouldNotRun:
    """Something the approvers are told about."""

    code: str
    title: str
    reason: str
    participants: int


@dataclass(frozen=True)
class FinishedValidation:
    """What a finished run found; ids, counts and words of ours only."""

    run_id: int
    event_id: int
    status: ValidationStatus
    rules: int
    participants: int
    findings: int
    could_not_run: tuple[RuleThatCouldNotRun, ...]

    def as_row(self) -> dict[str, Any]:
        return {
            "run": self.run_id,
            "status": self.status.value,
            "rules": self.rules,
            "participants": self.participants,
            "findings": self.findings,
            "could not run": ", ".join(rule.code for rule in self.could_not_run),
        }


def finish_validation(
    run_id: int, *, session: Session, now: datetime.datetime, only: Collection[int] | None = None
) -> FinishedValidation:
    """End a run, once; called again, it returns the same. `only`: the rule versions the answer is about, None for all.

    A rule nobody got to is stored as could not run, never left out: what has no result would look like no finding. The
    run then counts as failed, but its revisions as validated: the participants cannot mend it and must not wait. A run
    that other rules have overtaken leaves them as they are: one with those rules follows.
    """
    # The event is held first, as by publishing: its rules must not change while they are compared.
    of_run = sa.select(Event.live_version_id).join(ValidationRun, ValidationRun.event_id == Event.id)
    live_version_id = session.scalar(of_run.where(ValidationRun.id == run_id).with_for_update(read=True, of=Event))
    run = session.get(ValidationRun, run_id, with_for_update=True)
    if run is None:
        raise NotFound(f"There is no validation run {run_id}.")
    if run.status is ValidationStatus.REQUESTED:
        raise Conflict("This validation run has not been started.")
    if run.status is ValidationStatus.RUNNING:
        _end(run, live_version_id, session=session, now=now)
    return _finished(run, only, session=session)


def _end(run: ValidationRun, live_version_id: int | None, *, session: Session, now: datetime.datetime) -> None:
    version = session.get_one(EventVersion, run.event_version_id)
    pinned = pinned_table(schema_of(run.id))
    linked = pinned_rules(version.id, session=session)
    refused = refusals(version.level, linked, count_date=version.count_date, views=version.datamart_views)
    reasons = {rule.rule_version_id: refused.get(rule.rule_version_id, NOT_REACHED) for rule in linked}
    missed = _store_missing(run.id, pinned, reasons, session=session)
    _report_missing(run.id, reasons, session=session)
    if _covers(live_version_id, {rule.rule_version_id for rule in linked}, session=session):
        session.execute(
            sa.update(Revision).where(Revision.id.in_(sa.select(pinned.c.revision_id))).values(validated_at=now)
        )
    views = sorted({rule.view for rule in linked if reasons[rule.rule_version_id] == NOT_REACHED} & missed)
    run.status = ValidationStatus.FAILED if views else ValidationStatus.COMPLETED
    run.failure = f"the validation of {', '.join(views)} did not finish" if views else None
    run.finished_at = now
    session.flush()  # the status changes with the schema
    drop_schemas_of(run.id, session=session)


def _covers(live_version_id: int | None, ran: Collection[int], *, session: Session) -> bool:
    """Whether the run had every rule that counts now; other rules may have been published since it began."""
    count = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == live_version_id)
    return set(session.scalars(count)) <= set(ran)


def _store_missing(run_id: int, pinned: sa.Table, reasons: dict[int, str], *, session: Session) -> set[str]:
    """Write "could not run" where no run has a result of the rule on the revision; the views concerned."""
    if not reasons:
        return set()
    rule = sa.values(sa.column("rule_version_id", sa.BigInteger), sa.column("reason", sa.Text), name="rule").data(
        list(reasons.items())
    )
    there = sa.exists().where(
        ValidationResult.revision_id == pinned.c.revision_id,
        ValidationResult.rule_version_id == rule.c.rule_version_id,
    )
    missing = (
        sa.select(pinned.c.revision_id, rule.c.rule_version_id, sa.literal(run_id), sa.null(), rule.c.reason)
        .select_from(pinned.join(rule, sa.true()))
        .where(~there)  # most are: trying to write them all takes many times as long
    )
    columns = ["revision_id", "rule_version_id", "validation_run_id", "finding_count", "could_not_run"]
    insert = sa.dialects.postgresql.insert(ValidationResult).from_select(columns, missing).on_conflict_do_nothing()
    written = set(session.scalars(insert.returning(ValidationResult.rule_version_id)))
    return set(session.scalars(sa.select(RuleVersion.view).where(RuleVersion.id.in_(written))))


def _report_missing(run_id: int, reasons: dict[int, str], *, session: Session) -> None:
    """Rules nobody got to are in the run's own report too."""
    if reasons:
        lines = [
            {
                "validation_run_id": run_id,
                "rule_version_id": rule_version_id,
                "participants_with_findings": 0,
                "could_not_run": reason,
            }
            for rule_version_id, reason in reasons.items()
        ]
        session.execute(sa.dialects.postgresql.insert(ValidationRunRule).values(lines).on_conflict_do_nothing())


def _finished(run: ValidationRun, only: Collection[int] | None, *, session: Session) -> FinishedValidation:
    reported = ValidationRunRule.validation_run_id == run.id
    if only is not None:
        reported &= ValidationRunRule.rule_version_id.in_(only)
    totals = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(ValidationRunRule.finding_count), 0))
    rules, findings = session.execute(totals.where(reported)).one()
    failed = (
        sa.select(Rule.code, RuleVersion.title, ValidationResult.could_not_run, sa.func.count())
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.rule_version_id.in_(sa.select(ValidationRunRule.rule_version_id).where(reported)))
        .where(ValidationResult.finding_count.is_(None), ValidationResult.validation_run_id == run.id)
        .group_by(Rule.code, RuleVersion.title, ValidationResult.could_not_run)
        .order_by(Rule.code, ValidationResult.could_not_run)
    )
    could_not_run = tuple(
        RuleThatCouldNotRun(code, title, reason or "", count) for code, title, reason, count in session.execute(failed)
    )
    participants = run.participant_count or 0
    return FinishedValidation(run.id, run.event_id, run.status, rules, participants, int(findings or 0), could_not_run)
