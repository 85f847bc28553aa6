import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from certification_lib.database_roles import ROLES, connect
from certification_lib.supervisor.postgres import PostgresError, Server, embedded_server, start_server

START_AND_WAIT = """
import os, sys, time
from pathlib import Path
from certification_lib.supervisor.postgres import embedded_server
if len(sys.argv) > 2:  # after the imports, since the interpreter may lie in a folder closed to others
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
with embedded_server(Path(sys.argv[1]), fast=True) as server:
    print(server.process.pid, server.data_folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("role", [*ROLES, "postgres"])
def test_each_role_signs_in_with_its_own_password_only(server: Server, role: str) -> None:
    database = {"airflow": "airflow", "source_owner": "source", "source_reader": "source"}.get(role, "certification")
    with connect(server.url(role, database)) as connection:
        assert connection.execute("select current_user").fetchone() == (role,)
    other = next(password for name, password in server.passwords.items() if name != role)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=server.port, user=role, password=other, dbname=database)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(host="127.0.0.1", port=server.port, user=role, dbname=database, passfile=os.devnull)


def test_the_server_listens_on_this_machine_only(server: Server) -> None:
    addresses = {
        connection.laddr[:2]
        for connection in psutil.Process(server.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {("127.0.0.1", server.port)}
    with connect(server.superuser_url()) as connection:
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)


def test_nobody_else_on_the_machine_reads_data_or_passwords(server: Server, tmp_path: Path) -> None:
    assert stat.S_IMODE(server.data_folder.stat().st_mode) == 0o700
    with embedded_server(tmp_path / "server", fast=True):
        assert stat.S_IMODE((tmp_path / "server" / "passwords.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "server" / "postgres.log").stat().st_mode) == 0o600


def test_the_order_of_text_does_not_depend_on_the_machine(server: Server) -> None:
    with connect(server.superuser_url()) as connection:
        rows = connection.execute("select datname, datlocprovider, datlocale from pg_database").fetchall()
    assert {(provider, locale) for _, provider, locale in rows} == {("b", "C.UTF-8")}
    assert {name for name, *_ in rows} >= {"airflow", "certification", "source"}


def test_data_and_passwords_are_there_again_at_the_next_start(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "server") as first, connect(first.url("certification_task")) as connection:
        connection.execute("create schema run_1 create table kept (id int)")
    with embedded_server(tmp_path / "server") as second:
        assert second.passwords == first.passwords
        with connect(second.url("certification_task")) as connection:
            assert connection.execute("select count(*) from run_1.kept").fetchone() == (0,)
    _remove(second.data_folder)


def test_lost_passwords_are_said_at_once(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "server") as server:
        pass
    (tmp_path / "server" / "passwords.json").unlink()
    with pytest.raises(PostgresError, match="passwords kept beside"):
        start_server(tmp_path / "server")
    _remove(server.data_folder)


def test_a_server_for_tests_leaves_no_data(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "server", fast=True) as server:
        assert server.data_folder.is_dir()
    assert not server.data_folder.exists()
    assert server.process.poll() is not None


def test_a_folder_serves_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        embedded_server(tmp_path / "server", fast=True),
        pytest.raises(PostgresError, match="Another process"),
        embedded_server(tmp_path / "server", fast=True),
    ):
        pass


def test_the_server_ends_with_whoever_started_it(tmp_path: Path, project_folder: Path) -> None:
    owner, pid, data = _start_elsewhere(tmp_path / "server", project_folder)
    owner.kill()
    owner.wait()
    psutil.Process(pid).wait(10)
    assert not psutil.pid_exists(pid)
    _remove(data)


def test_a_server_left_over_is_ended_before_its_folder_is_used_again(tmp_path: Path) -> None:
    left = start_server(tmp_path / "server")
    server = start_server(tmp_path / "server")
    try:
        assert left.process.wait(10) == 0
        with connect(server.superuser_url()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        server.process.send_signal(signal.SIGINT)
        server.process.wait(30)
        _remove(server.data_folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_needs_no_account_of_the_system(project_folder: Path) -> None:
    folder = Path(f"/tmp/certification-ordinary-{os.getpid()}")  # noqa: S108 - the folders of this test are root's
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    owner, pid, _ = _start_elsewhere(folder / "server", project_folder, "65534")
    try:
        assert psutil.Process(pid).uids().real == 65534
        assert stat.S_IMODE((folder / "server").stat().st_mode) == 0o700
    finally:
        owner.send_signal(signal.SIGINT)
        owner.wait(30)
        _remove(folder)
    assert not psutil.pid_exists(pid)


def _start_elsewhere(folder: Path, project: Path, *user: str) -> tuple[subprocess.Popen[str], int, Path]:
    owner = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(folder), *user], cwd=project, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, data = owner.stdout.readline().split()
    owner.stdout.close()
    return owner, int(pid), Path(data)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
