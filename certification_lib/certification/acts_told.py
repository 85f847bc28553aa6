"""Acts read back from the audit trail: what an act on many participants did, and everything done to one."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.certification.outcomes import LeftOut
from certification_lib.certification.telling import day_in_words
from certification_lib.errors import NotFound

TITLES: Mapping[str, str] = {
    "participant:approve": "Approve Certification",
    "participant:withdraw-approval": "Withdraw Approval",
    "participant:request-recertification": "Request Recertification",
    "participant:take-back-recertification": "Take back the recertification",
    "participant:extend-due-date": "Extend Due Date",
    "participant:take-back-due-date": "Take back a due date",
}
"""The acts that can be done to many participants at once."""

_SENTENCES: Mapping[str, str] = {
    "participant:approve": "approved the certification",
    "participant:withdraw-approval": "withdrew the approval",
    "participant:request-recertification": "requested recertification",
    "participant:take-back-recertification": "took the recertification back",
    "participant:ask-for-recertification": "asked the state for recertification",
    "participant:withdraw-request": "withdrew the request for recertification",
    "participant:accept-request": "accepted the request for recertification",
    "participant:deny-request": "denied the request for recertification",
    "participant:withdraw": "withdrew the participant from the event",
    "participant:review": "recorded a review",
    "participant:extend-due-date": "extended the due date",
    "participant:override-due-date": "gave one person a due date",
    "participant:take-back-due-date": "took a due date back",
    "participant:submit": "submitted the certification to the state",
    "event:send-message": "sent a message",
    "event:assign-rule": "said who works on a rule",
    "event:set-aside": "set a rule aside",
    "event:end-set-aside": "made a rule set aside count again",
    "snapshot:request": "asked for a snapshot",
    "snapshot:complete": "took a snapshot",
    "snapshot:fail": "failed to take a snapshot",
}


@dataclass(frozen=True)
class ActOnMany:
    """What became of one act: for whom it was done, and for whom not and why."""

    title: str
    at: datetime.datetime
    by: str
    reason: str | None
    due_date: datetime.date | None
    done: tuple[str, ...]
    """Numbers."""
    uncertified: Mapping[str, str]
    """Of those approved without everyone's certification, by number, how many had certified: 1 of 2."""
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class ToldAct:
    """One act of a participant's history: `by` did `what`."""

    at: datetime.datetime
    by: str
    what: str
    details: tuple[str, ...]
    """Sentences: for whom, until when, why."""


def last_act(key: str, *, session: Session, actor: Actor) -> int:
    """The audit entry of what the actor has just done in an event."""
    newest = sa.select(sa.func.max(AuditEntry.id)).where(
        AuditEntry.event_key == key, AuditEntry.actor_username == actor.username
    )
    return session.scalar(newest) or 0


def act_on_many(key: str, entry_id: int, *, session: Session) -> ActOnMany:
    """The result of an act of TITLES in this event; NotFound for anything else."""
    entry = session.scalar(sa.select(AuditEntry).where(AuditEntry.id == entry_id, AuditEntry.event_key == key))
    if entry is None or entry.act not in TITLES:
        raise NotFound(f"There is no such act in {key}.")
    details = entry.details
    day = details.get("due_date")
    return ActOnMany(
        title=TITLES[entry.act],
        at=entry.at,
        by=entry.actor_name,
        reason=details.get("reason"),
        due_date=datetime.date.fromisoformat(day) if day else None,
        done=tuple(_numbers(details.get("participants", ()))),
        uncertified={
            one["number"]: one["certified"]
            for one in details.get("participants", ())
            if isinstance(one, dict) and not _by_everyone(one.get("certified"))
        },
        left_out=tuple(LeftOut(**one) for one in details.get("left_out", ())),
    )


def history_of(key: str, number: str, *, session: Session, limit: int = 200) -> list[ToldAct]:
    """Everything that was done to a participant, newest first, also as one of many. The caller has checked the right
    to see the event; no entry holds a student's value."""
    among = AuditEntry.details["participants"]
    one_of_many = AuditEntry.organization_number.is_(None) & (
        among.has_key(number) | among.contains([{"number": number}])
    )
    # Without the lists: an act on two thousand would bring all of them for the sake of one.
    details = AuditEntry.details.op("-")(sa.text("'{participants,left_out}'::text[]"))
    own: Any = sa.func.jsonb_path_query_first(
        AuditEntry.details,
        sa.text("'$.participants[*] ? (@.number == $number)'::jsonpath"),
        sa.func.jsonb_build_object("number", number),
        type_=JSONB,
    )
    query = (
        sa.select(
            AuditEntry.at,
            AuditEntry.act,
            AuditEntry.actor_name,
            details.label("details"),
            own["certified"].astext.label("certified"),
        )
        .where(
            AuditEntry.event_key == key,
            AuditEntry.act.in_(_SENTENCES),
            sa.or_(AuditEntry.organization_number == number, one_of_many),
        )
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return [
        ToldAct(row.at, row.actor_name, _SENTENCES[row.act], tuple(_sentences(_of_its_own(row))))
        for row in session.execute(query)
    ]


def _of_its_own(row: Any) -> Mapping[str, Any]:
    """Why some were approved without certification is no reason of those that everyone had certified."""
    details: Mapping[str, Any] = row.details
    if row.act == "participant:approve" and _by_everyone(row.certified):
        return {name: value for name, value in details.items() if name != "reason"}
    return details


def _by_everyone(certified: str | None) -> bool:
    """Whether "2 of 2" says that everyone had certified; so it is where nothing is said."""
    done, _, of_all = (certified or "").partition(" of ")
    return done == of_all != "0"


def _numbers(participants: Any) -> list[str]:
    """Of the participants of an entry: numbers, entries with a number, or numbers with an id each."""
    return [one["number"] if isinstance(one, dict) else one for one in participants]


def _sentences(details: Mapping[str, Any]) -> list[str]:
    told = []
    if details.get("rule"):
        told.append(f"rule {details['rule']}")
    if details.get("outcome"):
        told.append(str(details["outcome"]))
    if details.get("revision"):
        told.append(f"revision {details['revision']}")
    if details.get("person"):
        told.append(f"for {details['person']}")
    if details.get("due_date"):
        told.append(f"until {day_in_words(datetime.date.fromisoformat(details['due_date']))}")
    told += [str(details[word]) for word in ("reason", "comment") if details.get(word)]
    return told
