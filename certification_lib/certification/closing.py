"""Closing an event: final. What is unfinished is listed first, and then needs the event's name typed in."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, needed_reason
from certification_lib.certification.asset_facts import happened
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.models import AssetName, DueDate, RecertificationRequest, RequestOutcome, Round
from certification_lib.certification.outcomes import settle
from certification_lib.certification.telling import day_in_words, state_members
from certification_lib.errors import BadInput, Conflict
from certification_lib.events import rules
from certification_lib.events.models import Event, Participant, ParticipantStatus
from certification_lib.events.phases import end_moment
from certification_lib.events.planning import cancel_all
from certification_lib.events.queries import locked_event, shown_version
from certification_lib.events.rules import names_in_words
from certification_lib.events.service import drop_draft
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Tool
from certification_lib.people.service import require
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.service import cancel_waiting_snapshots

_CLOSED = "the event was closed"
_APPROVER = frozenset({CategoryRole.APPROVER})


@dataclass(frozen=True)
class ClosedEvent:
    """What closing did besides."""

    key: str
    lapsed_requests: tuple[str, ...]
    cancelled_milestones: int
    cancelled_snapshots: int
    dropped_draft: bool


def close_event(
    key: str,
    comment: str,
    *,
    confirmed_name: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> ClosedEvent:
    """Close Event, with a comment, by an Approver of the category who holds the right Delete.

    While anything is unfinished (see `unfinished`) Conflict lists all of it until `confirmed_name` is the event's name.
    After the commit the caller writes the manifest (`events.manifest.write_manifest_of`).
    """
    require(Tool.EVENT_MANAGEMENT, "D", session=session, actor=actor)
    live = _closable(key, session=session, actor=actor)
    comment = needed_reason(comment, "A comment")
    states = _states(live.event.id, session)
    _confirm(live, confirmed_name, session=session, now=now)
    lapsed = _lapse_requests(states, session=session, actor=actor, now=now)
    event = live.event
    had_draft = event.draft_version_id is not None
    cancelled = cancel_all(event, _CLOSED, session=session, now=now)
    snapshots = cancel_waiting_snapshots(event.id, _CLOSED, session=session, now=now)
    drop_draft(event, session=session)
    status = rules.after(event.status, rules.EventAct.CLOSE, live.version.name)
    event.status = status or event.status
    event.closed_at, event.closed_by, event.close_comment = now, actor.username, comment
    notify_all(_notices(live, states, comment, actor, session), session=session, now=now)
    happened(AssetName.CLOSED, key, [state.number for state in states], session=session, now=now)
    closed = ClosedEvent(key, tuple(state.number for state in lapsed), cancelled, snapshots, had_draft)
    record(
        "event:close",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={
            "comment": comment,
            "lapsed_requests": closed.lapsed_requests,
            "milestones": cancelled,
            "snapshots": snapshots,
        },
    )
    return closed


@dataclass(frozen=True)
class Unfinished:
    """One kind of what closing would cut off, and the participants it is about."""

    what: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what}: {names_in_words(self.names)}." if self.names else f"{self.what}."


def unfinished(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> list[Unfinished]:
    """What closing would cut off, for the page that asks for the event's name; locks nothing. Refused where closing
    would be."""
    require(Tool.EVENT_MANAGEMENT, "D", session=session, actor=actor)
    live = event_for_state(key, _APPROVER, "close the event", session=session, actor=actor, lock=False)
    return _unfinished(live, session=session, now=now)


def _closable(key: str, *, session: Session, actor: Actor) -> LiveEvent:
    event = locked_event(key, session=session)
    rules.after(event.status, rules.EventAct.CLOSE, shown_version(event, session=session).name)
    return event_for_state(key, _APPROVER, "close the event", session=session, actor=actor, alone=True)


def _states(event_id: int, session: Session) -> list[State]:
    """The participants that take part, locked in the order of their ids."""
    standing = (
        sa.select(Participant.id)
        .where(Participant.event_id == event_id, Participant.withdrawn_at.is_(None))
        .order_by(Participant.id)
    )
    return load_states(session.scalars(standing.with_for_update()).all(), session=session)


def _confirm(live: LiveEvent, confirmed_name: str | None, *, session: Session, now: datetime.datetime) -> None:
    problems = [str(one) for one in _unfinished(live, session=session, now=now)]
    if not problems or (confirmed_name or "").strip() == live.version.name:
        return
    if confirmed_name:
        raise BadInput(
            f"{confirmed_name} is not the event's name; type {live.version.name} to close it unfinished.",
            problems=problems,
        )
    raise Conflict(
        f"{live.version.name} is unfinished: {' '.join(problems)} Type the event's name to close it for good.",
        problems=problems,
    )


def _unfinished(live: LiveEvent, *, session: Session, now: datetime.datetime) -> list[Unfinished]:
    name = Participant.organization_name
    standing = (
        sa.select(name)
        .where(Participant.event_id == live.event.id, Participant.withdrawn_at.is_(None))
        .order_by(Participant.organization_number)
    )
    this_round = sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number)
    open_names = session.scalars(standing.where(Participant.status != ParticipantStatus.APPROVED)).all()
    waiting = session.scalars(
        standing.join(Round, this_round)
        .join(RecertificationRequest, RecertificationRequest.round_id == Round.id)
        .where(RecertificationRequest.outcome.is_(None))
    ).all()
    later = (
        standing.add_columns(DueDate.due_date)
        .join(Round, this_round)
        .join(DueDate, DueDate.round_id == Round.id)
        .where(DueDate.taken_back_at.is_(None), DueDate.due_date > live.end)
    )
    granted = [
        f"{who} (until {day_in_words(until)})"
        for who, until in session.execute(later)
        if now < end_moment(until, live.zone)
    ]
    running = session.scalar(
        sa.select(sa.func.count()).where(
            Snapshot.event_id == live.event.id,
            Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING]),
        )
    )
    found = []
    if now < end_moment(live.end, live.zone):
        found.append(Unfinished(f"Event End ({day_in_words(live.end)}) has not passed"))
    for what, names in (
        ("Not approved", open_names),
        ("A recertification request is waiting", waiting),
        ("A later due date was granted", granted),
    ):
        if names:
            found.append(Unfinished(what, tuple(names)))
    if running:
        found.append(Unfinished(f"Snapshots waiting or running: {running}"))
    return found


def _lapse_requests(states: Sequence[State], *, session: Session, actor: Actor, now: datetime.datetime) -> list[State]:
    waiting = [state for state in states if state.request is not None]
    for state in waiting:
        if state.request is not None:
            state.request.outcome = RequestOutcome.LAPSED
            state.request.decided_at, state.request.decided_by = now, actor.name
    settle(waiting, session=session)
    return waiting


def _notices(live: LiveEvent, states: Sequence[State], comment: str, actor: Actor, session: Session) -> list[Notice]:
    """To the people of each participant, linking to their receipts, and to the state's members."""
    event: Event = live.event
    by_person: dict[int, list[str]] = {}
    for state in states:
        for person_id in state.people():
            by_person.setdefault(person_id, []).append(state.name)
    notices = [
        Notice(
            fact=f"event_closed:{event.id}",
            kind="event_closed",
            receivers=[person_id],
            values={"event": live.version.name, "organizations": names_in_words(names)},
            path="/certification/my-events/",
            event_key=event.key,
        )
        for person_id, names in by_person.items()
    ]
    staff = {
        person_id
        for role in (CategoryRole.APPROVER, CategoryRole.REVIEWER)
        for person_id in state_members(live.version.category_id, role, session=session)
    }
    notices.append(
        Notice(
            fact=f"event_closed_state:{event.id}",
            kind="event_closed_state",
            receivers=sorted(staff),
            values={"event": live.version.name, "person": actor.name, "comment": comment},
            path=f"/certification/events/{event.key}/",
            event_key=event.key,
        )
    )
    return notices
