"""An example of every body that programs send, shown in the description of the REST interface."""

from typing import Any

SOME = ["001", "005"]
REASON = "A storm closed the schools for a week."
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SIGNED = {"name": "Pat Rivers", "title": "Superintendent"}
EVENT: dict[str, Any] = {
    "key": "fall-enrollment-count-2016-17",
    "name": "Fall Enrollment Count",
    "reporting_year": 2017,
    "count_date": "2016-10-01",
    "start_date": "2016-09-01",
    "opens_date": "2016-10-03",
    "end_date": "2016-10-31",
    "level": "District",
    "category": "Fall Enrollment",
    "validation_groups": ["Fall Enrollment Count"],
    "participants": SOME,
    "requires_snapshot": True,
    "datamart_views": ["enrollment", "student"],
    "state_snapshot_schedule": {"first": "2016-10-02T05:00:00", "frequency": "weekly"},
}

BY_BODY: dict[str, dict[str, Any]] = {
    "ApproveBody": {"participants": SOME, "reason": "Agreed by telephone.", "include_uncertified": True},
    "CategoryBody": {"name": "Fall Enrollment", "level": "District"},
    "CategoryChangeBody": {"published": True},
    "CertifyBody": {
        "revision": 3,
        "digest": DIGEST,
        "statement_version": 1,
        **SIGNED,
    },
    "CertifySchoolsBody": {
        "schools": [{"school": "001010", "revision": 3, "digest": DIGEST, "statement_version": 1, **SIGNED}]
    },
    "CloseBody": {"comment": "Everybody is approved.", "name": "Fall Enrollment Count"},
    "CopyBody": {"corrects": True},
    "DecisionBody": {"accept": True, "comment": "Please certify again.", "due_date": "2016-11-15"},
    "DisposeBody": {
        "reason": "The records have been kept for six years.",
        "records_schedule": "Series 12, student enrollment counts",
        "name": "Fall Enrollment Count",
    },
    "DueDateBody": {"due_date": "2016-11-15", "reason": REASON},
    "DueDatesBody": {"participants": SOME, "due_date": "2016-11-15", "reason": REASON},
    "EndSetAsideBody": {"rule": "ENR-003", "participant": "001"},
    "GroupBody": {"name": "Enrollment, our own", "level": "District", "rules": ["ENR-001", "ENR-002"]},
    "GroupChangeBody": {"rules": ["ENR-001", "ENR-002"]},
    "MemberBody": {"username": "privers", "role": "Certifier", "organization": "001"},
    "MemberChangeBody": {"role": "Reviewer", "school": None},
    "MemberRemovalBody": {"username": "privers", "organization": "001"},
    "MessageBody": {"participants": SOME, "people": "owing", "text": "Please certify by Friday."},
    "NewOrganizationBody": {"number": "001", "kind": "LEA", "name": "Adair County", "county": "Adair"},
    "OrganizationBody": {"contact_name": "Pat Rivers", "contact_email": "pat.rivers@example.org"},
    "ParticipantsReasonBody": {"participants": SOME, "reason": "Approved by mistake."},
    "PersonBody": {
        "username": "privers",
        "name": "Pat Rivers",
        "title": "Superintendent",
        "email": "pat.rivers@example.org",
        "organization": "001",
    },
    "PersonChangeBody": {"title": "Superintendent", "active": True},
    "ReviewBody": {"outcome": "Recommend recertification", "comment": "Grade 9 is half of last year's."},
    "RightsBody": {"tool": "Certification Event", "rights": "RWAD", "organization": "001"},
    "RoleBody": {"role": "District Administrator", "organization": "001"},
    "RoleRightsBody": {"tool": "Event Report", "rights": "R"},
    "SearchBody": {"text": "Rivers", "rule": "ENR-003"},
    "SendBackBody": {"participants": SOME, "reason": "A file was missing.", "due_date": "2016-11-15"},
    "SetAsideBody": {"rule": "ENR-003", "participant": "001", "reason": "The school moved on the count date."},
    "SnapshotBody": {"kind": "district", "participants": SOME},
    "ValidationBody": {"participants": SOME},
    "WebhookBody": {
        "name": "Student information system",
        "url": "https://sis.state.example/certification",
        "secret": "at least thirty-two characters of your own",
    },
    "WorkBody": {"assigned_to": "privers", "note": "Called the school on Monday."},
}
"""By the name of the body's model; a model that is not here carries its examples itself."""

BY_ADDRESS: dict[tuple[str, str], Any] = {
    ("post", "/api/v1/events"): EVENT,
    ("patch", "/api/v1/events/{key}"): {"end_date": "2016-11-15"},
    (
        "post",
        "/api/v1/organizations-import",
    ): "number,kind,name,lea\n001,LEA,Adair County,\n001010,School,Adair High,001\n",
    ("post", "/api/v1/people-import"): "username,name,title,email\nprivers,Pat Rivers,Superintendent,pat@example.org\n",
}
"""Of bodies without a model: what is sent is read as a whole, so that one answer names every problem."""


def add_examples(described: dict[str, Any]) -> None:
    """Into the description of all routes."""
    schemas = described["components"]["schemas"]
    for name, example in BY_BODY.items():
        schemas[name]["examples"] = [example]
    for (method, address), example in BY_ADDRESS.items():
        for content in described["paths"][address][method]["requestBody"]["content"].values():
            content["example"] = example
