"""Snapshots and validations asked for by people, and the names of the runs that serve them."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.validation.models import ValidationRun, ValidationStatus

REQUESTS_DAG = "certification_requests"
# One click is one request. A run takes many at a time, so that a thousand clicks are not a thousand runs.
BATCH = 200


@dataclass(frozen=True)
class Waiting:
    """Ids of what waits, oldest first."""

    snapshots: Sequence[int]
    validations: Sequence[int]

    def __bool__(self) -> bool:
        return bool(self.snapshots or self.validations)


def waiting(*, session: Session) -> Waiting:
    """What people asked for and no run has begun."""
    snapshots = (
        sa.select(Snapshot.id)
        .where(Snapshot.status == SnapshotStatus.REQUESTED, Snapshot.on_demand)
        .order_by(Snapshot.id)
        .limit(BATCH)
    )
    validations = (
        sa.select(ValidationRun.id)
        .where(ValidationRun.status == ValidationStatus.REQUESTED)
        .order_by(ValidationRun.id)
        .limit(BATCH)
    )
    return Waiting(session.scalars(snapshots).all(), session.scalars(validations).all())


def run_name(requests: Waiting) -> str | None:
    """The run that serves these requests, named by the oldest of each kind; None when there are none.

    Until a run has begun the oldest one, all requests that come in get the same name, and Airflow refuses a second run
    of a name: that is how they join the run that waits already.
    """
    if not requests:
        return None
    oldest = [f"snapshot-{requests.snapshots[0]}"] if requests.snapshots else []
    oldest += [f"validation-{requests.validations[0]}"] if requests.validations else []
    return f"requests__{'_'.join(oldest)}"


def open_batch(engine: sa.Engine) -> str | None:
    """The name of the run for what waits now."""
    with transaction(engine) as session:
        return run_name(waiting(session=session))
