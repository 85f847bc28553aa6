"""The PostgreSQL roles, databases and database-wide grants the product needs.

Rights on schemas and tables come with the migrations; this is what must exist before the first of them. Everything here
may run again at any time, also on a server where the site's own administrator made part of it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

# Role -> settings it starts every session with. The readers cannot write even by mistake; a session may undo the
# setting but not the missing grants behind it. Pages read a few rows out of many, nearly always from memory: told so,
# the planner looks them up by index instead of reading tables from end to end. It took as long to plan their statements
# as to run them, so each is planned once and for any values; whoever writes is planned for each time (see deps.py).
ROLES: dict[str, dict[str, str]] = {
    "airflow": {},
    "certification_owner": {},
    "certification_app": {"random_page_cost": "1.1", "plan_cache_mode": "force_generic_plan"},
    "certification_task": {},
    "certification_rules": {"default_transaction_read_only": "on"},
    "datamart_reader": {"default_transaction_read_only": "on"},
    "source_owner": {},
    "source_reader": {"default_transaction_read_only": "on"},
}
# The server's own log would quote the value a rule or a COPY stumbled over; our processes tell errors in words without
# values. Only a superuser may set this.
_SAYS_NOTHING_OF_ROWS = {role: {"log_min_messages": "fatal"} for role in ("certification_rules", "certification_task")}
OWNERS = {"airflow": "airflow", "certification": "certification_owner", "source": "source_owner"}
_LOCK = 7_042_016  # any number, the same in every process, so that two of them do not create a role at once


@dataclass(frozen=True)
class DatabaseNames:
    """Names of the databases on this server; None where this server does not hold that one."""

    airflow: str | None = "airflow"
    certification: str | None = "certification"
    source: str | None = "source"


ALL_HERE = DatabaseNames()


def generate_passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in ROLES}


def ensure_roles(admin_url: str, passwords: Mapping[str, str], *, databases: DatabaseNames = ALL_HERE) -> None:
    """Creates what is missing and sets passwords and grants.

    A role without an entry in `passwords` keeps the password it has. The role in `admin_url` must be allowed to create
    roles and databases.
    """
    with connect(admin_url) as admin:
        admin.execute("select pg_advisory_lock(%s)", [_LOCK])
        for role in ROLES:
            _ensure_role(admin, role, passwords.get(role))
        _let_owner_act_for_task(admin)
        for purpose, owner in OWNERS.items():
            name = getattr(databases, purpose)
            if name is not None:
                _ensure_database(admin, name, owner)
        if databases.certification is not None:
            _grant_certification(admin, databases.certification)
        if databases.source is not None:
            _grant_source(admin, databases.source)
            with connect(admin_url, database=databases.source) as source:
                _let_source_be_read(source)


def connect(url: str, *, database: str | None = None) -> Connection[TupleRow]:
    """An autocommit connection, since CREATE DATABASE cannot run in a transaction."""
    conninfo = url.replace("postgresql+psycopg://", "postgresql://", 1)
    if database is not None:
        conninfo = make_conninfo(conninfo, dbname=database)
    return psycopg.connect(conninfo, autocommit=True)


def _ensure_role(admin: Connection[TupleRow], role: str, password: str | None) -> None:
    name = sql.Identifier(role)
    if not _exists(admin, "select 1 from pg_roles where rolname = %s", role):
        admin.execute(sql.SQL("create role {} login").format(name))
    if password is not None:
        # Only the verifier travels, so that the password cannot end in a server log.
        verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        admin.execute(sql.SQL("alter role {} login password {}").format(name, sql.Literal(verifier)))
    settings = dict(ROLES[role])
    if admin.info.parameter_status("is_superuser") == "on":
        settings |= _SAYS_NOTHING_OF_ROWS.get(role, {})
    for setting, value in settings.items():
        admin.execute(sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value)))
    if role in OWNERS.values() and admin.info.parameter_status("is_superuser") != "on":
        # From PostgreSQL 16 on, who creates a role may grant it, but may not act for it until granted.
        admin.execute(sql.SQL("grant {} to current_user with inherit true, set true").format(name))


def _let_owner_act_for_task(admin: Connection[TupleRow]) -> None:
    """Migrations also change tables of the datamart, which belong to the role that fills them."""
    admin.execute("grant certification_task to certification_owner with inherit true, set true")


def _ensure_database(admin: Connection[TupleRow], database: str, owner: str) -> None:
    if _exists(admin, "select 1 from pg_database where datname = %s", database):
        return
    # The order of text, and with it every digest over sorted rows, must not depend on the machine's locale.
    statement = sql.SQL(
        "create database {} owner {} template template0 encoding 'UTF8' strategy file_copy "
        "locale_provider builtin builtin_locale 'C.UTF-8'"
    )
    admin.execute(statement.format(sql.Identifier(database), sql.Identifier(owner)))
    admin.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def _grant_certification(admin: Connection[TupleRow], database: str) -> None:
    name = sql.Identifier(database)
    admin.execute(sql.SQL("revoke all on database {} from public").format(name))
    users = "certification_app, certification_task, certification_rules, datamart_reader"
    admin.execute(sql.SQL("grant connect on database {} to " + users).format(name))
    # Tasks make a schema for each validation run.
    admin.execute(sql.SQL("grant create, temporary on database {} to certification_task").format(name))


def _grant_source(admin: Connection[TupleRow], database: str) -> None:
    admin.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
    admin.execute(sql.SQL("grant connect on database {} to source_reader").format(sql.Identifier(database)))


def _let_source_be_read(source: Connection[TupleRow]) -> None:
    source.execute("alter default privileges for role source_owner grant usage on schemas to source_reader")
    source.execute("alter default privileges for role source_owner grant select on tables to source_reader")
    schemas = source.execute(
        "select nspname from pg_namespace join pg_roles on pg_roles.oid = nspowner where rolname = 'source_owner'"
    ).fetchall()
    for (schema,) in schemas:
        name = sql.Identifier(schema)
        source.execute(sql.SQL("grant usage on schema {} to source_reader").format(name))
        source.execute(sql.SQL("grant select on all tables in schema {} to source_reader").format(name))


def _exists(admin: Connection[TupleRow], question: str, name: str) -> bool:
    return admin.execute(question.encode(), [name]).fetchone() is not None
