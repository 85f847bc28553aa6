"""One state with what a test needs of it. Every method adds rows and flushes; nothing is committed."""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Level, Member
from certification_lib.certification.models import Round
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    EventVersionGroup,
    EventVersionParticipant,
    EventVersionRule,
    FindingsPolicy,
    Participant,
    ParticipantStatus,
)
from certification_lib.people.models import (
    Organization,
    OrganizationKind,
    Person,
    SchoolAgency,
    Tool,
    ToolRight,
)
from certification_lib.rulebook.models import (
    Grain,
    Rule,
    RuleKind,
    RuleOwner,
    RuleVersion,
    Severity,
    ValidationGroup,
    ValidationGroupRule,
)
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationStatus

# Events made here start on September 1, open on OPENING's day and end on October 31, 2016, in New York.
OPENING = datetime.datetime(2016, 10, 3, 4, 0, tzinfo=datetime.UTC)
LONG_AGO = datetime.datetime(2016, 8, 1, tzinfo=datetime.UTC)
STATEMENT = "I certify that these data are complete and correct. I agree to sign electronically."
NIL_STATEMENT = "We have no records to report."


@dataclass
class World:
    """The rows of one test."""

    session: Session
    level: Level = Level.DISTRICT
    time_zone: str = "America/New_York"
    state: Organization = field(init=False)
    category: Category = field(init=False)

    def __post_init__(self) -> None:
        self.state = self._add(
            Organization(kind=OrganizationKind.STATE, number="KY", name="State of Kentucky", time_zone=self.time_zone)
        )
        self.category = self._add(
            Category(name=f"Enrollment {self.level.value}", level=self.level, active=True, published=True)
        )

    def lea(self, number: str = "001", name: str = "Adair County", **fields: Any) -> Organization:
        return self._add(Organization(kind=OrganizationKind.LEA, number=number, name=name, **fields))

    def school(self, number: str, lea: Organization, name: str | None = None) -> Organization:
        made = self._add(Organization(kind=OrganizationKind.SCHOOL, number=number, name=name or f"School {number}"))
        self._add(SchoolAgency(school_id=made.id, lea_id=lea.id, from_date=datetime.date(2000, 7, 1)))
        return made

    def person(self, username: str, **fields: Any) -> Person:
        values = {"name": username.title(), "title": "Superintendent", "email": f"{username}@example.org", **fields}
        known = self.session.scalar(sa.select(Person).where(Person.username == username))
        return known or self._add(Person(username=username, active=True, **values))

    def give(self, person: Person, tool: Tool, letters: str, organization: Organization | None = None) -> None:
        """Set the person's rights on a tool to exactly these letters."""
        place = organization.id if organization else None
        held = self.session.scalar(
            sa.select(ToolRight).where(
                ToolRight.person_id == person.id,
                ToolRight.tool == tool,
                ToolRight.organization_id.is_(None) if place is None else ToolRight.organization_id == place,
            )
        ) or ToolRight(person_id=person.id, tool=tool, organization_id=place)
        held.read, held.write, held.add, held.delete = ("R" in letters, "W" in letters, "A" in letters, "D" in letters)
        self._add(held)

    def approver(self, username: str = "approver") -> Actor:
        return self._state_member(username, CategoryRole.APPROVER, "RWAD")

    def state_reviewer(self, username: str = "statereviewer") -> Actor:
        return self._state_member(username, CategoryRole.REVIEWER, "RW")

    def certifier(
        self,
        username: str,
        lea: Organization,
        school: Organization | None = None,
        *,
        since: datetime.datetime = LONG_AGO,
        role: CategoryRole = CategoryRole.CERTIFIER,
    ) -> Actor:
        """A member for an LEA (with `school`: for that school only), holding the four rights."""
        person = self.person(username)
        self.give(person, Tool.CERTIFICATION_EVENT, "RWAD", lea)
        self.give(person, Tool.OWN_CATEGORY_MEMBERS, "RWAD", lea)
        self.member(person, lea, role, school=school, since=since)
        return self.actor(person)

    def district_reviewer(self, username: str, lea: Organization) -> Actor:
        return self.certifier(username, lea, role=CategoryRole.REVIEWER)

    def member(
        self,
        person: Person,
        organization: Organization,
        role: CategoryRole,
        *,
        school: Organization | None = None,
        since: datetime.datetime = LONG_AGO,
    ) -> Member:
        return self._add(
            Member(
                category_id=self.category.id,
                person_id=person.id,
                organization_id=organization.id,
                school_id=school.id if school else None,
                role=role,
                added_at=since,
                added_by="system",
            )
        )

    def remove_member(self, actor: Actor, at: datetime.datetime = OPENING) -> None:
        """End the person's memberships, as categories' services do."""
        self.session.execute(
            sa.update(Member)
            .where(Member.person_id == actor.person_id, Member.removed_at.is_(None))
            .values(removed_at=at, removed_by="system")
        )

    def actor(self, person: Person, channel: Channel = Channel.PAGE) -> Actor:
        return Actor(username=person.username, name=person.name, person_id=person.id, channel=channel)

    def event(
        self,
        organizations: Sequence[Organization],
        *,
        key: str = "fall-enrollment-count-2016-17",
        status: EventStatus = EventStatus.PUBLISHED,
        rules: Iterable[Rule] = (),
        requires_snapshot: bool = True,
        findings_policy: FindingsPolicy = FindingsPolicy.INFORM,
        **fields: Any,
    ) -> Event:
        """An event as publishing leaves it: a live version (of an unpublished one: a draft), participants, rounds."""
        event = self._add(Event(key=key, status=status, active=True, created_at=LONG_AGO, created_by="system"))
        values: dict[str, Any] = {
            "name": "Fall Enrollment Count",
            "reporting_year": 2017,
            "count_date": datetime.date(2016, 10, 1),
            "start_date": datetime.date(2016, 9, 1),
            "opens_date": datetime.date(2016, 10, 3),
            "end_date": datetime.date(2016, 10, 31),
            "description": "Membership on the count date.",
            "links": [],
            "statement": STATEMENT,
            "statement_version": 1,
            "nil_statement": NIL_STATEMENT,
            "datamart_views": ["enrollment"] if requires_snapshot else [],
            "districts_may_take_snapshots": True,
            "days_to_keep": 30,
            "reminder_days": [14, 7, 3, 1, 0],
            **fields,
        }
        version = self._add(
            EventVersion(
                event_id=event.id,
                number=1,
                level=self.level,
                category_id=self.category.id,
                findings_policy=findings_policy,
                requires_snapshot=requires_snapshot,
                made_at=LONG_AGO,
                made_by="system",
                **values,
            )
        )
        for organization in organizations:
            self._add(EventVersionParticipant(event_version_id=version.id, organization_id=organization.id))
        self._pin(version, list(rules))
        if status == EventStatus.UNPUBLISHED:
            event.draft_version_id = version.id
        else:
            event.live_version_id, event.published_at, version.published_at = version.id, LONG_AGO, LONG_AGO
            for organization in organizations:
                self.take_part(event, organization)
        self.session.flush()
        return event

    def version(self, event: Event) -> EventVersion:
        """The live version, to be changed by a test as a republish would."""
        return self.session.get_one(EventVersion, event.live_version_id)

    def take_part(self, event: Event, organization: Organization) -> Participant:
        lea = self._lea_of(organization)
        participant = self._add(
            Participant(
                event_id=event.id,
                organization_id=organization.id,
                organization_number=organization.number,
                organization_name=organization.name,
                lea_id=lea.id,
                lea_number=lea.number,
                lea_name=lea.name,
                status=ParticipantStatus.IN_PROGRESS,
                round_number=1,
                added_at=LONG_AGO,
            )
        )
        self._add(Round(participant_id=participant.id, number=1, started_at=LONG_AGO, started_by="system"))
        return participant

    def participant(self, event: Event, organization: Organization) -> Participant:
        return self.session.scalars(
            sa.select(Participant).where(
                Participant.event_id == event.id, Participant.organization_id == organization.id
            )
        ).one()

    def rule(self, code: str, severity: Severity = Severity.ERROR, grain: Grain = Grain.STUDENT, **fields: Any) -> Rule:
        rule = self._add(Rule(code=code, owner=RuleOwner.SYSTEM, current_version=1))
        self._add(
            RuleVersion(
                rule_id=rule.id,
                version=1,
                title=f"Rule {code}",
                description="What is wrong",
                why_it_matters="Why",
                how_to_fix_it="How",
                tags=[],
                levels=["District", "School"],
                grain=grain,
                view="enrollment",
                severity=severity,
                kind=RuleKind.SQL,
                definition={"sql": "select 1"},
                row_identifier_columns=["student_unique_id"],
                uses_ad_hoc_filter=False,
                uses_calendar_parameter=False,
                needs_count_date=False,
                digest=hashlib.sha256(code.encode()).hexdigest(),
                made_at=LONG_AGO,
                made_by="system",
                **fields,
            )
        )
        return rule

    def rule_version(self, rule: Rule) -> RuleVersion:
        return self.session.scalars(
            sa.select(RuleVersion).where(RuleVersion.rule_id == rule.id, RuleVersion.version == rule.current_version)
        ).one()

    def revision(
        self,
        participant: Participant,
        content: str = "data",
        *,
        rows: int = 10,
        validated: bool = True,
        at: datetime.datetime = OPENING,
        empty: bool = False,
    ) -> Revision:
        """A new current revision of a snapshot of its own; the same content has the same digest."""
        snapshot = self._add(
            Snapshot(
                event_id=participant.event_id,
                kind=SnapshotKind.DISTRICT,
                status=SnapshotStatus.COMPLETED,
                on_demand=True,
                requested_by="system",
                requested_at=at,
                source_as_of=at,
                finished_at=at,
            )
        )
        numbers = sa.select(sa.func.coalesce(sa.func.max(Revision.number), 0)).where(
            Revision.participant_id == participant.id
        )
        made = self._add(
            Revision(
                participant_id=participant.id,
                snapshot_id=snapshot.id,
                number=self.session.scalars(numbers).one() + 1,
                kind=SnapshotKind.DISTRICT,
                taken_by="system",
                taken_at=at,
                source_as_of=at,
                confirmed_as_of=at,
                digest=hashlib.sha256(content.encode()).hexdigest(),
                row_count=rows,
                empty=empty,
                validated_at=at if validated else None,
            )
        )
        self._add(
            RevisionView(
                revision_id=made.id,
                view="enrollment",
                row_count=rows,
                digest=made.digest,
                columns=[["student_unique_id", "text"]],
                slot=0,
                totals={"rows": rows},
            )
        )
        participant.current_revision_id = made.id
        self.session.flush()
        return made

    def result(
        self, revision: Revision, rule: Rule, count: int | None, *, could_not_run: str | None = None
    ) -> ValidationResult:
        """The exact count of a rule on a revision, or why it could not run."""
        event_id = self.session.get_one(Participant, revision.participant_id).event_id
        event = self.session.get_one(Event, event_id)
        run = self._add(
            ValidationRun(
                event_id=event_id,
                event_version_id=event.live_version_id or 0,
                status=ValidationStatus.COMPLETED,
                rule_set_hash="0",
                requested_by="system",
                requested_at=OPENING,
            )
        )
        return self._add(
            ValidationResult(
                revision_id=revision.id,
                rule_version_id=self.rule_version(rule).id,
                validation_run_id=run.id,
                finding_count=count,
                could_not_run=could_not_run,
            )
        )

    def _state_member(self, username: str, role: CategoryRole, letters: str) -> Actor:
        person = self.person(username, title="Analyst")
        for tool in (Tool.EVENT_MANAGEMENT, Tool.EVENT_REPORT):
            self.give(person, tool, letters)
        self.member(person, self.state, role)
        return self.actor(person)

    def _pin(self, version: EventVersion, rules: list[Rule]) -> None:
        if not rules:
            return
        group = self._add(ValidationGroup(name=f"Group of {version.id}", description="", level=self.level, active=True))
        self._add(EventVersionGroup(event_version_id=version.id, group_id=group.id, position=1))
        for position, rule in enumerate(rules, start=1):
            self._add(ValidationGroupRule(group_id=group.id, rule_id=rule.id, position=position))
            self._add(
                EventVersionRule(
                    event_version_id=version.id,
                    group_id=group.id,
                    rule_version_id=self.rule_version(rule).id,
                    position=position,
                )
            )

    def _lea_of(self, organization: Organization) -> Organization:
        if organization.kind != OrganizationKind.SCHOOL:
            return organization
        return self.session.scalars(
            sa.select(Organization)
            .join(SchoolAgency, SchoolAgency.lea_id == Organization.id)
            .where(SchoolAgency.school_id == organization.id)
        ).one()

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row
