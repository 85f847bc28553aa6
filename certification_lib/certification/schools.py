"""A School-level event as an All Schools certifier sees it: each school with its totals, and what it still needs.

A person who is a member for one school sees that school alone.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Level
from certification_lib.certification.access import LiveEvent
from certification_lib.certification.district_queries import my_events
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.readiness import Check
from certification_lib.certification.readmodels import RevisionView
from certification_lib.certification.rules import counts, district_words, due_date, progress
from certification_lib.certification.standing import Standing, load_standings
from certification_lib.certification.views import dates_of, person_view, revision_views
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.queries import state_time_zone


@dataclass(frozen=True)
class SchoolLine:
    """One school: what would be certified, and what stands in the way of this person certifying it."""

    number: str
    name: str
    user_status: str
    status_words: str
    progress: str
    """`1 of 2`, certifiers."""
    due_date: datetime.date
    revision: RevisionView | None
    """What is certified: the certified revision when sent, else the current; None before there is one to see."""
    obstacles: tuple[str, ...]
    signed: bool
    """The person's own submission of this round stands."""
    receipt: int | None
    nil_return: bool
    reason_without_change: bool

    @property
    def ready(self) -> bool:
        """Whether the person may certify it now."""
        return not self.obstacles


@dataclass(frozen=True)
class OwnSchools:
    """The schools of one LEA in an event, as far as the person acts for them, by name."""

    key: str
    name: str
    lea_number: str
    lea_name: str
    leas: tuple[tuple[str, str], ...]
    """(number, name) of every LEA for whose schools the person acts in this event."""
    opens_date: datetime.date
    end_date: datetime.date
    count_date: datetime.date | None
    held: bool
    hold_reason: str | None
    statement: str
    statement_version: int
    nil_statement: str
    is_certifier: bool
    schools: tuple[SchoolLine, ...]

    @property
    def ready(self) -> tuple[SchoolLine, ...]:
        """Those the person may certify now."""
        return tuple(school for school in self.schools if school.ready)


def own_schools(
    key: str, lea_number: str | None = None, *, session: Session, actor: Actor, now: datetime.datetime
) -> OwnSchools:
    """The person's own schools in a School-level event, those of one LEA; without a number those of the first.

    NotFound when the person acts for no school in it.
    """
    own = {
        line.number: line
        for line in my_events(actor.person_id or 0, session=session, now=now)
        if line.key == key and line.level == Level.SCHOOL
    }
    live, participants = _participants(key, set(own), session=session)
    leas = sorted({(one.lea_number, one.lea_name) for one in participants}, key=lambda lea: (lea[1], lea[0]))
    chosen = next((lea for lea in leas if lea_number in {None, lea[0]}), None)
    if live is None or chosen is None:
        raise NotFound(f"There is no event {key} with schools of yours.")
    shown = [one for one in participants if one.lea_number == chosen[0]]
    schools = _lines(live, shown, session=session, actor=actor, now=now)
    version = live.version
    return OwnSchools(
        key=key,
        name=version.name,
        lea_number=chosen[0],
        lea_name=chosen[1],
        leas=tuple(leas),
        opens_date=version.opens_date or live.end,
        end_date=live.end,
        count_date=version.count_date,
        held=not live.event.active,
        hold_reason=live.event.hold_reason,
        statement=version.statement,
        statement_version=version.statement_version,
        nil_statement=version.nil_statement,
        is_certifier=any(own[school.number].role == CategoryRole.CERTIFIER for school in schools),
        schools=schools,
    )


def _participants(key: str, numbers: set[str], *, session: Session) -> tuple[LiveEvent | None, list[Participant]]:
    event = session.scalar(sa.select(Event).where(Event.key == key))
    if event is None or not numbers:
        return None, []
    version = session.get_one(EventVersion, event.live_version_id)
    live = LiveEvent(event, version, session.get_one(Category, version.category_id), state_time_zone(session=session))
    query = sa.select(Participant).where(Participant.event_id == event.id, Participant.organization_number.in_(numbers))
    return live, list(session.scalars(query))


def _lines(
    live: LiveEvent, participants: list[Participant], *, session: Session, actor: Actor, now: datetime.datetime
) -> tuple[SchoolLine, ...]:
    """In a fixed number of statements, whatever the number of schools."""
    states = load_states([one.id for one in participants], session=session)
    own = [(state, member) for state in states if (member := state.member(actor.person_id)) is not None]
    standings = load_standings(live, own, session=session, actor=actor, now=now)
    # Before Event Start there are no data to see yet, whatever the state has taken already.
    shown = {} if live.is_upcoming(now) else {state.participant.id: _shown_revision(state) for state in states}
    revisions = revision_views(list(shown.values()), live.version.id, session=session)
    lines = [_line(one, revisions.get(shown.get(one.state.participant.id) or 0)) for one in standings]
    return tuple(sorted(lines, key=lambda line: (line.name, line.number)))


def _shown_revision(state: State) -> int | None:
    return state.participant.certified_revision_id or state.participant.current_revision_id


def _line(standing: Standing, revision: RevisionView | None) -> SchoolLine:
    live, state, member = standing.live, standing.state, standing.listed
    lines = standing.checklist()
    # Who has certified is told so, and not also everything that follows from it.
    settled = [line.words for line in lines if line.check in {Check.STATUS, Check.SIGNED} and not line.met]
    counting = [
        submission.id
        for submission, fact in zip(state.submissions, state.facts.signed, strict=True)
        if submission.person_id == member.person_id and counts(state.facts, fact)
    ]
    return SchoolLine(
        number=state.number,
        name=state.name,
        user_status=person_view(state, member, dates_of(live.version, live.zone, standing.now)).user_status,
        status_words=district_words(state.facts),
        progress=str(progress(state.facts)),
        due_date=due_date(state.facts, member.person_id, live.end),
        revision=revision,
        obstacles=tuple(settled or (line.words for line in lines if not line.met)),
        signed=bool(counting),
        receipt=max(counting, default=None),
        nil_return=standing.needs_nil_return,
        reason_without_change=standing.changes_nothing,
    )
