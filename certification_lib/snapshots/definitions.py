"""The downstream views and the comments of a view's table, kept as this release and the view file say.

The comment of the table ends with a mark over all that they are made of. Every snapshot compares it, so that a database
made by an older release, or before a view file changed, does not keep what it had.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql

from certification_lib.database import DATAMART_SCHEMA
from certification_lib.snapshots import downstream
from certification_lib.snapshots.view_headers import Header

log = logging.getLogger(__name__)

_ROWS_OF = {
    "current": "Rows of the newest snapshot of each participant.",
    "certified": "Rows that the certifiers of the running round signed.",
    "official": "Rows that the state approved; those of a correcting event replace the corrected ones.",
}
_LEADING = {
    "event_key": "Key of the event",
    "category": "Certification category",
    "reporting_year": "School year the event reports on, by the year it ends in",
    "count_date": "The day the data describe",
    "participant_number": "State's number of the district or school that takes part",
    "participant_name": "Its name at publication",
    "participant_status": "Event Status",
    "revision": "Number of the revision in its event",
    "revision_digest": "SHA-256 that was signed",
    "source_as_of": "The instant at which the source was read",
    "standing": "How the row became official; what nobody certified is never called Certified",
}
_HOUSEKEEPING = {
    "event_id": "certification.event",
    "slot": "The partition that holds the row: 0 is shared by small snapshots, else the snapshot's own",
    "snapshot_id": "certification.snapshot; with the participant it names the revision",
}


def is_defined(database: Connection[Any], view: str, columns: Sequence[str], header: Header | None) -> bool:
    """Whether the downstream views and all comments are those that `define` would make: one query."""
    row = database.execute(
        "select obj_description(to_regclass(%s), 'pg_class'), "
        "num_nulls(to_regclass(%s), to_regclass(%s), to_regclass(%s), to_regprocedure(%s)) = 0",
        [
            f"{DATAMART_SCHEMA}.{view}",
            *[f"{DATAMART_SCHEMA}.{name}_{view}" for name in downstream.POINTERS],
            f"{DATAMART_SCHEMA}.certified_{view}_as_of(timestamptz)",
        ],
    ).fetchone()
    return bool(row and row[1] and (row[0] or "").endswith(_mark(view, columns, header)))


def define(database: Connection[Any], view: str, columns: Sequence[str], header: Header | None) -> None:
    """The downstream views of a datamart view, the function that looks back, and the comments on all of them.

    One that other people's views are made on, and that cannot be replaced in place, stays as it was.
    """
    try:
        with database.transaction():
            downstream.create_views(database, view, columns)
    except psycopg.errors.InvalidTableDefinition:  # columns of another name, type or order: made anew
        try:
            with database.transaction():
                downstream.drop_views(database, view)
                downstream.create_views(database, view, columns)
        except psycopg.errors.DependentObjectsStillExist:
            log.warning("The downstream views of %s stay as they were: somebody has made views on them", view)
            return
    _comment(database, view, columns, header)


def _mark(view: str, columns: Sequence[str], header: Header | None) -> str:
    """Ends the comment of the table: another one means that something here or in the view file has changed."""
    parts: list[object] = [view, list(columns), *downstream.SOURCES, _ROWS_OF, _LEADING, _HOUSEKEEPING]
    if header is not None:
        parts += [header.title, header.description, header.columns]
    return f"(definition {hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]})"


def _comment(database: Connection[Any], view: str, columns: Sequence[str], header: Header | None) -> None:
    """Titles and labels of the view file where anybody who looks at the database sees them."""
    title = header.title if header else view
    about = f"{title}. {header.description}".strip() if header else f"{title}."
    labels = dict(header.columns) if header else {}
    gone = "No longer given by the view file; kept for rows of earlier snapshots" if header else None
    own = {name: labels.get(name, gone) for name in columns}
    mark = _mark(view, columns, header)
    wanted: list[sql.Composable] = [_comment_on("table", view, f"{about} Rows of all events and snapshots. {mark}")]
    wanted += [_comment_on("column", view, label, name) for name, label in (_HOUSEKEEPING | own).items()]
    for pointer, rows in _ROWS_OF.items():
        relation = f"{pointer}_{view}"
        wanted.append(_comment_on("view", relation, f"{about} {rows}"))
        wanted += [_comment_on("column", relation, label, name) for name, label in (_LEADING | own).items()]
    database.execute(sql.SQL("; ").join(wanted))
    looks_back = sql.SQL("comment on function {}(timestamptz) is {}").format(
        sql.Identifier(DATAMART_SCHEMA, f"certified_{view}_as_of"),
        sql.Literal(f"{about} The rows that were certified at that moment."),
    )
    database.execute(looks_back)


def _comment_on(kind: str, relation: str, words: str | None, column: str | None = None) -> sql.Composable:
    name = [DATAMART_SCHEMA, relation] if column is None else [DATAMART_SCHEMA, relation, column]
    # `kind` is one of three words of this module.
    return sql.SQL("comment on {} {} is {}").format(sql.SQL(kind), sql.Identifier(*name), sql.Literal(words))
