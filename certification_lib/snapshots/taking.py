"""Taking snapshots: the source copied as of one instant, seen all at once or not at all.

Steps: claim (`claiming`) → copy every view into tables nobody can see (`copying`) → one short transaction that makes
them revisions (`completing`). Whatever fails leaves the reason in the snapshot's row and nothing in the datamart
(`giving_up`); taking the same snapshot again starts over. Several of one event that wait are taken in the same steps,
together.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from certification_lib.database import refresh_statistics, transaction
from certification_lib.errors import CertificationError, SourceFailure, SourceNotReached, database_error_in_words
from certification_lib.settings import load_settings
from certification_lib.snapshots import copying
from certification_lib.snapshots.claiming import alone, claim, claim_waiting, lock_number, locked
from certification_lib.snapshots.completing import Callbacks, OnNewRevisions, complete
from certification_lib.snapshots.giving_up import give_back, give_up
from certification_lib.snapshots.judging import LeaveAlone
from certification_lib.snapshots.outcome import Plan, SnapshotOutcome
from certification_lib.snapshots.outcomes import outcome_of
from certification_lib.snapshots.sources.opening import SourceUrlOf
from certification_lib.snapshots.view_files import VIEWS_FOLDER, read_views
from certification_lib.snapshots.views import DatamartView


def take_snapshot(
    snapshot_id: int,
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    leave_alone: LeaveAlone | None = None,
    on_new_revisions: OnNewRevisions | None = None,
    views_folder: Path = VIEWS_FOLDER,
    patience: datetime.timedelta = datetime.timedelta(minutes=10),
    connections: int | None = None,
) -> SnapshotOutcome:
    """Take a requested snapshot, or one whose taking failed or whose process died; one completed is only reported.

    `source_url_of(name)` gives the address of a view's source connection. `leave_alone(event_id, session=…)` is asked
    in the last transaction, with the participants locked, which ones an unattended snapshot must leave as they are.
    `on_new_revisions(ids, session=…, now=…)` runs in that same transaction. While another process takes this snapshot
    it is waited for up to `patience`. So many `connections` copy views side by side; without it the setting decides.
    """
    with alone(engine, lock_number(snapshot_id), patience, f"Snapshot {snapshot_id}"):
        plan = claim(engine, snapshot_id)
        if plan is None:
            with transaction(engine) as session:
                return outcome_of(snapshot_id, session=session)
        callbacks = Callbacks(leave_alone=leave_alone, on_new_revisions=on_new_revisions)
        at_once = connections or load_settings().snapshot_connections
        views = partial(read_views, folder=views_folder)
        outcomes = _copy_and_complete(
            plan, callbacks, give_up, engine=engine, source_url_of=source_url_of, views=views, at_once=at_once
        )
        return outcomes[snapshot_id]


def take_together(
    snapshot_ids: Sequence[int],
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    on_new_revisions: OnNewRevisions | None = None,
    views_folder: Path = VIEWS_FOLDER,
) -> dict[int, SnapshotOutcome]:
    """Take waiting snapshots of one event and kind that people asked for: read once, seen at once.

    Gives the outcome of each. Those that another process is at, or that wait no more, are left out. When it fails
    nothing was taken, all of them wait again and the error is raised: rows of one district may be to blame. Only when
    the source cannot be reached all of them have failed (`SourceNotReached`).
    """
    with locked(engine, snapshot_ids) as ours:
        plan = claim_waiting(engine, ours)
        if plan is None:
            return {}
        callbacks = Callbacks(on_new_revisions=on_new_revisions)
        at_once = load_settings().snapshot_connections
        views = partial(read_views, folder=views_folder)
        return _copy_and_complete(
            plan, callbacks, give_back, engine=engine, source_url_of=source_url_of, views=views, at_once=at_once
        )


def _copy_and_complete(
    plan: Plan,
    callbacks: Callbacks,
    undo: Callable[[sa.Engine, Plan, str], None],
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    views: Callable[..., Mapping[str, DatamartView]],
    at_once: int,
) -> dict[int, SnapshotOutcome]:
    """The outcome of each of the plan's snapshots. Whatever stops it is undone, with the reason, and raised."""
    failure: SourceFailure | None = None
    try:
        wanted = views(plan.view_names, level=plan.level)
        loaded, as_of = copying.copy_views(plan, wanted, engine, source_url_of, at_once)
        outcomes = complete(replace(plan, source_as_of=as_of), loaded, callbacks, engine=engine)
    except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
        # Raised below, outside this block: the driver's message quotes rows and must not travel as its context.
        failure = SourceFailure(f"The snapshot could not be taken: {database_error_in_words(error)}.")
        undo(engine, plan, str(failure))
    except SourceNotReached as error:
        give_up(engine, plan, str(error))
        raise
    except CertificationError as error:
        undo(engine, plan, "; ".join(error.problems))
        raise
    except BaseException as error:
        undo(engine, plan, f"The taking was stopped ({type(error).__name__}).")
        raise
    else:
        if plan.few is None:  # a few new rows tell the planner nothing
            _refresh_statistics(engine)
        return outcomes
    raise failure


def _refresh_statistics(engine: sa.Engine) -> None:
    with suppress(sqlalchemy.exc.DBAPIError):  # the snapshots stand without
        refresh_statistics(engine, "participant", "revision", "revision_view")
