"""A state that looks like one: districts with long and short names, totals, findings, messages, several events."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.events.models import Event, EventStatus, Milestone, MilestoneKind, MilestoneState, Participant
from certification_lib.housekeeping.models import StepOutcome
from certification_lib.housekeeping.service import Went, note
from certification_lib.notifications.service import notify
from certification_lib.people.models import Tool
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotKind, SnapshotParticipant
from certification_lib.validation.models import Finding
from tests.certification_ui.site import KEY, RULE, open_window
from tests.factories import World

PEOPLE = {
    "001": "Adair County",
    "005": "Barren County",
    "011": "Berea Independent",
    "026": "Walton-Verona Independent School District of Northern Boone County and Surroundings",
    "036": "Bowling Green Independent",
}
RULES = {
    RULE: ("A student is enrolled in two schools of the district on the count date", Severity.ERROR),
    "ENR-002": ("The grade of the enrollment is not one the school teaches", Severity.ERROR),
    "ENR-007": ("A student has left before the day of entry", Severity.ERROR),
    "DEM-003": ("No race is reported for the student", Severity.WARNING),
    "ATT-001": ("An absence falls on a day without instruction", Severity.INFO),
}


def fill_state(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        world = World(session)
        world.state.name = "Kentucky Department of Education"
        world.category.name = "Fall Enrollment"
        agencies = {number: world.lea(number, name, region="GRREC", county=name) for number, name in PEOPLE.items()}
        rules = [_rule(world, code, *said) for code, said in RULES.items()]
        event = world.event(
            list(agencies.values()),
            key=KEY,
            rules=rules,
            links=[{"label": "Data standards of the state", "url": "https://example.org/data-standards"}],
            description="Review the students enrolled on the count date, correct what is wrong, and certify.",
            **open_window(),
        )
        dates = open_window()
        spring = {name: value + datetime.timedelta(days=150) for name, value in dates.items()}
        world.event(
            list(agencies.values())[:2],
            key="spring-check-2016-17",
            name="Spring Attendance Check",
            status=EventStatus.UNPUBLISHED,
            **spring,
        )
        world.certifier("smith", agencies["001"])
        world.district_reviewer("brown", agencies["001"])
        world.certifier("green", agencies["005"])
        world.certifier("white", agencies["005"])
        world.approver()
        world.give(world.person("approver"), Tool.VALIDATION, "RWAD")
        world.give(world.person("approver"), Tool.AUDIT, "R")
        _housekeeping(session)
        world.state_reviewer()
        for number, agency in agencies.items():
            if number != "036":
                revision = world.revision(world.participant(event, agency), agency.name, rows=2345 + int(number))
                _totals(world, revision)
                _results(world, revision, rules, number)
        session.add(_snapshot(session, event, left_alone="011"))
        milestone = Milestone(
            event_id=event.id,
            kind=MilestoneKind.STATE_SNAPSHOT,
            at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=6),
            details={},
            state=MilestoneState.DUE,
        )
        session.add(milestone)
        _messages(world)


def _housekeeping(session: Session) -> None:
    """One step that goes well, one that found something, one that failed; the others have not run yet."""
    now = datetime.datetime.now(datetime.UTC)
    for name, went in (
        ("snapshots_get_on", Went(StepOutcome.WELL)),
        ("mend_manifests", Went(StepOutcome.WELL, 1, "certification_event_fall_enrollment_count.json: is missing.")),
        ("check_audit_chain", Went(StepOutcome.FAILED, 0, "The audit trail does not hold together from entry 7 on")),
    ):
        note(name, went, began_at=now, run_id="scheduled__1", session=session, now=now)


def _snapshot(session: Session, event: Event, *, left_alone: str) -> SnapshotParticipant:
    """The state snapshot that the revisions came from, as if; returns the row of the one left alone."""
    taken = session.scalars(sa.select(Snapshot).order_by(Snapshot.id)).first()
    assert taken is not None
    taken.kind, taken.started_at = SnapshotKind.STATE, taken.requested_at
    found = sa.select(Participant).where(Participant.event_id == event.id)
    participants = {one.organization_number: one for one in session.scalars(found)}
    alone = participants.pop(left_alone)
    for one in participants.values():
        revision_id = one.current_revision_id
        session.execute(sa.update(Revision).where(Revision.id == revision_id).values(snapshot_id=taken.id))
        session.add(SnapshotParticipant(snapshot_id=taken.id, participant_id=one.id, revision_id=revision_id))
    why = "somebody has signed in the open round; a new revision would make it count no more"
    return SnapshotParticipant(snapshot_id=taken.id, participant_id=alone.id, left_alone=why)


def _rule(world: World, code: str, title: str, severity: Severity) -> Rule:
    rule = world.rule(code, severity)
    session = world.session
    version = session.scalars(sa.select(RuleVersion).where(RuleVersion.rule_id == rule.id)).one()
    version.title = title
    version.description = "Two enrollments of one student cover the count date at different schools."
    version.why_it_matters = "Each student counts once for funding."
    version.how_to_fix_it = "End the enrollment at the school the student has left, with the day of leaving."
    return rule


def _totals(world: World, revision: Revision) -> None:
    view = world.session.scalars(sa.select(RevisionView).where(RevisionView.revision_id == revision.id)).one()
    view.totals = {
        "count": revision.row_count - 12,
        "by": {
            "entry_grade_level": {
                "Kindergarten": 180,
                "First grade": 175,
                "Twelfth grade": 140,
                "Preschool/Prekindergarten": 60,
            },
            "race": {"White": 2100, "Black - African American": 120, "Not reported": 3},
            "sex": {"Male": 1200, "Female": 1145},
        },
        "flags": {"english_learner": 64, "special_education": 310, "economic_disadvantaged": 1402},
        "distinct": {},
        "sum": {},
    }


def _results(world: World, revision: Revision, rules: list[Rule], number: str) -> None:
    counts = [120, 3, 0, 41, 0]
    for rule, count in zip(rules, counts, strict=True):
        result = world.result(revision, rule, count)
        for place in range(min(count, 60) if rule.code == RULE else 0):
            student = str(700400000 + place)
            world.session.add(
                Finding(
                    revision_id=revision.id,
                    rule_version_id=result.rule_version_id,
                    validation_run_id=result.validation_run_id,
                    district_number=number,
                    school_number=None,
                    row_key=student,
                    identifiers={"student_unique_id": student, "entry_date": "2016-08-10"},
                )
            )


def _messages(world: World) -> None:
    now = datetime.datetime.now(datetime.UTC)
    for username in ("smith", "approver"):
        notify(
            f"test:{username}",
            "message",
            [world.person(username).id],
            "Certification of Fall Enrollment Count is open",
            "You can certify until the due date. Review your findings first.",
            f"/certification/my-events/{KEY}/001/",
            KEY,
            session=world.session,
            now=now,
        )
