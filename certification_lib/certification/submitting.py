"""Submit Certification to State: the attestation and what it sets off."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.acting import record_act
from certification_lib.certification.asset_facts import happened
from certification_lib.certification.attestation import Attestation, attestation_problems
from certification_lib.certification.evidence import finding_counts
from certification_lib.certification.facts import State
from certification_lib.certification.models import AssetName, Submission, Timeliness
from certification_lib.certification.outcomes import BulkOutcome, LeftOut, settle
from certification_lib.certification.own_access import own_participant, own_participants
from certification_lib.certification.readiness import refuse_unless_met
from certification_lib.certification.rules import owing, progress, sends
from certification_lib.certification.standing import Standing, load_standings, shown_row_counts
from certification_lib.certification.telling import notice, state_members, state_page
from certification_lib.errors import BadInput, CertificationError, Conflict, NotAllowed, NotFound
from certification_lib.notifications.service import Notice, notify_all


@dataclass(frozen=True)
class _Signed:
    """A submission just written, with the participant as it is since."""

    submission: Submission
    state: State
    sent: bool


def submit(
    key: str, number: str, attestation: Attestation, *, session: Session, actor: Actor, now: datetime.datetime
) -> Submission:
    """Submit Certification to State for one participant; the last outstanding certifier's submission sends it.

    NotReady and MayNotCertify carry the whole list of what must be true, as it is in this transaction; when another
    revision or statement is current, it says what changed.
    """
    live, state, listed = own_participant(key, number, session=session, actor=actor)
    standings = load_standings(live, [(state, listed)], session=session, actor=actor, now=now)
    attestations = {number: attestation}
    shown = shown_row_counts(standings, attestations, session=session)
    _refuse_unless_ready(standings[0], attestation, shown.get(number))
    [signed] = _sign(live, standings, attestations, session=session, actor=actor, now=now)
    record_act("participant:submit", live, state, _audit_details(signed), session=session, actor=actor, now=now)
    return signed.submission


def submit_for_all(
    key: str,
    attestations: Sequence[tuple[str, Attestation]],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """The bulk button of an All Schools certifier: one submission per (school number, attestation).

    A school that cannot be certified, or is not the person's, is left out with the reason and stops no other. The
    number of statements does not grow with the schools.
    """
    by_number = dict(attestations)
    if len(by_number) < len(attestations):
        raise BadInput("A school is named twice.")
    found = own_participants(key, by_number, session=session, actor=actor)
    ready: list[Standing] = []
    refused = dict(found.refused)
    if found.live is not None:
        standings = load_standings(found.live, list(found.own.values()), session=session, actor=actor, now=now)
        shown = shown_row_counts(standings, by_number, session=session)
        for standing in standings:
            number = standing.state.number
            try:
                _refuse_unless_ready(standing, by_number[number], shown.get(number))
            except (Conflict, BadInput, NotAllowed) as error:
                refused[number] = error
            else:
                ready.append(standing)
    if found.live is None or not ready:
        raise _refusal_of_all(refused)
    signed = _sign(found.live, ready, by_number, session=session, actor=actor, now=now)
    record(
        "participant:submit",
        f"{len(signed)} participants of {key}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"participants": [{"number": one.state.number, **_audit_details(one)} for one in signed]},
    )
    return BulkOutcome(
        tuple(one.state.number for one in signed),
        tuple(LeftOut(number, number, str(error)) for number, error in sorted(refused.items())),
    )


def _refuse_unless_ready(standing: Standing, attestation: Attestation, shown: Mapping[str, int] | None) -> None:
    refuse_unless_met(standing.checklist(attestation, shown))
    problems = attestation_problems(attestation, standing.evidence.current, standing.digest_before)
    if problems:
        raise BadInput(problems[0], problems=problems)


def _refusal_of_all(refused: Mapping[str, CertificationError]) -> CertificationError:
    """Where none can be certified: what is no school of the person's, or not his to certify, is answered as such."""
    errors = [refused[number] for number in sorted(refused)]
    if errors and all(isinstance(error, NotAllowed | NotFound) for error in errors):
        return errors[0]
    problems = [f"{number}: {problem}" for number, error in sorted(refused.items()) for problem in error.problems]
    return Conflict(problems[0] if problems else "Choose at least one school.", problems=problems)


def _sign(
    live: LiveEvent,
    standings: Sequence[Standing],
    attestations: Mapping[str, Attestation],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> list[_Signed]:
    """Write the submissions, all checked before, and what follows from them."""
    sent = set()
    submissions = {}
    for standing in standings:
        state = standing.state
        if sends(state.facts, standing.listed.person_id):
            sent.add(state.number)
            state.round.sent_at = now
            state.round.certified_revision_id = state.participant.current_revision_id
            state.participant.certified_revision_id = state.participant.current_revision_id
        submissions[state.number] = _submission(standing, attestations[state.number], actor=actor)
    session.add_all(submissions.values())
    settled = settle([standing.state for standing in standings], session=session)
    signed = [_Signed(submissions[state.number], state, state.number in sent) for state in settled]
    notify_all(_notices(live, signed, session=session), session=session, now=now)
    if sent:
        happened(AssetName.CERTIFIED, live.event.key, sorted(sent), session=session, now=now)
    return signed


def _submission(standing: Standing, attestation: Attestation, *, actor: Actor) -> Submission:
    live, state, listed, evidence = standing.live, standing.state, standing.listed, standing.evidence
    reason = (attestation.reason_without_change or "").strip() if standing.changes_nothing else None
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
        nil_return=live.version.nil_statement if standing.needs_nil_return else None,
        submitted_at=standing.now,
        timeliness=Timeliness.WITHIN_EXTENSION if live.is_past(live.end, standing.now) else Timeliness.ON_TIME,
        channel=actor.channel,
        revision_id=evidence.revision.id if evidence.revision else None,
        revision_number=evidence.revision.number if evidence.revision else None,
        digest=evidence.revision.digest if evidence.revision else None,
        row_counts=dict(evidence.current.row_counts) if evidence.current else {},
        findings=finding_counts(evidence.results),
        reason_without_change=reason,
        rules_set_aside=[{"code": rule.code, "reason": rule.reason} for rule in evidence.set_aside],
    )


def _notices(live: LiveEvent, signed: Collection[_Signed], *, session: Session) -> list[Notice]:
    """While others owe, they are told; when it is sent, the approvers and everybody of the participant."""
    approvers: list[int] = []
    if any(one.sent for one in signed):
        approvers = state_members(live.category.id, CategoryRole.APPROVER, session=session)
    return [told for one in signed for told in _notices_of(live, one, approvers)]


def _notices_of(live: LiveEvent, signed: _Signed, approvers: list[int]) -> list[Notice]:
    submission, state = signed.submission, signed.state
    if not signed.sent:
        waiting = [person_id for person_id in owing(state.facts) if person_id != submission.person_id]
        who = {"person": submission.person_name, "progress": str(progress(state.facts))}
        return [notice("one_certified", str(submission.id), live, state, sorted(waiting), **who)]
    people = state.people()
    values = {"person": submission.person_name, "revision": submission.revision_number, "digest": submission.digest}
    fact = str(state.round.id)
    others = [person_id for person_id in approvers if person_id not in people]
    receipt = f"/certification/receipts/{submission.id}"
    return [
        notice("certified", fact, live, state, people, path=receipt, **values),
        notice("certified", fact, live, state, others, path=state_page(live, state), **values),
    ]


def _audit_details(signed: _Signed) -> dict[str, object]:
    submission, state = signed.submission, signed.state
    return {
        "submission": submission.id,
        "round": state.round.number,
        "revision": submission.revision_number,
        "digest": submission.digest,
        "status": state.participant.status.value,
    }
