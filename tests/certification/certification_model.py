"""Domain section 4 told a second time, in another way than the product tells it: every act is written as what it does
to a few plain values, and the status is kept, not derived. No database, no code of the product.

Each act of `Model` returns what it does, or None where it is refused; nothing is done until the caller calls it.
"""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

IN_PROGRESS = "In Progress"
SENT = "Certification Sent to State"
APPROVED = "Certification Approved by State"
REQUESTED = "Recertification Request Sent"
AGAIN = "Recertification In Progress"
WITHDRAWN = "Withdrawn"
OPEN = {IN_PROGRESS, AGAIN}

Effect = Callable[[], None]
Day = datetime.date


@dataclass
class Data:
    """A revision: its number, what is in it, and whether the rules have run on it."""

    number: int
    content: str
    validated: bool


@dataclass
class Approval:
    data: Data | None
    official_before: int | None
    done: int
    of: int


@dataclass
class Round:
    number: int
    opens_as: str = IN_PROGRESS
    asked_by: str | None = None
    """Who asked for it, where a request was accepted."""
    signed: dict[str, list[str | None]] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    """Named while it was sent or approved: they owe nothing."""
    sent: bool = False
    certified: Data | None = None
    approval: Approval | None = None
    request: str | None = None
    due: Day | None = None
    overrides: dict[str, Day] = field(default_factory=dict)
    reviewed: bool = False

    @property
    def settled(self) -> bool:
        return self.sent or self.approval is not None


@dataclass
class District:
    people: dict[str, "Person"]
    rounds: list[Round] = field(default_factory=lambda: [Round(1)])
    numbers: int = 1
    status: str = IN_PROGRESS
    current: Data | None = None
    official: int | None = None

    @property
    def round(self) -> Round:
        return self.rounds[-1]

    @property
    def certifiers(self) -> set[str]:
        return {name for name, person in self.people.items() if person.listed and person.active}

    @property
    def before_request(self) -> str:
        now = self.round
        return APPROVED if now.approval else SENT if now.sent else now.opens_as


@dataclass
class Person:
    listed: bool
    active: bool = True
    has_rights: bool = True


@dataclass
class Model:
    needs_snapshot: bool
    opens: Day
    end: Day
    districts: dict[str, District]
    today: Day = datetime.date.min
    held: bool = False
    closed: bool = False

    # What follows from the values

    def done(self, district: District) -> set[str]:
        """Whose signature counts: it is of what was sent or approved, or else of what is current."""
        now = district.round
        what = now.certified if now.sent else now.approval.data if now.approval else district.current
        content = what.content if what else None
        return {who for who, signed in now.signed.items() if not self.needs_snapshot or content in signed}

    def owing(self, district: District) -> set[str]:
        if district.status not in OPEN:
            return set()
        return district.certifiers - self.done(district) - district.round.excused

    def progress(self, district: District) -> tuple[int, int]:
        approval = district.round.approval
        if approval:
            return approval.done, approval.of
        done = self.done(district)
        return len(done), len(done | self.owing(district))

    def everyone(self, district: District) -> bool:
        done, of = self.progress(district)
        return 0 < of <= done

    def ready_to_send(self, district: District) -> bool:
        return district.status in OPEN and bool(self.done(district)) and not self.owing(district)

    def due(self, district: District, who: str) -> Day:
        now = district.round
        return max(self.end, now.due or self.end, now.overrides.get(who, self.end))

    def user_status(self, district: District, who: str) -> str:
        if district.status == WITHDRAWN:
            return "N/A"
        if district.status == REQUESTED and district.round.request == who:
            return "Recertification Request Pending"
        if who in self.owing(district):
            return "Incomplete - Overdue" if self.today > self.due(district, who) else "Certification Incomplete"
        done = who in self.done(district)
        if district.before_request == APPROVED:
            left_out = not district.round.sent and who in district.certifiers - district.round.excused
            return "Complete" if done or left_out else "N/A"
        return "Certification Complete" if done else "N/A"

    def current_is_frozen(self, district: District) -> bool:
        """Nobody takes snapshots of what is closed or withdrawn."""
        return self.closed or district.status == WITHDRAWN

    # Acts of the district

    def submit(self, number: str, who: str, *, shown_newest: bool = True) -> Effect | None:
        district = self.districts[number]
        allowed = (
            self._acts(number, who)
            and district.status in OPEN
            and (who not in self.done(district) or self.ready_to_send(district))
            and not self.held
            and self.opens <= self.today <= self.due(district, who)
            and (not self.needs_snapshot or (district.current is not None and district.current.validated))
            and shown_newest
        )

        def effect() -> None:
            waiting = self.owing(district) - {who}
            district.round.signed.setdefault(who, []).append(district.current.content if district.current else None)
            if not waiting:
                district.round.sent, district.round.certified = True, district.current
                district.status = SENT

        return effect if allowed else None

    def ask(self, number: str, who: str) -> Effect | None:
        district = self.districts[number]

        def effect() -> None:
            district.round.request, district.status = who, REQUESTED

        return effect if self._acts(number, who) and district.status in {SENT, APPROVED} else None

    def withdraw_request(self, number: str, who: str) -> Effect | None:
        district = self.districts[number]
        return self._answered(district) if self._acts(number, who) and district.status == REQUESTED else None

    def _acts(self, number: str, who: str) -> bool:
        """Whether this is a certifier of the district with the rights, and the event is still there for him."""
        district = self.districts[number]
        is_certifier = who in district.certifiers and district.people[who].has_rights
        return is_certifier and not self.closed and district.status != WITHDRAWN

    def _answered(self, district: District) -> Effect:
        def effect() -> None:
            district.round.request = None
            district.status = district.before_request

        return effect

    # Acts of the state; all by an Approver

    def approve(self, number: str, *, tick: bool) -> Effect | None:
        district = self.districts[number]
        enough = tick or district.round.approval is not None or self.everyone(district)
        if self.closed or self.today < self.opens or district.status in {APPROVED, WITHDRAWN} or not enough:
            return None

        def effect() -> None:
            now = district.round
            if now.approval is None:
                data = now.certified if now.sent else district.current
                now.approval = Approval(data, district.official, *self.progress(district))
                district.official = data.number if data else district.official
            now.request, district.status = None, APPROVED

        return effect

    def withdraw_approval(self, number: str) -> Effect | None:
        district = self.districts[number]
        approval = district.round.approval
        if self.closed or district.status != APPROVED or approval is None:
            return None

        def effect() -> None:
            district.official, district.round.approval = approval.official_before, None
            district.status = district.before_request

        return effect

    def send_back(self, number: str, due: Day | None) -> Effect | None:
        district = self.districts[number]
        allowed = not self.closed and district.status in {SENT, APPROVED} and self._usable(due)
        return self._next_round(district, due, None) if allowed else None

    def take_back(self, number: str) -> Effect | None:
        district = self.districts[number]
        if self.closed or district.status != AGAIN or district.round.signed:
            return None

        def effect() -> None:
            taken = district.rounds.pop()
            district.round.request = taken.asked_by
            district.status = REQUESTED if taken.asked_by else district.before_request

        return effect

    def decide(self, number: str, accept: bool, due: Day | None) -> Effect | None:
        district = self.districts[number]
        if self.closed or district.status != REQUESTED or (accept and not self._usable(due)):
            return None
        return self._next_round(district, due, district.round.request) if accept else self._answered(district)

    def give_due_date(self, number: str, who: str | None, day: Day) -> Effect | None:
        district = self.districts[number]
        covered = who is None or who in district.certifiers
        if self.closed or district.status not in OPEN or day < self.today or not covered:
            return None
        present = max(self.end, district.round.due or self.end) if who is None else self.due(district, who)
        if day <= present:
            return None

        def effect() -> None:
            if who is None:
                district.round.due = day
            else:
                district.round.overrides[who] = day

        return effect

    def take_back_due_date(self, number: str, who: str | None) -> Effect | None:
        now = self.districts[number].round
        if self.closed or (now.due is None if who is None else who not in now.overrides):
            return None

        def effect() -> None:
            if who is None:
                now.due = None
            else:
                del now.overrides[who]

        return effect

    def review(self, number: str) -> Effect | None:
        district = self.districts[number]
        if self.closed or district.status == WITHDRAWN or district.round.reviewed:
            return None
        return lambda: setattr(district.round, "reviewed", True)

    def withdraw(self, number: str) -> Effect | None:
        district = self.districts[number]
        others = [one for one in self.districts.values() if one is not district and one.status != WITHDRAWN]
        if self.closed or district.status == WITHDRAWN or not others:
            return None

        def effect() -> None:
            district.round.request, district.status = None, WITHDRAWN

        return effect

    def put_back(self, number: str) -> Effect | None:
        district = self.districts[number]
        if district.status != WITHDRAWN:
            return None

        def effect() -> None:
            district.numbers += 1
            district.rounds.append(Round(district.numbers))
            district.status = IN_PROGRESS

        return effect

    def _usable(self, due: Day | None) -> bool:
        return due >= self.today if due is not None else self.today <= self.end

    def _next_round(self, district: District, due: Day | None, asked_by: str | None) -> Effect:
        def effect() -> None:
            district.round.request = None
            district.numbers += 1
            district.rounds.append(Round(district.numbers, AGAIN, asked_by, due=due))
            district.status = AGAIN

        return effect

    # People

    def join(self, number: str, who: str) -> None:
        district = self.districts[number]
        district.people[who].listed = True
        for one in district.rounds:
            if one.settled:
                one.excused.add(who)

    def leave(self, number: str, who: str) -> None:
        district = self.districts[number]
        district.people[who].listed = False
        for one in district.rounds:
            one.excused.discard(who)

    def everybody(self) -> Iterator[tuple[str, str]]:
        return ((number, who) for number, district in self.districts.items() for who in district.people)
