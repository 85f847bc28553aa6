"""Engines, sessions and the conventions every table follows."""

import datetime
import enum
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

_Found = TypeVar("_Found")
_Value = TypeVar("_Value")

SCHEMA = "certification"
DATAMART_SCHEMA = "datamart"

# For every connection to PostgreSQL, Airflow's own too (`sql_alchemy_connect_args`): by default one waits two minutes
# for a server that does not answer, and two hours for one that has gone without a word.
CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables of schema `certification`. Times are UTC (timestamptz), days are days in the state's time zone."""

    metadata = sa.MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map = {
        int: sa.BigInteger,
        str: sa.Text,
        datetime.datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: sa.ARRAY(sa.Text),
        list[int]: sa.ARRAY(sa.Integer),
    }


# For a table whose rows a single act changes by the thousand: half of a page stays free, so that a new version of a row
# lies beside the old one and no index needs to know.
ROOM_TO_CHANGE = {"postgresql_with": {"fillfactor": 50}}


def words(kind: type[enum.StrEnum], name: str) -> sa.Enum:
    """A text column that holds the words users see, with a CHECK constraint called `name`."""
    return sa.Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=60,
        values_callable=lambda members: [member.value for member in members],
    )


def make_engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    """An engine that never prints parameters: they may be a student's values."""
    arguments = {"hide_parameters": True, "pool_pre_ping": True, **options}
    if sa.make_url(url).get_backend_name() == "postgresql":
        arguments["connect_args"] = {**CONNECTING, **arguments.get("connect_args", {})}
    return sa.create_engine(url, **arguments)


def constant(
    column: sa.ColumnElement[_Value] | InstrumentedAttribute[_Value], *values: _Value
) -> sa.ColumnElement[bool]:
    """Whether the column has one of these values, which are the same at every execution.

    They stand in the statement itself: pages' statements are planned once without their parameters (`plan_cache_mode`),
    and how rare a value is, or that an index holds only the rows that have it, the planner knows of values it sees.
    """
    return column.in_(sa.bindparam(None, values, column.type, expanding=True, literal_execute=True))


def among(column: sa.ColumnElement[int] | InstrumentedAttribute[int], ids: Collection[int]) -> sa.ColumnElement[bool]:
    """Whether the column is one of these, sent as one value: `in_` with thousands takes longer to say than to do."""
    return column == sa.any_(array_of(ids, sa.BigInteger()))


def array_of(values: Iterable[object], type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """Thousands of values as one array. It is written here, every value in quotes, also numbers and moments: psycopg
    looks at each value of a list by itself, which takes longer than what the server does with them."""
    return sa.cast(sa.literal(array_text(values), sa.Text), sa.ARRAY(type_))


def array_given(name: str, type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """The same in a statement put together once and executed with `{name: array_text(values)}`."""
    return sa.cast(sa.bindparam(name, type_=sa.Text), sa.ARRAY(type_))


def array_text(values: Iterable[object]) -> str:
    """As PostgreSQL reads an array."""
    texts = [None if value is None else str(value) for value in values]
    if not texts:
        return "{}"
    if None not in texts:
        joined = '","'.join(texts)  # type: ignore[arg-type] # none of them is None
        # Most lists are numbers and names with nothing to escape: looked at together they cost a tenth.
        if "\\" not in joined and joined.count('"') == 2 * (len(texts) - 1):
            return f'{{"{joined}"}}'
    return "{" + ",".join(["null" if text is None else _element(text) for text in texts]) + "}"


def _element(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def among_given(
    column: sa.ColumnElement[int] | InstrumentedAttribute[int] | InstrumentedAttribute[int | None], name: str = "ids"
) -> sa.ColumnElement[bool]:
    """The same for a statement put together once and executed with `{name: [ids]}`: that is a third of what a statement
    costs us, and a page has dozens."""
    return column == sa.any_(sa.bindparam(name, type_=sa.ARRAY(sa.BigInteger)))


def remember_what_is_read(session: Session) -> None:
    """For a session that only reads: what is `remembered` is looked up once, however many parts of a page ask."""
    session.info["remembered"] = {}


def remembered(what: Hashable, look_up: Callable[[], _Found], *, session: Session) -> _Found:
    """What was looked up before under this name; always anew in a session that may write."""
    known: dict[Hashable, _Found] | None = session.info.get("remembered")
    if known is None:
        return look_up()
    if what not in known:
        known[what] = look_up()
    return known[what]


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[Session]:
    """One use case: committed when the block ends, rolled back when it raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def refresh_statistics(engine: sa.Engine, *tables: str) -> None:
    """Tell the planner what these tables of schema `certification` hold now.

    Autovacuum does it too, but up to a minute later, and until then a query over a thousand new participants may take
    minutes. A table that somebody else is just looking through is left to him. The engine's role needs MAINTAIN on
    them; where PostgreSQL is older than 17 and knows no such right, this does nothing.
    """
    preparer = engine.dialect.identifier_preparer
    names = ", ".join(f"{SCHEMA}.{preparer.quote(table)}" for table in tables)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"analyze (skip_locked) {names}"))


def database_now(session: Session) -> datetime.datetime:
    """The moment by the database's clock, which alone decides whether a window is open.

    `clock_timestamp`, not `now()`: the transaction may have waited for a lock since it began.
    """
    moment: datetime.datetime = session.execute(sa.text("select clock_timestamp()")).scalar_one()
    return moment.astimezone(datetime.UTC)
