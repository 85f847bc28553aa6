"""The command line takes an event from an empty database to closing, without Airflow, and finds what was injected."""

import datetime
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from certification_lib.database import make_engine
from certification_lib.database_roles import ROLES
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.settings import URL_SETTINGS
from certification_lib.supervisor.postgres import embedded_server
from tests.commands.running import certify_alone, certify_here

pytestmark = pytest.mark.timeout(600)  # all the preparation counts for the first test
KEY = "fall-enrollment-count-2016-17"
Certify = Callable[..., subprocess.CompletedProcess[str]]
# Facts of the Ed-Fi sample district, whose data nobody injected errors into.
GRAND_BEND = {"ATT-002": 3, "PRG-005": 11, "SPE-001": 94, "SPE-004": 1}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An installation with empty databases, told to the commands by environment variables alone."""
    folder = tmp_path_factory.mktemp("installation")
    with embedded_server(folder / "postgres", fast=True) as server:
        databases = dict.fromkeys(ROLES, "certification") | {"source_owner": "source", "source_reader": "source"}
        databases["airflow"] = "airflow"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CERTIFICATION_")}
        urls = {
            f"CERTIFICATION_{setting.upper()}": server.url(role, databases[role])
            for role, setting in URL_SETTINGS.items()
        }
        yield {**inherited, **urls, "CERTIFICATION_STATE_FOLDER": str(folder / "state")}


@pytest.fixture(scope="module")
def certify(environment: dict[str, str]) -> Certify:
    (Path(environment["CERTIFICATION_STATE_FOLDER"])).mkdir(parents=True)

    def run(*arguments: str, refused: bool = False, alone: bool = False) -> subprocess.CompletedProcess[str]:
        answer = (certify_alone if alone else certify_here)(arguments, environment)
        assert answer.returncode == (1 if refused else 0), f"{arguments}: {answer.stdout}{answer.stderr}"
        return answer

    return run


@pytest.fixture(scope="module")
def published(environment: dict[str, str], certify: Certify) -> SampleManifest:
    """Everything up to the published event, with a snapshot and its validation."""
    state = Path(environment["CERTIFICATION_STATE_FOLDER"])
    lists = state / "directory"
    sample = Path(__file__).resolve().parents[2] / "include" / "sample_data"
    certify("db", "upgrade")
    certify("source", "load-sample", "--students", "4000", "--directory", str(lists))
    certify("organizations", "import", str(lists / "organizations.csv"))
    certify("categories", "import", str(sample / "categories.yaml"))
    certify("people", "import", str(lists / "people.csv"))
    certify("rules", "sync")
    certify("events", "import", str(_event_for_today(sample, state)), "--as", "state.approver")
    certify("events", "publish", KEY, "--as", "state.approver")
    certify("snapshot", KEY, "--as", "state.approver", alone=True)
    certify("validate", KEY, "--as", "state.approver")
    return SampleManifest.read(state / "sample_manifest.json")


def _event_for_today(sample: Path, folder: Path) -> Path:
    today = datetime.datetime.now(datetime.UTC).date()
    content = yaml.safe_load((sample / "fall-enrollment-count.yaml").read_text(encoding="utf-8"))
    content |= {
        "start_date": (today - datetime.timedelta(days=2)).isoformat(),
        "opens_date": (today - datetime.timedelta(days=1)).isoformat(),
        "end_date": (today + datetime.timedelta(days=20)).isoformat(),
    }
    content["state_snapshot_schedule"]["first"] = f"{today}T02:00:00"
    file = folder / "event.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def found(environment: dict[str, str]) -> dict[str, dict[str, int]]:
    """Findings by rule and participant as stored, without the zeros; a rule that could not run fails the test."""
    engine = make_engine(environment["CERTIFICATION_DATABASE_URL"])
    query = sa.text(
        "select rule.code, participant.organization_number, result.finding_count "
        "from certification.validation_result as result "
        "join certification.participant on participant.current_revision_id = result.revision_id "
        "join certification.rule_version on rule_version.id = result.rule_version_id "
        "join certification.rule on rule.id = rule_version.rule_id"
    )
    counts: dict[str, dict[str, int]] = {}
    with engine.connect() as connection:
        for code, number, count in connection.execute(query):
            assert count is not None, f"{code} could not run for {number}"
            if count:
                counts.setdefault(code, {})[number] = count
    engine.dispose()
    return counts


def test_findings_of_every_rule_and_district_equal_the_injected_ones_exactly(
    published: SampleManifest, environment: dict[str, str]
) -> None:
    counts = found(environment)
    assert len(published.codes) >= 15
    assert {code: counts.get(code, {}) for code in published.codes} == {
        code: published.expected(code) for code in published.codes
    }


def test_grand_bends_counts_are_facts(published: SampleManifest, environment: dict[str, str]) -> None:
    counts = found(environment)
    assert {code: by["255901"] for code, by in counts.items() if "255901" in by} == GRAND_BEND


def test_every_participant_has_a_revision_and_every_digest_is_that_of_its_rows(
    published: SampleManifest, certify: Certify, environment: dict[str, str]
) -> None:
    assert certify("verify", KEY).stdout == "Every digest is that of its rows.\n"
    assert json.loads(certify("verify", KEY, "--json").stdout) == {"ok": True, "problems": []}
    counts = json.loads(certify("events", "status", KEY, "--json").stdout)
    assert {row["status"]: row["participants"] for row in counts}["In Progress"] == 178


def test_the_manifest_is_there_and_current_and_a_broken_one_is_named(
    published: SampleManifest, certify: Certify, environment: dict[str, str]
) -> None:
    assert json.loads(certify("manifests", "check", "--json").stdout) == {"ok": True, "problems": []}
    manifests = Path(environment["CERTIFICATION_STATE_FOLDER"]) / "manifests"
    [file] = manifests.glob("*.json")
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:-20], encoding="utf-8")
    told = json.loads(certify("manifests", "check", "--json", refused=True).stdout)
    assert (told["ok"], len(told["problems"])) == (False, 1)
    file.write_text(whole, encoding="utf-8")


def test_the_same_files_again_change_nothing(
    published: SampleManifest, certify: Certify, environment: dict[str, str]
) -> None:
    lists = Path(environment["CERTIFICATION_STATE_FOLDER"]) / "directory"
    assert "0 added, 0 changed" in certify("organizations", "import", str(lists / "organizations.csv")).stdout
    assert "0 added, 0 changed" in certify("people", "import", str(lists / "people.csv")).stdout


def test_a_refusal_is_told_in_words_on_standard_error(published: SampleManifest, certify: Certify) -> None:
    answer = certify("events", "publish", KEY, "--as", "superintendent.001", refused=True, alone=True)
    assert "Add on Event Management" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_unknown_person_cannot_act(published: SampleManifest, certify: Certify) -> None:
    assert "nobody" in certify("events", "publish", KEY, "--as", "nobody", refused=True).stderr


def test_no_command_certifies_or_approves(certify: Certify) -> None:
    listed = certify("--help").stdout + certify("events", "--help").stdout
    assert not {"certify", "approve", "attest", "submit"} & set(listed.split())


def test_closing_lists_what_is_unfinished_and_then_takes_the_events_name(
    published: SampleManifest, certify: Certify
) -> None:
    close = ("events", "close", KEY, "--comment", "Done for this year.", "--as", "state.approver")
    assert "and 168 more" in certify(*close, refused=True).stderr
    certify(*close, "--name", "Fall Enrollment Count")
    assert "closed" in certify(*close, "--name", "Fall Enrollment Count", refused=True).stderr
    listed = json.loads(certify("events", "list", "--json").stdout)
    assert [row["status"] for row in listed] == ["Closed"]
