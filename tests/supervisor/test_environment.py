import dataclasses
import json
import stat
from pathlib import Path

import pytest

from certification_lib.settings import Settings, load_settings
from certification_lib.supervisor.environment import airflow_environment
from certification_lib.supervisor.state_folder import StateFolderInUse, load_secrets, locked, prepare, write_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    prepare(tmp_path)
    place = "127.0.0.1:5433"
    write_settings(
        tmp_path,
        {
            "base_url": "http://localhost:8123",
            "mail_port": 8025,
            "airflow_url": f"postgresql+psycopg://airflow:a@{place}/airflow",
            "owner_url": f"postgresql+psycopg://certification_owner:owner-secret@{place}/certification",
            "database_url": f"postgresql+psycopg://certification_task:t%2F1@{place}/certification",
            "web_url": f"postgresql+psycopg://certification_app:w@{place}/certification",
            "rules_url": f"postgresql+psycopg://certification_rules:r@{place}/certification",
            "source_url": f"postgresql+psycopg://source_reader:s@{place}/source?sslmode=prefer",
        },
    )
    return load_settings({"CERTIFICATION_STATE_FOLDER": str(tmp_path)})


def test_every_setting_that_depends_on_the_port_follows_it(settings: Settings) -> None:
    environment = airflow_environment(settings)
    assert environment["AIRFLOW__API__PORT"] == "8123"
    assert environment["AIRFLOW__API__BASE_URL"] == "http://localhost:8123"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"
    assert environment["CERTIFICATION_BASE_URL"] == "http://localhost:8123"
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_each_connection_signs_in_as_its_own_role(settings: Settings) -> None:
    environment = airflow_environment(settings)
    connections = {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
        for name, value in environment.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    smtp = connections.pop("smtp_default")
    assert (smtp["host"], smtp["port"]) == ("127.0.0.1", 8025)
    assert {name: connection["login"] for name, connection in connections.items()} == {
        "certification_db": "certification_task",
        "certification_web": "certification_app",
        "certification_rules": "certification_rules",
        "edfi_ods": "source_reader",
    }
    assert connections["certification_db"]["password"] == "t/1"
    assert connections["edfi_ods"]["extra"] == {"sslmode": "prefer"}


def test_no_process_of_airflow_is_given_the_owner_of_the_tables(settings: Settings) -> None:
    assert "owner-secret" not in json.dumps(airflow_environment(settings))


def test_what_the_caller_has_set_for_another_airflow_does_not_reach_this_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "postgres://elsewhere")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=elsewhere")
    monkeypatch.setenv("CERTIFICATION_OWNER_URL", "postgresql://elsewhere")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    environment = airflow_environment(settings)
    assert environment["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert "elsewhere" not in json.dumps(environment)
    assert "127.0.0.1" in environment["NO_PROXY"]


def test_secrets_are_made_once_and_only_their_owner_reads_them(settings: Settings) -> None:
    first = load_secrets(settings.state_folder)
    assert load_secrets(settings.state_folder) == first
    assert len(set(first.values())) == len(first)
    assert all(len(value) >= 16 for value in first.values())
    for name in ("secrets.json", "settings.json"):
        assert stat.S_IMODE((settings.state_folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((settings.state_folder / "mail").stat().st_mode) == 0o700


def test_two_installations_never_share_a_secret(settings: Settings, tmp_path: Path) -> None:
    other = dataclasses.replace(settings, state_folder=tmp_path / "other")
    prepare(other.state_folder)
    assert not set(load_secrets(settings.state_folder).values()) & set(load_secrets(other.state_folder).values())


def test_one_state_folder_serves_one_installation_at_a_time(tmp_path: Path) -> None:
    prepare(tmp_path)
    with locked(tmp_path), pytest.raises(StateFolderInUse, match="already running"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
