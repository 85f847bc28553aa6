"""Thousands of rows in one statement: they travel as one array per column.

With one parameter per value a statement takes longer to say than to do, and one statement per row longer still.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.database import Base, array_of

Rows = Sequence[Mapping[str, Any]]


def given_rows(name: str, types: Mapping[str, sa.types.TypeEngine[Any]], rows: Rows) -> sa.TableValuedAlias:
    """The rows as a table of this name for a statement, with the columns of `types`, none of them an array or JSON."""
    arrays = [array_of([row[column] for row in rows], type_) for column, type_ in types.items()]
    columns: list[sa.ColumnClause[Any]] = [sa.column(column, type_) for column, type_ in types.items()]
    return sa.func.unnest(*arrays).table_valued(*columns, name=name).render_derived()


def types_of(table: type[Base] | sa.Table, *columns: str) -> dict[str, sa.types.TypeEngine[Any]]:
    """The types of these columns of a table."""
    return {column: _table(table).c[column].type for column in columns}


def insert_all(table: type[Base] | sa.Table, rows: Rows, *, session: Session) -> None:
    """Insert the rows, all with the same columns."""
    if rows:
        given = given_rows("given", types_of(table, *rows[0]), rows)
        session.execute(insert(_table(table)).from_select(list(rows[0]), sa.select(*given.c)))


def update_all(table: type[Base], rows: Rows, *, session: Session) -> None:
    """Give the rows with these `id`s their values, all in the same columns. The session's objects do not hear of it."""
    if not rows:
        return
    given = given_rows("given", types_of(table, *rows[0]), rows)
    changes = {name: given.c[name] for name in rows[0] if name != "id"}
    session.execute(sa.update(_table(table)).where(_table(table).c.id == given.c.id).values(changes))


def insert_new(table: type[Base], columns: Sequence[str], rows: sa.Select[Any], *, session: Session) -> int:
    """Insert what the query gives, but for what a unique key says is there already; how many were inserted."""
    statement = insert(_table(table)).from_select(list(columns), rows).on_conflict_do_nothing()
    inserted = session.execute(statement, execution_options={"preserve_rowcount": True})
    return cast("sa.CursorResult[Any]", inserted).rowcount


def _table(table: type[Base] | sa.Table) -> sa.Table:
    return table if isinstance(table, sa.Table) else cast("sa.Table", table.__table__)
