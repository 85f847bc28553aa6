"""What district and school people see: their own events and receipts, and nothing of anybody else's."""

import datetime
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.attestation import Attestation
from certification_lib.certification.changes import changed_since
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import Listed, members_of_participants
from certification_lib.certification.own_access import own_participant
from certification_lib.certification.own_readmodels import CertifyAgain, MyEvent, MyEventDetail, Readiness
from certification_lib.certification.readiness import unmet
from certification_lib.certification.rules import (
    Act,
    certified_people,
    district_words,
    due_date,
    obstacle,
    owing,
    progress,
    ready_to_send,
)
from certification_lib.certification.standing import Standing, load_standings, shown_row_counts
from certification_lib.certification.views import dates_of, person_view, revision_views
from certification_lib.database import among_given
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.events.phases import Phase, phase
from certification_lib.people.models import Right, Tool
from certification_lib.people.queries import rights_of_people, state_time_zone
from certification_lib.people.service import require
from certification_lib.snapshots.progress import SnapshotProgress, progress_of
from certification_lib.snapshots.rules import why_district_may_not

_LIVE = (EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES)


def my_events(person_id: int, *, session: Session, now: datetime.datetime) -> list[MyEvent]:
    """Certification Event list: published, not closed events of the person's categories in which an organization of
    his takes part; one line per participant."""
    ids = [row[0] for row in session.execute(_mine(), {"person_id": person_id})]
    enterable = _enterable_leas(person_id, session=session)
    states = [state for state in load_states(ids, session=session) if state.participant.lea_id in enterable]
    events = _live_events({state.participant.event_id for state in states}, session=session)
    listed = [(events[state.participant.event_id], state, state.member(person_id)) for state in states]
    lines = [_my_event(live, state, member, now) for live, state, member in listed if member is not None]
    return sorted(lines, key=lambda line: (line.end_date, line.name, line.number))


@functools.cache
def _mine() -> sa.Select[int, int]:
    return (
        members_of_participants()
        .where(Member.person_id == sa.bindparam("person_id"))
        .where(Event.status.in_(_LIVE), Participant.withdrawn_at.is_(None))
        .distinct()
    )


def my_event(
    key: str,
    number: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    shown_to: Attestation | None = None,
) -> MyEventDetail:
    """Event Detail for one participant of the person's own; anything else is NotFound.

    `shown_to`: what a person was shown before, which the list of what must be true holds against what is current.
    """
    live, state, member = own_participant(key, number, session=session, actor=actor, lock=False)
    participant, version = state.participant, live.version
    require(Tool.CERTIFICATION_EVENT, "R", session=session, actor=actor, organization_id=participant.lea_id)
    [standing] = load_standings(live, [(state, member)], session=session, actor=actor, now=now)
    is_certifier = member.role == CategoryRole.CERTIFIER
    # Before Event Start there are no data to see yet, whatever the state has taken already.
    upcoming = live.is_upcoming(now)
    shown = None if upcoming else participant.certified_revision_id or participant.current_revision_id
    dates = dates_of(version, live.zone, now)
    event = _my_event(live, state, member, now)
    return MyEventDetail(
        event=event,
        participant_id=participant.id,
        organization_id=participant.organization_id,
        lea_number=participant.lea_number,
        **_as_published(version),
        may_take_snapshot=event.may_take_snapshot,
        may_request_recertification=is_certifier and obstacle(Act.REQUEST, state.facts) is None,
        may_withdraw_request=is_certifier and obstacle(Act.WITHDRAW_REQUEST, state.facts) is None,
        status_words=event.status_words,
        progress=event.progress,
        revision=revision_views([shown], version.id, session=session).get(shown or 0),
        people=tuple(person_view(state, one, dates) for one in state.members),
        readiness=_readiness(standing, shown_to, session=session),
        rules_set_aside=tuple((rule.code, rule.reason) for rule in standing.evidence.set_aside),
        waiting_request=state.request.reason if state.request else None,
        again=_again(state),
        changed_since=None if upcoming else changed_since(state, session=session, person_id=member.person_id),
        snapshot=None if upcoming else _own_progress(participant.id, session=session),
    )


def _as_published(version: EventVersion) -> dict[str, Any]:
    """What the page shows of the event word for word."""
    return {
        "description": version.description,
        "reporting_year": version.reporting_year,
        "count_date": version.count_date,
        "links": tuple((link["label"], link["url"]) for link in version.links),
        "statement": version.statement,
        "statement_version": version.statement_version,
        "nil_statement": version.nil_statement,
        "findings_policy": version.findings_policy,
        "requires_snapshot": version.requires_snapshot,
    }


def _readiness(standing: Standing, shown_to: Attestation | None, *, session: Session) -> Readiness:
    number = standing.state.number
    shown = shown_row_counts([standing], {number: shown_to}, session=session) if shown_to else {}
    lines = standing.checklist(shown_to, shown.get(number))
    obstacles = unmet(lines)
    return Readiness(
        may_submit=not obstacles,
        obstacles=obstacles,
        is_certifier=standing.listed.role == CategoryRole.CERTIFIER,
        owes=standing.listed.person_id in owing(standing.state.facts),
        nil_return=standing.needs_nil_return,
        reason_without_change=standing.changes_nothing,
        checklist=lines,
    )


def _own_progress(participant_id: int, *, session: Session) -> SnapshotProgress | None:
    """The snapshot a participant waits for, or the last one it had, as its own people are told."""
    return progress_of([participant_id], session=session, for_state=False).get(participant_id)


def _enterable_leas(person_id: int, *, session: Session) -> set[int]:
    """LEAs for which the person may enter Certification Event."""
    held = rights_of_people([person_id], session=session).get(person_id, {})
    return {
        lea_id
        for (tool, lea_id), rights in held.items()
        if tool == Tool.CERTIFICATION_EVENT and lea_id is not None and Right.READ in rights
    }


_LIVE_EVENTS = (
    sa.select(Event, EventVersion, Category)
    .join(EventVersion, EventVersion.id == Event.live_version_id)
    .join(Category, Category.id == EventVersion.category_id)
    .where(among_given(Event.id))
)


def _live_events(event_ids: set[int], *, session: Session) -> dict[int, LiveEvent]:
    rows = session.execute(_LIVE_EVENTS, {"ids": list(event_ids)}).all()
    zone = state_time_zone(session=session) if rows else None
    return {
        row.Event.id: LiveEvent(row.Event, row.EventVersion, row.Category, zone) for row in rows if zone is not None
    }


def _my_event(live: LiveEvent, state: State, member: Listed, now: datetime.datetime) -> MyEvent:
    version, event = live.version, live.event
    where = phase(version, now, live.zone)
    start, opens = version.start_date, version.opens_date
    if where is None or start is None or opens is None:
        raise NotFound(f"{version.name} has no dates.")
    person = person_view(state, member, dates_of(version, live.zone, now))
    due = due_date(state.facts, member.person_id, live.end)
    return MyEvent(
        key=event.key,
        name=version.name,
        status=event.status,
        phase=where.value,
        held=not event.active,
        hold_reason=event.hold_reason,
        level=version.level,
        category=live.category.name,
        number=state.number,
        organization=state.name,
        role=member.role,
        user_status=person.user_status,
        event_status=state.participant.status,
        status_words=district_words(state.facts),
        start_date=start,
        opens_date=opens,
        end_date=live.end,
        due_date=due,
        progress=str(progress(state.facts)),
        did_not_certify=person.did_not_certify,
        extended=due > live.end,
        may_send=ready_to_send(state.facts) and member.person_id in certified_people(state.facts),
        requires_snapshot=version.requires_snapshot,
        has_data=state.participant.current_revision_id is not None and where is not Phase.UPCOMING,
        may_take_snapshot=_may_take_snapshot(live, state, member) and where is not Phase.UPCOMING,
    )


def _again(state: State) -> CertifyAgain | None:
    if state.participant.status is not ParticipantStatus.RECERTIFYING:
        return None
    return CertifyAgain(state.round.number, state.round.started_at, state.round.reason or "")


def _may_take_snapshot(live: LiveEvent, state: State, member: Listed) -> bool:
    version, status = live.version, state.participant.status
    may_not = why_district_may_not(status, districts_may=version.districts_may_take_snapshots)
    return member.role == CategoryRole.CERTIFIER and version.requires_snapshot and may_not is None
