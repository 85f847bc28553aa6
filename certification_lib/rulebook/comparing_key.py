"""By what a rule that compares organizations finds its rows to compare: the key both rows have in common.

Where every table a rule names is joined to the others by the same key, a row can only be found, or no longer be found,
because of rows with its own key. So when one district changes, only the keys of its rows need to be looked at again.
Nobody has to declare the key, and nobody can declare a wrong one: it is read from the rule's own SQL, and a rule whose
SQL does not show it has none.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from certification_lib.rulebook.definitions import CHARGED, YEAR_ON_YEAR

# Anything that makes a row depend on more than the rows joined to it.
_NOT_ROW_BY_ROW = (
    exp.With, exp.SetOperation, exp.Window, exp.Distinct, exp.Limit, exp.Offset, exp.Lateral, exp.Values, exp.Star,
)  # fmt: skip


@dataclass(frozen=True)
class ComparingKey:
    """`parts` are expressions over the columns of any view the rule reads; each finding shows these `columns` among
    its identifiers, as `view` has them."""

    parts: tuple[str, ...]
    columns: tuple[str, ...]
    view: str


def comparing_key(text: str, row_identifier_columns: Collection[str]) -> ComparingKey | None:
    """The key of a SQL rule that passed its checks; None when its SQL does not show one."""
    return _comparing_key(text, frozenset(row_identifier_columns))


@lru_cache(maxsize=1_024)
def _comparing_key(text: str, identifiers: frozenset[str]) -> ComparingKey | None:
    try:
        root = sqlglot.parse_one(text, dialect="postgres")
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(root, exp.Select) or any(
        True for part in root.find_all(*_NOT_ROW_BY_ROW) if not _is_harmless(part)
    ):
        return None
    views: dict[str, str] = {}
    for select in root.find_all(exp.Select):
        if not _takes_tables(select, views):
            return None
    charged = _charged_table(root, views)
    if charged is None or YEAR_ON_YEAR in views.values():
        return None
    shown = identifiers & _own_columns(root, charged)
    links = {select: list(_links(select, views)) for select in root.find_all(exp.Select)}
    parts = dict.fromkeys(part for of_select in links.values() for part, _, _ in of_select)
    usable = [
        part
        for part in parts
        if _columns(part) <= shown
        and all(_is_joined(select, part, links[select]) for select in links)
        and _is_one_to_a_group(root, part, charged)
    ]
    if not usable:
        return None
    columns = sorted({column for part in usable for column in _columns(part)})
    return ComparingKey(tuple(sorted(usable)), tuple(columns), views[charged])


def _is_harmless(part: exp.Expression) -> bool:
    """count(*), count(distinct …) and string_agg(distinct …) look at the rows of one group."""
    return isinstance(part, (exp.Star, exp.Distinct)) and part.find_ancestor(exp.AggFunc, exp.Select) is not None and (
        not isinstance(part.find_ancestor(exp.AggFunc, exp.Select), exp.Select)
    )  # fmt: skip


def _tables(select: exp.Select) -> Iterator[exp.Expression]:
    source = select.args.get("from_") or select.args.get("from")
    if source is not None:
        yield source.this
    for join in select.args.get("joins") or ():
        yield join.this


def _takes_tables(select: exp.Select, views: dict[str, str]) -> bool:
    """Whether it reads plain tables by inner joins, each under a name of its own; these names are added to `views`."""
    for join in select.args.get("joins") or ():
        if join.side or join.args.get("using") or join.kind not in {"", "INNER", "CROSS"} or join.method:
            return False
    for table in _tables(select):
        if not isinstance(table, exp.Table) or table.args.get("joins") or table.alias_or_name in views:
            return False
        views[table.alias_or_name] = table.name
    return True


def _charged_table(root: exp.Select, views: dict[str, str]) -> str | None:
    """The table whose rows are the findings: it alone says who is charged."""
    named = {each.alias_or_name: each.unalias() for each in root.expressions}
    charged = [named.get(name) for name in CHARGED[:2]]
    tables = {each.table for each in charged if isinstance(each, exp.Column)}
    plain = all(
        isinstance(each, exp.Column) and each.name == name for each, name in zip(charged, CHARGED[:2], strict=True)
    )
    own = {table.alias_or_name for table in _tables(root)}
    table = next(iter(tables), "")
    return table if plain and len(tables) == 1 and table in views and table in own else None


def _own_columns(root: exp.Select, table: str) -> frozenset[str]:
    """Columns of the table that are returned under their own name."""
    return frozenset(
        each.alias_or_name
        for each in root.expressions
        if isinstance(each.unalias(), exp.Column)
        and each.unalias().name == each.alias_or_name
        and each.unalias().table == table
    )


def _links(select: exp.Select, views: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """What the SELECT itself demands of every row it looks at: the same expression equal in two tables."""
    where = select.args.get("where")
    demanded = [where.this] if where else []
    demanded += [join.args["on"] for join in select.args.get("joins") or () if join.args.get("on")]
    for condition in (part for each in demanded for part in _conjuncts(each)):
        if isinstance(condition, exp.EQ):
            left, right = _placed(condition.this), _placed(condition.expression)
            if left and right and left[0] == right[0] and left[1] != right[1] and {left[1], right[1]} <= set(views):
                yield left[0], left[1], right[1]


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    else:
        yield condition


def _placed(expression: exp.Expression) -> tuple[str, str] | None:
    """The expression without its table, and that table; None when it is not of one table or not plain."""
    written = _written(expression)
    tables = {column.table for column in expression.find_all(exp.Column)}
    return (written, tables.pop()) if written and len(tables) == 1 and "" not in tables else None


def _written(expression: exp.Expression) -> str | None:
    """In our own words, of columns and a few functions only: it will be evaluated beside the rule too."""
    if isinstance(expression, exp.Column):
        return expression.name if expression.name.isidentifier() and expression.name.islower() else None
    if isinstance(expression, exp.Paren):
        return _written(expression.this)
    if isinstance(expression, exp.Coalesce):
        inner = _written(expression.this)
        return f"coalesce({inner}, '')" if inner and _is_empty_text(expression.expressions) else None
    for kind, name in ((exp.Upper, "upper"), (exp.Lower, "lower"), (exp.Trim, "btrim")):
        if isinstance(expression, kind):
            alone = not any(
                value for argument, value in expression.args.items() if argument not in {"this", "position"}
            )
            inner = _written(expression.this) if alone and not expression.args.get("position") else None
            return f"{name}({inner})" if inner else None
    if (
        isinstance(expression, exp.Anonymous)
        and expression.name.lower() == "btrim"
        and len(expression.expressions) == 1
    ):
        inner = _written(expression.expressions[0])
        return f"btrim({inner})" if inner else None
    return None


def _is_empty_text(values: list[exp.Expression]) -> bool:
    return len(values) == 1 and isinstance(values[0], exp.Literal) and values[0].is_string and values[0].this == ""


@lru_cache(maxsize=1_024)
def _columns(part: str) -> frozenset[str]:
    return frozenset(column.name for column in sqlglot.parse_one(part, dialect="postgres").find_all(exp.Column))


def _is_joined(select: exp.Select, part: str, links: list[tuple[str, str, str]]) -> bool:
    """Whether the part is equal in all tables of the SELECT and, inside another, in one of the tables around it.

    The tables around have been joined by the SELECTs around.
    """
    own = [table.alias_or_name for table in _tables(select)]
    is_inside = select.parent_select is not None
    reached = set() if is_inside else set(own[:1])
    pending = [(left, right) for named, left, right in links if named == part and {left, right} & set(own)]
    grown = True
    while grown:
        before = len(reached)
        for left, right in pending:
            ends = [end for end in (left, right) if end in own]
            if (is_inside and len(ends) == 1) or reached & set(ends):
                reached.update(ends)
        grown = len(reached) > before
    return set(own) <= reached


def _is_one_to_a_group(root: exp.Select, part: str, table: str) -> bool:
    """Whether all rows of a group have the same key."""
    group = root.args.get("group")
    if group is None:
        return root.args.get("having") is None and not any(
            aggregate.parent_select is root for aggregate in root.find_all(exp.AggFunc)
        )
    by = {each.name for each in group.expressions if isinstance(each, exp.Column) and each.table == table}
    return _columns(part) <= by and set(CHARGED[:2]) <= by
