import shutil
from pathlib import Path

from certification_lib.database_roles import connect
from certification_lib.settings import URL_SETTINGS
from certification_lib.supervisor.databases import has_airflow_tables, start_databases
from certification_lib.supervisor.postgres import embedded_server, stop_server


def test_an_existing_server_is_used_when_its_address_is_given(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "of-the-site", fast=True) as site:
        state = tmp_path / "state"
        state.mkdir()
        databases = start_databases(state, admin_url=site.superuser_url())
        assert databases.server is None
        assert not (state / "postgres").exists()
        assert set(databases.urls) == set(URL_SETTINGS.values())
        for role, setting in URL_SETTINGS.items():
            with connect(databases.urls[setting]) as connection:
                assert connection.execute("select current_user").fetchone() == (role,)
        assert start_databases(state, admin_url=site.superuser_url()).urls == databases.urls


def test_without_an_address_the_server_is_our_own(tmp_path: Path) -> None:
    databases = start_databases(tmp_path, admin_url=None)
    assert databases.server is not None
    try:
        with connect(databases.urls["database_url"]) as connection:
            assert connection.execute("select current_database()").fetchone() == ("certification",)
        assert not has_airflow_tables(databases.urls["airflow_url"])
        with connect(databases.urls["airflow_url"]) as connection:
            connection.execute("create table alembic_version (version_num text); create table ab_user (id int)")
        assert has_airflow_tables(databases.urls["airflow_url"])
    finally:
        stop_server(databases.server)
        shutil.rmtree(databases.server.data_folder)  # not always below the folder given
