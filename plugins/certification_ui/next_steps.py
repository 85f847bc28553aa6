"""What a district person has to do for one event, in plain words: the cards of the home page."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.certification.own_readmodels import MyEvent
from certification_lib.certification.rules import UserStatus
from certification_lib.events.models import ParticipantStatus
from certification_lib.events.phases import Phase
from certification_ui import words


@dataclass(frozen=True)
class Step:
    """What comes next: whether it is the reader's turn, what to do, and the link that does it."""

    mine: bool
    what: str
    link: str
    late: bool = False


@dataclass(frozen=True)
class Card:
    """One event for one organization."""

    event: MyEvent
    step: Step
    when: str
    """The date that matters now, in words; empty where none does."""
    schools: int = 0
    """Of a School-level event with several schools of the reader's: how many, on a card for all of them."""

    @property
    def organization(self) -> str:
        return words.count(self.schools, "school") if self.schools else self.event.organization


@dataclass(frozen=True)
class Agenda:
    """What waits for the reader and what does not, each by due date, whichever organization it is for."""

    to_do: tuple[Card, ...]
    others: tuple[Card, ...]


_OTHERS_TURN = {
    ParticipantStatus.SENT: "Everybody has certified, and the state has it. The state looks at it next.",
    ParticipantStatus.APPROVED: "The state has approved it. There is nothing more to do.",
    ParticipantStatus.REQUESTED: "You asked to certify again. The state decides, and you get a message.",
}


def agenda(events: Iterable[MyEvent], now: datetime.datetime, zone: str) -> Agenda:
    """The cards of all events of the reader's organizations."""
    cards = [_card(lines, now, zone) for lines in _together(events)]
    cards.sort(key=lambda card: (card.event.due_date, card.event.name, card.event.number))
    return Agenda(tuple(card for card in cards if card.step.mine), tuple(card for card in cards if not card.step.mine))


def _together(events: Iterable[MyEvent]) -> list[list[MyEvent]]:
    """The lines of each card: the schools of one event on one, everything else by itself."""
    found: dict[tuple[str, str], list[MyEvent]] = {}
    for event in events:
        place = "" if event.level is Level.SCHOOL else event.number
        found.setdefault((event.key, place), []).append(event)
    return list(found.values())


def _card(lines: Sequence[MyEvent], now: datetime.datetime, zone: str) -> Card:
    """One line's card, or the card of several schools, which stands for the one that is most urgent."""
    steps = [(step(event), event) for event in lines]
    first, event = min(steps, key=lambda pair: (not pair[0].mine, pair[1].due_date, pair[1].number))
    if len(lines) == 1:
        return Card(event, first, _when(event, now, zone))
    waiting = sum(one.mine for one, _ in steps)
    what = f"{waiting} of {len(lines)} wait for you. {first.what}" if waiting else first.what
    together = Step(first.mine, what, "Open your schools", any(one.late for one, _ in steps))
    return Card(event, together, _when(event, now, zone), len(lines))


def step(event: MyEvent) -> Step:
    """What comes next for this reader."""
    waiting = _out_of_reach(event)
    if waiting:
        return Step(False, waiting, "See what is asked" if event.phase == Phase.UPCOMING else "Open")
    if event.may_send or event.user_status in {UserStatus.OVERDUE, UserStatus.INCOMPLETE}:
        return _to_certify(event)
    if event.role == CategoryRole.REVIEWER:
        return Step(False, "You can look at the data and findings. A Certifier signs.", "Look at the data")
    if event.user_status == UserStatus.CERTIFIED:
        signed = f"You have signed. So far {event.progress} have signed; the others still have to."
        return Step(False, signed, "Open")
    return Step(False, "There is nothing for you to do.", "Open")


def _out_of_reach(event: MyEvent) -> str | None:
    """Why nobody of the organization has anything to do now; None when somebody may have."""
    if event.held:
        reason = f" The state says: {event.hold_reason}" if event.hold_reason else ""
        return f"The state has stopped this event for now. You get a message when it goes on.{reason}"
    if event.phase == Phase.UPCOMING:
        return f"It starts on {words.day(event.start_date)}. There is nothing to do yet."
    if event.did_not_certify:
        return "The state has approved it without your certification. There is nothing more to do."
    return _OTHERS_TURN.get(event.event_status)


def _to_certify(event: MyEvent) -> Step:
    """What somebody who owes does next, or who may send what everybody has signed."""
    if event.may_send:
        return Step(True, "Nobody else has to sign. Press Submit once more to send it to the state.", "Open and submit")
    if event.user_status == UserStatus.OVERDUE:
        return Step(True, "Your due date has passed. Ask the state for more time.", "Open", late=True)
    again = "The state asks you to certify again. " if event.event_status == ParticipantStatus.RECERTIFYING else ""
    if not event.requires_snapshot:
        return _to_sign_only(event, again)
    if not event.has_data:
        return _to_get_data(event, again)
    if event.phase == Phase.REVIEW_ONLY:
        day = words.day(event.opens_date)
        return Step(
            True, f"{again}Look at your data and correct what is wrong. You can sign from {day}.", "Look at the data"
        )
    return Step(True, f"{again}Look at your data, correct what is wrong, then sign.", "Review and certify")


def _to_sign_only(event: MyEvent, again: str) -> Step:
    """Of an event without data: there is a statement to read and to sign."""
    if event.phase == Phase.REVIEW_ONLY:
        return Step(False, f"{again}You can sign from {words.day(event.opens_date)}.", "See what is asked")
    return Step(True, f"{again}Read what is asked, then sign.", "Read and certify")


def _to_get_data(event: MyEvent, again: str) -> Step:
    """Before the first snapshot. Once certification is open, who may take one waits for nobody."""
    if event.may_take_snapshot and event.phase != Phase.REVIEW_ONLY:
        return Step(True, f"{again}Your data are not here yet. Take a snapshot to see them.", "See what is asked")
    what = "Your data are not here yet. You get a message when you can look at them."
    return Step(bool(again), again + what, "See what is asked")


def _when(event: MyEvent, now: datetime.datetime, zone: str) -> str:
    if event.event_status in _OTHERS_TURN:
        return ""
    if event.phase == Phase.UPCOMING:
        return f"Starts {words.days_away(event.start_date, now, zone)}, {words.weekday(event.start_date)}"
    return words.closes(event.due_date, now, zone)
