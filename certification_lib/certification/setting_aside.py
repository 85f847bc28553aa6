"""A rule set aside for an event or one participant: it blocks nobody, and every receipt says so."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.certification.access import LiveEvent, event_for_state, locked_states, needed_reason
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.listed import listed_members
from certification_lib.certification.models import RuleSetAside
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import EventVersionRule, Participant
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.rulebook.models import Rule, RuleVersion

WHAT = "set a rule aside"


@dataclass(frozen=True)
class AsideRow:
    """A rule set aside in an event; without a participant for all of them. `ended_at` None: it is so now."""

    code: str
    number: str | None
    name: str | None
    reason: str
    set_at: datetime.datetime
    set_by: str
    ended_at: datetime.datetime | None
    ended_by: str | None


def set_aside(
    key: str,
    rule_code: str,
    reason: str,
    number: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Set a rule aside for the event, or for one participant: it blocks nobody any more and the receipt says so."""
    live = event_for_state(key, APPROVER, WHAT, session=session, actor=actor, alone=True)
    reason = needed_reason(reason)
    participant = _participant(live, number, session=session)
    rule_id = _pinned_rule(live, rule_code, session=session)
    if _standing(live, rule_id, participant, session=session) is not None:
        raise Conflict(f"{rule_code} is already set aside for {_for_whom(live, participant)}.")
    aside = RuleSetAside(
        event_id=live.event.id,
        participant_id=participant.id if participant else None,
        rule_id=rule_id,
        reason=reason,
        set_at=now,
        set_by=actor.name,
    )
    session.add(aside)
    session.flush()  # the message is known by the id
    _tell("rule_set_aside", aside, rule_code, live, participant, session=session, actor=actor, now=now)
    _record("event:set-aside", rule_code, live, participant, session=session, actor=actor, now=now, reason=reason)


def end_set_aside(
    key: str, rule_code: str, number: str | None = None, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """Let a rule that was set aside count again."""
    live = event_for_state(key, APPROVER, WHAT, session=session, actor=actor, alone=True)
    participant = _participant(live, number, session=session)
    aside = _standing(live, _pinned_rule(live, rule_code, session=session), participant, session=session)
    if aside is None:
        whom = _for_whom(live, participant)
        raise Conflict(f"{rule_code} is not set aside for {whom}, or that has already been ended.")
    aside.ended_at, aside.ended_by = now, actor.name
    _tell("rule_counts_again", aside, rule_code, live, participant, session=session, actor=actor, now=now)
    _record("event:end-set-aside", rule_code, live, participant, session=session, actor=actor, now=now)


def set_aside_in_event(event_id: int, *, session: Session) -> list[AsideRow]:
    """What is set aside now, then what was; each the newest first. The caller has checked the right."""
    query = (
        sa.select(
            Rule.code,
            Participant.organization_number,
            Participant.organization_name,
            RuleSetAside.reason,
            RuleSetAside.set_at,
            RuleSetAside.set_by,
            RuleSetAside.ended_at,
            RuleSetAside.ended_by,
        )
        .join(Rule, Rule.id == RuleSetAside.rule_id)
        .outerjoin(Participant, Participant.id == RuleSetAside.participant_id)
        .where(RuleSetAside.event_id == event_id)
        .order_by(RuleSetAside.ended_at.desc().nulls_first(), RuleSetAside.set_at.desc(), Rule.code)
    )
    return [AsideRow(*row) for row in session.execute(query)]


def _participant(live: LiveEvent, number: str | None, *, session: Session) -> Participant | None:
    return locked_states(live, [number], session=session)[0].participant if number is not None else None


def _pinned_rule(live: LiveEvent, code: str, *, session: Session) -> int:
    rule_id = session.scalar(
        sa.select(Rule.id)
        .join(RuleVersion, RuleVersion.rule_id == Rule.id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .where(EventVersionRule.event_version_id == live.version.id, Rule.code == code)
        .limit(1)
    )
    if rule_id is None:
        raise NotFound(f"{live.version.name} has no rule {code}.")
    return rule_id


def _standing(
    live: LiveEvent, rule_id: int, participant: Participant | None, *, session: Session
) -> RuleSetAside | None:
    whom = RuleSetAside.participant_id
    return session.scalar(
        sa.select(RuleSetAside).where(
            RuleSetAside.event_id == live.event.id,
            RuleSetAside.rule_id == rule_id,
            RuleSetAside.ended_at.is_(None),
            whom == participant.id if participant else whom.is_(None),
        )
    )


def _for_whom(live: LiveEvent, participant: Participant | None) -> str:
    return participant.organization_name if participant else f"all of {live.version.name}"


def _tell(
    kind: str,
    aside: RuleSetAside,
    rule_code: str,
    live: LiveEvent,
    participant: Participant | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Those concerned: the people of the participant, or of all participants."""
    ids = (
        [participant.id]
        if participant
        else session.scalars(
            sa.select(Participant.id).where(Participant.event_id == live.event.id, Participant.withdrawn_at.is_(None))
        ).all()
    )
    people = {one.person_id for listed in listed_members(ids, session=session).values() for one in listed}
    told = Notice(
        fact=f"{kind}:{aside.id}",
        kind=kind,
        receivers=sorted(people),
        values={
            "event": live.version.name,
            "rule": rule_code,
            "whom": _for_whom(live, participant),
            "reason": aside.reason,
            "person": actor.name,
        },
        path="/certification/my-events/",
        event_key=live.event.key,
        organization_number=participant.organization_number if participant else None,
    )
    notify_all([told], session=session, now=now)


def _record(
    act: str,
    rule_code: str,
    live: LiveEvent,
    participant: Participant | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    reason: str | None = None,
) -> None:
    record(
        act,
        f"{rule_code} for {_for_whom(live, participant)}",
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        organization_number=participant.organization_number if participant else None,
        details={"rule": rule_code, "reason": reason},
    )
