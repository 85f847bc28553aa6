"""What the system tells people when a milestone comes: each in one transaction with the mark that it was done.

Only people who still owe hear of windows and reminders. Every function is safe to call again and at the same time: the
event is locked, and what was done is not due any more; a fact is told to a person once.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.escalating import escalations
from certification_lib.certification.queries import people_of_participants, who_owes
from certification_lib.certification.readmodels import Owing
from certification_lib.certification.reminders import Rung, days_left_in_words, rung
from certification_lib.certification.rules import OPEN
from certification_lib.certification.telling import day_in_words, state_members
from certification_lib.events import due
from certification_lib.events.milestones import REMINDER_HOUR
from certification_lib.events.models import Event, EventStatus, EventVersion, Milestone, MilestoneKind, Participant
from certification_lib.events.phases import Phase, has_opened, local_day, phase
from certification_lib.events.queries import locked_event
from certification_lib.notifications.service import Notice, notify, notify_all
from certification_lib.people.queries import state_time_zone
from certification_lib.people.zone_names import zone_name
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotStatus
from certification_lib.validation.service import FinishedValidation

PAUSED = "reminders of this event were paused"
TOO_LATE = "Event End had passed when it could be done"
# What is of no use to anybody once the event has ended.
_BEFORE_END = frozenset({MilestoneKind.OPEN_WINDOW, MilestoneKind.REMINDER})
_NAMES_SHOWN = 20
_DISTRICT_PAGE = "/certification/my-events/"
_STATE_PAGE = "/certification/events/{key}/"


@dataclass(frozen=True)
class _Occasion:
    """A live event at the moment its milestones are done."""

    event: Event
    version: EventVersion
    zone: ZoneInfo
    milestones: tuple[Milestone, ...]
    session: Session
    now: datetime.datetime

    @property
    def today(self) -> datetime.date:
        return local_day(self.now, self.zone)

    def owing(self) -> list[Owing]:
        return who_owes(self.event.id, session=self.session, now=self.now)


def announce_publication(
    key: str, *, moment: datetime.datetime, run_id: str | None, session: Session, now: datetime.datetime
) -> int | None:
    """Mark publications as announced: their messages were written by publishing itself, so that none can get lost."""
    return _do(key, {MilestoneKind.PUBLICATION}, lambda _: [], moment=moment, run_id=run_id, session=session, now=now)


def open_window(
    key: str, *, moment: datetime.datetime, run_id: str | None, session: Session, now: datetime.datetime
) -> int | None:
    """Tell people who owe that they may certify now. Whether they may is decided by the dates, not by this."""
    return _do(key, {MilestoneKind.OPEN_WINDOW}, _window_opened, moment=moment, run_id=run_id, session=session, now=now)


def remind(
    key: str, *, moment: datetime.datetime, run_id: str | None, session: Session, now: datetime.datetime
) -> int | None:
    """Remind people who owe, by each one's own due date; the overdue ones that they are.

    While reminders are paused, what comes due is left out for good, with that reason.
    """
    event = locked_event(key, session=session)
    if event.reminders_paused_at is not None:
        found = due.due_milestones(event, moment=moment, session=session)
        reminders = found.of(due.REMINDERS)
        due.skip_superseded(found, run_id=run_id, now=now)
        due.skip(reminders, PAUSED, run_id=run_id, now=now)
        return 0 if reminders else None
    return _do(key, due.REMINDERS, _reminders, moment=moment, run_id=run_id, session=session, now=now)


def close_window(
    key: str, *, moment: datetime.datetime, run_id: str | None, session: Session, now: datetime.datetime
) -> int | None:
    """Tell the approvers that Event End has passed, and how many have not certified. The event stays open."""
    return _do(key, {MilestoneKind.CLOSE_WINDOW}, _window_ended, moment=moment, run_id=run_id, session=session, now=now)


def remind_by_own_due_dates(key: str, *, session: Session, now: datetime.datetime) -> int:
    """Today's reminders for people whose due date is not Event End. For housekeeping, any number of times a day."""
    event = locked_event(key, session=session)
    occasion = _occasion(event, (), session, now)
    early = now.astimezone(occasion.zone).time() < REMINDER_HOUR
    if early or not event.active or event.reminders_paused_at is not None:
        return 0
    return notify_all(_reminders(occasion), session=session, now=now)


def announce_failed_snapshots(key: str, *, session: Session, now: datetime.datetime) -> int:
    """Tell the approvers of every failed snapshot they have not heard of."""
    event = locked_event(key, session=session)
    occasion = _occasion(event, (), session, now)
    failed = session.scalars(
        sa.select(Snapshot).where(Snapshot.event_id == event.id, Snapshot.status == SnapshotStatus.FAILED)
    )
    notices = [
        Notice(
            fact=f"snapshot_failed:{snapshot.id}",
            kind="snapshot_failed",
            receivers=state_members(occasion.version.category_id, CategoryRole.APPROVER, session=session),
            values={"event": occasion.version.name, "kind": snapshot.kind.value, "why": snapshot.failure or "unknown"},
            path=_STATE_PAGE.format(key=key),
            event_key=key,
        )
        for snapshot in failed
    ]
    return notify_all(notices, session=session, now=now)


def findings_ready(event: Event, *, session: Session, now: datetime.datetime) -> int:
    """Tell certifiers and reviewers that their data were taken and checked: once of each participant's first snapshot,
    schools of one LEA together when all that the person has in it are checked.

    Not before Event Start: there are no data for districts then; the first call after it tells what was ready earlier.
    Of an event that was closed meanwhile nobody hears any more.
    """
    occasion = _occasion(event, (), session, now)
    if event.status is EventStatus.CLOSED or phase(occasion.version, now, occasion.zone) is Phase.UPCOMING:
        return 0
    firsts = (
        sa.select(Revision.participant_id, sa.func.min(Revision.snapshot_id).label("snapshot_id"))
        .group_by(Revision.participant_id)
        .subquery()
    )
    taken = session.execute(
        sa.select(Participant, firsts.c.snapshot_id, Revision.validated_at.is_not(None).label("checked"))
        .join(firsts, firsts.c.participant_id == Participant.id)
        .join(Revision, Revision.id == Participant.current_revision_id)
        .where(Participant.event_id == event.id, Participant.withdrawn_at.is_(None))
    ).all()
    people = people_of_participants([row.Participant.id for row in taken], session=session)
    groups: dict[tuple[int, int, int], list[tuple[str, bool]]] = defaultdict(list)
    for participant, snapshot_id, checked in taken:
        for person_id in people[participant.id]:
            groups[person_id, participant.lea_id, snapshot_id].append((participant.organization_name, checked))
    notices = [
        Notice(
            fact=f"findings_ready:{event.id}:{lea_id}:{snapshot_id}",
            kind="findings_ready",
            receivers=[person_id],
            values={
                "event": occasion.version.name,
                "organizations": names_in_words(sorted(name for name, _ in of_person)),
            },
            path=_DISTRICT_PAGE,
            event_key=event.key,
        )
        for (person_id, lea_id, snapshot_id), of_person in groups.items()
        if all(checked for _, checked in of_person)
    ]
    return notify_all(notices, session=session, now=now)


def rules_could_not_run(event: Event, finished: FinishedValidation, *, session: Session, now: datetime.datetime) -> int:
    """Tell the approvers which rules have no result: that is never the same as no findings."""
    if not finished.could_not_run or event.status is EventStatus.CLOSED:
        return 0
    occasion = _occasion(event, (), session, now)
    return notify(
        f"could_not_run:{finished.run_id}",
        "could_not_run",
        state_members(occasion.version.category_id, CategoryRole.APPROVER, session=session),
        values={"event": occasion.version.name, "rules": finished.could_not_run},
        path=_STATE_PAGE.format(key=event.key),
        event_key=event.key,
        session=session,
        now=now,
    )


def names_in_words(names: Sequence[str]) -> str:
    """The names, and how many more when they are many: a certifier of all schools owes for each of them."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _do(
    key: str,
    kinds: Collection[MilestoneKind],
    notices: Callable[[_Occasion], list[Notice]],
    *,
    moment: datetime.datetime,
    run_id: str | None,
    session: Session,
    now: datetime.datetime,
) -> int | None:
    """None when nothing of these kinds is due any more, or it came too late for anybody and is skipped; else how many
    messages were written."""
    event = locked_event(key, session=session)
    found = due.due_milestones(event, moment=moment, session=session)
    due.skip_superseded(found, run_id=run_id, now=now)
    milestones = found.of(kinds)
    if not milestones:
        return None
    occasion = _occasion(event, milestones, session, now)
    wanted = notices(occasion)
    if not wanted and _comes_too_late(occasion):
        due.skip(milestones, TOO_LATE, run_id=run_id, now=now)
        return None
    told = notify_all(wanted, session=session, now=now)
    due.mark_done(milestones, run_id=run_id, now=now)
    did = " and ".join(dict.fromkeys(milestone.kind.value for milestone in milestones))
    record(
        f"event:{did}",
        f"Event {key}",
        session=session,
        actor=SYSTEM,
        now=now,
        event_key=key,
        details={"messages": told, "run": run_id},
    )
    return told


def _comes_too_late(occasion: _Occasion) -> bool:
    ended = phase(occasion.version, occasion.now, occasion.zone) is Phase.ENDED
    return ended and all(milestone.kind in _BEFORE_END for milestone in occasion.milestones)


def _occasion(event: Event, milestones: tuple[Milestone, ...], session: Session, now: datetime.datetime) -> _Occasion:
    version = session.get_one(EventVersion, event.live_version_id)
    return _Occasion(event, version, state_time_zone(session=session), milestones, session, now)


def _window_opened(occasion: _Occasion) -> list[Notice]:
    # A moved opening is another milestone and is told again; the same one never is.
    opening = occasion.milestones[-1].id
    # Who can still certify: the opening may come late, as after a hold.
    open_to = [one for one in occasion.owing() if not one.overdue]
    return [
        Notice(
            fact=f"window_opened:{opening}:{due_date.isoformat()}",
            kind="window_opened",
            receivers=[person_id],
            values={
                "event": occasion.version.name,
                "organizations": names_in_words([one.name for one in owed]),
                "due": day_in_words(due_date),
                "zone": zone_name(occasion.zone.key),
            },
            path=_page_of(occasion.event, owed),
            event_key=occasion.event.key,
        )
        for (person_id, due_date), owed in _by_due_date(open_to).items()
    ]


def _reminders(occasion: _Occasion) -> list[Notice]:
    if not has_opened(occasion.version, occasion.now, occasion.zone):
        return []  # the opening was moved after the reminder was planned, as during a hold
    since = max((local_day(milestone.at, occasion.zone) for milestone in occasion.milestones), default=occasion.today)
    kinds = {milestone.kind for milestone in occasion.milestones}
    only_reminders = kinds == {MilestoneKind.REMINDER}
    steps: dict[tuple[int, datetime.date, Rung], list[Owing]] = defaultdict(list)
    owing = occasion.owing()
    for one in owing:
        step = rung(one.due_date, since=since, today=occasion.today, reminder_days=occasion.version.reminder_days)
        # A reminder that is done after midnight tells nobody that he is overdue: that is told at eight.
        if step is not None and not (step.overdue and only_reminders):
            steps[one.person_id, one.due_date, step].append(one)
    reminders = [_reminder(occasion, *which, owed) for which, owed in steps.items()]
    told_above = escalations(occasion.event, occasion.version, owing, session=occasion.session, today=occasion.today)
    return reminders + told_above


def _reminder(occasion: _Occasion, person_id: int, due_date: datetime.date, step: Rung, owed: list[Owing]) -> Notice:
    kind = "overdue" if step.overdue else "reminder"
    return Notice(
        fact=f"{kind}:{occasion.event.id}:{due_date.isoformat()}:{step.days}",
        kind=kind,
        receivers=[person_id],
        values={
            "event": occasion.version.name,
            "organizations": names_in_words([one.name for one in owed]),
            "due": day_in_words(due_date),
            "left": days_left_in_words(due_date, occasion.today),
            "zone": zone_name(occasion.zone.key),
        },
        path=_page_of(occasion.event, owed),
        event_key=occasion.event.key,
        gathered=True,
    )


def _page_of(event: Event, owed: Sequence[Owing]) -> str:
    """Where to certify: the participant's own page; of several their list."""
    return f"{_DISTRICT_PAGE}{event.key}/{quote(owed[0].number, safe='')}/" if len(owed) == 1 else _DISTRICT_PAGE


def _window_ended(occasion: _Occasion) -> list[Notice]:
    # Also those for whom nobody is listed, or left, who could certify.
    participants = occasion.session.execute(
        sa.select(Participant.organization_number, Participant.organization_name)
        .where(Participant.event_id == occasion.event.id, Participant.status.in_(OPEN))
        .order_by(Participant.organization_number)
    ).all()
    return [
        Notice(
            fact=f"window_ended:{occasion.milestones[-1].id}",
            kind="window_ended",
            receivers=state_members(occasion.version.category_id, CategoryRole.APPROVER, session=occasion.session),
            values={
                "event": occasion.version.name,
                "end": day_in_words(occasion.version.end_date),
                "count": len(participants),
                "participants": names_in_words([f"{number} {name}" for number, name in participants]),
            },
            path=_STATE_PAGE.format(key=occasion.event.key),
            event_key=occasion.event.key,
        )
    ]


def _by_due_date(owing: Sequence[Owing]) -> dict[tuple[int, datetime.date], list[Owing]]:
    people: dict[tuple[int, datetime.date], list[Owing]] = defaultdict(list)
    for one in owing:
        people[one.person_id, one.due_date].append(one)
    return people
