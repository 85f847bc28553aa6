"""What the system notices by itself and tells: submissions that no longer count, participants ready to send."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, CategoryRole
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.models import RecertificationRequest, RequestOutcome, Round, Submission
from certification_lib.certification.outcomes import settle
from certification_lib.certification.rules import OPEN, certified_people, participant_status, ready_to_send
from certification_lib.certification.telling import notice
from certification_lib.certification.waiting import tell_approvers_what_waits
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.queries import state_time_zone
from certification_lib.snapshots.models import Revision


def note_new_revisions(revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> int:
    """Tell the authors whose submission no longer counts because of these new current revisions.

    Call it in the transaction that moved the current pointers. Returns how many people were told.
    """
    session.flush()  # the pointers may have been moved by this session
    concerned = (
        sa.select(Participant.id)
        .join(Revision, Revision.id == Participant.current_revision_id)
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(Submission, Submission.round_id == Round.id)
        .where(Revision.id.in_(revision_ids), Participant.status.in_(OPEN))
        .distinct()
    )
    return tell_fallen(session.scalars(concerned).all(), session=session, now=now)


def tell_ready_to_send(*, session: Session, now: datetime.datetime) -> int:
    """Tell those who may send that nobody is left owing, and the approvers what waits for them. For housekeeping.

    Who leaves a category sends nothing: looks only at participants of live events in whose open round somebody has
    submitted. Told once for each round and set of people who signed.
    """
    with_submissions = (
        sa.select(Participant.id)
        .join(Event, Event.id == Participant.event_id)
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(Submission, Submission.round_id == Round.id)
        .where(
            Participant.status.in_(OPEN),
            Event.status.in_([EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES]),
        )
        .distinct()
    )
    states = load_states(session.scalars(with_submissions).all(), session=session)
    notices = []
    for state in states:
        if not ready_to_send(state.facts):
            continue
        signed = certified_people(state.facts)
        may_send = [one for one in state.people(CategoryRole.CERTIFIER) if one in signed]
        fact = f"{state.round.id}:{max(one.id for one in state.submissions)}"
        notices.append(notice("ready_to_send", fact, _live(state, session=session), state, may_send))
    told = notify_all(notices, session=session, now=now)
    return told + tell_approvers_what_waits(session=session, now=now)


def lapse_waiting_requests(event_id: int, *, session: Session, now: datetime.datetime, by: str) -> list[str]:
    """Closing an event lets waiting requests lapse; the participants' numbers."""
    waiting = (
        sa.select(Participant.id)
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(RecertificationRequest, RecertificationRequest.round_id == Round.id)
        .where(Participant.event_id == event_id, RecertificationRequest.outcome.is_(None))
    )
    states = load_states(session.scalars(waiting).all(), session=session)
    for state in states:
        if state.request is not None:
            state.request.outcome = RequestOutcome.LAPSED
            state.request.decided_at, state.request.decided_by = now, by
    return [state.number for state in settle(states, session=session)]


def tell_fallen(participant_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> int:
    """Tell the authors of submissions in an open round that do not count any more, once each time one falls: data that
    become again what was signed make it count again, and it may fall a second time."""
    notices: list[Notice] = []
    counted_until = _counted_until(participant_ids, session=session)
    for state in load_states(participant_ids, session=session):
        if not state.facts.requires_snapshot or participant_status(state.facts) not in OPEN:
            continue
        signed = certified_people(state.facts)
        # Only each person's last signature: the ones before it fell earlier and were told then.
        last = {one.person_id: one for one in state.submissions if one.person_id not in signed}
        live = _live(state, session=session) if last else None
        notices += [
            notice(
                "submission_no_longer_counts",
                f"{one.id}:{counted_until.get(one.id)}",
                live,
                state,
                [one.person_id],
                revision=one.revision_number,
            )
            for one in last.values()
            if live is not None
        ]
    return notify_all(notices, session=session, now=now)


def _counted_until(participant_ids: Sequence[int], *, session: Session) -> dict[int, int]:
    """{submission: the newest revision it counted on}: of those with what was signed, equal digests being equal."""
    newest = (
        sa.select(Submission.id, sa.func.max(Revision.number))
        .join(Round, Round.id == Submission.round_id)
        .join(
            Revision,
            sa.and_(Revision.participant_id == Round.participant_id, Revision.digest == Submission.digest),
        )
        .where(Round.participant_id.in_(participant_ids))
        .group_by(Submission.id)
    )
    return {row[0]: row[1] for row in session.execute(newest)}


def _live(state: State, *, session: Session) -> LiveEvent:
    event = session.get_one(Event, state.participant.event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    category = session.get_one(Category, version.category_id)
    return LiveEvent(event, version, category, state_time_zone(session=session))
