import json
from pathlib import Path

import pytest

from certification_lib.settings import PROJECT_FOLDER, URL_SETTINGS, SettingsError, load_settings, source_url


def test_the_environment_wins_over_what_certify_up_wrote(tmp_path: Path) -> None:
    written = {
        "base_url": "http://localhost:8081",
        "owner_url": "postgresql://owner:one@localhost/a",
        "mail_port": 8025,
    }
    (tmp_path / "settings.json").write_text(json.dumps(written))
    settings = load_settings(
        {"CERTIFICATION_STATE_FOLDER": str(tmp_path), "CERTIFICATION_BASE_URL": "https://state.example"}
    )
    assert settings.base_url == "https://state.example"
    assert settings.url("certification_owner") == "postgresql://owner:one@localhost/a"
    assert settings.mail_port == 8025
    assert settings.manifest_folder == tmp_path / "manifests"


def test_without_anything_the_state_folder_is_in_the_project_wherever_the_command_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).state_folder == PROJECT_FOLDER / ".local"


@pytest.mark.parametrize("role", URL_SETTINGS)
def test_a_missing_address_says_how_to_set_it(role: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"certify up.*CERTIFICATION_{URL_SETTINGS[role].upper()}"):
        load_settings({"CERTIFICATION_STATE_FOLDER": str(tmp_path)}).url(role)


def test_each_source_has_its_own_address(tmp_path: Path) -> None:
    given = {
        "CERTIFICATION_STATE_FOLDER": str(tmp_path),
        "CERTIFICATION_SOURCE_URL": "postgresql://reader:one@localhost/ods",
        "CERTIFICATION_SOURCE_STAFF_SYSTEM_URL": "sqlite:////data/staff.db",
    }
    assert source_url("edfi_ods", given) == "postgresql://reader:one@localhost/ods"
    assert source_url("staff_system", given) == "sqlite:////data/staff.db"
    with pytest.raises(SettingsError, match="set CERTIFICATION_SOURCE_BUSES_URL"):
        source_url("buses", given)


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'task'"):
        load_settings({"CERTIFICATION_STATE_FOLDER": str(tmp_path)}).url("task")


def test_a_damaged_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(SettingsError, match=r"settings\.json"):
        load_settings({"CERTIFICATION_STATE_FOLDER": str(tmp_path)})


def test_passwords_never_show_in_a_representation(tmp_path: Path) -> None:
    address = "postgresql+psycopg://certification_task:top%2Fsecret@localhost/certification"
    settings = load_settings({"CERTIFICATION_STATE_FOLDER": str(tmp_path), "CERTIFICATION_DATABASE_URL": address})
    assert "secret" not in repr(settings)
    assert settings.role_passwords() == {"certification_task": "top/secret"}
