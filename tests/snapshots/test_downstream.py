import datetime

import pytest
import sqlalchemy as sa

from certification_lib.database import make_engine, transaction
from certification_lib.snapshots import rules
from tests.conftest import CertificationDatabase
from tests.snapshots.conftest import Toy


@pytest.fixture(autouse=True)
def slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)


def districts_seen(url: str, table: str, *, scope: str | None = None, organizations: str = "") -> list[tuple[str, int]]:
    engine = make_engine(url)
    try:
        with transaction(engine) as session:
            if scope is not None:
                session.execute(sa.select(sa.func.set_config("certification.scope", scope, True)))
                session.execute(sa.select(sa.func.set_config("certification.organizations", organizations, True)))
            rows = session.execute(sa.text(f"select district_id, count(*) from {table} group by 1 order by 1"))  # noqa: S608
            return [tuple(row) for row in rows]
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("scope", "organizations", "seen"),
    [
        (None, "", []),
        ("", "001", []),
        ("organizations", "", []),
        ("organizations", "005", [("005", 30)]),
        ("organizations", "011,001", [("001", 30)]),
        ("state", "", [("001", 30), ("005", 30)]),
    ],
)
def test_the_web_sees_the_rows_of_its_declared_organizations_only(
    toy: Toy,
    certification_database: CertificationDatabase,
    scope: str | None,
    organizations: str,
    seen: list[tuple[str, int]],
) -> None:
    toy.take()

    url = certification_database.url("certification_app")
    assert districts_seen(url, "datamart.pupil", scope=scope, organizations=organizations) == seen


def test_the_web_cannot_go_round_the_policy(toy: Toy, certification_database: CertificationDatabase) -> None:
    toy.take()

    for table in [*[f"datamart.{name}" for name in toy.datamart_tables()], "datamart.current_pupil"]:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            districts_seen(certification_database.url("certification_app"), table, scope="state")


def test_downstream_readers_see_the_three_pointers_and_how_rows_became_official(
    toy: Toy, certification_database: CertificationDatabase
) -> None:
    toy.take()
    now = datetime.datetime.now(datetime.UTC)
    with toy.engine.begin() as connection:
        connection.execute(
            sa.text(
                "with round as (insert into certification.certification_round (participant_id, number, started_at, "
                "started_by) select id, 1, :now, 'system' from certification.participant "
                "returning id, participant_id), "
                "approval as (insert into certification.approval (round_id, revision_id, certified_count, "
                "certifier_count, approved_at, approved_by) select round.id, current_revision_id, "
                "case organization_number when '001' then 2 else 1 end, 2, :now, 'state' from round "
                "join certification.participant p on p.id = participant_id returning 1) "
                "update certification.participant set official_revision_id = current_revision_id, "
                "certified_revision_id = case organization_number when '001' then current_revision_id end"
            ),
            {"now": now},
        )

    reader = certification_database.url("datamart_reader")
    assert districts_seen(reader, "datamart.current_pupil") == [("001", 30), ("005", 30)]
    assert districts_seen(reader, "datamart.certified_pupil") == [("001", 30)]
    assert toy.rows(
        "select distinct participant_number, standing, reporting_year, category from datamart.official_pupil order by 1"
    ) == [
        ("001", "Certified", 2017, "Category of fall-count"),
        ("005", "Approved, 1 of 2 certified", 2017, "Category of fall-count"),
    ]
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        districts_seen(reader, "datamart.pupil")


def test_what_was_certified_can_be_read_as_of_any_moment(
    toy: Toy, certification_database: CertificationDatabase
) -> None:
    """Sent on the 10th, approved on the 12th, sent back on the 14th, sent again on the 18th; a second sending back on
    the 20th was taken back on the 22nd."""
    toy.take()
    toy.write("delete from source.pupil where pupil = 'P0010030'")
    toy.take()
    toy.write("delete from source.pupil")  # what comes later changes nothing of it
    with toy.engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into certification.certification_round (participant_id, number, started_at, started_by, "
                "sent_at, certified_revision_id, taken_back_at) select p.id, round.number, "
                "timestamptz '2016-10-01 00:00Z' + began * interval '1 day', 'system', "
                "timestamptz '2016-10-01 00:00Z' + sent * interval '1 day', revision.id, "
                "timestamptz '2016-10-01 00:00Z' + taken_back * interval '1 day' "
                "from certification.participant p, (values (1, 0, 9, 1, null), (2, 13, 17, 2, null), "
                "(3, 19, null, null, 21)) as round (number, began, sent, revision, taken_back) "
                "left join certification.revision on revision.number = round.revision "
                "and revision.participant_id = (select id from certification.participant "
                " where organization_number = '001') where organization_number = '001'"
            )
        )
        connection.execute(
            sa.text(
                "insert into certification.approval (round_id, revision_id, certified_count, certifier_count, "
                "approved_at, approved_by) select id, certified_revision_id, 1, 1, '2016-10-12 00:00Z', 'state' "
                "from certification.certification_round where number = 1"
            )
        )
    seen = {}
    reader = make_engine(certification_database.url("datamart_reader"))
    with reader.connect() as connection:
        for day in (5, 10, 12, 14, 18, 20, 22):
            rows = connection.execute(
                sa.text(
                    "select revision, participant_status, count(*) from datamart.certified_pupil_as_of(:moment) "
                    "where district_id = '001' group by 1, 2"
                ),
                {"moment": datetime.datetime(2016, 10, day, 12, tzinfo=datetime.UTC)},
            )
            seen[day] = [tuple(row) for row in rows]
    reader.dispose()
    sent, approved = "Certification Sent to State", "Certification Approved by State"
    assert seen == {
        5: [],
        10: [(1, sent, 30)],
        12: [(1, approved, 30)],
        14: [],
        18: [(2, sent, 29)],
        20: [],
        22: [(2, sent, 29)],
    }


def test_now_the_function_gives_what_the_view_of_certified_rows_gives(toy: Toy) -> None:
    toy.take()
    with toy.engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into certification.certification_round (participant_id, number, started_at, started_by, "
                "sent_at, certified_revision_id) select id, 1, now(), 'system', now(), current_revision_id "
                "from certification.participant where organization_number <> '011'"
            )
        )
        connection.execute(
            sa.text(
                "update certification.participant set status = 'Certification Sent to State', "
                "certified_revision_id = current_revision_id where organization_number <> '011'"
            )
        )
    by_function, by_view = "datamart.certified_pupil_as_of(clock_timestamp())", "datamart.certified_pupil"
    for one, other in ((by_function, by_view), (by_view, by_function)):
        assert toy.rows(f"select * from {one} except select * from {other}") == []  # noqa: S608
    assert toy.value(f"select count(*) from {by_function}") == 60  # noqa: S608


def test_only_readers_of_the_datamart_may_look_back(toy: Toy, certification_database: CertificationDatabase) -> None:
    toy.take()
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        districts_seen(certification_database.url("certification_app"), "datamart.certified_pupil_as_of(now())")
