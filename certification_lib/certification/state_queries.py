"""Certification Status: what the state sees of an event's participants."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.changes import changed_since
from certification_lib.certification.evidence import rules_set_aside
from certification_lib.certification.facts import load_numbered_states, load_states
from certification_lib.certification.history import rounds_of
from certification_lib.certification.participant_filter import ParticipantFilter, matching, sorted_as
from certification_lib.certification.readmodels import ParticipantDetail, ParticipantShown, ParticipantsPage
from certification_lib.certification.status_counts import status_counts
from certification_lib.certification.views import (
    dates_of,
    participant_row,
    person_view,
    revision_lines,
    revision_views,
    row_lookups,
    shown_revision_id,
)
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.events.queries import event_by_key
from certification_lib.people.queries import state_time_zone


def participants_page(
    key: str,
    *,
    session: Session,
    now: datetime.datetime,
    where: ParticipantFilter | None = None,
    page: int = 1,
    size: int = 50,
) -> ParticipantsPage:
    """Certification Status for the state, sorted as the filter says.

    The caller has checked the right Read on Event Management.
    """
    event, version = _published(key, session=session)
    zone = state_time_zone(session=session)
    dates = dates_of(version, zone, now)
    where = where or ParticipantFilter()
    found = matching(version, where, now, session=session)
    page, size = max(page, 1), max(min(size, 500), 1)
    counted = sorted_as(found, where.sort, version).add_columns(sa.func.count().over().label("total"))
    rows = session.execute(counted.limit(size).offset((page - 1) * size)).all()
    ids = [row.id for row in rows]
    # Beyond the last page there is no row to say how many there are.
    total = rows[0].total if rows else session.scalar(sa.select(sa.func.count()).select_from(found.subquery()))
    states = {state.participant.id: state for state in load_states(ids, session=session)}
    lookups = row_lookups(states.values(), version, session=session)
    return ParticipantsPage(
        event_id=event.id,
        rows=tuple(participant_row(states[id_], dates, lookups) for id_ in ids),
        total=total or 0,
        page=page,
        size=size,
        status_counts=status_counts(event.id, session=session),
    )


def participant_numbers(
    key: str, *, session: Session, now: datetime.datetime, where: ParticipantFilter | None = None
) -> list[str]:
    """The numbers of all that match, for acts on "all filtered"."""
    _, version = _published(key, session=session)
    found = matching(version, where or ParticipantFilter(), now, session=session)
    query = sa.select(Participant.organization_number).where(Participant.id.in_(found))
    return list(session.scalars(query.order_by(Participant.organization_number)))


def participant_shown(key: str, number: str, *, session: Session) -> ParticipantShown:
    """Whose findings are looked at. The caller has checked the right Read on Event Management."""
    event, version = _published(key, session=session)
    participant = _participant(event, version, number, session=session)
    shown_id = participant.certified_revision_id or participant.current_revision_id
    return ParticipantShown(
        number=participant.organization_number,
        name=participant.organization_name,
        shown=revision_views([shown_id], version.id, session=session).get(shown_id or 0),
        rules_set_aside=_set_aside(event, participant.id, session=session),
    )


def participant_detail(key: str, number: str, *, session: Session, now: datetime.datetime) -> ParticipantDetail:
    """What opening a row shows to the state. The caller has checked the right Read on Event Management."""
    event, version = _published(key, session=session)
    states = load_numbered_states(event.id, [number], session=session)
    if not states:
        raise _no_participant(version, number)
    [state] = states
    participant_id = state.participant.id
    dates = dates_of(version, state_time_zone(session=session), now)
    participant = state.participant
    pointers = (
        participant.current_revision_id,
        participant.certified_revision_id,
        participant.official_revision_id,
    )
    revisions = revision_views(pointers, version.id, session=session)
    current, certified, official = (revisions.get(pointer or 0) for pointer in pointers)
    shown = revisions.get(shown_revision_id(state) or 0)
    return ParticipantDetail(
        row=participant_row(state, dates, row_lookups([state], version, session=session)),
        people=tuple(person_view(state, member, dates) for member in state.members),
        rounds=rounds_of(participant_id, session=session),
        shown=shown,
        current=current,
        certified=certified,
        official=official,
        current_differs=shown is not None and current is not None and shown.digest != current.digest,
        waiting_request=state.request.reason if state.request else None,
        request_by=asks.name if state.request and (asks := state.member(state.request.person_id)) else None,
        requested_at=state.request.requested_at if state.request else None,
        rules_set_aside=_set_aside(event, participant_id, session=session),
        changed_since=changed_since(state, session=session),
        revisions=revision_lines(participant, session=session),
    )


_PARTICIPANT = sa.select(Participant).where(
    Participant.event_id == sa.bindparam("event_id"), Participant.organization_number == sa.bindparam("number")
)


def _participant(event: Event, version: EventVersion, number: str, *, session: Session) -> Participant:
    participant = session.scalar(_PARTICIPANT, {"event_id": event.id, "number": number})
    if participant is None:
        raise _no_participant(version, number)
    return participant


def _no_participant(version: EventVersion, number: str) -> NotFound:
    return NotFound(f"{version.name} has no participant {number}.")


def _set_aside(event: Event, participant_id: int, *, session: Session) -> tuple[tuple[str, str], ...]:
    return tuple((rule.code, rule.reason) for rule in rules_set_aside(event.id, participant_id, session=session))


def _published(key: str, *, session: Session) -> tuple[Event, EventVersion]:
    event = event_by_key(key, session=session)
    if event.live_version_id is None:
        raise NotFound(f"There is no published event {key}.")
    return event, session.get_one(EventVersion, event.live_version_id)
