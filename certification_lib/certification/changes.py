"""What changed since somebody certified: counted after each snapshot, shown before the next signature and on lists."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from certification_lib.certification.facts import State
from certification_lib.certification.models import Round, Submission
from certification_lib.certification.readmodels import ChangedSince
from certification_lib.database import among_given, transaction
from certification_lib.errors import NotFound, database_error_in_words
from certification_lib.events.models import Event, Participant
from certification_lib.snapshots.comparison import Counts, Pair, ViewDifference, compare, total
from certification_lib.snapshots.differences import keep_differences, kept_counts, kept_difference
from certification_lib.snapshots.models import Revision

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Certified:
    """A revision that was certified, and in which round."""

    revision_id: int
    number: int
    digest: str
    round_number: int


def count_changes_since_certified(event_key: str, *, engine: sa.Engine) -> int:
    """Compare the current revisions of an event with those certified or signed before, where that was not done yet.

    Returns how many comparisons that were. They only inform: when it fails the snapshot stands all the same, and the
    next one tries again.
    """
    try:
        with transaction(engine) as session:
            return keep_differences(_pairs_to_show(event_key, session=session), session=session)
    except sqlalchemy.exc.DBAPIError as error:
        log.warning("Changes in %s could not be counted: %s", event_key, database_error_in_words(error))
        return 0


_LATEST_CERTIFIED = (
    sa.select(Round.participant_id, Revision.id, Revision.number, Revision.digest, Round.number)
    .join(Revision, Revision.id == Round.certified_revision_id)
    .where(among_given(Round.participant_id), Round.taken_back_at.is_(None))
    .order_by(Round.participant_id, Round.number.desc())
    .ext(distinct_on(Round.participant_id))
)


def certified_revisions(participant_ids: Collection[int], *, session: Session) -> dict[int, Certified]:
    """Of each participant what its latest certified round certified; none for those that were never sent."""
    rows = session.execute(_LATEST_CERTIFIED, {"ids": list(participant_ids)})
    return {row[0]: Certified(row[1], row[2], row[3], row[4]) for row in rows}


def certified_before(states: Collection[State], *, session: Session) -> dict[int, Certified]:
    """What was certified last before the present round, by participant id, of those in a recertification."""
    again = [state.participant.id for state in states if state.facts.is_recertification]
    if not again:
        return {}
    query = (
        sa.select(Round.participant_id, Revision.id, Revision.number, Revision.digest, Round.number)
        .join(Revision, Revision.id == Round.certified_revision_id)
        .join(Participant, Participant.id == Round.participant_id)
        .where(
            Round.participant_id.in_(again),
            Round.number < Participant.round_number,
            Round.taken_back_at.is_(None),
        )
        .order_by(Round.participant_id, Round.number.desc())
        .ext(distinct_on(Round.participant_id))
    )
    return {row[0]: Certified(row[1], row[2], row[3], row[4]) for row in session.execute(query)}


def changes_of(states: Collection[State], *, session: Session) -> Mapping[int, Counts | None]:
    """{participant id: what changed since it was certified}, of those whose data differ; None: not counted yet."""
    certified = certified_revisions([state.participant.id for state in states], session=session)
    pairs = {
        state.participant.id: (certified[state.participant.id].revision_id, state.participant.current_revision_id)
        for state in states
        if state.participant.id in certified
        and state.participant.current_revision_id is not None
        and state.facts.current_digest != certified[state.participant.id].digest
    }
    counts = kept_counts(list(pairs.values()), session=session)
    return {participant_id: counts.get(pair) for participant_id, pair in pairs.items()}


def changed_since(state: State, *, session: Session, person_id: int | None = None) -> ChangedSince | None:
    """What the current revision changes since this person certified, or else since the participant was certified."""
    current = session.get(Revision, state.participant.current_revision_id or 0)
    own = _signed_by(person_id, state, session=session) if person_id is not None else None
    before = own or certified_revisions([state.participant.id], session=session).get(state.participant.id)
    if current is None or before is None:
        return None
    views: tuple[ViewDifference, ...] | None = ()
    if before.digest != current.digest:
        views = kept_difference((before.revision_id, current.id), session=session)
    return ChangedSince(
        from_revision=before.number,
        to_revision=current.number,
        round_number=before.round_number,
        by_the_person=own is not None,
        counts=None if views is None else total(view.counts for view in views),
        views=views or (),
    )


def revisions_of(participant_id: int, numbers: tuple[int, int], *, session: Session) -> Pair:
    """The ids of two revisions of one participant; NotFound when it has no such revision."""
    query = sa.select(Revision.number, Revision.id).where(
        Revision.participant_id == participant_id, Revision.number.in_(numbers)
    )
    found = {row.number: row.id for row in session.execute(query)}
    for number in numbers:
        if number not in found:
            raise NotFound(f"There is no revision {number}.")
    return found[numbers[0]], found[numbers[1]]


def difference(pair: Pair, *, session: Session) -> tuple[ViewDifference, ...]:
    """By view, as kept or else counted now; for that the session must be shown the participant's rows."""
    kept = kept_difference(pair, session=session)
    return compare([pair], session=session)[pair] if kept is None else kept


def _signed_by(person_id: int, state: State, *, session: Session) -> Certified | None:
    row = session.execute(_LAST_SIGNED, {"participant_id": state.participant.id, "person_id": person_id}).first()
    return Certified(*row) if row else None


_LAST_SIGNED = (
    sa.select(Revision.id, Revision.number, Revision.digest, Round.number)
    .join(Submission, Submission.revision_id == Revision.id)
    .join(Round, Round.id == Submission.round_id)
    .where(Round.participant_id == sa.bindparam("participant_id"), Submission.person_id == sa.bindparam("person_id"))
    .order_by(Submission.id.desc())
    .limit(1)
)


def _pairs_to_show(event_key: str, *, session: Session) -> list[Pair]:
    """Each current revision with those it is shown against: certified in the latest round, last signed by a person."""
    event_id = session.scalar(sa.select(Event.id).where(Event.key == event_key))
    if event_id is None:
        raise NotFound(f"There is no event {event_key}.")
    certified = (
        sa.select(Round.participant_id, Round.certified_revision_id.label("revision_id"))
        .where(Round.certified_revision_id.is_not(None), Round.taken_back_at.is_(None))
        .order_by(Round.participant_id, Round.number.desc())
        .ext(distinct_on(Round.participant_id))
    )
    signed = (
        sa.select(Round.participant_id, Submission.revision_id)
        .join(Round, Round.id == Submission.round_id)
        .where(Submission.revision_id.is_not(None))
        .order_by(Round.participant_id, Submission.person_id, Submission.id.desc())
        .ext(distinct_on(Round.participant_id, Submission.person_id))
    )
    shown = sa.union(sa.select(certified.subquery()), sa.select(signed.subquery())).subquery()
    before, current = aliased(Revision), aliased(Revision)
    query = (
        sa.select(before.id, current.id)
        .select_from(Participant)
        .join(current, current.id == Participant.current_revision_id)
        .join(shown, shown.c.participant_id == Participant.id)
        .join(before, before.id == shown.c.revision_id)
        .where(Participant.event_id == event_id, before.digest != current.digest)
    )
    return [(first, second) for first, second in session.execute(query)]
