"""The lists of organizations and people can be imported as they are."""

import csv
import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.people_import import import_people
from certification_lib.categories.service import import_categories
from certification_lib.people.service import import_organizations
from certification_lib.sample_source.directory import write_directory_files
from certification_lib.sample_source.state import SAMPLE_DATA

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def organizations(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return _rows(write_directory_files(tmp_path_factory.mktemp("directory"))[0])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return _rows(write_directory_files(tmp_path_factory.mktemp("directory"))[1])


def test_all_organizations_are_listed_before_what_belongs_to_them(organizations: Rows) -> None:
    kinds = Counter(row["kind"] for row in organizations)
    assert kinds == {"State": 1, "Regional Agency": 9, "LEA": 178, "School": 1_438}
    seen = set()
    for row in organizations:
        seen.add(row["number"])
        assert not row["lea_number"] or row["lea_number"] in seen


def test_western_districts_keep_central_time(organizations: Rows) -> None:
    zones = {row["number"]: row["time_zone"] for row in organizations}
    assert zones["KY"] == "America/New_York"
    assert zones["395"] == "America/Chicago"
    assert zones["275"] == ""


def test_every_district_has_its_people_but_one(organizations: Rows, people: Rows) -> None:
    held: dict[str, Counter[str]] = {row["number"]: Counter() for row in organizations if row["kind"] == "LEA"}
    for person in people:
        for membership in filter(None, person["memberships"].split(";")):
            role, _, number = membership.removeprefix("Fall Enrollment:").partition("@")
            if number:
                held[number][role] += 1
    assert held.pop("013") == Counter()
    assert all(roles["Certifier"] == 2 and roles["Reviewer"] >= 1 for roles in held.values())
    administrators = {row["organization_number"] for row in people if row["roles"] == "District Administrator"}
    assert administrators == held.keys()


def test_one_superintendent_certifies_for_two_districts(people: Rows) -> None:
    by_username = {row["username"]: row for row in people}
    assert "superintendent.536" not in by_username
    assert by_username["superintendent.524"]["memberships"] == (
        "Fall Enrollment:Certifier@524;Fall Enrollment:Certifier@536"
    )


def test_approvers_hold_all_rights_they_need(people: Rows) -> None:
    approvers = [row for row in people if row["memberships"] == "Fall Enrollment:Approver"]
    assert len(approvers) == 2
    assert {row["rights"] for row in approvers} == {"Event Management:RWAD;Event Report:RWAD"}


def test_usernames_are_unique_and_mail_reaches_nobody(people: Rows) -> None:
    assert len({row["username"] for row in people}) == len(people)
    emails = [row["email"] for row in people]
    assert all(email.endswith(".example.org") for email in emails if email)
    assert any(not email for email in emails)


def test_organizations_categories_and_people_are_taken_by_the_imports(session: Session, tmp_path: Path) -> None:
    organizations, people = write_directory_files(tmp_path)
    boundary: Any = {"session": session, "actor": SYSTEM, "now": datetime.datetime(2016, 9, 1, tzinfo=datetime.UTC)}
    taken = import_organizations(organizations.read_text(encoding="utf-8"), **boundary)
    assert (taken.added, taken.warnings) == (1_626, ())
    import_categories((SAMPLE_DATA / "categories.yaml").read_text(encoding="utf-8"), **boundary)
    assert import_people(people.read_text(encoding="utf-8"), **boundary).added == 716


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
