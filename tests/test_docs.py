"""The documentation says what is true: its links lead somewhere, its commands, DAGs and settings exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certification_lib.cli import app
from certification_lib.orchestration.reports import REPORTS_DAG
from certification_lib.orchestration.requests import REQUESTS_DAG
from certification_lib.orchestration.standing_dags import AUDIT_DAG, HOUSEKEEPING_DAG, MAIL_DAG
from certification_lib.orchestration.triggering import RETENTION_DAG
from certification_lib.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@by_page
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@by_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:certification_lib|include|expectations|tests|dags|plugins|docs)/[\w./-]+)`", page.read_text()
    )
    for path in named:
        assert (PROJECT / path.rstrip("/")).exists(), path


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        named = set(
            re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        )
        assert {one or other for one, other in named} <= targets, page.name


def test_every_command_that_is_named_exists() -> None:
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"`certify ([a-z-]+)(?: ([a-z-]+))?", page.read_text(encoding="utf-8")))
    assert named
    for words in sorted(named):
        assert CliRunner().invoke(app, [*filter(None, words), "--help"]).exit_code == 0, words


def test_the_operators_page_names_every_setting() -> None:
    text = (PROJECT / "docs" / "operators.md").read_text(encoding="utf-8")
    fields = {"state_folder", "manifest_folder", "base_url", "admin_url", "database_url", "source_url"}
    assert fields <= set(Settings.__dataclass_fields__)
    for name in fields:
        assert f"CERTIFICATION_{name.upper()}" in text


def test_the_operators_page_names_every_standing_dag() -> None:
    text = (PROJECT / "docs" / "operators.md").read_text(encoding="utf-8")
    for dag in (REQUESTS_DAG, REPORTS_DAG, HOUSEKEEPING_DAG, MAIL_DAG, AUDIT_DAG, RETENTION_DAG):
        assert f"`{dag}`" in text
