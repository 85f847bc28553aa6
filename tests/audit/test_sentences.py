"""The audit trail as it is read: filters, sentences."""

import datetime
import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from certification_lib.audit.queries import AuditFilter, acts_in_use, entries
from certification_lib.audit.sentences import act_in_words, details_in_words, is_known, sentence
from certification_lib.audit.service import SYSTEM, Actor, record

ACT = re.compile(r'"((?:category|event|group|member|organization|participant|person|right|role|rules?|snapshot|totals):'
                 r'[a-z-]+)"')  # fmt: skip


def test_every_act_that_the_product_writes_has_its_words(project_folder: Path) -> None:
    written = {
        act for file in (project_folder / "certification_lib").rglob("*.py") for act in ACT.findall(file.read_text())
    }
    assert len(written) > 40
    assert {act for act in written if not is_known(act)} == set()


def test_an_entry_reads_as_one_sentence(session: Session, now: datetime.datetime) -> None:
    pat = Actor("smith", "Pat Smith", None, SYSTEM.channel)
    one = record("participant:submit", "Adair County in Fall Count", session=session, actor=pat, now=now)
    assert sentence(one, "Adair County") == "Pat Smith submitted the certification of Adair County in Fall Count."
    two = record("member:add", "Sam, Certifier of Enrollment", session=session, actor=pat, now=now)
    assert sentence(two, "Adair County") == (
        "Pat Smith listed as a member: Sam, Certifier of Enrollment, for Adair County."
    )
    assert act_in_words("member:add") == "Listed as a member"
    assert act_in_words("event:Certification Opens") == "Announced “Certification Opens” of"


def test_details_are_labelled_and_long_lists_counted() -> None:
    details = {"due_date": "2016-11-01", "reason": "", "participants": [str(n) for n in range(20)], "active": False}
    assert details_in_words(details) == [
        ("Due date", "2016-11-01"),
        ("Participants", "0, 1, 2, 3, 4, 5, 6, 7 and 12 more"),
        ("Active", "no"),
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (AuditFilter(event_key="fall"), {"publish", "approve"}),
        (AuditFilter(organization_number="001"), {"approve", "add"}),
        (AuditFilter(person="smith"), {"publish"}),
        (AuditFilter(person="Brown"), {"approve", "add"}),
        (AuditFilter(act="member:add"), {"add"}),
        (AuditFilter(since=datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)), {"approve", "add"}),
        (AuditFilter(until=datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)), {"publish"}),
        (AuditFilter(person="%"), set()),
    ],
)
def test_entries_are_found(session: Session, now: datetime.datetime, where: AuditFilter, found: set[str]) -> None:
    smith, brown = (Actor(name, f"Pat {name.title()}", None, SYSTEM.channel) for name in ("smith", "brown"))
    before = now - datetime.timedelta(hours=1)
    record("event:publish", "E", session=session, actor=smith, now=before, event_key="fall")
    bulk = {"participants": ["001", "005"]}
    record("participant:approve", "2", session=session, actor=brown, now=now, event_key="fall", details=bulk)
    record("member:add", "S", session=session, actor=brown, now=now, organization_number="001")
    assert {one.act.partition(":")[2] for one in entries(session=session, where=where)} == found
    assert acts_in_use(session=session) == ["event:publish", "member:add", "participant:approve"]
