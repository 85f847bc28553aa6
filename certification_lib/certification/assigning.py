"""Dividing a worklist among colleagues: who of an organization works on a rule, and a note for the others.

Both belong to the participant and the rule, so they stand when a new revision comes. Neither the state nor another
organization is shown them.
"""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.certification.access import optional_text
from certification_lib.certification.models import RuleWork
from certification_lib.certification.own_access import own_participant
from certification_lib.errors import BadInput, NotFound
from certification_lib.events.models import EventVersionRule
from certification_lib.notifications.service import notify
from certification_lib.people.models import Person, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.models import Rule, RuleVersion

LONGEST_NOTE = 1000


@dataclass(frozen=True)
class Work:
    """Who works on a rule, and what the colleagues noted about it."""

    username: str | None
    """None: nobody."""
    name: str | None
    note: str
    changed_at: datetime.datetime
    changed_by: str


def work_on_rules(participant_id: int, *, session: Session) -> dict[int, Work]:
    """By rule id. The caller has made sure that the participant is the reader's own."""
    query = (
        sa.select(RuleWork, Person)
        .outerjoin(Person, Person.id == RuleWork.assigned_to_id)
        .where(RuleWork.participant_id == participant_id)
    )
    return {
        row.RuleWork.rule_id: Work(
            username=row.Person.username if row.Person else None,
            name=row.Person.name if row.Person else None,
            note=row.RuleWork.note,
            changed_at=row.RuleWork.changed_at,
            changed_by=row.RuleWork.changed_by,
        )
        for row in session.execute(query)
    }


def assign_rule(
    key: str,
    number: str,
    code: str,
    *,
    username: str | None,
    note: str | None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Say who works on a rule's findings and what colleagues should know; None and empty take it back.

    Only members of the category for the organization may, and only one of them may be named. Saying what stands already
    changes nothing. The one newly named is told, unless he named himself. A note may hold what it should not, so
    neither the message nor the audit entry repeats it.
    """
    live, state, _ = own_participant(key, number, session=session, actor=actor)
    lea_id = state.participant.lea_id
    require(Tool.CERTIFICATION_EVENT, "RW", session=session, actor=actor, organization_id=lea_id)
    rule_id = _rule_id(live.version.id, code, session=session)
    text = optional_text(note, "The note") or ""
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"The note may have at most {LONGEST_NOTE} characters.")
    colleague = next((member for member in state.members if member.username == username), None)
    if username and colleague is None:
        raise BadInput(f"Only members of the category for {state.name} can work on its findings; choose one of them.")
    named = colleague.person_id if colleague else None
    work = session.get(RuleWork, (state.participant.id, rule_id))
    before = work.assigned_to_id if work else None
    if before == named and (work.note if work else "") == text:
        return
    if work is None:
        work = RuleWork(participant_id=state.participant.id, rule_id=rule_id)
        session.add(work)
    work.assigned_to_id, work.note, work.changed_at, work.changed_by = named, text, now, actor.name
    if named is not None and named not in {before, actor.person_id}:
        notify(
            f"rule_assigned:{state.participant.id}:{rule_id}:{named}:{now.isoformat()}",
            "rule_assigned",
            [named],
            values={"event": live.version.name, "organization": state.name, "rule": code, "person": actor.name},
            path=f"/certification/my-events/{key}/{number}/findings/{code}",
            event_key=key,
            organization_number=number,
            session=session,
            now=now,
        )
    record(
        "event:assign-rule",
        f"{code} of {state.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"rule": code, "assigned_to": colleague.username if colleague else None, "note": bool(text)},
    )


def _rule_id(event_version_id: int, code: str, *, session: Session) -> int:
    rule_id = session.scalar(
        sa.select(Rule.id)
        .join(RuleVersion, RuleVersion.rule_id == Rule.id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .where(EventVersionRule.event_version_id == event_version_id, Rule.code == code)
        .limit(1)
    )
    if rule_id is None:
        raise NotFound(f"This event has no rule {code}.")
    return rule_id
