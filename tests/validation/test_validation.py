"""A validation from begin to finish, on a real PostgreSQL with the real Great Expectations."""

import random
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.people.models import Organization, Person, Tool, ToolRight
from certification_lib.rulebook.models import Grain, ValidationGroup
from certification_lib.validation import service
from certification_lib.validation.models import ValidationStatus
from tests.validation.rows import enrollment, student
from tests.validation.world import NOW, World

NO_GRADE = "entry_grade_level is null"


def test_every_participant_and_rule_gets_an_exact_count_and_every_failing_row_a_finding(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule(
        "AAA-002",
        definition={"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "sex", "value_set": ["Male"]}},
    )
    world.rule(
        "AAA-003",
        sql="select district_id, school_id, row_key, student_unique_id from enrollment where row_key like '%2'",
    )
    world.snapshot(
        {
            "enrollment": [
                enrollment("001", "1", entry_grade_level=None),
                enrollment("001", "2", sex="Female"),
                enrollment("005", "1", entry_grade_level=None),
                enrollment("005", "2", entry_grade_level=None),
            ]
        }
    )

    finished = world.validate()

    assert world.counts() == {
        ("AAA-001", "001"): 1, ("AAA-001", "005"): 2, ("AAA-001", "011"): 0,
        ("AAA-002", "001"): 1, ("AAA-002", "005"): 0, ("AAA-002", "011"): 0,
        ("AAA-003", "001"): 1, ("AAA-003", "005"): 1, ("AAA-003", "011"): 0,
    }  # fmt: skip
    assert world.found() == [
        ("AAA-001", "001", "1"), ("AAA-001", "005", "1"), ("AAA-001", "005", "2"),
        ("AAA-002", "001", "2"), ("AAA-003", "001", "2"), ("AAA-003", "005", "2"),
    ]  # fmt: skip
    assert (finished.rules, finished.participants, finished.findings, finished.could_not_run) == (3, 3, 6, ())
    assert finished.status is ValidationStatus.COMPLETED
    assert all(moment for (moment,) in world.query("select validated_at from certification.revision"))
    assert world.query("select nspname from pg_namespace where nspname like 'run%'") == []


EXPECTATIONS: dict[str, tuple[str, dict[str, object], str]] = {
    # type, parameters, the same in plain SQL
    "AAA-001": ("expect_column_values_to_not_be_null", {"column": "sex"}, "sex is null"),
    "AAA-002": ("expect_column_values_to_be_null", {"column": "race"}, "race is not null"),
    "AAA-003": (
        "expect_column_values_to_be_in_set",
        {"column": "sex", "value_set": ["Male", "50%"]},
        "sex not in ('Male', '50%')",
    ),
    "AAA-004": (
        "expect_column_values_to_not_be_in_set",
        {"column": "race", "value_set": ["A:b", "it's"]},
        "race in ('A:b', 'it''s')",
    ),
    "AAA-005": (
        "expect_column_values_to_be_between",
        {"column": "school_lowest_grade", "min_value": 2, "max_value": 4},
        "school_lowest_grade not between 2 and 4",
    ),
    "AAA-006": ("expect_column_values_to_match_regex", {"column": "race", "regex": "^A[:%]"}, "race !~ '^A[:%]'"),
    "AAA-007": ("expect_column_values_to_not_match_regex", {"column": "sex", "regex": "e$"}, "sex ~ 'e$'"),
    "AAA-008": ("expect_column_values_to_match_like_pattern", {"column": "sex", "like_pattern": "%al%"},
                "sex not like '%al%'"),
    "AAA-009": ("expect_column_values_to_not_match_like_pattern", {"column": "race", "like_pattern": "A%"},
                "race like 'A%'"),
    "AAA-010": (
        "expect_column_value_lengths_to_be_between",
        {"column": "race", "min_value": 4, "max_value": 9},
        "length(race) not between 4 and 9",
    ),
    "AAA-011": ("expect_column_value_lengths_to_equal", {"column": "sex", "value": 4}, "length(sex) <> 4"),
    "AAA-012": ("expect_no_row_where", {"fails_when": "sex = '50%' or race ~ '^[[:alpha:]]+:'"},
                "sex = '50%' or race ~ '^[[:alpha:]]+:'"),
    "AAA-013": ("expect_no_row_where", {"fails_when": "full_time_equivalency::integer = :school_year - 2016"},
                "full_time_equivalency::integer = 1"),
}  # fmt: skip


def test_counts_and_findings_equal_independent_sql_for_every_form_of_rule(world: World) -> None:
    chance = random.Random(7)
    rows = [
        enrollment(
            chance.choice(("001", "005", "011")),
            str(number),
            sex=chance.choice(("Male", "Female", "50%", None)),
            race=chance.choice(("A:b", "it's", "White", "A", None)),
            school_lowest_grade=chance.choice((None, 1, 2, 4, 5)),
            full_time_equivalency=chance.choice((None, 0, 1)),
        )
        for number in range(600)
    ]
    for code, (kind, kwargs, condition) in EXPECTATIONS.items():
        world.rule(code, definition={"type": kind, "kwargs": kwargs})
        columns = "district_id, school_id, row_key, student_unique_id"
        world.rule(f"SQL{code[3:]}", sql=f"select {columns} from enrollment where {condition}")  # noqa: S608
    world.snapshot({"enrollment": rows})

    finished = world.validate()

    assert finished.could_not_run == ()
    for code, (_, _, condition) in EXPECTATIONS.items():
        select = f"select district_id, row_key from datamart.enrollment where {condition}"  # noqa: S608
        expected = world.query(select.replace(":", "\\:"))
        for rule in (code, f"SQL{code[3:]}"):
            assert [row[1:] for row in world.found(rule)] == sorted(expected), rule
            for number in world.participants:
                assert world.counts()[rule, number] == sum(1 for row in expected if row[0] == number), rule


def test_a_rule_that_errs_could_not_run_and_the_others_survive(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule("AAA-002", fails_when="student_unique_id::integer > 3")
    world.rule("AAA-003", fails_when="no_such_column is null")
    world.rule("AAA-004", sql="select district_id, school_id, row_key, student_unique_id from enrollment"
               " where student_unique_id::integer > 3")  # fmt: skip
    world.rule("AAA-005", row_identifier_columns=["no_such_column"], fails_when=NO_GRADE)
    world.rule(
        "AAA-006", sql="select 'elsewhere' as district_id, school_id, row_key, student_unique_id from enrollment"
    )
    world.rule("AAA-007", sql="select null as district_id, school_id, row_key, student_unique_id from enrollment")
    world.rule("AAA-008", sql="select district_id, school_id, row_key, student_unique_id from enrollment")
    world.snapshot({"enrollment": [enrollment("001", "x1", entry_grade_level=None), enrollment("005", "x2")]})

    finished = world.validate()

    counts = world.counts()
    assert [counts["AAA-001", number] for number in ("001", "005", "011")] == [1, 0, 0]
    assert [counts["AAA-008", number] for number in ("001", "005", "011")] == [1, 1, 0]
    assert {rule.code: rule.reason for rule in finished.could_not_run} == {
        "AAA-002": "a value does not have the form the column needs [22P02]",
        "AAA-003": "a table, column or function is missing or may not be used [42703]",
        "AAA-004": "a value does not have the form the column needs [22P02]",
        "AAA-005": "view enrollment has no column no_such_column",
        "AAA-006": "the rule charges rows to somebody who does not take part",
        "AAA-007": "the rule returns rows without district_id",
    }
    assert {rule.participants for rule in finished.could_not_run} == {3}
    assert {rule for rule, _, _ in world.found()} == {"AAA-001", "AAA-008"}
    assert finished.status is ValidationStatus.COMPLETED


def test_findings_are_capped_and_the_count_stays_exact(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot(
        {
            "enrollment": [enrollment("001", f"{n:02}", entry_grade_level=None) for n in range(30)]
            + [enrollment("005", "1", entry_grade_level=None)]
        }
    )
    run_id = world.begin()
    service.validate_view(run_id, "enrollment", engine=world.engine, rules_url=world.rules_url, findings_kept=10)
    assert world.counts()["AAA-001", "001"] == 30
    assert [row[1:] for row in world.found()] == [("001", f"{n:02}") for n in range(10)] + [("005", "1")]


def test_a_finding_carries_the_identifiers_its_rule_names(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE, row_identifier_columns=["student_unique_id", "entry_date"])
    world.rule("AAA-002", fails_when=NO_GRADE, row_identifier_columns=["sex"])
    world.snapshot({"enrollment": [enrollment("001", "1", entry_grade_level=None, entry_date="2016-08-10")]})
    world.validate()
    assert world.query(
        "select identifiers, district_number, school_number from certification.finding order by rule_version_id"
    ) == [
        ({"student_unique_id": "S1", "entry_date": "2016-08-10"}, "001", "001010"),
        ({"sex": "Male"}, "001", "001010"),
    ]


def test_where_schools_certify_rows_are_charged_to_schools(make_world: Callable[..., World]) -> None:
    world = make_world(level=Level.SCHOOL, numbers=("001010", "001020", "005010"), views=["enrollment"])
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule("AAA-002", sql="select district_id, school_id, row_key, student_unique_id from enrollment")
    world.snapshot(
        {
            "enrollment": [
                enrollment("001", "1", entry_grade_level=None),
                enrollment("001", "2", school_id="001020"),
                enrollment("001", "3", school_id="001020", entry_grade_level=None),
                enrollment("001", "4", school_id="001030", entry_grade_level=None),
                enrollment("005", "5", school_id=None, entry_grade_level=None),
            ]
        }
    )
    world.validate()
    assert world.counts() == {
        ("AAA-001", "001010"): 1, ("AAA-001", "001020"): 1, ("AAA-001", "005010"): 0,
        ("AAA-002", "001010"): 1, ("AAA-002", "001020"): 2, ("AAA-002", "005010"): 0,
    }  # fmt: skip
    assert {number for (number,) in world.query("select district_number from certification.finding")} == {"001"}


def test_each_participant_is_seen_in_its_own_revision_wherever_its_rows_lie(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    bad = {"entry_grade_level": None}
    world.snapshot(
        {"enrollment": [enrollment("001", "1", **bad), enrollment("005", "1", **bad), enrollment("011", "1", **bad)]},
        slot=7,
    )
    world.snapshot({"enrollment": [enrollment("005", "1"), enrollment("005", "2")]}, numbers=["005"])
    world.snapshot({"enrollment": [enrollment("011", "1", **bad), enrollment("011", "2", **bad)]}, numbers=["011"])
    world.validate()
    assert world.counts() == {("AAA-001", "001"): 1, ("AAA-001", "005"): 0, ("AAA-001", "011"): 2}


def test_a_check_of_one_participant_leaves_the_others_as_they_are(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot({"enrollment": [enrollment("001", "1", entry_grade_level=None), enrollment("005", "1")]})
    finished = world.validate(numbers=["005"])
    assert world.counts() == {("AAA-001", "005"): 0}
    assert finished.participants == 1
    assert world.query("select count(*) from certification.revision where validated_at is not null") == [(1,)]


def test_a_rule_that_compares_districts_is_run_for_all_when_one_changes(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule(
        "AAA-002",
        grain=Grain.STATE,
        sql="select a.district_id, a.school_id, a.row_key, a.student_unique_id from enrollment a where exists"
        " (select 1 from enrollment b where b.student_unique_id = a.student_unique_id"
        " and b.district_id <> a.district_id)",
    )
    both = {"student_unique_id": "in both"}
    world.snapshot({"enrollment": [enrollment("001", "1", **both), enrollment("005", "2", **both)]})
    world.validate()
    assert world.found("AAA-002") == [("AAA-002", "001", "1"), ("AAA-002", "005", "2")]

    mended = world.snapshot({"enrollment": [enrollment("005", "3")]}, numbers=["005"])
    with transaction(world.engine) as session:
        session.execute(
            sa.text(
                "insert into certification.snapshot_participant (snapshot_id, participant_id, revision_id)"
                " select :s, id, current_revision_id from certification.participant where organization_number = '005'"
            ),
            {"s": mended},
        )
    finished = world.validate(snapshot_id=mended)

    assert world.found("AAA-002") == []
    assert world.counts()["AAA-002", "001"] == 0
    assert finished.participants == 1
    assert world.query("select nspname from pg_namespace where nspname like 'run%'") == []


def test_a_run_that_began_before_another_does_not_write_over_it(world: World) -> None:
    world.rule(
        "AAA-001",
        grain=Grain.STATE,
        sql="select district_id, school_id, row_key, student_unique_id from enrollment"
        " where (select count(*) from enrollment) > 1",
    )
    world.snapshot({"enrollment": [enrollment("001", "1"), enrollment("005", "1")]})
    older = world.begin()
    world.snapshot({"enrollment": []}, numbers=["005"])
    world.validate()
    assert world.counts()["AAA-001", "001"] == 0

    service.validate_run(older, engine=world.engine, rules_url=world.rules_url)

    assert world.counts()["AAA-001", "001"] == 0
    assert world.found() == []


def test_rows_that_are_gone_are_never_zero_findings(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot({"enrollment": [enrollment("001", "1", entry_grade_level=None), enrollment("005", "1")]})
    with world.engine.begin() as connection:
        connection.execute(sa.text("delete from datamart.enrollment where district_id = '001'"))
    world.validate()
    assert world.counts() == {
        ("AAA-001", "001"): "the snapshot's rows are not complete in the datamart; take a new snapshot",
        ("AAA-001", "005"): 0,
        ("AAA-001", "011"): 0,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uses_ad_hoc_filter": True}, "the rule uses an ad hoc filter"),
        ({"uses_calendar_parameter": True}, "the rule uses a calendar parameter"),
        ({"levels": ["School"]}, "the rule cannot be used at District level"),
        ({"view": "discipline"}, "the rule looks at view 'discipline', which the event does not take"),
        ({"definition": {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "a"}}}, "cannot be charged"),
        ({"fails_when": "set_config('role', 'certification_task', true) is null"}, "'set_config' is not allowed"),
    ],
)
def test_the_constraints_on_rules_hold_at_every_run(world: World, change: dict[str, object], reason: str) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule("AAA-002", **({"fails_when": NO_GRADE} | change if "definition" not in change else change))
    world.snapshot({"enrollment": [enrollment("001", "1", entry_grade_level=None)]})
    finished = world.validate()
    assert [(rule.code, rule.participants) for rule in finished.could_not_run] == [("AAA-002", 3)]
    assert reason in finished.could_not_run[0].reason
    assert world.counts()["AAA-001", "001"] == 1


def test_a_group_that_changed_its_level_after_publishing_is_not_run(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    with transaction(world.engine) as session:
        session.execute(sa.update(ValidationGroup).values(level=Level.SCHOOL))
    finished = world.validate()
    assert "which is for School level" in finished.could_not_run[0].reason


def test_a_rule_that_needs_a_count_date_is_not_run_without_one(world: World) -> None:
    world.rule("AAA-001", fails_when="entry_date > :count_date", needs_count_date=True)
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    with transaction(world.engine) as session:
        session.execute(sa.update(EventVersion).values(count_date=None))
    assert "needs a Count Date" in world.validate().could_not_run[0].reason


def test_each_view_is_validated_by_its_own_task(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule("AAA-002", view="student", fails_when="last_surname is null")
    world.snapshot({"enrollment": [enrollment("001", "1")], "student": [student("001", "1", last_surname=None)]})
    run_id = world.begin()
    outcome = service.validate_view(run_id, "student", engine=world.engine, rules_url=world.rules_url)
    assert outcome.as_dict() == {
        "view": "student", "rules": 1, "participants": 3, "findings": 1, "could_not_run": (),
    }  # fmt: skip
    assert world.found() == [("AAA-002", "001", "1")]


def test_what_no_task_got_to_is_said_when_the_run_is_finished(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.rule("AAA-002", view="student", fails_when="last_surname is null")
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    run_id = world.begin()
    service.validate_view(run_id, "enrollment", engine=world.engine, rules_url=world.rules_url)
    finished = world.finish(run_id)
    assert finished.status is ValidationStatus.FAILED
    assert world.counts()["AAA-002", "001"] == "the validation of its view did not finish"
    assert world.counts()["AAA-001", "001"] == 0
    assert world.finish(run_id) == finished


def test_a_validation_is_begun_once_for_a_snapshot_and_rule_set(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    snapshot_id = world.snapshot({"enrollment": [enrollment("001", "1")]})
    first = world.begin(snapshot_id=snapshot_id)
    assert world.begin(snapshot_id=snapshot_id) == first
    service.validate_run(first, engine=world.engine, rules_url=world.rules_url)
    assert world.begin(snapshot_id=snapshot_id) == first
    world.rule("AAA-002", fails_when=NO_GRADE)
    assert world.begin(snapshot_id=snapshot_id) != first
    acts = world.query("select count(*) from certification.audit_entry where act = 'event:validate'")
    assert acts == [(2,)]


def test_there_must_be_something_to_validate(world: World) -> None:
    with pytest.raises(Conflict, match="no snapshot to validate"):
        world.begin()
    world.snapshot({})
    with pytest.raises(BadInput) as refused:
        world.begin(numbers=["001", "999"])
    assert refused.value.problems == ("999 does not take part",)
    with pytest.raises(NotFound):
        world.begin(snapshot_id=4711)


@pytest.mark.parametrize(
    ("status", "reason"), [(EventStatus.CLOSED, "closed"), (EventStatus.UNPUBLISHED, "not published")]
)
def test_only_a_live_event_is_validated(world: World, status: EventStatus, reason: str) -> None:
    world.snapshot({})
    with transaction(world.engine) as session:
        session.execute(sa.update(Event).values(status=status))
    with pytest.raises(Conflict, match=reason):
        world.begin()


def test_a_withdrawn_participant_is_left_out(world: World) -> None:
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot({"enrollment": [enrollment("001", "1"), enrollment("005", "1")]})
    with transaction(world.engine) as session:
        session.execute(
            sa.update(Participant)
            .where(Participant.organization_number == "005")
            .values(status=ParticipantStatus.WITHDRAWN)
        )
    assert world.validate().participants == 2


def test_who_lacks_the_right_starts_nothing(world: World) -> None:
    world.snapshot({})
    with transaction(world.engine) as session:
        person = Person(username="clerk", name="Clerk")
        session.add(person)
        session.flush()
        actor = Actor("clerk", "Clerk", person.id, Channel.API)
    for numbers, right in ((None, "Event Management"), (["001"], "Certification Event")):
        with transaction(world.engine) as session, pytest.raises(NotAllowed, match=right):
            service.request_validation(
                world.key, numbers=numbers, session=session, actor=actor, now=database_now(session)
            )
    assert world.query("select count(*) from certification.validation_run") == [(0,)]


def test_a_district_certifier_has_its_own_data_validated_and_a_district_reviewer_does_not(world: World) -> None:
    world.snapshot({})
    with transaction(world.engine) as session:
        lea = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        version = session.get_one(EventVersion, world.version_id)
        actors = {}
        for role in (CategoryRole.CERTIFIER, CategoryRole.REVIEWER):
            person = Person(username=role.value, name=role.value)
            session.add(person)
            session.flush()
            session.add_all(
                [
                    Member(
                        category_id=version.category_id, person_id=person.id, organization_id=lea.id, role=role,
                        added_at=NOW, added_by="test",
                    ),
                    ToolRight(
                        person_id=person.id, tool=Tool.CERTIFICATION_EVENT, organization_id=lea.id,
                        read=True, write=True, add=True, delete=True,
                    ),
                ]
            )  # fmt: skip
            actors[role] = Actor(role.value, role.value, person.id, Channel.PAGE)

    def request(role: CategoryRole, number: str = "001") -> None:
        with transaction(world.engine) as session:
            service.request_validation(world.key, numbers=[number], session=session, actor=actors[role], now=NOW)

    with pytest.raises(NotAllowed, match="Only a Certifier"):
        request(CategoryRole.REVIEWER)
    with pytest.raises(NotAllowed, match="Certification Event"):
        request(CategoryRole.CERTIFIER, "005")
    request(CategoryRole.CERTIFIER)
    assert world.query("select requested_by from certification.validation_run") == [("Certifier",)]


def test_validated_again_the_findings_of_a_school_that_moved_are_its_new_districts(
    make_world: Callable[..., World],
) -> None:
    world = make_world(level=Level.SCHOOL, numbers=("001010", "005010"))
    world.rule("AAA-001", fails_when=NO_GRADE)
    world.snapshot({"enrollment": [enrollment("001", "1", school_id="001010", entry_grade_level=None)]})
    world.validate()
    assert world.query("select district_number from certification.finding") == [("001",)]
    with transaction(world.engine) as session:
        moved = session.scalars(sa.select(Participant).where(Participant.organization_number == "001010")).one()
        other = session.scalars(sa.select(Participant).where(Participant.organization_number == "005010")).one()
        moved.lea_id, moved.lea_number, moved.lea_name = other.lea_id, other.lea_number, other.lea_name
    world.validate(numbers=["001010"])
    assert world.query("select district_number from certification.finding") == [("005",)]
