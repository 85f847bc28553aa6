"""The pool that protects sources: at most its slots of snapshots read at once.

`certify up` and the init job make it. Without it Airflow lets the tasks of snapshots wait without a word, so a starting
scheduler, which may look at the pools as no task may, makes a missing one. Housekeeping notices when snapshots wait.
"""

import logging
import sys

from airflow.listeners import hookimpl

from certification_lib.orchestration.preload import is_component

logger = logging.getLogger(__name__)

SNAPSHOT_POOL = "certification_snapshots"
SLOTS = 2


@hookimpl
def on_starting(component: object) -> None:
    """Called once when a component of Airflow starts, and also by every task."""
    if is_component("scheduler", component, sys.argv):
        ensure_pool()


def ensure_pool() -> bool:
    """Make the pool if it is missing, and say so; True when it was. One that exists keeps its slots."""
    from airflow.models.pool import Pool

    if Pool.get_pool(SNAPSHOT_POOL) is not None:
        return False
    logger.error("The pool %s was missing: made with %d slots", SNAPSHOT_POOL, SLOTS)
    Pool.create_or_update_pool(
        SNAPSHOT_POOL,
        slots=SLOTS,
        description="At most so many snapshots read a source system at once.",
        include_deferred=False,
    )
    return True
