"""Where a person stands before Submit: everything the decision rests on, looked up for one participant or for many.

The page that asks, the list of schools and the submission itself decide from the same.
"""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.attestation import Attestation, changes_nothing, nil_return_needed, what_changed
from certification_lib.certification.changes import certified_before
from certification_lib.certification.evidence import Evidence, load_evidence_of, row_counts
from certification_lib.certification.facts import State
from certification_lib.certification.listed import Listed
from certification_lib.certification.own_access import certifying_gates
from certification_lib.certification.readiness import (
    Checklist,
    Gate,
    Window,
    checklist,
)
from certification_lib.certification.rules import due_date
from certification_lib.events.models import FindingsPolicy, Participant
from certification_lib.snapshots.models import Revision

_WHAT = "certify"


@dataclass(frozen=True)
class Standing:
    """One member before one participant, at one moment."""

    live: LiveEvent
    state: State
    listed: Listed
    evidence: Evidence
    gate: Gate
    digest_before: str | None
    """In a recertification: of what was certified before."""
    now: datetime.datetime

    @property
    def needs_nil_return(self) -> bool:
        return nil_return_needed(self.evidence.current)

    @property
    def changes_nothing(self) -> bool:
        return changes_nothing(self.evidence.current, self.digest_before)

    def window(self) -> Window:
        """The dates as they are for this person at this moment."""
        live = self.live
        due = due_date(self.state.facts, self.listed.person_id, live.end)
        return Window(
            opens=live.version.opens_date or live.end,
            has_opened=live.has_opened(self.now),
            due=due,
            is_past_due=live.is_past(due, self.now),
            held=not live.event.active,
            hold_reason=live.event.hold_reason,
            zone=live.zone,
        )

    def checklist(
        self, attestation: Attestation | None = None, shown_row_counts: Mapping[str, int] | None = None
    ) -> Checklist:
        """Everything that must be true before this member may submit; with an attestation, what he was shown as
        well. `shown_row_counts`: of the revision he was shown, to be told what differs."""
        changed: tuple[str, ...] = ()
        if attestation is not None:
            version = self.live.version.statement_version
            changed = what_changed(attestation, self.evidence.current, shown_row_counts, version)
        return checklist(
            self.state.facts,
            self.listed.person_id,
            gate=self.gate,
            window=self.window(),
            current=self.evidence.current,
            blocking=self.evidence.blocking(FindingsPolicy(self.live.version.findings_policy)),
            changed=changed,
        )


def load_standings(
    live: LiveEvent,
    members: Collection[tuple[State, Listed]],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> list[Standing]:
    """The actor as the member he is of each of these participants of one event, in a fixed number of statements."""
    states = [state for state, _ in members]
    evidence = load_evidence_of([state.participant for state in states], live.version, session=session)
    gates = certifying_gates(members, _WHAT, session=session, actor=actor)
    before = certified_before(states, session=session)
    return [
        Standing(
            live=live,
            state=state,
            listed=listed,
            evidence=evidence[state.participant.id],
            gate=gates[state.number],
            digest_before=before[state.participant.id].digest if state.participant.id in before else None,
            now=now,
        )
        for state, listed in members
    ]


def shown_row_counts(
    standings: Collection[Standing], attestations: Mapping[str, Attestation], *, session: Session
) -> dict[str, dict[str, int]]:
    """{number: {view: rows}} of revisions that somebody was shown and that are no longer current."""
    outdated = {
        standing.state.participant.id: attestations[standing.state.number].revision
        for standing in standings
        if standing.evidence.current is None
        or attestations[standing.state.number].revision != standing.evidence.current.number
    }
    if not outdated:
        return {}
    query = (
        sa.select(Participant.organization_number, Revision.id)
        .join(Participant, Participant.id == Revision.participant_id)
        .where(sa.tuple_(Revision.participant_id, Revision.number).in_(list(outdated.items())))
    )
    revisions: dict[str, int] = {row.organization_number: row.id for row in session.execute(query)}
    counts = row_counts(revisions.values(), session=session) if revisions else {}
    return {number: counts.get(revision_id, {}) for number, revision_id in revisions.items()}
