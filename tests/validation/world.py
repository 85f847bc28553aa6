"""A published event whose datamart rows a test writes itself: `World` knows the tables, the test knows the rows."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Category, Level
from certification_lib.database import database_now, transaction
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    EventVersionRule,
    FindingsPolicy,
    Participant,
    ParticipantStatus,
)
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.rulebook.models import (
    Grain,
    Rule,
    RuleKind,
    RuleOwner,
    RuleVersion,
    Severity,
    ValidationGroup,
)
from certification_lib.snapshots import partitions, view_tables
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation import service
from certification_lib.validation.finishing import FinishedValidation

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
SCHOOL_YEAR = 2017
COUNT_DATE = datetime.date(2016, 10, 1)

_TEXT, _DATE, _FLAG, _NUMBER, _WHOLE = "text", "date", "boolean", "numeric", "integer"


def _typed(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


PLACE = {"district_id": _TEXT, "school_id": _TEXT, "row_key": _TEXT}
VIEWS: dict[str, dict[str, str]] = {
    "student": PLACE
    | _typed(_TEXT, "student_unique_id first_name middle_name last_surname generation_code_suffix sex race")
    | _typed(_TEXT, "home_language postal_code")
    | _typed(_DATE, "birth_date")
    | _typed(_FLAG, "hispanic_latino_ethnicity english_learner economic_disadvantaged")
    | _typed(_WHOLE, "race_count"),
    "enrollment": PLACE
    | _typed(_TEXT, "student_unique_id entry_type entry_grade_level exit_withdraw_type residency_status race sex")
    | _typed(_TEXT, "school_status")
    | _typed(_DATE, "entry_date exit_withdraw_date birth_date first_instructional_day calendar_first_date")
    | _typed(_DATE, "calendar_last_date")
    | _typed(_FLAG, "primary_school hispanic_latino_ethnicity english_learner economic_disadvantaged special_education")
    | _typed(_NUMBER, "full_time_equivalency")
    | _typed(_WHOLE, "school_year school_lowest_grade school_highest_grade instructional_days days_enrolled"),
    "attendance": PLACE
    | _typed(_TEXT, "student_unique_id attendance_event_category session_name calendar_event")
    | _typed(_DATE, "event_date")
    | _typed(_NUMBER, "event_duration")
    | _typed(_FLAG, "instructional_day enrolled"),
    "discipline": PLACE
    | _typed(_TEXT, "student_unique_id incident_identifier behavior discipline_action_identifier discipline")
    | _typed(_TEXT, "length_difference_reason responsible_district_id")
    | _typed(_DATE, "incident_date discipline_date")
    | _typed(_NUMBER, "discipline_action_length actual_discipline_action_length"),
    "program_participation": PLACE
    | _typed(_TEXT, "student_unique_id program_type program_name reason_exited disability special_education_setting")
    | _typed(_TEXT, "special_education_exit_reason homeless_residence")
    | _typed(_DATE, "begin_date end_date iep_review_date special_education_exit_date birth_date"),
    "staff_assignment": PLACE
    | _typed(_TEXT, "staff_unique_id first_name last_surname staff_classification position_title")
    | _typed(_DATE, "begin_date end_date")
    | _typed(_NUMBER, "full_time_equivalency"),
}


class World:
    """One event; districts "001", "005", … (School level: schools "001010", … of them)."""

    def __init__(
        self,
        engine: sa.Engine,
        rules_url: str,
        *,
        level: Level = Level.DISTRICT,
        numbers: Sequence[str] = ("001", "005", "011"),
        views: Sequence[str] = ("enrollment", "student"),
        key: str = "fall-count",
    ) -> None:
        self.engine, self.rules_url, self.level, self.key, self.views = engine, rules_url, level, key, list(views)
        self._rows: dict[tuple[str, str], int] = {}
        with transaction(engine) as session:
            category = Category(name=f"Category of {key}", level=level, published=True)
            event = Event(key=key, status=EventStatus.PUBLISHED, created_at=NOW, created_by="test")
            session.add_all([category, event])
            session.flush()
            version = self._version(event.id, category.id)
            session.add(version)
            session.flush()
            event.live_version_id = version.id
            self.event_id, self.version_id = event.id, version.id
            self.participants = {number: self._participant(number, session) for number in numbers}
        with self._driver() as connection:
            for view in self.views:
                columns = [Column(name, kind) for name, kind in VIEWS[view].items()]
                view_tables.ensure_view_table(connection, view, columns)
                partitions.ensure_event_tables(connection, view, self.event_id, level)

    def rule(self, code: str, **values: Any) -> int:
        """A rule pinned to the event; the id of its version."""
        if "fails_when" in values:
            fails_when = values.pop("fails_when")
            values["definition"] = {"type": "expect_no_row_where", "kwargs": {"fails_when": fails_when}}
        if "sql" in values:
            values |= {"kind": RuleKind.SQL, "definition": {"sql": values.pop("sql")}}
        defaults: dict[str, Any] = {
            "title": f"Title of {code}", "description": "What", "why_it_matters": "Why", "how_to_fix_it": "How",
            "tags": [], "levels": ["District", "School"], "grain": Grain.STUDENT, "view": "enrollment",
            "severity": Severity.ERROR, "kind": RuleKind.EXPECTATION, "row_identifier_columns": ["student_unique_id"],
            "uses_ad_hoc_filter": False, "uses_calendar_parameter": False, "needs_count_date": False,
        }  # fmt: skip
        with transaction(self.engine) as session:
            rule = Rule(code=code, owner=RuleOwner.STATE, current_version=1)
            session.add(rule)
            session.flush()
            version = RuleVersion(
                rule_id=rule.id, version=1, digest=f"digest of {code}", made_at=NOW, made_by="test", **defaults | values
            )
            session.add(version)
            session.flush()
            self._pin([version.id], session)
            return version.id

    def pin(self, *rule_version_ids: int) -> None:
        with transaction(self.engine) as session:
            self._pin(rule_version_ids, session)

    def pin_delivered(self, codes: Sequence[str] | None = None) -> dict[str, int]:
        """The delivered rules (already in the database) pinned to the event: {code: version id}."""
        with transaction(self.engine) as session:
            query = sa.select(Rule.code, RuleVersion.id).join(RuleVersion, RuleVersion.rule_id == Rule.id)
            found = {code: number for code, number in session.execute(query) if codes is None or code in codes}
            self._pin(list(found.values()), session)
            return found

    def snapshot(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], *, numbers: Sequence[str] | None = None, slot: int = 0
    ) -> int:
        """A completed snapshot of these rows by view; the revisions of its participants become current."""
        taken = list(self.participants) if numbers is None else list(numbers)
        with transaction(self.engine) as session:
            snapshot = Snapshot(
                event_id=self.event_id, kind=SnapshotKind.STATE if numbers is None else SnapshotKind.DISTRICT,
                status=SnapshotStatus.COMPLETED, on_demand=False, requested_by="test", requested_at=NOW,
            )  # fmt: skip
            session.add(snapshot)
            session.flush()
            for number in taken:
                self._revision(number, snapshot, rows, slot, session)
            snapshot_id = snapshot.id
        self.write(rows, snapshot_id=snapshot_id, slot=slot)
        return snapshot_id

    def write(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], *, snapshot_id: int, slot: int = 0) -> None:
        with self._driver() as connection:
            for view, given in rows.items():
                if slot:
                    partitions.create_slot_table(connection, view, self.event_id, slot)
                    partitions.attach(connection, view, self.event_id, slot)
                for row in given:
                    values = {"event_id": self.event_id, "slot": slot, "snapshot_id": snapshot_id, **row}
                    statement = sql.SQL("insert into datamart.{} ({}) values ({})").format(
                        sql.Identifier(view),
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(sql.Placeholder() * len(values)),
                    )
                    connection.execute(statement, list(values.values()))

    def begin(self, **options: Any) -> int:
        with transaction(self.engine) as session:
            run = service.begin_validation(
                self.key, session=session, actor=SYSTEM, now=database_now(session), **options
            )
            return run.id

    def validate(self, **options: Any) -> FinishedValidation:
        """Begin, validate every view, finish."""
        return service.validate_run(self.begin(**options), engine=self.engine, rules_url=self.rules_url)

    def finish(self, run_id: int) -> FinishedValidation:
        with transaction(self.engine) as session:
            return service.finish_validation(run_id, session=session, now=database_now(session))

    def counts(self) -> dict[tuple[str, str], int | str]:
        """{(rule code, participant): count, or why it could not run} of current revisions."""
        return {
            (code, number): could_not_run if count is None else count
            for code, number, count, could_not_run in self.query(
                "select rule.code, p.organization_number, r.finding_count, r.could_not_run"
                " from certification.validation_result r"
                " join certification.rule_version v on v.id = r.rule_version_id"
                " join certification.rule rule on rule.id = v.rule_id"
                " join certification.participant p on p.current_revision_id = r.revision_id"
                " where p.event_id = :event",
                event=self.event_id,
            )
        }

    def found(self, code: str | None = None) -> list[tuple[str, str, str]]:
        """(rule code, participant, row key) of every finding on a current revision, sorted."""
        rows = self.query(
            "select rule.code, p.organization_number, f.row_key from certification.finding f"
            " join certification.rule_version v on v.id = f.rule_version_id"
            " join certification.rule rule on rule.id = v.rule_id"
            " join certification.participant p on p.current_revision_id = f.revision_id"
            " where p.event_id = :event",
            event=self.event_id,
        )
        return sorted((a, b, c) for a, b, c in rows if code in {None, a})

    def query(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def _driver(self) -> psycopg.Connection[Any]:
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    def _version(self, event_id: int, category_id: int) -> EventVersion:
        return EventVersion(
            event_id=event_id, number=1, name="Fall Count", reporting_year=SCHOOL_YEAR, count_date=COUNT_DATE,
            start_date=COUNT_DATE, opens_date=COUNT_DATE, end_date=datetime.date(2016, 11, 1), description="",
            level=self.level, category_id=category_id, links=[], statement="I attest.", statement_version=1,
            nil_statement="Nothing to report.", findings_policy=FindingsPolicy.ERRORS_BLOCK, requires_snapshot=True,
            datamart_views=self.views, districts_may_take_snapshots=True, days_to_keep=30, reminder_days=[7],
            made_at=NOW, made_by="test",
        )  # fmt: skip

    def _participant(self, number: str, session: Session) -> int:
        lea = number[:3]
        kinds = {lea: OrganizationKind.LEA} | ({number: OrganizationKind.SCHOOL} if number != lea else {})
        ids = {}
        for each, kind in kinds.items():
            known = session.scalar(sa.select(Organization).where(Organization.number == each))
            organization = known or Organization(kind=kind, number=each, name=f"Organization {each}")
            session.add(organization)
            session.flush()
            ids[each] = organization.id
        participant = Participant(
            event_id=self.event_id, organization_id=ids[number], organization_number=number,
            organization_name=f"Organization {number}", lea_id=ids[lea], lea_number=lea, lea_name=f"Organization {lea}",
            status=ParticipantStatus.IN_PROGRESS, added_at=NOW,
        )  # fmt: skip
        session.add(participant)
        session.flush()
        return participant.id

    def _pin(self, rule_version_ids: Sequence[int], session: Session) -> None:
        group = session.scalar(sa.select(ValidationGroup).where(ValidationGroup.name == f"Rules of {self.key}"))
        if group is None:
            group = ValidationGroup(name=f"Rules of {self.key}", description="", level=self.level)
            session.add(group)
            session.flush()
        session.add_all(
            EventVersionRule(
                event_version_id=self.version_id, group_id=group.id, rule_version_id=number, position=number
            )
            for number in rule_version_ids
        )

    def _revision(
        self,
        number: str,
        snapshot: Snapshot,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        slot: int,
        session: Session,
    ) -> None:
        participant = session.get_one(Participant, self.participants[number])
        before = session.scalar(sa.select(sa.func.count()).where(Revision.participant_id == participant.id))
        revision = Revision(
            participant_id=participant.id, snapshot_id=snapshot.id, number=(before or 0) + 1, kind=snapshot.kind,
            taken_by="test", taken_at=NOW, source_as_of=NOW, confirmed_as_of=NOW, digest="0" * 64, row_count=0,
            empty=False,
        )  # fmt: skip
        session.add(revision)
        session.flush()
        column = "district_id" if self.level is Level.DISTRICT else "school_id"
        for view in self.views:
            count = sum(1 for row in rows.get(view, ()) if row[column] == number)
            session.add(
                RevisionView(
                    revision_id=revision.id, view=view, row_count=count, digest="0" * 64, columns=[], slot=slot
                )
            )
        participant.current_revision_id = revision.id
