"""What columns a view gives, told by PostgreSQL without planning or running it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from certification_lib.errors import BadInput
from certification_lib.snapshots import pipe
from certification_lib.snapshots.views import DatamartView


@dataclass(frozen=True)
class Column:
    """A column of a view with its type and modifier as PostgreSQL writes it."""

    name: str
    type: str


def described(source: Connection[Any], view: DatamartView, select: sql.Composable) -> list[Column]:
    """The columns the view gives; refused when they are not those of its header."""
    found = pipe.described(source, select)
    names = [name for name, _, _ in found]
    if names != list(view.header.columns):
        missing = [name for name in view.header.columns if name not in names]
        extra = [name for name in names if name not in view.header.columns]
        raise BadInput(
            f"View {view.name} does not give the columns of its header in their order: "
            f"missing {missing or 'none'}, not named there {extra or 'none'}."
        )
    types = _types(source, [oid for _, oid, _ in found], [modifier for _, _, modifier in found])
    for name, known in zip(names, types, strict=True):
        if known is None:
            raise BadInput(
                f"View {view.name}: column {name} has a type of the source's own; cast it, for example ::text."
            )
    return [Column(name, known or "") for name, known in zip(names, types, strict=True)]


def _types(source: Connection[Any], oids: Sequence[int], modifiers: Sequence[int]) -> list[str | None]:
    """As PostgreSQL writes them; None for one that is not PostgreSQL's own."""
    rows = source.execute(
        "select case when type.typnamespace = 'pg_catalog'::regnamespace then format_type(given.oid, given.modifier) "
        "end from unnest(%s::oid[], %s::int[]) with ordinality as given (oid, modifier, place) "
        "left join pg_type as type on type.oid = given.oid order by given.place",
        [list(oids), list(modifiers)],
    ).fetchall()
    return [known for (known,) in rows]
