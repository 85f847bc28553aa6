"""The rows a validation run may see: a schema of its own with one view per datamart view.

Each view shows the current revisions of the run's participants as they were when it began, slots and snapshots as
literals: only then does PostgreSQL skip the history, and nothing changes under a run. Rules name the views plainly.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.many_rows import insert_all
from certification_lib.rulebook.definitions import PRIOR, YEAR_ON_YEAR
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotParticipant
from certification_lib.validation.prior_year import create_prior_views

PINNED = "pinned_revision"
_PLACE_COLUMNS = {"event_id", "slot", "snapshot_id"}


@dataclass(frozen=True)
class PinnedRevision:
    """A participant's current revision when the run began."""

    participant_id: int
    number: str
    lea_number: str
    revision_id: int
    snapshot_id: int


def schema_of(run_id: int) -> str:
    return f"run_{int(run_id)}"


def statewide_schema_of(run_id: int) -> str:
    """Where a run of some participants evaluates the rules that compare all of them."""
    return f"run_{int(run_id)}_statewide"


def participant_column(level: Level) -> str:
    return "district_id" if level is Level.DISTRICT else "school_id"


def current_revisions(
    event_id: int, *, session: Session, participant_ids: Sequence[int] | None = None
) -> list[PinnedRevision]:
    """Current revisions of the event's participants that have one, of all or of some."""
    query = (
        sa.select(
            Participant.id,
            Participant.organization_number,
            Participant.lea_number,
            Revision.id.label("revision_id"),
            Revision.snapshot_id,
        )
        .join(Revision, Revision.id == Participant.current_revision_id)
        .where(Participant.event_id == event_id, Participant.status != ParticipantStatus.WITHDRAWN)
        .order_by(Participant.id)
    )
    if participant_ids is not None:
        query = query.where(Participant.id.in_(participant_ids))
    return [PinnedRevision(*row) for row in session.execute(query)]


def create_run_schema(
    schema: str,
    pinned: Sequence[PinnedRevision],
    *,
    event_id: int,
    level: Level,
    views: Sequence[str],
    read: Collection[str],
    session: Session,
) -> None:
    """Make the schema in the caller's transaction, readable for certification_rules.

    Of the event's `views`, and those of the year before, only what is `read` by a rule is made.
    """
    looks_back = any(name == YEAR_ON_YEAR or name.startswith(PRIOR) for name in read)
    made = views if looks_back else [view for view in views if view in read]
    session.execute(sa.schema.CreateSchema(schema))
    table = pinned_table(schema)
    table.create(session.connection())
    if pinned:
        rows = [
            {"participant_id": p.participant_id, "number": p.number, "lea_number": p.lea_number,
             "revision_id": p.revision_id}
            for p in pinned
        ]  # fmt: skip
        insert_all(table, rows, session=session)
        session.execute(sa.text(f"analyze {session.connection().dialect.identifier_preparer.format_table(table)}"))
    _grant("grant usage on schema {schema} to certification_rules", schema, session=session)
    places = _places(pinned, table, session=session)
    snapshot_ids = {snapshot_id for of_view in places.values() for _, snapshot_id in of_view}
    whole = _only_pinned(snapshot_ids, table, session=session)
    for view in made:
        definition = _rows_of_view(view, places.get(view, {}), whole, event_id=event_id, level=level, session=session)
        session.execute(sa.CreateView(definition, view, schema=schema))
        _grant("grant select on {schema}.{view} to certification_rules", schema, view, session=session)
    if looks_back:
        participants = [pin.participant_id for pin in pinned]
        create_prior_views(schema, participants, event_id=event_id, level=level, views=views, session=session)


def drop_run_schema(schema: str, *, session: Session) -> None:
    session.execute(sa.schema.DropSchema(schema, cascade=True, if_exists=True))


def drop_schemas_of(run_id: int, *, session: Session) -> None:
    """Everything a run made for itself."""
    mine = schema_of(run_id)
    named = sa.text("select nspname from pg_namespace where nspname = :mine or starts_with(nspname, :statewide)")
    for schema in session.scalars(named, {"mine": mine, "statewide": statewide_schema_of(run_id)}).all():
        drop_run_schema(schema, session=session)


def pinned_table(schema: str) -> sa.Table:
    """Whose revisions the run looks at; not readable for rules."""
    return sa.Table(
        PINNED,
        sa.MetaData(schema=schema),
        sa.Column("participant_id", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("lea_number", sa.Text, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
    )


def _places(
    pinned: Sequence[PinnedRevision], table: sa.Table, *, session: Session
) -> dict[str, dict[tuple[int, int], list[str]]]:
    """By view, by (slot, snapshot): the participants whose rows lie there.

    A participant whose data did not change keeps its revision, and with it its place, through later snapshots.
    """
    by_revision = {pin.revision_id: pin for pin in pinned}
    query = sa.select(RevisionView.view, RevisionView.slot, RevisionView.revision_id).join(
        table, table.c.revision_id == RevisionView.revision_id
    )
    places: dict[str, dict[tuple[int, int], list[str]]] = defaultdict(lambda: defaultdict(list))
    for view, slot, revision_id in session.execute(query):
        pin = by_revision[revision_id]
        places[view][slot, pin.snapshot_id].append(pin.number)
    return places


def _only_pinned(snapshot_ids: Collection[int], table: sa.Table, *, session: Session) -> set[int]:
    """Snapshots whose every participant is pinned with the revision it made.

    All their rows belong to the run then, and no row need be asked whose it is: with a whole state that was up to a
    third of a rule's time.
    """
    taken = (
        sa.select(Snapshot.rows_id().label("rows_id"), SnapshotParticipant.participant_id)
        .join(SnapshotParticipant, SnapshotParticipant.snapshot_id == Snapshot.id)
        .where(Snapshot.rows_id().in_(snapshot_ids))
        .subquery()
    )
    pinned = (
        sa.select(table.c.participant_id, Revision.snapshot_id)
        .join(table, table.c.revision_id == Revision.id)
        .subquery()
    )
    same = sa.and_(pinned.c.participant_id == taken.c.participant_id, pinned.c.snapshot_id == taken.c.rows_id)
    query = (
        sa.select(taken.c.rows_id)
        .join(pinned, same, isouter=True)
        .group_by(taken.c.rows_id)
        .having(sa.func.count() == sa.func.count(pinned.c.participant_id))
    )
    return set(session.scalars(query))


def _rows_of_view(
    view: str,
    places: dict[tuple[int, int], list[str]],
    whole: Collection[int],
    *,
    event_id: int,
    level: Level,
    session: Session,
) -> sa.Select[tuple[object, ...]]:
    table = sa.table(view, *_columns(view, session=session), schema=DATAMART_SCHEMA)
    participant = sa.column(participant_column(level), sa.Text)
    slot, snapshot_id = sa.column("slot", sa.BigInteger), sa.column("snapshot_id", sa.BigInteger)
    somewhere = [
        sa.and_(
            slot == place,
            snapshot_id == snapshot,
            sa.true() if snapshot in whole else participant.in_(sorted(numbers)),
        )
        for (place, snapshot), numbers in sorted(places.items())
    ]
    mine = sa.and_(sa.column("event_id", sa.BigInteger) == event_id, sa.or_(*somewhere)) if somewhere else sa.false()
    return sa.select(*table.c).where(mine)


def _columns(view: str, *, session: Session) -> list[sa.ColumnClause[object]]:
    found = sa.inspect(session.connection()).get_columns(view, DATAMART_SCHEMA)
    return [sa.column(column["name"]) for column in found if column["name"] not in _PLACE_COLUMNS]


def _grant(statement: str, schema: str, view: str = "", *, session: Session) -> None:
    text = sql.SQL(statement).format(schema=sql.Identifier(schema), view=sql.Identifier(view))
    session.connection().exec_driver_sql(text.as_string())
