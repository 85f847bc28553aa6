"""The tables of an Ed-Fi ODS (Data Standard 5.2) that the datamart views read, made from its own column list."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from certification_lib.sample_source.state import read_table
from certification_lib.sample_source.tables import INDEXES, TABLES, UNIQUE

# Tables are filled under this name, in one transaction, and renamed to EDFI at its end.
LOADING = "edfi_loading"
EDFI = "edfi"
# Constant while loading, so that the same seed gives the same rows; afterwards the defaults an ODS has.
_LOADED_AT = "'2017-06-01 06:00:00'"


_PROGRAM_KEY = (
    "begindate",
    "educationorganizationid",
    "programeducationorganizationid",
    "programname",
    "programtypedescriptorid",
    "studentusi",
)


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool
    in_key: bool

    @property
    def loading_default(self) -> str | None:
        if self.nullable or self.in_key:
            return None
        return {"createdate": _LOADED_AT, "lastmodifieddate": _LOADED_AT, "aggregateid": "0"}.get(self.name)

    @property
    def lasting_default(self) -> str | None:
        if self.nullable or self.in_key:
            return None
        now = "(current_timestamp at time zone 'UTC')"
        return {"createdate": now, "lastmodifieddate": now, "id": "gen_random_uuid()"}.get(self.name)


def read_columns() -> dict[str, list[Column]]:
    """Columns of each of TABLES, in their order; those of two child tables follow the standard, being in no list."""
    found: dict[str, list[Column]] = defaultdict(list)
    for row in read_table("edfi_ods_columns", "data_standard_5.2.0.csv"):
        if row["table_name"] in TABLES:
            nullable, in_key = row["is_nullable"] == "YES", row["in_primary_key"] == "t"
            found[row["table_name"]].append(Column(row["column_name"], _type(row), nullable, in_key))
    keys = {column.name: column for column in found["studentspecialeducationprogramassociation"]}
    created = Column("createdate", "timestamp without time zone", False, False)
    found["studentspecialeducationprogramassociationdisability"] = [
        *(keys[name] for name in _PROGRAM_KEY),
        Column("disabilitydescriptorid", "integer", False, True),
        Column("disabilitydeterminationsourcetypedescriptorid", "integer", True, False),
        Column("disabilitydiagnosis", "character varying(80)", True, False),
        Column("orderofdisability", "integer", True, False),
        created,
    ]
    found["studenteducationorganizationassociationlanguageuse"] = [
        *(column for column in found["studenteducationorganizationassociationlanguage"] if column.in_key),
        Column("languageusedescriptorid", "integer", False, True),
        created,
    ]
    return {table: found[table] for table in TABLES}


def create_tables(connection: Connection[TupleRow], descriptor_types: Iterable[str]) -> None:
    """Empty tables without keys; `descriptor_types` like 'GradeLevelDescriptor' get their own tables, as in an ODS."""
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(LOADING)))
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(LOADING)))
    for table, columns in read_columns().items():
        _create(connection, table, columns)
    for descriptor in descriptor_types:
        _create(connection, descriptor.lower(), [Column(f"{descriptor.lower()}id", "integer", False, True)])


def add_keys(connection: Connection[TupleRow], descriptor_types: Iterable[str]) -> None:
    """Primary keys, indexes and defaults, after the rows are in: much faster than before."""
    for table, columns in read_columns().items():
        key = [column.name for column in columns if column.in_key]
        changes = [_primary_key(table, key)]
        for column in columns:
            if column.lasting_default or column.loading_default:
                default = sql.SQL(f"set default {column.lasting_default}" if column.lasting_default else "drop default")
                changes.append(sql.SQL("alter column {} {}").format(sql.Identifier(column.name), default))
        connection.execute(sql.SQL("alter table {} {}").format(_name(table), sql.SQL(", ").join(changes)))
        for columns_text in INDEXES.get(table, []):
            connection.execute(_index("create index", table, columns_text))
        if table in UNIQUE:
            connection.execute(_index("create unique index", table, UNIQUE[table]))
    for descriptor in descriptor_types:
        table = descriptor.lower()
        connection.execute(sql.SQL("alter table {} {}").format(_name(table), _primary_key(table, [f"{table}id"])))


def replace_schema(connection: Connection[TupleRow], reader: str) -> None:
    """Puts the loaded tables in the place of those of before and lets `reader`, where that role exists, read them."""
    edfi, loading, role = sql.Identifier(EDFI), sql.Identifier(LOADING), sql.Identifier(reader)
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(edfi))
    connection.execute(sql.SQL("alter schema {} rename to {}").format(loading, edfi))
    if connection.execute("select 1 from pg_roles where rolname = %s", [reader]).fetchone():
        connection.execute(sql.SQL("grant usage on schema {} to {}").format(edfi, role))
        connection.execute(sql.SQL("grant select on all tables in schema {} to {}").format(edfi, role))


def _type(row: dict[str, str]) -> str:
    if row["data_type"] == "character varying":
        return f"character varying({row['max_length']})"
    if row["data_type"] == "numeric":
        return f"numeric({row['numeric_precision']},{row['numeric_scale']})"
    return row["data_type"]


def _create(connection: Connection[TupleRow], table: str, columns: list[Column]) -> None:
    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(_constraints(column))) for column in columns
    ]
    connection.execute(sql.SQL("create table {} ({})").format(_name(table), sql.SQL(", ").join(definitions)))


def _constraints(column: Column) -> str:
    default = f" default {column.loading_default}" if column.loading_default else ""
    return f"{column.type}{default}{'' if column.nullable else ' not null'}"


def _primary_key(table: str, columns: list[str]) -> sql.Composed:
    # PostgreSQL cuts names at 63 characters; the end tells constraints of tables with the same beginning apart.
    name = sql.Identifier(f"{table[:60]}_pk")
    return sql.SQL("add constraint {} primary key ({})").format(name, sql.SQL(", ").join(map(sql.Identifier, columns)))


def _index(kind: str, table: str, columns: str) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns.split(", "))
    return sql.SQL("{} on {} ({})").format(sql.SQL(kind), _name(table), names)


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(LOADING, table)
