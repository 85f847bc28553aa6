"""Telling people: messages are written in the transaction of the act they tell about."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
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
    told = [
        (notice, words, receiver)
        for notice, receivers in [(one, dict.fromkeys(one.receivers)) for one in notices]
        if receivers
        for words in [notice.wording()]  # once for all of them: rendering is what thousands of messages cost
        for receiver in receivers
    ]
    if not told:
        return 0
    addresses = _addresses({receiver for _, _, receiver in told if isinstance(receiver, int)}, session=session)
    rows = []
    for notice, words, receiver in told:
        person_id = receiver if isinstance(receiver, int) else None
        if person_id is not None and person_id not in addresses:
            continue
        address = addresses[person_id] if person_id is not None else str(receiver)
        if person_id is None and not is_mail_address(address):
            continue
        email = address if is_mail_address(address) else None
        rows.append(_row(notice, words, person_id, email, receiver=receiver, now=now))
    return _insert(rows, session=session)


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


def _row(
    notice: Notice,
    words: wording.Wording,
    person_id: int | None,
    email: str | None,
    *,
    receiver: int | str,
    now: datetime.datetime,
) -> dict[str, Any]:
    return {
        "fact": notice.fact,
        "kind": notice.kind,
        "person_id": person_id,
        "email": email,
        "event_key": notice.event_key,
        "organization_number": notice.organization_number,
        "subject": words.subject,
        "text": words.text,
        "path": notice.path,
        "created_at": now,
        "mail_message_id": mail_message_id(notice.fact, receiver),
        "last_problem": None if email else NO_ADDRESS,
        "gathered": notice.gathered,
    }


def _insert(rows: list[dict[str, Any]], *, session: Session) -> int:
    """One statement for all: the rows travel as one array per column, whatever their number.

    The Message-ID is made of fact and receiver, so its uniqueness also holds when a person's address has changed since.
    """
    if not rows:
        return 0
    columns = {name: Message.__table__.c[name] for name in rows[0]}
    arrays = [
        sa.bindparam(f"all_{name}", [row[name] for row in rows], ARRAY(column.type)) for name, column in columns.items()
    ]
    given = (
        sa.func.unnest(*arrays)
        .table_valued(*[sa.column(name, column.type) for name, column in columns.items()], name="given")
        .render_derived()
    )
    statement = (
        insert(Message)
        .from_select(list(columns), sa.select(*[given.c[name] for name in columns]))
        .on_conflict_do_nothing()
        .returning(Message.id)
    )
    return len(session.scalars(statement).all())
