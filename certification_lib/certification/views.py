"""From states to read models: each decided by the rules, with lookups in a fixed number of statements."""

import datetime
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole
from certification_lib.certification import directory
from certification_lib.certification.changes import changes_of
from certification_lib.certification.evidence import finding_counts, finding_results, revisions_by_id
from certification_lib.certification.facts import State
from certification_lib.certification.listed import Listed
from certification_lib.certification.models import Review, ReviewOutcome, Round
from certification_lib.certification.participant_filter import finding_totals
from certification_lib.certification.readmodels import (
    FindingTotals,
    ParticipantRow,
    PersonView,
    RevisionLine,
    RevisionView,
)
from certification_lib.certification.rules import (
    certified_people,
    counts,
    did_not_certify,
    due_date,
    has_no_certifiers,
    owing,
    progress,
    ready_to_send,
    state_words,
    user_status,
)
from certification_lib.database import among_given
from certification_lib.events.models import EventVersion, Participant
from certification_lib.events.phases import end_moment
from certification_lib.snapshots.comparison import Counts
from certification_lib.snapshots.models import Revision
from certification_lib.snapshots.models import RevisionView as ViewOfRevision
from certification_lib.snapshots.progress import SnapshotProgress, progress_of
from certification_lib.validation.counted import SHOWN


@dataclass(frozen=True)
class Dates:
    """The moment, and what it is measured by."""

    end: datetime.date
    zone: ZoneInfo
    now: datetime.datetime

    def is_overdue(self, state: State, person_id: int) -> bool:
        return self.now >= end_moment(due_date(state.facts, person_id, self.end), self.zone)

    def beyond_end(self, day: datetime.date | None) -> datetime.date | None:
        """The due date where it counts: the latest date does, and Event End may have been moved past it."""
        return day if day is not None and day > self.end else None


def dates_of(version: EventVersion, zone: ZoneInfo, now: datetime.datetime) -> Dates:
    return Dates(end=version.end_date or datetime.date.max, zone=zone, now=now)


def person_view(state: State, member: Listed, dates: Dates) -> PersonView:
    """One member with his user status; due dates only of certifiers."""
    is_certifier = member.role == CategoryRole.CERTIFIER
    own = [signed for signed in state.facts.signed if signed.person_id == member.person_id]
    counting = [signed.at for signed in own if counts(state.facts, signed)]
    return PersonView(
        person_id=member.person_id,
        username=member.username,
        name=member.name,
        title=member.title,
        email=member.email,
        role=member.role,
        user_status=user_status(state.facts, member.person_id, overdue=dates.is_overdue(state, member.person_id)).value,
        did_not_certify=did_not_certify(state.facts, member.person_id),
        due_date=due_date(state.facts, member.person_id, dates.end) if is_certifier else None,
        override=state.facts.overrides.get(member.person_id),
        certified_at=max(counting, default=None),
        superseded_at=max((signed.at for signed in own), default=None) if not counting else None,
    )


@dataclass(frozen=True)
class RowLookups:
    """What rows show beside their state."""

    revisions: Mapping[int, tuple[datetime.datetime, bool]]
    changed_organizations: frozenset[int]
    """Participants whose organization was renamed, renumbered, merged, closed or moved since publication."""
    reviews: Mapping[int, tuple[ReviewOutcome, ...]]
    changes: Mapping[int, Counts | None]
    """Of participants whose current data are not those certified."""
    snapshots: Mapping[int, SnapshotProgress]
    findings: Mapping[int, FindingTotals]


def row_lookups(states: Collection[State], version: EventVersion, *, session: Session) -> RowLookups:
    """Snapshot dates, findings, the directory's names of today and reviews of these participants of one event."""
    shown = {shown_revision_id(state) for state in states} - {None}
    totals = session.execute(finding_totals(version.event_id), {"revisions": list(shown)})
    beside = session.execute(_beside(), {"ids": [state.participant.id for state in states]}).all()
    return RowLookups(
        revisions={row.revision_id: (row.source_as_of, row.empty) for row in beside if row.revision_id is not None},
        changed_organizations=frozenset(row.participant_id for row in beside if row.changed),
        reviews={row.round_id: tuple(ReviewOutcome(one) for one in row.outcomes) for row in beside if row.outcomes},
        changes=changes_of(states, session=session),
        snapshots=progress_of([state.participant.id for state in states], session=session, for_state=True),
        findings={row[0]: FindingTotals(*row[1:]) for row in totals},
    )


@functools.cache
def _beside() -> sa.Select[*tuple[Any, ...]]:
    """Of each participant the revision shown, whether the directory says otherwise now, and this round's reviews."""
    outcomes = (
        sa.select(sa.func.array_agg(aggregate_order_by(sa.cast(Review.outcome, sa.Text), Review.id)))
        .where(Review.round_id == Round.id)
        .correlate(Round)
        .scalar_subquery()
    )
    return (
        sa.select(
            Participant.id.label("participant_id"),
            Round.id.label("round_id"),
            Revision.id.label("revision_id"),
            Revision.source_as_of,
            Revision.empty,
            Participant.id.in_(directory.of_participants()).label("changed"),
            outcomes.label("outcomes"),
        )
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .outerjoin(Revision, Revision.id == SHOWN)
        .where(among_given(Participant.id))
    )


def shown_revision_id(state: State) -> int | None:
    """The certified revision when there is one, else the current."""
    return state.participant.certified_revision_id or state.participant.current_revision_id


def participant_row(state: State, dates: Dates, lookups: RowLookups) -> ParticipantRow:
    """One line of Certification Status."""
    done = progress(state.facts)
    revision_id = shown_revision_id(state)
    taken_at, empty = lookups.revisions.get(revision_id or 0, (None, False))
    return ParticipantRow(
        id=state.participant.id,
        number=state.number,
        name=state.name,
        lea_number=state.participant.lea_number,
        lea_name=state.participant.lea_name,
        status=state.participant.status,
        status_words=state_words(state.facts),
        certified_count=done.certified,
        certifier_count=done.certifiers,
        progress=str(done),
        notes=_notes(state, dates, lookups, empty),
        round_number=state.round.number,
        snapshot_date=taken_at,
        due_date=dates.beyond_end(state.facts.due_date),
        reviews=lookups.reviews.get(state.round.id, ()),
        approval_reason=state.approval.reason if state.approval else None,
        approved_by=state.approval.approved_by if state.approval else None,
        current_differs=state.participant.id in lookups.changes,
        changes=lookups.changes.get(state.participant.id),
        snapshot=lookups.snapshots.get(state.participant.id),
        findings=lookups.findings.get(revision_id or 0),
    )


def _notes(state: State, dates: Dates, lookups: RowLookups, empty: bool) -> tuple[str, ...]:
    overdue = any(dates.is_overdue(state, person_id) for person_id in owing(state.facts))
    said = {
        "no certifiers": has_no_certifiers(state.facts),
        "ready to send": ready_to_send(state.facts),
        "overdue": overdue,
        "directory changed": state.participant.id in lookups.changed_organizations,
        "empty": empty,
    }
    return tuple(note for note, holds in said.items() if holds)


_VIEWS_OF = sa.select(ViewOfRevision).where(among_given(ViewOfRevision.revision_id)).order_by(ViewOfRevision.view)


def revision_views(
    revision_ids: Collection[int | None], version_id: int, *, session: Session
) -> dict[int, RevisionView]:
    """Revisions with totals and counts of findings by severity."""
    ids = [revision_id for revision_id in revision_ids if revision_id is not None]
    if not ids:
        return {}
    results = finding_results(ids, version_id, session=session)
    views: dict[int, list[ViewOfRevision]] = {}
    for view in session.scalars(_VIEWS_OF, {"ids": ids}):
        views.setdefault(view.revision_id, []).append(view)
    found = {}
    for revision in revisions_by_id(ids, session=session):
        totals: dict[str, Any] = {view.view: view.totals for view in views.get(revision.id, ())}
        found[revision.id] = RevisionView(
            id=revision.id,
            number=revision.number,
            kind=revision.kind,
            taken_at=revision.taken_at,
            taken_by=revision.taken_by,
            source_as_of=revision.source_as_of,
            confirmed_as_of=revision.confirmed_as_of,
            digest=revision.digest,
            row_count=revision.row_count,
            row_counts={view.view: view.row_count for view in views.get(revision.id, ())},
            totals=totals,
            empty=revision.empty,
            validated_at=revision.validated_at,
            findings=finding_counts(results.get(revision.id, ())),
        )
    return found


def revision_lines(participant: Participant, *, session: Session) -> tuple[RevisionLine, ...]:
    """Every revision of a participant, newest first."""
    pointers = {
        "current": participant.current_revision_id,
        "certified": participant.certified_revision_id,
        "official": participant.official_revision_id,
    }
    query = sa.select(Revision).where(Revision.participant_id == participant.id).order_by(Revision.number.desc())
    return tuple(
        RevisionLine(
            number=one.number,
            kind=one.kind,
            source_as_of=one.source_as_of,
            taken_by=one.taken_by,
            row_count=one.row_count,
            digest=one.digest,
            kept=one.purged_at is None and one.disposal_id is None,
            pointers=tuple(word for word, revision_id in pointers.items() if revision_id == one.id),
        )
        for one in session.scalars(query)
    )


def certified_at(state: State) -> datetime.datetime | None:
    """When the last submission that counts was made."""
    signed = certified_people(state.facts)
    return max((one.at for one in state.facts.signed if one.person_id in signed), default=None)
