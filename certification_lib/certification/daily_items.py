"""What the gathered messages of an event say at the moment their mail goes out: nothing to whoever has finished."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.queries import open_states, owed_by
from certification_lib.certification.readmodels import Owing
from certification_lib.certification.reminders import days_left_in_words
from certification_lib.certification.reminding import what_is_missing
from certification_lib.certification.telling import day_in_words
from certification_lib.certification.waiting import waits_for_the_state
from certification_lib.events.models import Event, EventStatus, EventVersion
from certification_lib.events.phases import local_day
from certification_lib.events.rules import names_in_words
from certification_lib.notifications.kinds import ESCALATION, WAITS_FOR_STATE
from certification_lib.notifications.models import Message
from certification_lib.people.queries import state_time_zone

NOTHING_OWED = "nothing was owed any more when the mail was to go out"
_CLOSED = "the event was closed before the mail was to go out"
_ON_HOLD = "the event was on hold when the mail was to go out"
_PAUSED = "reminders of this event were paused"
# Of a certifier's many schools only so many are named one by one.
_SHOWN = 20


@dataclass(frozen=True)
class Item:
    """One thing that is owed: by the reader himself, or in an organization whose contact he is, by `others`; or by the
    state, for which so many participants wait: then `organization` names them."""

    event: str
    organization: str
    number: str
    left: str
    due_date: datetime.date
    due: str
    missing: str
    path: str
    others: str = ""
    waiting: int = 0


@dataclass(frozen=True)
class EventItems:
    """A live event's owing people; empty, with the reason, when nobody is to be reminded of it."""

    key: str
    name: str
    today: datetime.date
    owing: tuple[Owing, ...]
    missing: dict[int, str]
    names: dict[int, str]
    by_person: dict[int, list[Owing]]
    why_not: str = NOTHING_OWED
    waiting: tuple[str, ...] = ()
    """The participants that wait too long for the state."""

    def reason(self, message: Message) -> str:
        """Why the message says nothing any more. A pause of reminders does not silence what waits for the state."""
        return NOTHING_OWED if message.kind == WAITS_FOR_STATE and self.why_not == _PAUSED else self.why_not

    def of(self, message: Message) -> list[Item]:
        """What the message still says."""
        if message.kind == ESCALATION:
            return self._escalated(message)
        if message.kind == WAITS_FOR_STATE:
            return self._waiting()
        own = self.by_person.get(message.person_id or 0, [])
        shown = [self._item(one, f"/certification/my-events/{self.key}/{quote(one.number, safe='')}/") for one in own]
        if len(shown) <= _SHOWN:
            return shown
        return [*shown[: _SHOWN - 1], self._rest(own[_SHOWN - 1], len(own) - _SHOWN + 1)]

    def _escalated(self, message: Message) -> list[Item]:
        """Who still owes in the organization, the reader himself left out: he hears of that as his own."""
        owing = [
            one
            for one in self.owing
            if one.number == message.organization_number and one.person_id != message.person_id
        ]
        if not owing:
            return []
        names = ", ".join(sorted(self.names[one.person_id] for one in owing))
        return [self._item(min(owing, key=lambda one: one.due_date), "/certification/", others=names)]

    def _waiting(self) -> list[Item]:
        if not self.waiting:
            return []
        path = f"/certification/events/{self.key}/"
        names = names_in_words(self.waiting)
        return [Item(self.name, names, "", "", self.today, "", "", path, waiting=len(self.waiting))]

    def _rest(self, first: Owing, count: int) -> Item:
        item = self._item(first, "/certification/my-events/")
        return replace(item, organization=f"{count} more organizations, the first of them {item.organization}")

    def _item(self, one: Owing, path: str, *, others: str = "") -> Item:
        return Item(
            event=self.name,
            organization=one.name,
            number=one.number,
            left=days_left_in_words(one.due_date, self.today),
            due_date=one.due_date,
            due=day_in_words(one.due_date) or "",
            missing=self.missing[one.participant_id],
            path=path,
            others=others,
        )


def items_of_events(keys: Collection[str], *, session: Session, now: datetime.datetime) -> dict[str, EventItems]:
    """By key of the event, for events that were published."""
    today = local_day(now, state_time_zone(session=session)) if keys else now.date()
    events = session.execute(
        sa.select(Event, EventVersion)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.key.in_(keys))
    ).all()
    waiting = waits_for_the_state([event.id for event, _ in events], session=session, now=now)
    return {
        event.key: _items(event, version, today, waiting[event.id], session=session, now=now)
        for event, version in events
    }


def _items(
    event: Event,
    version: EventVersion,
    today: datetime.date,
    waiting: Sequence[str],
    *,
    session: Session,
    now: datetime.datetime,
) -> EventItems:
    why_not = _why_not(event)
    if why_not is not None:
        waiting = waiting if why_not == _PAUSED else ()
        return EventItems(event.key, version.name, today, (), {}, {}, {}, why_not, tuple(waiting))
    zone, end = state_time_zone(session=session), version.end_date
    states = open_states(event.id, session=session)
    owing = tuple(one for state in states for one in owed_by(state, end, zone=zone, now=now))
    owed_for = {one.participant_id for one in owing}
    participants = [state.participant for state in states if state.participant.id in owed_for]
    return EventItems(
        event.key,
        version.name,
        today,
        owing,
        what_is_missing(version, participants, session=session),
        {person.person_id: person.name for state in states for person in state.members},
        _by_person(owing),
        waiting=tuple(waiting),
    )


def _by_person(owing: Iterable[Owing]) -> dict[int, list[Owing]]:
    """Each one's own, the most urgent first."""
    found: dict[int, list[Owing]] = defaultdict(list)
    for one in sorted(owing, key=lambda one: (one.due_date, one.number)):
        found[one.person_id].append(one)
    return found


def _why_not(event: Event) -> str | None:
    if event.status is EventStatus.CLOSED:
        return _CLOSED
    if not event.active:
        return _ON_HOLD
    if event.reminders_paused_at is not None:
        return _PAUSED
    return None
