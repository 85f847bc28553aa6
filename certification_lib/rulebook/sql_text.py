"""What the SQL of a rule may say: one SELECT on the datamart views, with functions from a list.

Two checks that know nothing of each other must both pass. The words are read here with PostgreSQL's own lexical rules,
so that no call of a function outside the list can hide behind a construct the parser reads differently; the structure
is checked on sqlglot's tree. Rules moreover run as a database role that can read nothing else.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from certification_lib.rulebook.parameters import PARAMETERS

LONGEST = 20_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# All give the same answer for the same rows at any time on any server; none writes, waits, locks or reads files.
FUNCTIONS = _words("""
    lower upper initcap btrim ltrim rtrim trim length char_length left right substring substr position strpos
    split_part replace translate reverse concat concat_ws starts_with ascii regexp_replace regexp_count regexp_like
    date_part extract date_trunc age make_date to_date to_char
    abs round ceil ceiling floor trunc mod sign power sqrt greatest least width_bucket
    coalesce nullif array_position array_length cardinality
    count sum avg min max bool_and bool_or every string_agg array_agg stddev stddev_pop stddev_samp variance
    percentile_cont percentile_disc mode
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
""")
# Words that may stand before a bracket without calling anything.
_BEFORE_BRACKET = _words("""
    and or not in exists any all some case when then else on where select from as over filter values by using union
    except intersect having distinct join between like ilike cast array is lateral group materialized
    numeric decimal varchar char character interval limit offset with
""")
# These answer differently by person, place or time, or write.
_FORBIDDEN_WORDS = _words("""
    current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime
    localtimestamp session_user system_user user into recursive information_schema tablesample operator collate uescape
""")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+)
      | (?P<comment>--|/\*)
      | (?P<prefixed>(?:[eEbBxXnN]|[uU]&)(?=')|[uU]&(?="))
      | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<parameter>(?<!:):[A-Za-z_][A-Za-z0-9_]*)
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
      | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<other>[-+*/<>=~!@%^&|,.:\[\]?#])
    """,
    re.VERBOSE,
)
_REFUSED_PARTS = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command, exp.Parameter, exp.SessionParameter)


def select_problems(text: str, views: Collection[str]) -> list[str]:
    """Why the text cannot be a SQL rule; empty when it can."""
    return list(_select_problems(text, frozenset(views)))


# Every run asks about the same rules again, and reading them takes longer than running them on one district.
@lru_cache(maxsize=1_024)
def _select_problems(text: str, views: frozenset[str]) -> tuple[str, ...]:
    text = text.rstrip().removesuffix(";")
    problems = list(_word_problems(text))
    if problems:
        return tuple(problems)
    try:
        statements = sqlglot.parse(text, dialect="postgres")
    except (SqlglotError, RecursionError):
        return ("the SQL cannot be read; check brackets, commas and quotation marks",)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query) or isinstance(statements[0], exp.Values):
        return ("it must be exactly one SELECT",)
    return tuple(_structure_problems(statements[0], views))


def condition_problems(text: str) -> list[str]:
    """Why the text cannot be a condition over one row; empty when it can."""
    return list(_condition_problems(text))


@lru_cache(maxsize=1_024)
def _condition_problems(text: str) -> tuple[str, ...]:
    problems = list(_word_problems(text))
    if problems:
        return tuple(problems)
    try:
        # Only read, never run.
        statements = sqlglot.parse(f"select 1 from one_row where ({text})", dialect="postgres")  # noqa: S608
    except (SqlglotError, RecursionError):
        return ("the condition cannot be read; check brackets, commas and quotation marks",)
    tree = statements[0]
    if len(statements) != 1 or not isinstance(tree, exp.Select):
        return ("it must be one condition",)
    if len(list(tree.find_all(exp.Query))) != 1 or len(list(tree.find_all(exp.Table))) != 1:
        return ("a condition looks at one row only; what needs other rows is written as a SQL rule",)
    if tree.find(exp.AggFunc, exp.Window) is not None:
        return ("a condition looks at one row only: no sums, counts or windows",)
    return ()


def output_columns(text: str) -> list[str]:
    """Names of the columns of a SELECT that passed `select_problems`; ["*"] when it does not name them."""
    return list(_output_columns(text))


@lru_cache(maxsize=1_024)
def _output_columns(text: str) -> tuple[str, ...]:
    statement = sqlglot.parse_one(text, dialect="postgres")
    return tuple(statement.named_selects) if isinstance(statement, exp.Query) else ()


@lru_cache(maxsize=1_024)
def named_views(text: str) -> frozenset[str]:
    """The views a SELECT reads; none when it cannot be read, as then it is not run either."""
    try:
        statement = sqlglot.parse_one(text, dialect="postgres")
    except (SqlglotError, RecursionError):
        return frozenset()
    defined = {expression.alias for expression in statement.find_all(exp.CTE)}
    return frozenset(table.name for table in statement.find_all(exp.Table)) - defined


def _structure_problems(statement: exp.Query, views: frozenset[str]) -> list[str]:
    problems = []
    if any(isinstance(part, _REFUSED_PARTS) for part in statement.walk()):
        problems.append("it may only read")
    defined = {expression.alias for expression in statement.find_all(exp.CTE)}
    problems += [f"{name!r} is the name of a datamart view and cannot be redefined" for name in sorted(defined & views)]
    for table in statement.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.args.get("db") is not None:
            problems.append(f"{table.sql(dialect='postgres')!r} is not a datamart view")
        elif table.name not in views | defined:
            problems.append(f"{table.name!r} is not a datamart view ({', '.join(sorted(views))})")
    return problems


def _word_problems(text: str) -> Iterator[str]:
    if len(text) > LONGEST:
        yield f"it is longer than {LONGEST:,} characters"
        return
    previous, depth = ("", ""), 0
    for kind, token in _tokens(text):
        depth += (kind == "open") - (kind == "close")
        if depth < 0:
            yield "a bracket is closed that was never opened"
            return
        if kind == "open":
            yield from _call_problems(*previous)
        else:
            yield from _token_problems(kind, token)
        previous = kind, token.lower()
    if depth > 0:
        yield "a bracket is never closed"


def _token_problems(kind: str, token: str) -> Iterator[str]:
    if kind == "unknown":
        yield f"the character {token!r} is not allowed outside quotation marks"
    elif kind == "comment":
        yield "comments are not allowed; the description is the place for them"
    elif kind == "prefixed":
        yield f"text starting with {token} is not allowed; write it in plain quotation marks"
    elif kind == "parameter" and token[1:] not in PARAMETERS:
        yield f"{token} is not a parameter; there are {' and '.join(f':{name}' for name in PARAMETERS)}"
    elif kind in {"word", "name"}:
        yield from _name_problems(token.strip('"').lower())


def _name_problems(name: str) -> Iterator[str]:
    if name in _FORBIDDEN_WORDS or name.startswith("pg_"):
        yield f"{name!r} is not allowed"


def _call_problems(kind: str, token: str) -> Iterator[str]:
    if kind == "name" or (kind == "word" and token not in FUNCTIONS | _BEFORE_BRACKET):
        yield f"the function {token!r} is not allowed"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            yield "unknown", text[position]
            return
        position = found.end()
        if found.lastgroup != "space":
            yield str(found.lastgroup), found.group()
