"""What other teams' schedules wait for, written in the transaction of the act and told to Airflow by a task.

A run takes facts, tells them, and ends. Airflow stores what a task told together with the task's success, so a fact
was told exactly when the run that took it succeeded; the next run looks that up before it takes anything. Nothing is
lost and nothing told twice, whatever dies in between.
"""

import datetime
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.models import AssetFact, AssetName
from certification_lib.events.models import Event, Participant
from certification_lib.many_rows import insert_all
from certification_lib.snapshots.models import Revision

# Airflow stores what a task told while the task waits for the answer, with a time limit of seconds.
BATCH = 250
_KEPT = datetime.timedelta(days=90)


def happened(
    asset: AssetName, event_key: str, numbers: Iterable[str], *, session: Session, now: datetime.datetime
) -> None:
    """Write down that it happened to these participants, and that something happened in the event."""
    facts: list[tuple[AssetName, str | None]] = [(asset, number) for number in numbers]
    if facts or asset is AssetName.CLOSED:
        facts.append((AssetName.EVENT, None))
    rows = [
        {"asset": name, "event_key": event_key, "organization_number": number, "happened_at": now}
        for name, number in facts
    ]
    insert_all(AssetFact, rows, session=session)


def snapshots_happened(revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> None:
    """The participants of these new revisions have new data."""
    rows = session.execute(
        sa.select(Event.key, Participant.organization_number)
        .join(Participant, Participant.event_id == Event.id)
        .join(Revision, Revision.participant_id == Participant.id)
        .where(Revision.id.in_(revision_ids))
        .order_by(Revision.id)
    ).all()
    for key in dict.fromkeys(row.key for row in rows):
        numbers = [row.organization_number for row in rows if row.key == key]
        happened(AssetName.SNAPSHOT, key, numbers, session=session, now=now)


def partition_key(fact: AssetFact) -> str:
    """`<event>|<participant>`; of an event as a whole its key alone."""
    return "|".join(filter(None, [fact.event_key, fact.organization_number]))


def taken_and_not_told(*, session: Session) -> list[tuple[AssetName, str]]:
    """The runs that have taken facts of an asset and of which it is not known whether they told them."""
    taken = (
        sa.select(AssetFact.asset, AssetFact.told_by_run)
        .where(AssetFact.told_at.is_(None), AssetFact.told_by_run.is_not(None))
        .distinct()
        .order_by(AssetFact.asset, AssetFact.told_by_run)
    )
    return [(asset, str(run_id)) for asset, run_id in session.execute(taken)]


def told(asset: AssetName, run_id: str, *, session: Session, now: datetime.datetime) -> None:
    """The run succeeded: Airflow knows its facts. Old ones that were told go."""
    session.execute(sa.update(AssetFact).where(*_of_run(asset, run_id)).values(told_at=now))
    session.execute(sa.delete(AssetFact).where(AssetFact.told_at < now - _KEPT))


def not_told(asset: AssetName, run_id: str, *, session: Session) -> None:
    """The run did not succeed: another one takes its facts."""
    session.execute(sa.update(AssetFact).where(*_of_run(asset, run_id)).values(told_by_run=None))


def waiting(*, session: Session) -> set[AssetName]:
    """The assets with facts that no run has taken."""
    query = sa.select(AssetFact.asset).where(AssetFact.told_at.is_(None), AssetFact.told_by_run.is_(None)).distinct()
    return set(session.scalars(query))


def take(asset: AssetName, run_id: str, *, session: Session, limit: int = BATCH) -> list[AssetFact]:
    """Facts for this run, oldest first; those it has taken before when its task is tried again.

    Airflow keeps one event for a partition key in a run: a batch ends before a participant's second fact, so that each
    is told, in order. Facts of events as a whole are told together, once.
    """
    open_to_run = sa.or_(AssetFact.told_by_run.is_(None), AssetFact.told_by_run == run_id)
    facts = session.scalars(
        sa.select(AssetFact)
        .where(AssetFact.asset == asset, AssetFact.told_at.is_(None), open_to_run)
        .order_by(AssetFact.id)
        .limit(limit)
        .with_for_update()
    ).all()
    keys = [partition_key(fact) for fact in facts]
    end = next((at for at, key in enumerate(keys) if asset is not AssetName.EVENT and key in keys[:at]), len(facts))
    for at, fact in enumerate(facts):
        fact.told_by_run = run_id if at < end else None
    return list(facts[:end])


def _of_run(asset: AssetName, run_id: str) -> list[sa.ColumnElement[bool]]:
    return [AssetFact.asset == asset, AssetFact.told_by_run == run_id, AssetFact.told_at.is_(None)]
