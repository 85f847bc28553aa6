"""docker-compose.yaml follows the Compose specification, and everything it names exists in the project."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
from compose_spec import PyCompose
from typer.testing import CliRunner

from certification_lib.cli import app
from certification_lib.settings import URL_SETTINGS
from include.docker.component_health import is_well
from scripts.environment_file import completed, entries

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def interpolated(text: str) -> str:
    """As Compose reads it: variables replaced by their values, merged mappings written out."""
    values = entries(completed((PROJECT / ".env.example").read_text(), {}))
    replaced = re.sub(r"(?<!\$)\$\{(\w+)[^}]*\}", lambda match: values[match[1]], text)
    return yaml.safe_dump(yaml.safe_load(replaced))


def test_the_file_follows_the_compose_specification() -> None:
    read = PyCompose.from_yaml(interpolated(TEXT))
    assert {
        "postgres",
        "redis",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
        "init",
        "mail",
    } == set(SERVICES)
    assert read is not None


def test_an_unknown_key_would_be_noticed() -> None:
    with pytest.raises(Exception, match="helthcheck"):
        PyCompose.from_yaml(interpolated(TEXT).replace("healthcheck:", "helthcheck:", 1))


def test_every_variable_is_in_the_example_and_every_entry_is_used() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    example = entries((PROJECT / ".env.example").read_text())
    assert used == set(example)


def test_no_secret_has_a_default() -> None:
    example = entries((PROJECT / ".env.example").read_text())
    secret = {name for name in example if re.search("PASSWORD|SECRET|KEY", name)}
    assert all(example[name] == "" for name in secret)
    assert not re.search(r"(PASSWORD|SECRET|KEY):-", TEXT)


def test_the_environment_file_is_filled_once_and_kept() -> None:
    example = (PROJECT / ".env.example").read_text()
    first = completed(example, {})
    assert all(entries(first).values())
    assert completed(example, entries(first)) == first


def test_every_environment_name_is_one_that_somebody_reads() -> None:
    ours = {f"CERTIFICATION_{name.upper()}" for name in URL_SETTINGS.values()}
    ours |= {"CERTIFICATION_ADMIN_URL", "CERTIFICATION_BASE_URL", "CERTIFICATION_MANIFEST_FOLDER"}
    for service in SERVICES.values():
        for name in service.get("environment", {}):
            if name.startswith("CERTIFICATION_"):
                assert name in ours
    # Airflow knows its own names best.
    names = sorted(name for name in SERVICES["worker"]["environment"] if name.startswith("AIRFLOW__"))
    for name in names:
        section, option = name.removeprefix("AIRFLOW__").lower().split("__", 1)
        assert option in conf.configuration_description.get(section, {}).get("options", {}), name


def test_every_command_exists() -> None:
    commands = {name: service["command"] for name, service in SERVICES.items() if "command" in service}
    ours = [words for name, words in sorted(commands.items()) if name not in {"postgres", "redis"}]
    of_airflow = [words[1:] for words in ours if words[0] == "airflow"]
    assert {words[0] for words in ours} == {"airflow", "bash", "python"}
    for words in ours:
        if words[0] == "bash":
            assert (PROJECT / words[1]).is_file()
        elif words[0] == "python":
            usage = subprocess.run([sys.executable, *words[1:3], "--help"], capture_output=True, text=True, check=True)
            assert all(option in usage.stdout for option in words[3:] if option.startswith("--"))
    parser = get_parser()
    for arguments in of_airflow:
        parser.parse_args(arguments)


OF_AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")


@pytest.mark.parametrize("name", OF_AIRFLOW)
def test_a_component_that_hangs_is_ended_by_its_health_check_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert "include/docker/healthy.sh" in " ".join(service["healthcheck"]["test"])
    assert (service["init"], service["restart"]) == (True, "unless-stopped")


@pytest.fixture
def container(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A first process with a component below it, as in a container."""
    waiting = "import subprocess, sys; sys.exit(subprocess.run(['sleep', '60'], check=False).returncode != 0)"
    with subprocess.Popen([sys.executable, "-c", waiting], stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text().strip():
            assert process.poll() is None
        yield process
        process.kill()


def check(container: subprocess.Popen[str], folder: Path, command: str, times: int = 1) -> list[int]:
    script = [PROJECT / "include/docker/healthy.sh", command]
    environment = {**os.environ, "INIT_PROCESS": str(container.pid), "TMPDIR": str(folder)}
    return [subprocess.run(script, env=environment, check=False).returncode for _ in range(times)]


def test_three_failures_of_a_component_that_was_well_end_it(container: subprocess.Popen[str], tmp_path: Path) -> None:
    assert check(container, tmp_path, "false", times=2) == [1, 1]
    assert check(container, tmp_path, "true") == [0]
    assert check(container, tmp_path, "false", times=2) == [1, 1]
    assert check(container, tmp_path, "true") == [0]
    assert container.poll() is None
    assert check(container, tmp_path, "false", times=3) == [1, 1, 1]
    assert container.wait(10) == 1


def test_a_component_that_is_still_starting_is_given_more_time(
    container: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert check(container, tmp_path, "false", times=9) == [1] * 9
    assert container.poll() is None
    check(container, tmp_path, "false")
    assert container.wait(10) == 1


def test_a_component_is_judged_only_while_the_api_server_can_tell_of_it() -> None:
    well = {one: {"status": "healthy"} for one in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
    unwell = {**well, "scheduler": {"status": "unhealthy"}}
    no_database = {one: {"status": "unhealthy"} for one in well}
    assert [is_well("api-server", said) for said in (well, unwell, no_database, None)] == [True, True, False, False]
    assert [is_well("scheduler", said) for said in (well, unwell, no_database, None)] == [True, False, True, True]


def test_every_path_exists_in_the_project_or_is_a_volume() -> None:
    inside = {Path(path) for path in re.findall(r"/opt/certification/([\w-]+)", TEXT)}
    volumes = {Path("manifests"), Path("mail")}
    assert all((PROJECT / path).exists() for path in inside - volumes)
    assert set(COMPOSE["volumes"]) == {"postgres", "manifests", "logs", "mail"}


def test_who_writes_and_who_reads_manifests_share_one_volume() -> None:
    for service in ("api-server", "dag-processor", "worker", "scheduler", "init"):
        assert "manifests:/opt/certification/manifests" in SERVICES[service]["volumes"]


def test_the_init_script_calls_only_commands_that_exist() -> None:
    script = (PROJECT / "include/docker/init.sh").read_text()
    called = re.findall(r"^certify (\w+) (\w+)", script, flags=re.MULTILINE)
    assert called
    for group, command in called:
        assert CliRunner().invoke(app, [group, command, "--help"]).exit_code == 0, (group, command)


def test_only_the_init_job_may_create_roles_or_change_tables() -> None:
    privileged = {"CERTIFICATION_ADMIN_URL", "CERTIFICATION_OWNER_URL"}
    holders = {name for name, service in SERVICES.items() if privileged & set(service.get("environment", {}))}
    assert holders == {"init"}
    for name, service in SERVICES.items():
        assert "env_file" not in service
        given = str(service.get("environment"))
        assert ("OWNER_PASSWORD" in given) == (name == "init"), name
        assert ("POSTGRES_PASSWORD" in given) == (name in {"init", "postgres"}), name


def test_what_the_image_copies_exists() -> None:
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", (PROJECT / "Dockerfile").read_text(), flags=re.MULTILINE)
    for source in " ".join(sources).split():
        assert (PROJECT / source).exists(), source
