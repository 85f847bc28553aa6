"""Telling people: messages are written in the transaction of the act they tell about."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.many_rows import given_rows, insert_new, types_of
from certification_lib.notifications import wording
from certification_lib.notifications.models import Message
from certification_lib.notifications.queries import MessageFilter, conditions_of
from certification_lib.notifications.rules import is_mail_address, mail_message_id, one_line
from certification_lib.people.models import Person

NO_ADDRESS = "no valid e-mail address: shown in the Message Center only"


@dataclass(frozen=True)
class Notice:
    """One fact and who is to hear of it.

    `fact` names what happened (such as "approved:17:3"); the same fact is told to the same receiver only once, however
    often it is given. `receivers` are person ids, or mail addresses that are nobody's account (an organization's
    contact). The words come from `include/mail/<kind>.txt` filled with `values`, unless `subject` and `text` are given.
    `path` is the page to open, below the base URL. No student value may be in any of it.
    """

    fact: str
    kind: str
    receivers: Iterable[int | str]
    values: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    text: str | None = None
    path: str | None = None
    event_key: str | None = None
    organization_number: str | None = None
    gathered: bool = False
    """Its mail is the receiver's one mail of the day."""

    def wording(self) -> wording.Wording:
        if self.subject is not None and self.text is not None:
            return wording.Wording(one_line(self.subject), self.text)
        return wording.write(self.kind, self.values)


def notify(  # noqa: PLR0917
    fact: str,
    kind: str,
    receivers: Iterable[int | str],
    subject: str | None = None,
    text: str | None = None,
    path: str | None = None,
    event_key: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    organization_number: str | None = None,
    session: Session,
    now: datetime.datetime,
) -> int:
    """Tell one fact to its receivers, see `Notice`. Returns how many had not been told it before."""
    notice = Notice(fact, kind, receivers, values or {}, subject, text, path, event_key, organization_number)
    return notify_all([notice], session=session, now=now)


def notify_all(notices: Sequence[Notice], *, session: Session, now: datetime.datetime) -> int:
    """Tell many facts in one statement, thousands of receivers at once. Returns how many messages are new.

    Deactivated people are told nothing. A person without a valid mail address gets the message in the Message Center
    and it says so to the state.
    """
    told = [(notice, dict.fromkeys(notice.receivers)) for notice in notices]
    addresses = _addresses({one for _, receivers in told for one in receivers if isinstance(one, int)}, session=session)
    facts: list[dict[str, Any]] = []
    receivers: list[dict[str, Any]] = []
    for notice, asked in told:
        hearing = [row for receiver in asked for row in _receiver(notice.fact, receiver, addresses)]
        receivers += [{"told_place": len(facts), **row} for row in hearing]
        if hearing:
            facts.append({"place": len(facts), **_said(notice)})
    return _write(facts, receivers, session=session, now=now) if receivers else 0


def mark_read(message_id: int, *, person_id: int, session: Session, now: datetime.datetime) -> None:
    """Mark a person's own message as read; somebody else's does not exist for him."""
    changed = session.execute(
        sa.update(Message)
        .where(Message.id == message_id, Message.person_id == person_id)
        .values(read_at=sa.func.coalesce(Message.read_at, now))
        .returning(Message.id)
    ).scalar_one_or_none()
    if changed is None:
        raise NotFound("There is no such message.")


def mark_all_read(
    person_id: int,
    *,
    session: Session,
    now: datetime.datetime,
    where: MessageFilter | None = None,
    until_id: int | None = None,
) -> int:
    """Mark the person's unread messages as read; `until_id` the newest he was shown, so that none is read unseen.

    Returns how many there were.
    """
    conditions = [Message.person_id == person_id, Message.read_at.is_(None), *conditions_of(where or MessageFilter())]
    if until_id is not None:
        conditions.append(Message.id <= until_id)
    marked = sa.update(Message).where(*conditions).values(read_at=now).returning(Message.id)
    return len(session.scalars(marked).all())


def _addresses(person_ids: set[int], *, session: Session) -> dict[int, str | None]:
    if not person_ids:
        return {}
    people = sa.select(Person.id, Person.email).where(
        Person.id == sa.func.any(sa.bindparam("ids", sorted(person_ids), ARRAY(sa.BigInteger))), Person.active
    )
    return {row.id: row.email for row in session.execute(people)}


def _said(notice: Notice) -> dict[str, Any]:
    """What all receivers of a fact are told; its wording is rendered once for all of them."""
    words = notice.wording()
    return {
        "fact": notice.fact,
        "kind": notice.kind,
        "event_key": notice.event_key,
        "organization_number": notice.organization_number,
        "subject": words.subject,
        "text": words.text,
        "path": notice.path,
        "gathered": notice.gathered,
    }


def _receiver(fact: str, receiver: int | str, addresses: Mapping[int, str | None]) -> list[dict[str, Any]]:
    """The one line of a receiver; none of a deactivated person or of what is no mail address.

    Of fact and receiver the Message-ID is made: being unique it holds also when a person's address has changed since.
    """
    person_id = receiver if isinstance(receiver, int) else None
    address = str(receiver) if person_id is None else addresses.get(person_id)
    email = address if is_mail_address(address) else None
    if (person_id is None and email is None) or (person_id is not None and person_id not in addresses):
        return []
    return [
        {
            "person_id": person_id,
            "email": email,
            "mail_message_id": mail_message_id(fact, receiver),
            "last_problem": None if email else NO_ADDRESS,
        }
    ]


def _write(
    facts: list[dict[str, Any]], receivers: list[dict[str, Any]], *, session: Session, now: datetime.datetime
) -> int:
    """One message for each receiver, in their order; each fact and its text travels once. How many are new."""
    told, hearing = list(facts[0])[1:], list(receivers[0])[1:]
    fact = given_rows("told", {"place": sa.Integer(), **types_of(Message, *told)}, facts)
    in_turn = [{"turn": turn, **row} for turn, row in enumerate(receivers)]
    places = {"told_place": sa.Integer(), "turn": sa.Integer()}
    receiver = given_rows("hearing", {**places, **types_of(Message, *hearing)}, in_turn)
    rows = (
        sa.select(*[fact.c[name] for name in told], *[receiver.c[name] for name in hearing], sa.literal(now))
        .join_from(receiver, fact, fact.c.place == receiver.c.told_place)
        .order_by(receiver.c.turn)
    )
    return insert_new(Message, [*told, *hearing, "created_at"], rows, session=session)
