"""The one mail a day in which a person hears what he owes, over all events and organizations.

Reminders, overdue notices, escalations and what waits for the state stand in the Message Center one by one, and their
mails are *gathered*: some minutes after the first of them was written they go out as one mail, in words of the moment
it goes out. Whoever has finished by then hears nothing. After a person's mail of the day, what comes waits for the next
day's. A mail that an outage keeps waiting is written anew each time, so that it never says what is no longer so.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.daily_items import NOTHING_OWED, EventItems, Item, items_of_events
from certification_lib.events.phases import local_day, start_moment
from certification_lib.notifications import wording
from certification_lib.notifications.kinds import DAILY_MAIL
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import is_mail_address, mail_message_id
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.people.zone_names import zone_name

GATHERING = datetime.timedelta(minutes=10)
_LOCK = 0x6461696C << 32  # one writer of daily mails

Receiver: TypeAlias = int | str
"""A person's id, or an address that is nobody's account."""


@dataclass
class _Desk:
    """What one receiver is to be told: a mail not sent yet, if there is one, and the messages gathered for it."""

    mail: Message | None = None
    messages: list[Message] = field(default_factory=list)

    def is_ripe(self, now: datetime.datetime) -> bool:
        return self.mail is not None or min(one.created_at for one in self.messages) <= now - GATHERING


def write_daily_mails(*, base_url: str, session: Session, now: datetime.datetime) -> int:
    """Write the mails of the day that are ripe, and those that still wait anew. Returns how many wait to be sent.

    Any number of times a day and by any number of processes: a receiver has one at most.
    """
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    desks = {receiver: desk for receiver, desk in _desks(session).items() if desk.messages and desk.is_ripe(now)}
    if not desks:
        return 0
    zone = _zone(session)
    served = _served_today(desks, start_moment(local_day(now, zone), zone), session)
    desks = {receiver: desk for receiver, desk in desks.items() if receiver not in served}
    keys = {one.event_key for desk in desks.values() for one in desk.messages if one.event_key}
    items = items_of_events(keys, session=session, now=now)
    addresses = _addresses([receiver for receiver in desks if isinstance(receiver, int)], session)
    letters = [
        letter
        for receiver, desk in desks.items()
        for address in [addresses.get(receiver) if isinstance(receiver, int) else receiver]
        for letter in [_letter(receiver, address, desk, items, now=now)]
        if letter is not None
    ]
    for letter in letters:
        letter.write(base_url=base_url.rstrip("/"), zone=zone, now=now)
    session.add_all(letter.mail for letter in letters)
    session.flush()
    for letter in letters:
        for message in letter.told:
            message.daily_mail_id = letter.mail.id
    session.flush()
    return len(letters)


def _desks(session: Session) -> dict[Receiver, _Desk]:
    """By receiver. What a deliverer has claimed is under way and left alone."""
    not_sent = sa.and_(
        Message.kind == DAILY_MAIL,
        Message.delivered_at.is_(None),
        Message.gave_up_at.is_(None),
        Message.handed_over_at.is_(None),
        Message.not_needed_at.is_(None),
    )
    unsent = session.scalars(
        sa.select(Message).where(not_sent, Message.claimed_by.is_(None)).with_for_update(skip_locked=True)
    ).all()
    desks: dict[Receiver, _Desk] = defaultdict(_Desk)
    for mail in unsent:
        desks[_receiver(mail)].mail = mail
    gathered = session.scalars(
        sa.select(Message)
        .where(
            Message.gathered,
            Message.not_needed_at.is_(None),
            Message.email.is_not(None),
            sa.or_(Message.daily_mail_id.is_(None), Message.daily_mail_id.in_([mail.id for mail in unsent])),
        )
        .order_by(Message.id)
    )
    for message in gathered:
        desks[_receiver(message)].messages.append(message)
    return desks


def _served_today(receivers: Iterable[Receiver], midnight: datetime.datetime, session: Session) -> set[Receiver]:
    """Who has had his mail of this day, or is getting it just now. One refused counts: its address is no better."""
    people = [one for one in receivers if isinstance(one, int)]
    addresses = [one for one in receivers if isinstance(one, str)]
    under_way = sa.and_(Message.claimed_by.is_not(None), Message.delivered_at.is_(None))
    today = sa.or_(Message.handed_over_at >= midnight, Message.gave_up_at >= midnight, under_way)
    to_them = sa.or_(Message.person_id.in_(people), sa.and_(Message.person_id.is_(None), Message.email.in_(addresses)))
    return {
        _receiver(mail)
        for mail in session.scalars(sa.select(Message).where(Message.kind == DAILY_MAIL, today, to_them))
    }


@dataclass
class _Letter:
    """A mail of the day and what it says."""

    receiver: Receiver
    address: str
    mail: Message
    is_new: bool
    told: list[Message]
    items: list[Item]

    def write(self, *, base_url: str, zone: ZoneInfo, now: datetime.datetime) -> None:
        words = wording.write(DAILY_MAIL, {"items": self.items, "base_url": base_url, "zone": zone_name(zone.key)})
        if self.is_new:
            self.mail.fact = f"{DAILY_MAIL}:{local_day(now, zone)}"
            self.mail.created_at = now
            self.mail.mail_message_id = mail_message_id(self.mail.fact, self.receiver)
        self.mail.email, self.mail.subject, self.mail.text = self.address, words.subject, words.text


def _letter(
    receiver: Receiver,
    address: str | None,
    desk: _Desk,
    items: Mapping[str, EventItems],
    *,
    now: datetime.datetime,
) -> _Letter | None:
    """What the messages of a receiver still say; those that say nothing any more are settled."""
    told: list[Message] = []
    said: dict[tuple[str, str, str], Item] = {}
    for message in desk.messages:
        of_event = items.get(message.event_key or "")
        found = of_event.of(message) if of_event is not None and address else []
        if found:
            told.append(message)
            said |= {(one.event, one.number, one.others): one for one in found}
        else:
            message.not_needed_at = now
            message.last_problem = of_event.reason(message) if of_event is not None else NOTHING_OWED
    if said and address is not None:
        mail = desk.mail or Message(kind=DAILY_MAIL, person_id=receiver if isinstance(receiver, int) else None)
        items_told = sorted(said.values(), key=lambda one: (one.due_date, one.event))
        return _Letter(receiver, address, mail, desk.mail is None, told, items_told)
    if desk.mail is not None:
        desk.mail.not_needed_at, desk.mail.last_problem = now, NOTHING_OWED
    return None


def _receiver(message: Message) -> Receiver:
    return message.person_id if message.person_id is not None else message.email or ""


def _addresses(person_ids: Sequence[int], session: Session) -> dict[int, str]:
    """Today's, of those who are active: an address may have been mended since."""
    people = sa.select(Person.id, Person.email).where(Person.id.in_(person_ids), Person.active)
    return {row.id: row.email for row in session.execute(people) if is_mail_address(row.email)}


def _zone(session: Session) -> ZoneInfo:
    state = session.scalar(sa.select(Organization).where(Organization.kind == OrganizationKind.STATE))
    return ZoneInfo((state.time_zone if state is not None else None) or "UTC")
