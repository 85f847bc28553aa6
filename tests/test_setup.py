"""What a new machine meets: set-up, Makefile, pins and locks."""

import builtins
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from certification_lib.database_roles import OWNERS, ROLES
from certification_lib.settings import URL_SETTINGS
from scripts import front_end, set_up


def test_a_second_set_up_does_nothing_and_takes_no_time(project_folder: Path) -> None:
    if not set_up.up_to_date():
        pytest.fail("Run `make setup` first: the virtual environment is older than the requirements.")
    begin = time.monotonic()
    result = subprocess.run(
        [sys.executable, "scripts/set_up.py"], cwd=project_folder, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert time.monotonic() - begin < 5


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert set_up.main() == 1
    assert "Python 3.11 or newer is needed and this is 3.10" in capsys.readouterr().err


def test_a_python_without_venv_says_which_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_ensurepip(name: str, *rest: object) -> ModuleType:
        if name == "ensurepip":
            raise ImportError(name)
        return importing(name, *rest)  # type: ignore[arg-type]

    importing = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_ensurepip)
    monkeypatch.setattr(set_up, "STAMP", tmp_path / "none")
    monkeypatch.setattr(set_up, "PYTHON", tmp_path / "python")
    assert set_up.main() == 1
    assert re.search(r"apt-get install python3\.\d+-venv", capsys.readouterr().err)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_no_index_is_named(name: str, project_folder: Path) -> None:
    lines = [
        line.split(";")[0].split("#")[0].strip()
        for line in (project_folder / name).read_text().splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ]+", line)] == []


def test_what_is_installed_for_use_and_for_development_has_one_version(project_folder: Path) -> None:
    use, development = (
        set(re.findall(r"^[A-Za-z0-9._-]+==\S+", (project_folder / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert use - development == set()


def test_the_front_end_lock_names_no_host_and_fits_the_package_file() -> None:
    lock = (front_end.FRONT_END / "package-lock.json").read_text()
    assert "http" not in lock
    wanted = json.loads((front_end.FRONT_END / "package.json").read_text())["dependencies"]
    packages = json.loads(lock)["packages"]
    assert packages[""]["dependencies"] == wanted
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for name, package in packages.items() if name)


def test_what_the_style_sheet_names_is_there_with_compressed_copies() -> None:
    styles = (front_end.VENDOR / "uswds" / "css" / "uswds.min.css").read_text()
    named = {address.split("#")[0] for address in re.findall(r"url\(\.\./([^)]+)\)", styles)}
    assert named
    assert [file for file in sorted(named) if not (front_end.VENDOR / "uswds" / file).is_file()] == []
    for file in ("uswds/css/uswds.min.css", "uswds/js/uswds.min.js", "htmx/htmx.min.js"):
        assert (front_end.VENDOR / f"{file}.gz").stat().st_size < (front_end.VENDOR / file).stat().st_size / 2


def test_make_help_lists_every_target(project_folder: Path) -> None:
    makefile = (project_folder / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    shown = subprocess.run(["make", "help"], cwd=project_folder, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+)", shown, re.MULTILINE)) == targets
    assert targets == set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_command_answers_before_anything_heavy_is_imported(project_folder: Path) -> None:
    question = (
        "import sys; from certification_lib import cli; "
        "print([m for m in ('airflow', 'pandas', 'sqlalchemy', 'great_expectations') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", question], cwd=project_folder, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_every_role_has_an_address_setting() -> None:
    assert set(URL_SETTINGS) == set(ROLES)
    assert set(OWNERS.values()) <= set(ROLES)
