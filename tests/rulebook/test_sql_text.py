"""What the SQL of a rule may say."""

import pytest

from certification_lib.rulebook.sql_text import condition_problems, output_columns, select_problems

VIEWS = frozenset({"enrollment", "student"})

ATTACKS = {
    "set_config of the role": "select set_config('role', 'certification_task', true) from enrollment",
    "set_config of the time limit": "select set_config('statement_timeout', '0', false) from enrollment",
    "set_config in capitals and spaces": "select SET_CONFIG \n ('role', 'postgres', true) from enrollment",
    "a quoted function name": 'select "pg_sleep"(10) from enrollment',
    "a function with its schema": "select pg_catalog.pg_sleep(10) from enrollment",
    "sleeping": "select pg_sleep(600) from enrollment",
    "sleeping in a condition": "select * from enrollment where pg_sleep(1) is null",
    "an advisory lock": "select pg_advisory_lock(1) from enrollment",
    "a notification": "select pg_notify('a', 'b') from enrollment",
    "a sequence": "select nextval('certification.person_id_seq') from enrollment",
    "SQL in XML": "select query_to_xml('select 1', true, true, '') from enrollment",
    "another server": "select * from dblink('host=elsewhere', 'select 1') as t(a int)",
    "a large object": "select lo_import('/etc/passwd') from enrollment",
    "a large object by number": "select lo_get(1) from enrollment",
    "a file": "select pg_read_file('/etc/passwd') from enrollment",
    "a folder": "select * from pg_ls_dir('.')",
    "the catalog": "select rolname from pg_roles",
    "the catalog with its schema": "select relname from pg_catalog.pg_class",
    "the catalog in quotes": 'select relname from "pg_class"',
    "the information schema": "select table_name from information_schema.tables",
    "our own tables": "select username from certification.person",
    "the datamart of every event": "select * from datamart.enrollment",
    "the run of another event": "select * from run_12.enrollment",
    "a view the event does not take": "select * from discipline",
    "a view defined anew": "with enrollment as (select 1 as a) select a from enrollment",
    "a change in a WITH": "with gone as (delete from enrollment returning *) select * from gone",
    "an endless WITH": "with recursive t as (select 1 as a union all select a + 1 from t) select a from t",
    "a new table": "select 1 as a into enrollment_copy from enrollment",
    "row locks": "select * from enrollment for update",
    "two statements": "select 1 from enrollment; select 2 from enrollment",
    "a statement after a comment": "select 1 from enrollment -- \n ; delete from enrollment",
    "a hidden comment": "select 1 /* */ from enrollment",
    "not a SELECT": "delete from enrollment",
    "a copy to a program": "copy enrollment to program 'sh'",
    "only values": "values (1)",
    "escaped text": "select e'\\x41' from enrollment",
    "unicode text": "select U&'\\0041' from enrollment",
    "dollar quotes": "select $$a$$ from enrollment",
    "an unknown parameter": "select * from enrollment where school_id = :school",
    "who asks": "select current_user from enrollment",
    "what day it is": "select * from enrollment where entry_date > current_date",
    "chance": "select * from enrollment where random() < 0.5",
    "many rows out of nothing": "select * from generate_series(1, 1000000000) as g",
    "much text out of nothing": "select repeat('a', 1000000000) from enrollment",
    "an operator by its schema": "select 1 operator(pg_catalog.+) 1 from enrollment",
    "ten megabytes": "select '" + "a" * 10_000_000 + "' from enrollment",
    "brackets without end": "select " + "(" * 9_000 + "1" + ")" * 9_000 + " from enrollment",
    "no SQL at all": "every student must be happy",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_rule_cannot_use(attack: str) -> None:
    assert select_problems(ATTACKS[attack], VIEWS)


@pytest.mark.parametrize(
    "text",
    [
        "select * from enrollment",
        "select e.row_key from enrollment as e join student as s on s.student_unique_id = e.student_unique_id",
        "with late as (select * from enrollment where entry_date > :count_date) select * from late",
        "select row_key, count(*) over (partition by school_id order by entry_date) from enrollment",
        "select a.row_key from enrollment a where not exists (select 1 from student b where b.row_key = a.row_key)",
        "select row_key from enrollment union all select row_key from student;",
        "select null::text as school_id, sum(full_time_equivalency)::numeric(5, 2) from enrollment group by 1",
        "select * from student where last_surname ~* '^(O''Brien|a;b--c/*d*/e)$' and \"first_name\" like '%(%'",
        "select * from enrollment where entry_date < make_date(:school_year - 1, 7, 1) + interval '1 day'",
    ],
)
def test_a_rule_may_read_the_views_of_its_event(text: str) -> None:
    assert select_problems(text, VIEWS) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exists (select 1 from student)", "one row only"),
        ("student_unique_id in (select student_unique_id from student)", "one row only"),
        ("count(*) > 1", "one row only"),
        ("row_number() over () > 1", "one row only"),
        ("true) or (true", "never opened"),
        ("true) is true) or pg_sleep(1) is null or ((true", "never opened"),
        ("true; delete from student", "character ';' is not allowed"),
        ("set_config('role', 'x', true) is null", "'set_config' is not allowed"),
        ("true)", "never opened"),
        ("(true", "never closed"),
    ],
)
def test_a_condition_looks_at_one_row(text: str, reason: str) -> None:
    assert reason in " ".join(condition_problems(text))


def test_a_condition_may_compare_the_columns_of_its_row() -> None:
    assert condition_problems("case sex when 'x' then 1 end > 0 and extract(year from birth_date) < :school_year") == []


def test_the_columns_of_a_rule_are_read_from_its_text() -> None:
    assert output_columns("select district_id, a.b as row_key, null::text as school_id from a") == [
        "district_id",
        "row_key",
        "school_id",
    ]
