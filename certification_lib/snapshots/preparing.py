"""What becomes `revision_view` in a snapshot's last transaction, sent before it: a line per participant and view.

They are thousands in a state, with their totals. In a temporary table they hold nobody up; the last transaction, which
holds all participants, only moves those of new revisions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from certification_lib.events.models import Participant
from certification_lib.snapshots.digests import NO_ROWS, revision_digest
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.snapshots.outcome import LoadedView, Plan
from certification_lib.snapshots.rules import Taken
from certification_lib.snapshots.totals import nothing

_LINES = sa.table(
    "prepared_revision_view",
    sa.column("participant_id", sa.BigInteger),
    sa.column("view", sa.Text),
    sa.column("row_count", sa.BigInteger),
    sa.column("digest", sa.Text),
    sa.column("columns", JSONB),
    sa.column("totals", JSONB),
)
_CREATE = (
    "create temporary table prepared_revision_view (participant_id bigint, view text, row_count bigint, digest text, "
    "columns jsonb, totals jsonb)"
)
_COPY = "copy prepared_revision_view from stdin"


@dataclass
class Prepared:
    """What was found of each participant, by organization number, and who has its lines in the temporary table."""

    plan: Plan
    loaded: Sequence[LoadedView]
    taken: Mapping[str, Taken]
    sent: set[str]

    def send(self, numbers: Sequence[str], database: Connection[Any]) -> None:
        """Lines of participants whose data look new."""
        columns = {
            view.name: json.dumps([[column.name, column.type] for column in view.columns]) for view in self.loaded
        }
        with database.cursor() as cursor, cursor.copy(_COPY) as copy:
            for view in self.loaded:
                for number in numbers:
                    found = view.digests.get(number, NO_ROWS)
                    totals = json.dumps(view.totals.get(number) or nothing())
                    participant_id = self.plan.participants[number]
                    copy.write_row((participant_id, view.name, found.rows, found.digest, columns[view.name], totals))
        self.sent.update(numbers)

    def write(self, numbers: Sequence[str], slot: int, *, session: Session) -> None:
        """The lines of these participants become those of their revisions of this snapshot."""
        missing = [number for number in numbers if number not in self.sent]
        if missing:  # they looked unchanged, and then another snapshot of theirs was faster
            self.send(missing, _driver(session.connection()))
        names = ["view", "row_count", "digest", "columns", "totals"]
        # Only those of this snapshot that were made; the temporary table may hold more.
        session.execute(
            sa.insert(RevisionView).from_select(
                ["revision_id", *names, "slot"],
                sa.select(Revision.id, *[_LINES.c[name] for name in names], sa.literal(slot))
                .join_from(_LINES, Revision, Revision.participant_id == _LINES.c.participant_id)
                .where(Revision.snapshot_id == self.plan.snapshot_id),
            )
        )


@contextmanager
def prepared(connection: sa.Connection, plan: Plan, loaded: Sequence[LoadedView]) -> Iterator[Prepared]:
    """The lines of participants whose data differ from their current ones, in a table of this connection."""
    waiting = Prepared(plan, loaded, {number: _taken(number, loaded) for number in plan.participants}, set())
    with connection.begin():
        connection.exec_driver_sql(_CREATE)
        current = {
            row.id: row.digest
            for row in connection.execute(
                sa.select(Participant.id, Revision.digest)
                .join(Revision, Revision.id == Participant.current_revision_id)
                .where(Participant.id.in_(list(plan.participants.values())))
            )
        }
        numbers = [
            number
            for number, participant_id in plan.participants.items()
            if current.get(participant_id) != waiting.taken[number].digest
        ]
        waiting.send(numbers, _driver(connection))
    try:
        yield waiting
    except BaseException:
        connection.invalidate()  # it goes back to nobody, and the table goes with it
        raise
    with connection.begin():
        connection.exec_driver_sql("drop table prepared_revision_view")


def _taken(number: str, loaded: Sequence[LoadedView]) -> Taken:
    views = [(view.name, view.digests.get(number, NO_ROWS)) for view in loaded]
    return Taken(revision_digest(views), sum(found.rows for _, found in views))


def _driver(connection: sa.Connection) -> Connection[Any]:
    """The psycopg connection, for COPY."""
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]
