"""Submit Certification to State: the attestation and what it sets off."""

import datetime
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, certifying_gate, own_participant
from certification_lib.certification.asset_facts import happened
from certification_lib.certification.changes import certified_before
from certification_lib.certification.evidence import Evidence, finding_counts, load_evidence, row_counts
from certification_lib.certification.facts import Listed, State
from certification_lib.certification.models import AssetName, Submission, Timeliness
from certification_lib.certification.outcomes import BulkOutcome, LeftOut, settle
from certification_lib.certification.readiness import (
    Attestation,
    Checklist,
    Window,
    attestation_problems,
    changes_nothing,
    checklist,
    nil_return_needed,
    refuse_unless_met,
    what_changed,
)
from certification_lib.certification.rules import due_date, owing, progress, sends
from certification_lib.certification.telling import notice, state_members, state_page
from certification_lib.errors import BadInput, CertificationError, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, FindingsPolicy, Participant
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.snapshots.models import Revision

WHAT = "certify"


def submit(
    key: str, number: str, attestation: Attestation, *, session: Session, actor: Actor, now: datetime.datetime
) -> Submission:
    """Submit Certification to State for one participant; the last outstanding certifier's submission sends it.

    NotReady and MayNotCertify carry the whole list of what must be true, as it is in this transaction; when another
    revision or statement is current, it says what changed.
    """
    submission, live, state = _submit(key, number, attestation, session=session, actor=actor, now=now)
    record(
        "participant:submit",
        f"{state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details=_audit_details(submission, state),
    )
    return submission


def submit_for_all(
    key: str,
    attestations: Sequence[tuple[str, Attestation]],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """The bulk button of an All Schools certifier: one submission per (school number, attestation).

    A school that cannot be certified, or is not the person's, is left out with the reason and stops no other.
    """
    done: list[str] = []
    left_out: list[LeftOut] = []
    details: list[dict[str, object]] = []
    refusals: list[CertificationError] = []
    problems: list[str] = []
    for number, attestation in _in_locking_order(key, attestations, session=session):
        try:
            with session.begin_nested():
                submission, _, state = _submit(key, number, attestation, session=session, actor=actor, now=now)
        except (Conflict, BadInput, NotAllowed, NotFound) as error:
            refusals.append(error)
            left_out.append(LeftOut(number, number, str(error)))
            problems.extend(f"{number}: {problem}" for problem in error.problems)
            continue
        done.append(number)
        details.append({"number": number, **_audit_details(submission, state)})
    if not done:
        if refusals and all(isinstance(error, NotAllowed | NotFound) for error in refusals):
            raise refusals[0]
        raise Conflict(problems[0] if problems else "Choose at least one school.", problems=problems)
    record(
        "participant:submit",
        f"{len(done)} participants of {key}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"participants": details},
    )
    return BulkOutcome(tuple(done), tuple(left_out))


def window_of(live: LiveEvent, state: State, person_id: int, now: datetime.datetime) -> Window:
    """The dates as they are for this person at this moment."""
    due = due_date(state.facts, person_id, live.end)
    return Window(
        opens=live.version.opens_date or live.end,
        has_opened=live.has_opened(now),
        due=due,
        is_past_due=live.is_past(due, now),
        held=not live.event.active,
        hold_reason=live.event.hold_reason,
        zone=live.zone,
    )


def checklist_of(
    live: LiveEvent,
    state: State,
    listed: Listed,
    evidence: Evidence,
    attestation: Attestation | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Checklist:
    """Everything that must be true before this member may submit; with an attestation, what he was shown as well."""
    changed: tuple[str, ...] = ()
    if attestation is not None:
        shown = _shown_row_counts(state, attestation, session=session)
        changed = what_changed(attestation, evidence.current, shown, live.version.statement_version)
    return checklist(
        state.facts,
        listed.person_id,
        gate=certifying_gate(state, listed, WHAT, session=session, actor=actor),
        window=window_of(live, state, listed.person_id, now),
        current=evidence.current,
        blocking=evidence.blocking(FindingsPolicy(live.version.findings_policy)),
        changed=changed,
    )


def _in_locking_order(
    key: str, attestations: Sequence[tuple[str, Attestation]], *, session: Session
) -> list[tuple[str, Attestation]]:
    """By participant id, the order in which every act locks participants."""
    query = (
        sa.select(Participant.organization_number, Participant.id)
        .join(Event, Event.id == Participant.event_id)
        .where(Event.key == key, Participant.organization_number.in_([number for number, _ in attestations]))
    )
    order = {row.organization_number: row.id for row in session.execute(query)}
    return sorted(attestations, key=lambda one: (order.get(one[0], 0), one[0]))


def _submit(
    key: str, number: str, attestation: Attestation, *, session: Session, actor: Actor, now: datetime.datetime
) -> tuple[Submission, LiveEvent, State]:
    live, state, listed = own_participant(key, number, session=session, actor=actor)
    evidence = load_evidence(state.participant, live.version, session=session)
    refuse_unless_met(checklist_of(live, state, listed, evidence, attestation, session=session, actor=actor, now=now))
    before = certified_before(state, session=session)
    digest_before = before.digest if before else None
    problems = attestation_problems(attestation, evidence.current, digest_before)
    if problems:
        raise BadInput(problems[0], problems=problems)
    sent = sends(state.facts, listed.person_id)
    submission = _submission(live, state, listed, evidence, attestation, actor=actor, now=now)
    if changes_nothing(evidence.current, digest_before):
        submission.reason_without_change = (attestation.reason_without_change or "").strip()
    session.add(submission)
    if sent:
        state.round.sent_at = now
        state.round.certified_revision_id = state.participant.current_revision_id
        state.participant.certified_revision_id = state.participant.current_revision_id
    [settled] = settle([state], session=session)
    notify_all(_notices(live, settled, submission, sent, session=session), session=session, now=now)
    if sent:
        happened(AssetName.CERTIFIED, key, [number], session=session, now=now)
    return submission, live, settled


def _submission(
    live: LiveEvent,
    state: State,
    listed: Listed,
    evidence: Evidence,
    attestation: Attestation,
    *,
    actor: Actor,
    now: datetime.datetime,
) -> Submission:
    nil = nil_return_needed(evidence.current)
    return Submission(
        round_id=state.round.id,
        person_id=listed.person_id,
        username=listed.username,
        person_name=attestation.name.strip(),
        person_title=attestation.title.strip(),
        organization_number=state.number,
        organization_name=state.name,
        statement=live.version.statement,
        statement_version=live.version.statement_version,
        nil_return=live.version.nil_statement if nil else None,
        submitted_at=now,
        timeliness=Timeliness.WITHIN_EXTENSION if live.is_past(live.end, now) else Timeliness.ON_TIME,
        channel=actor.channel,
        revision_id=evidence.revision.id if evidence.revision else None,
        revision_number=evidence.revision.number if evidence.revision else None,
        digest=evidence.revision.digest if evidence.revision else None,
        row_counts=dict(evidence.current.row_counts) if evidence.current else {},
        findings=finding_counts(evidence.results),
        rules_set_aside=[{"code": rule.code, "reason": rule.reason} for rule in evidence.set_aside],
    )


def _shown_row_counts(state: State, attestation: Attestation, *, session: Session) -> Mapping[str, int] | None:
    shown = session.scalar(
        sa.select(Revision.id).where(
            Revision.participant_id == state.participant.id, Revision.number == attestation.revision
        )
    )
    return row_counts([shown], session=session).get(shown, {}) if shown is not None else None


def _notices(live: LiveEvent, state: State, submission: Submission, sent: bool, *, session: Session) -> list[Notice]:
    """While others owe, they are told; when it is sent, the approvers and everybody of the participant."""
    receipt = f"/certification/receipts/{submission.id}"
    if not sent:
        waiting = [person_id for person_id in owing(state.facts) if person_id != submission.person_id]
        who = {"person": submission.person_name, "progress": str(progress(state.facts))}
        return [notice("one_certified", str(submission.id), live, state, sorted(waiting), **who)]
    people = state.people()
    approvers = [
        person_id
        for person_id in state_members(live.category.id, CategoryRole.APPROVER, session=session)
        if person_id not in people
    ]
    values = {"person": submission.person_name, "revision": submission.revision_number, "digest": submission.digest}
    fact = str(state.round.id)
    return [
        notice("certified", fact, live, state, people, path=receipt, **values),
        notice("certified", fact, live, state, approvers, path=state_page(live, state), **values),
    ]


def _audit_details(submission: Submission, state: State) -> dict[str, object]:
    return {
        "submission": submission.id,
        "round": state.round.number,
        "revision": submission.revision_number,
        "digest": submission.digest,
        "status": state.participant.status.value,
    }
