"""A new installation, as `certify up` sets it up beside a port that was taken."""

import contextlib
import json
import stat
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import pytest

from certification_lib.database_roles import connect
from certification_lib.supervisor.health import unhealthy_components
from certification_lib.supervisor.ports import HOST
from tests.airflow.conftest import Site, everything_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_beside_a_taken_port_it_takes_the_next_and_every_component_is_healthy(site: Site, taken_port: int) -> None:
    port = int(site.stack.base_url.rsplit(":", 1)[1])
    assert port > taken_port
    assert unhealthy_components(port) == []


def test_everything_listens_on_this_machine_only(site: Site) -> None:
    addresses: set[str] = set()
    for process in everything_of(site.stack):
        with contextlib.suppress(psutil.NoSuchProcess):  # a task that has ended meanwhile
            listening = (one for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN)
            addresses |= {connection.laddr.ip for connection in listening}
    assert addresses == {HOST}


def test_the_administrator_signs_in(site: Site) -> None:
    name, password = site.stack.administrator
    status, answer = _post(f"{site.stack.base_url}/auth/token", {"username": name, "password": password})
    assert (status, "access_token" in answer) == (201, True)
    status, answer = _post(f"{site.stack.base_url}/auth/token", {"username": name, "password": password + "x"})
    assert (status, "access_token" in answer) == (401, False)


def test_snapshots_have_their_pool(site: Site) -> None:
    with connect(site.stack.settings.url("airflow")) as metadata:
        question = "select slots from slot_pool where pool = 'certification_snapshots'"
        assert metadata.execute(question).fetchone() == (2,)


def test_others_on_the_machine_see_nothing(site: Site) -> None:
    open_to_others = [
        file.name
        for file in site.stack.state_folder.iterdir()
        if stat.S_IMODE(file.stat().st_mode) & (0o077 if file.is_file() else 0o066) and file.name != "ready.json"
    ]
    assert open_to_others == []


def test_a_second_start_is_refused(site: Site) -> None:
    command = [sys.executable, "-m", "certification_lib", "up", "--state-folder", str(site.stack.state_folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "already running" in second.stdout


def _post(url: str, content: dict[str, str]) -> tuple[int, dict[str, object]]:
    request = Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})  # noqa: S310 - our own
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)
