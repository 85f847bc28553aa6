"""Comparing two revisions of a participant, against real partitions and, for random rows, against Python's sets."""

import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from certification_lib.database import make_engine, transaction
from certification_lib.errors import NotAllowed, NotFound
from certification_lib.snapshots import rules
from certification_lib.snapshots.changed_rows import Change, changed_rows
from certification_lib.snapshots.comparison import Counts, ViewDifference, compare, total
from certification_lib.snapshots.differences import keep_differences, kept_counts, kept_difference
from tests.snapshots.conftest import PUPIL_VIEW, Toy


@pytest.fixture(params=["slots of their own", "shared slot"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a few participants go to either kind of partition."""
    monkeypatch.setattr(rules, "SMALL_ROWS", 10 if request.param == "slots of their own" else 10_000)


def pair_of(toy: Toy, number: str = "001", before: int = 1, after: int = 2) -> tuple[int, int]:
    found = dict(
        toy.rows(
            "select revision.number, revision.id from certification.revision "
            "join certification.participant on participant.id = participant_id where organization_number = :number",
            number=number,
        )
    )
    return found[before], found[after]


def difference(toy: Toy, number: str = "001", before: int = 1, after: int = 2) -> dict[str, ViewDifference]:
    pair = pair_of(toy, number, before, after)
    with Session(toy.engine) as session:
        return {view.view: view for view in compare([pair], session=session)[pair]}


def change_some_pupils(toy: Toy) -> None:
    """In 001: two are new, three are gone, four have another grade, one of these another weight too."""
    toy.write("insert into source.pupil values ('001', '001020', 'N1', 'Grade 1', true, 1, null, null, 2017)")
    toy.write("insert into source.pupil values ('001', null, 'N2', 'Grade 1', true, 1, null, null, 2017)")
    toy.write("delete from source.pupil where pupil in ('P0010001', 'P0010002', 'P0010003')")
    toy.write("update source.pupil set grade = 'Grade 9' where pupil between 'P0010004' and 'P0010007'")
    toy.write("update source.pupil set weight = null where pupil = 'P0010007'")


@pytest.mark.usefixtures("place")
def test_added_removed_and_changed_rows_are_counted_by_school_with_the_changed_columns(toy: Toy) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()

    pupils = difference(toy)["pupil"]

    assert str(pupils.counts) == "+2 \N{MINUS SIGN}3 ~4"
    assert {school.number: school.counts for school in pupils.schools} == {
        "": Counts(added=1),
        "001010": Counts(removed=3, changed=4),
        "001020": Counts(added=1),
    }
    assert {school.number: dict(school.columns) for school in pupils.schools if school.columns} == {
        "001010": {"grade": 4, "weight": 1}
    }
    assert difference(toy)["lesson"].counts == Counts()


@pytest.mark.usefixtures("place")
def test_the_rows_themselves_come_by_key_a_page_at_a_time_with_both_values(toy: Toy) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()
    with Session(toy.engine) as session:
        rows = changed_rows(pair_of(toy), "pupil", session=session)
        pages = [changed_rows(pair_of(toy), "pupil", session=session, offset=at, limit=4) for at in (0, 4, 8)]
        of_school = changed_rows(pair_of(toy), "pupil", session=session, school="001020")

    assert [row.row_key for row in rows] == ["N1", "N2", *(f"P001000{i}" for i in range(1, 8))]
    assert [row for page in pages for row in page] == rows
    assert [row.row_key for row in of_school] == ["N1"]
    added, removed, changed = rows[0], rows[2], rows[-1]
    assert (added.change, added.before, added.school) == (Change.ADDED, None, "001020")
    assert (removed.change, removed.after) == (Change.REMOVED, None)
    assert (changed.change, changed.columns) == (Change.CHANGED, ("grade", "weight"))
    assert changed.before
    assert changed.after
    assert (changed.before["weight"], changed.after["weight"], changed.after["grade"]) == ("0.875", None, "Grade 9")


def test_a_pupil_who_changed_school_is_a_changed_row_of_the_new_school(toy: Toy) -> None:
    toy.take()
    toy.write("update source.pupil set school_id = '001020' where pupil = 'P0010007'")
    toy.take()

    [school] = difference(toy)["pupil"].schools

    assert (school.number, school.counts, school.columns) == ("001020", Counts(changed=1), {"school_id": 1})


def test_a_column_added_later_is_named_as_absent_before_and_does_not_make_every_row_changed(toy: Toy) -> None:
    toy.take()
    (toy.views / "pupil.sql").write_text(
        PUPIL_VIEW.replace("  last_day: Last day\n", "  last_day: Last day\n  sport: Sport\n").replace(
            "first_day, last_day\nfrom", "first_day, last_day, 'Chess' as sport\nfrom"
        )
    )
    toy.write("update source.pupil set grade = 'Grade 9' where pupil = 'P0010004'")
    toy.take()

    pupils = difference(toy)["pupil"]

    assert (pupils.counts, pupils.only_before, pupils.only_after) == (Counts(changed=1), (), ("sport",))
    with Session(toy.engine) as session:
        [row] = changed_rows(pair_of(toy), "pupil", session=session)
        backwards = compare([pair_of(toy)[::-1]], session=session)
    assert row.before
    assert row.after
    assert ("sport" in row.before, row.after["sport"], row.columns) == (False, "Chess", ("grade",))
    assert backwards[pair_of(toy)[::-1]][1].only_before == ("sport",)


def test_views_with_equal_digests_are_not_read(toy: Toy, statements: Any) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()

    with statements(toy.engine) as seen:
        assert len(difference(toy)) == 2

    assert [text for text in seen if "datamart.pupil" in text]
    assert not [text for text in seen if "lesson" in text]


def test_the_planner_reads_only_the_slots_of_the_two_revisions(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)
    for _ in range(3):
        toy.write("update source.pupil set grade = concat(grade, '+')")
        toy.take()
    plans = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "FULL OUTER JOIN" in statement:
            cursor.execute("explain " + statement, parameters)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

    sa.event.listen(toy.engine, "before_cursor_execute", explain)
    difference(toy, before=2, after=3)

    [plan] = plans
    read = {word for word in plan.split() if word.startswith("pupil_event_") and "_slot_" in word and "idx" not in word}
    slots = toy.rows("select distinct slot from certification.revision_view where view = 'pupil' and row_count > 0")
    assert len(slots) == 3
    assert len(read) == 2


def test_participants_of_one_snapshot_are_compared_in_one_pass_a_view(toy: Toy, statements: Any) -> None:
    toy.take()
    toy.write("update source.pupil set gifted = not gifted where pupil like 'P___000%'")
    toy.take()
    pairs = [pair_of(toy, number) for number in ("001", "005")]

    with Session(toy.engine) as session, statements(toy.engine) as seen:
        found = compare(pairs, session=session)

    assert len([text for text in seen if "FULL OUTER JOIN" in text]) == 1
    assert [str(total(view.counts for view in found[pair])) for pair in pairs] == ["+0 \N{MINUS SIGN}0 ~9"] * 2


def test_differences_are_counted_once_and_kept(toy: Toy, statements: Any) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()
    pair = pair_of(toy)
    with Session(toy.engine) as session:
        assert kept_counts([pair], session=session) == {}
        assert kept_difference(pair, session=session) is None
    with transaction(toy.engine) as session:
        assert keep_differences([pair], session=session) == 1
    with transaction(toy.engine) as session, statements(toy.engine) as seen:
        assert keep_differences([pair], session=session) == 0
        assert kept_counts([pair], session=session) == {pair: Counts(2, 3, 4)}
    assert not [text for text in seen if "datamart." in text]
    with Session(toy.engine) as session:
        assert kept_difference(pair, session=session) == compare([pair], session=session)[pair]


def test_the_web_counts_only_rows_that_were_opened_to_it(toy: Toy, certification_database: Any) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()
    web = make_engine(certification_database.url("certification_app"))
    try:
        with Session(web) as session:
            for organizations in (None, "005"):
                if organizations:
                    session.execute(sa.text("select set_config('certification.scope', 'organizations', true)"))
                    session.execute(
                        sa.text("select set_config('certification.organizations', :o, true)"), {"o": organizations}
                    )
                with pytest.raises(NotAllowed):
                    compare([pair_of(toy)], session=session)
                with pytest.raises(NotAllowed):
                    changed_rows(pair_of(toy), "pupil", session=session)
            session.execute(sa.text("select set_config('certification.organizations', '001', true)"))
            assert len(changed_rows(pair_of(toy), "pupil", session=session)) == 9
    finally:
        web.dispose()


def test_what_is_not_there_is_not_compared(toy: Toy) -> None:
    toy.take()
    change_some_pupils(toy)
    toy.take()
    with Session(toy.engine) as session:
        with pytest.raises(NotFound):
            compare([(pair_of(toy)[0], 999_999)], session=session)
        with pytest.raises(NotFound):
            changed_rows(pair_of(toy), "staff", session=session)
        session.execute(sa.text("delete from datamart.pupil where snapshot_id = 1"))
        with pytest.raises(NotFound, match="revision 1 are no longer kept"):
            compare([pair_of(toy)], session=session)


values = st.one_of(st.none(), st.sampled_from(["", "a", "A", "b\tc", "\\N", "ü", "1.0", "1.00"]))
row_sets = st.dictionaries(
    st.sampled_from([f"L{i}" for i in range(12)] + ["l1", "L 1", "\\L", "é"]),
    st.tuples(st.sampled_from([None, "001010", "001020"]), values, st.sampled_from([None, 0, 60])),
)
EPOCH = datetime.datetime(2016, 10, 1, tzinfo=datetime.UTC)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=row_sets, after=row_sets)
def test_for_any_rows_the_comparison_is_that_of_sets(toy: Toy, before: dict[str, Any], after: dict[str, Any]) -> None:
    for lessons in (before, after):
        toy.write("truncate source.lesson")
        for key, (school, subject, minute) in lessons.items():
            toy.writer.execute(
                "insert into source.lesson values ('005', %s, %s, %s, %s)",
                [school, key, subject, None if minute is None else EPOCH + datetime.timedelta(minutes=minute)],
            )
        toy.take()
    first, second = _last_two(toy, "005", same=before == after)

    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    with Session(toy.engine) as session:
        found = {view.view: view for view in compare([(first, second)], session=session)[first, second]}["lesson"]
        rows = changed_rows((first, second), "lesson", session=session)

    assert found.counts == Counts(len(added), len(removed), len(changed))
    assert {(row.change.value, row.row_key) for row in rows} == (
        {("added", key) for key in added}
        | {("removed", key) for key in removed}
        | {("changed", key) for key in changed}
    )
    names = ("school_id", "subject", "given_at")
    by_column = {
        name: sum(before[key][place] != after[key][place] for key in changed) for place, name in enumerate(names)
    }
    summed = {name: sum(school.columns.get(name, 0) for school in found.schools) for name in names}
    assert summed == by_column


def _last_two(toy: Toy, number: str, *, same: bool) -> list[int]:
    """The ids of the revisions of the last two takings; equal data made no new one."""
    ids = [
        id_
        for (id_,) in toy.rows(
            "select revision.id from certification.revision join certification.participant p on p.id = participant_id "
            "where organization_number = :number order by revision.number desc limit 2",
            number=number,
        )
    ]
    return [ids[0], ids[0]] if same or len(ids) == 1 else ids[::-1]
