"""Receipts as signed, for the signer, his organization and the state; and what a digest stands for."""

import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Member
from certification_lib.certification.changes import certified_revisions
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import members_of_participants
from certification_lib.certification.models import Approval, Round, Submission
from certification_lib.certification.own_readmodels import Receipt, Verification
from certification_lib.certification.rules import Signed, counts, district_words, owing, progress
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.events.phases import Phase, phase
from certification_lib.people.models import Tool
from certification_lib.people.queries import holds, state_time_zone
from certification_lib.snapshots.models import Revision

_Person: TypeAlias = int | sa.BindParameter[int]
_Signed: TypeAlias = sa.Row[Submission, Round, Participant, Event, str]
_Receipts: TypeAlias = sa.Select[Submission, Round, Participant, Event, str]


def my_receipts(person_id: int, *, session: Session) -> list[Receipt]:
    """What the person, or an organization he is a member for, certified; also of closed events. Newest first."""
    return _told(session.execute(_own_receipts(), {"person_id": person_id}).all(), session=session)


@functools.cache
def _own_receipts() -> _Receipts:
    return _receipts(_visible_to(sa.bindparam("person_id", type_=sa.BigInteger)))


def has_receipts(person_id: int, *, session: Session) -> bool:
    """Whether any of these is there."""
    return bool(session.scalar(_any_receipt(), {"person_id": person_id}))


@functools.cache
def _any_receipt() -> sa.Select[bool]:
    person_id: sa.BindParameter[int] = sa.bindparam("person_id", type_=sa.BigInteger)
    own = sa.select(Submission.id).where(Submission.person_id == person_id)
    in_own_rounds = (
        sa.select(Submission.id)
        .join(Round, Round.id == Submission.round_id)
        .where(_participant_of(person_id, Round.participant_id))
    )
    return sa.select(sa.or_(own.exists(), in_own_rounds.exists()))


def receipt(receipt_id: int, *, session: Session, actor: Actor) -> Receipt:
    """One of these, or any for state people who may read Event Management."""
    query = _receipts(_visible_to_actor(actor, session=session) & (Submission.id == receipt_id))
    found = _told(session.execute(query).all(), session=session)
    if not found:
        raise NotFound("There is no such receipt.")
    return found[0]


def verification(digest: str, *, session: Session, actor: Actor, now: datetime.datetime) -> list[Verification]:
    """The revisions with this digest that the person may see, newest first; NotFound when there is none.

    District people: of organizations they are members for, and what they signed themselves. Before Event Start nobody
    there is told anything.
    """
    signed = sa.select(Submission.revision_id).where(Submission.person_id == actor.person_id)
    visible: sa.ColumnElement[bool] = sa.or_(
        sa.and_(_participant_of(actor.person_id or 0, Participant.id), Participant.withdrawn_at.is_(None)),
        Revision.id.in_(signed),
    )
    everything = _reads_every_receipt(actor, session=session)
    if everything:
        visible = sa.true()
    rows = session.execute(
        sa.select(Revision, Participant, Event, EventVersion)
        .join(Participant, Participant.id == Revision.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Revision.digest == digest, visible)
        .order_by(Revision.id.desc())
    ).all()
    if not everything:
        zone = state_time_zone(session=session)
        rows = [row for row in rows if phase(row.EventVersion, now, zone) is not Phase.UPCOMING]
    if not rows:
        raise NotFound("There are no data with this digest.")
    about = _visible_to_actor(actor, session=session)
    of_rows = Submission.revision_id.in_([row.Revision.id for row in rows])
    signatures = session.execute(sa.select(Submission.id, Submission.revision_id).where(of_rows)).all()
    place = {row.id: row.revision_id for row in signatures}
    receipts = _told(session.execute(_receipts(about & of_rows)).all(), session=session)
    certified = certified_revisions([row.Participant.id for row in rows], session=session)
    return [
        Verification(
            event_name=version.name,
            event_closed=event.status == EventStatus.CLOSED,
            organization_number=participant.organization_number,
            organization_name=participant.organization_name,
            revision_number=revision.number,
            source_as_of=revision.source_as_of,
            row_count=revision.row_count,
            certified=participant.id in certified and certified[participant.id].digest == digest,
            current=participant.current_revision_id == revision.id,
            official=participant.official_revision_id == revision.id,
            receipts=tuple(one for one in receipts if place[one.id] == revision.id),
        )
        for revision, participant, event, version in rows
    ]


def _reads_every_receipt(actor: Actor, *, session: Session) -> bool:
    return actor.person_id is None or holds(Tool.EVENT_MANAGEMENT, "R", session=session, person_id=actor.person_id)


def _visible_to_actor(actor: Actor, *, session: Session) -> sa.ColumnElement[bool]:
    return sa.true() if _reads_every_receipt(actor, session=session) else _visible_to(actor.person_id or 0)


def _visible_to(person_id: _Person) -> sa.ColumnElement[bool]:
    # Looked up on each side: joined by OR, everything that was ever signed would be read.
    own = sa.select(Submission.id).where(Submission.person_id == person_id)
    rounds = sa.select(Submission.id).join(Round, Round.id == Submission.round_id)
    return Submission.id.in_(own.union(rounds.where(_participant_of(person_id, Round.participant_id))))


def _participant_of(
    person_id: int | sa.BindParameter[int], column: InstrumentedAttribute[int]
) -> sa.ColumnElement[bool]:
    """Whether the participant is of an organization the person is a member for."""
    of_own_organizations = members_of_participants().where(Member.person_id == person_id).subquery()
    return column.in_(sa.select(of_own_organizations.c[0]))


def _receipts(visible: sa.ColumnElement[bool]) -> _Receipts:
    """Newest first."""
    return (
        sa.select(Submission, Round, Participant, Event, EventVersion.name)
        .join(Round, Round.id == Submission.round_id)
        .join(Participant, Participant.id == Round.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(visible)
        .order_by(Submission.id.desc())
    )


def _told(rows: Sequence[_Signed], *, session: Session) -> list[Receipt]:
    if not rows:
        return []
    states = {state.round.id: state for state in load_states({row.Participant.id for row in rows}, session=session)}
    over = {row.Round.id for row in rows} - set(states)
    earlier = _digests_of_rounds(over, session=session) if over else {}
    return [
        _receipt(row, _counts(row.Submission, states.get(row.Round.id), earlier), states.get(row.Round.id))
        for row in rows
    ]


def _counts(submission: Submission, state: State | None, earlier: Mapping[int, str | None]) -> bool:
    """Whether a submission counts, or in a round that is over did count in the end."""
    if state is None:
        reference = earlier.get(submission.round_id)
        return reference is None or submission.digest == reference
    return counts(state.facts, Signed(submission.person_id, submission.submitted_at, submission.digest))


def _digests_of_rounds(round_ids: Collection[int], *, session: Session) -> dict[int, str | None]:
    """Of rounds that are over: the digest of what was sent, else approved, else signed last; None without snapshots."""
    sent = sa.select(Revision.digest).where(Revision.id == Round.certified_revision_id)
    approved = (
        sa.select(Revision.digest)
        .join(Approval, Approval.revision_id == Revision.id)
        .where(Approval.round_id == Round.id)
        .order_by(Approval.id.desc())
        .limit(1)
    )
    signed = sa.select(Submission.digest).where(Submission.round_id == Round.id).order_by(Submission.id.desc()).limit(1)
    needed = (
        sa.select(EventVersion.requires_snapshot)
        .join(Event, Event.live_version_id == EventVersion.id)
        .join(Participant, Participant.event_id == Event.id)
        .where(Participant.id == Round.participant_id)
    )
    digest = sa.func.coalesce(*(query.correlate(Round).scalar_subquery() for query in (sent, approved, signed)))
    query = sa.select(
        Round.id, sa.case((needed.correlate(Round).scalar_subquery(), digest), else_=None).label("digest")
    ).where(Round.id.in_(round_ids))
    return {row.id: row.digest for row in session.execute(query)}


def _receipt(row: _Signed, still_counts: bool, state: State | None) -> Receipt:
    """A submission as signed, and how its round stands while that is the latest."""
    submission, one_round, participant, event, event_name = row
    waiting = owing(state.facts) if state else frozenset()
    return Receipt(
        id=submission.id,
        event_key=event.key,
        event_name=event_name,
        event_closed=event.status == EventStatus.CLOSED,
        participant_number=participant.organization_number,
        round_number=one_round.number,
        username=submission.username,
        person_name=submission.person_name,
        person_title=submission.person_title,
        organization_number=submission.organization_number,
        organization_name=submission.organization_name,
        statement=submission.statement,
        statement_version=submission.statement_version,
        nil_return=submission.nil_return,
        submitted_at=submission.submitted_at,
        timeliness=submission.timeliness,
        channel=submission.channel.value,
        revision_number=submission.revision_number,
        digest=submission.digest,
        row_counts=submission.row_counts,
        findings=submission.findings,
        rules_set_aside=tuple(submission.rules_set_aside),
        counts=still_counts,
        reason_without_change=submission.reason_without_change,
        event_status=state.participant.status if state else None,
        status_words=district_words(state.facts) if state else None,
        progress=str(progress(state.facts)) if state else None,
        waiting_for=tuple(one.name for one in state.members if one.person_id in waiting) if state else (),
    )
