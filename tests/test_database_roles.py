from collections.abc import Callable

import psycopg
import pytest

from certification_lib.database_roles import DatabaseNames, connect, ensure_roles
from certification_lib.supervisor.postgres import Server


def test_an_administrator_who_may_create_roles_is_enough(server: Server) -> None:
    """As at a site that gives a role of limited rights on its own server."""
    with connect(server.superuser_url()) as superuser:
        superuser.execute("create role site_admin login createrole createdb password 'of-the-site'")
        superuser.execute(
            "grant airflow, certification_owner, certification_app, certification_task, certification_rules, "
            "datamart_reader, source_owner, source_reader to site_admin with admin true, inherit true, set true"
        )
    url = f"postgresql://site_admin:of-the-site@127.0.0.1:{server.port}/postgres"
    names = DatabaseNames(airflow=None, certification="site_certification", source="site_source")
    passwords = {role: password for role, password in server.passwords.items() if role != "postgres"}
    ensure_roles(url, passwords, databases=names)
    ensure_roles(url, {}, databases=names)  # again, and without a password none is changed
    with connect(server.url("certification_task", "site_certification")) as connection:
        connection.execute("create schema run_1")
    with connect(server.superuser_url()) as superuser:
        for name in ("site_certification", "site_source"):
            superuser.execute(f"drop database {name}")
        superuser.execute("drop owned by site_admin")


def test_the_source_is_read_with_read_rights_only(source_url: Callable[[str], str]) -> None:
    with connect(source_url("source_owner")) as owner:
        owner.execute("create schema edfi")
        owner.execute("create table edfi.student (id int)")
    with connect(source_url("source_reader")) as reader:
        assert reader.execute("select count(*) from edfi.student").fetchone() == (0,)
        reader.execute("set default_transaction_read_only = off")
        for attempt in ("insert into edfi.student values (1)", "drop table edfi.student", "create schema mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(attempt)


@pytest.mark.parametrize("role", ["certification_rules", "certification_app", "datamart_reader"])
def test_roles_that_only_read_make_nothing(server: Server, role: str) -> None:
    with connect(server.url(role)) as connection:
        connection.execute("set default_transaction_read_only = off")
        for attempt in (
            "create schema mine",
            "create table public.mine (id int)",
            "create temporary table mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)


def test_no_role_reaches_a_database_it_has_nothing_to_do_in(server: Server) -> None:
    for role, database in (("certification_task", "airflow"), ("source_owner", "certification"), ("airflow", "source")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(server.url(role, database))


def test_the_owner_of_the_schema_acts_for_the_tasks_and_not_the_other_way_round(server: Server) -> None:
    with connect(server.url("certification_owner")) as owner:
        owner.execute("set role certification_task")
    with connect(server.url("certification_task")) as task, pytest.raises(psycopg.errors.InsufficientPrivilege):
        task.execute("set role certification_owner")


def test_no_role_can_make_roles_or_read_past_row_level_security(server: Server) -> None:
    with connect(server.superuser_url()) as superuser:
        powerful = superuser.execute(
            "select rolname from pg_roles where rolcanlogin and (rolsuper or rolcreaterole or rolcreatedb or "
            "rolbypassrls or rolreplication) and rolname <> 'site_admin'"
        ).fetchall()
    assert powerful == [("postgres",)]
