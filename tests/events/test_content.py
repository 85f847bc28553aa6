"""What the wizard accepts, with every problem named at once in its own words."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from certification_lib.errors import BadInput
from certification_lib.events.content import EventContent, content_problems, parse_content

GOOD: dict[str, Any] = {
    "name": "Fall Enrollment Count",
    "reporting_year": 2017,
    "count_date": "2016-10-01",
    "start_date": "2016-10-03",
    "opens_date": "2016-10-10",
    "end_date": "2016-10-31",
    "level": "District",
    "category": "Fall Enrollment",
    "validation_groups": ["Fall Enrollment Count"],
    "participants": ["001", "005"],
    "requires_snapshot": True,
    "datamart_views": ["enrollment"],
    "state_snapshot_schedule": {"first": "2016-10-03T02:00"},
}


def problems(**changes: Any) -> tuple[str, ...]:
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    with pytest.raises(BadInput) as refused:
        parse_content(values)
    return refused.value.problems


def test_a_whole_event_is_accepted() -> None:
    content = parse_content(GOOD)
    assert content.end_date == datetime.date(2016, 10, 31)
    assert content_problems(content) == []


def test_opens_defaults_to_start() -> None:
    assert parse_content({**GOOD, "opens_date": None}).opens == datetime.date(2016, 10, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "Event Name is empty"),
        ({"name": ...}, "Event Name is missing"),
        ({"reporting_year": 17}, "Reporting Year is the year a school year ends in"),
        ({"reporting_year": "soon"}, "Reporting Year: soon is not a whole number"),
        ({"end_date": "2016-10-09"}, "Event End Date is before Certification Opens"),
        ({"opens_date": "2016-10-02"}, "Certification Opens is before Event Start Date"),
        ({"end_date": "31.10.2016"}, "Event End Date: 31.10.2016 is no day; write it as 2027-01-31"),
        ({"level": "County"}, "Certification Level: input should be 'District' or 'School'"),
        ({"category": ""}, "Certification Category is empty"),
        ({"links": [{"label": "x", "url": "http://x.org"}]}, "is not an https address"),
        ({"links": [{"label": "x", "url": "https://"}]}, "is not an https address"),
        ({"links": [{"label": "x", "url": "javascript:alert(1)"}]}, "is not an https address"),
        ({"links": [{"label": "", "url": "https://x.org"}]}, "has no label"),
        ({"statement": ""}, "certifiers must see what they attest"),
        ({"nil_statement": ""}, "must have a sentence to tick"),
        ({"participants": []}, "Choose at least one participant"),
        ({"participants": {}}, "Choose at least one participant"),
        ({"participants": ...}, "Participants are a list of organization numbers"),
        ({"participants": [1, 5]}, "Participants are a list of organization numbers in quotation marks"),
        ({"participants": "some"}, "Participants are a list of organization numbers"),
        ({"requires_snapshot": False}, "without a snapshot no group can be linked"),
        ({"requires_snapshot": False, "validation_groups": []}, "Requires snapshot is not ticked"),
        ({"datamart_views": []}, "Choose the datamart views a snapshot copies"),
        ({"datamart_views": ["enrollment", "enrollment"]}, "Datamart view enrollment is chosen twice"),
        ({"validation_groups": ["A", "A"]}, "Validation group A is linked twice"),
        ({"state_snapshot_schedule": {"first": "soon"}}, "State snapshot schedule"),
        ({"state_snapshot_schedule": {"first": "2016-10-03T02:00-04:00"}}, "takes no offset"),
        (
            {"state_snapshot_schedule": {"first": "2016-11-03T02:00", "frequency": "daily"}},
            "The state snapshot schedule ends before its first time",
        ),
        (
            {"state_snapshot_schedule": {"first": "2016-10-03T02:00", "frequency": "daily", "until": "2019-01-01"}},
            "runs for more than two years",
        ),
        ({"days_to_keep": 0}, "Days to keep is a number from 1 to 3650"),
        ({"reminder_days": [14, -1]}, "Reminder days are numbers from 0 to 365"),
        ({"key": "Not A Key"}, "Key may hold small letters"),
        ({"colour": "red"}, "colour is not a field of an event"),
    ],
)
def test_what_the_wizard_refuses_is_named_in_its_words(changes: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in problems(**changes)), problems(**changes)


def test_all_problems_are_told_at_once() -> None:
    found = problems(name="", end_date="2016-10-01", participants=[], datamart_views=[])
    assert len(found) == 4


def test_an_event_without_a_snapshot_needs_no_views() -> None:
    values = {**GOOD, "requires_snapshot": False, "validation_groups": [], "datamart_views": []}
    assert parse_content({**values, "state_snapshot_schedule": None}).requires_snapshot is False


def test_the_sample_event_is_written_down_as_the_wizard_wants_it(project_folder: Path) -> None:
    text = (project_folder / "include" / "sample_data" / "fall-enrollment-count.yaml").read_text(encoding="utf-8")
    content = parse_content(yaml.safe_load(text))
    assert isinstance(content, EventContent)
    assert (content.reporting_year, content.count_date) == (2017, datetime.date(2016, 10, 1))
    assert content.participants == "all"
