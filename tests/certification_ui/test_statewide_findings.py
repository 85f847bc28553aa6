"""Rules that compare districts, really run: each district is shown its own rows, and nothing the other one wrote."""

import datetime
import io
import zipfile
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from psycopg import sql
from starlette.testclient import TestClient

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import make_engine, transaction
from certification_lib.events.models import EventVersionRule
from certification_lib.rulebook.models import Rule, RuleVersion
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.snapshots import partitions, view_tables
from certification_lib.snapshots.described_columns import Column
from certification_lib.validation import service
from tests.certification_ui.conftest import opened
from tests.certification_ui.site import KEY, ROOT, fill
from tests.conftest import CertificationDatabase
from tests.validation.world import NOW, VIEWS

CODES = ("ENR-009", "STU-003", "STU-004")
SAME_ID, MERGED_ID = "700400123", {"001": "700400201", "005": "700400205"}
LAST_NAME = {"001": "Aldersgate", "005": "Brambleby"}
BORN = {"001": datetime.date(2006, 5, 5), "005": datetime.date(2007, 11, 23)}
OTHER = {"001": "005", "005": "001"}


def rows_of(number: str) -> dict[str, list[dict[str, object]]]:
    """The same ID for two different people, and one person under two IDs."""
    place = {"district_id": number, "school_id": None}
    enrolled = {"entry_date": datetime.date(2016, 8, 10), "primary_school": True}
    return {
        "student": [
            {**place, "row_key": f"row of {number} one", "student_unique_id": SAME_ID, "first_name": "Ann",
             "last_surname": LAST_NAME[number], "birth_date": BORN[number], "sex": "Female"},
            {**place, "row_key": f"row of {number} two", "student_unique_id": MERGED_ID[number], "first_name": "Bea",
             "last_surname": "Twin", "birth_date": datetime.date(2005, 1, 2), "sex": "Female"},
        ],
        "enrollment": [
            {**place, "school_id": f"{number}010", "row_key": f"row of {number} three", "student_unique_id": SAME_ID,
             **enrolled},
        ],
    }  # fmt: skip


def known_to(number: str) -> set[str]:
    """What nobody but this district may read."""
    keys = {str(row["row_key"]) for rows in rows_of(number).values() for row in rows}
    return {MERGED_ID[number], LAST_NAME[number], str(BORN[number]), f"{number}010", *keys}


def write(engine: sa.Engine, event_id: int) -> None:
    """The rows behind the revisions the site was filled with, and as many as those say."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        for view in ("student", "enrollment"):
            columns = [Column(name, kind) for name, kind in VIEWS[view].items()]
            view_tables.ensure_view_table(connection, view, columns)
            partitions.ensure_event_tables(connection, view, event_id, Level.DISTRICT)
        connection.execute("update certification.event_version set datamart_views = '{student,enrollment}'")
        connection.execute("delete from certification.revision_view")
        found = connection.execute(
            "select r.id, r.snapshot_id, p.organization_number from certification.participant p"
            " join certification.revision r on r.id = p.current_revision_id"
        ).fetchall()
        for revision_id, snapshot_id, number in found:
            for view, rows in rows_of(number).items():
                connection.execute(
                    "insert into certification.revision_view (revision_id, view, row_count, digest, columns, slot)"
                    " values (%s, %s, %s, 'd', '[]', 0)",
                    [revision_id, view, len(rows)],
                )
                for row in rows:
                    values = {"event_id": event_id, "slot": 0, "snapshot_id": snapshot_id, **row}
                    statement = sql.SQL("insert into datamart.{} ({}) values ({})").format(
                        sql.Identifier(view),
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(sql.Placeholder() * len(values)),
                    )
                    connection.execute(statement, list(values.values()))


@pytest.fixture(scope="module")
def people(
    site: FastAPI, make_lasting_database: Callable[[], CertificationDatabase]
) -> Iterator[dict[str, TestClient]]:
    """The browsers of a certifier of each district and of a state approver, after the rules were run on both."""
    database = make_lasting_database()
    engine, web = make_engine(database.url()), make_engine(database.url("certification_app"))
    cast = fill(engine)
    with transaction(engine) as session:
        sync_delivered_rules(session=session, actor=SYSTEM, now=NOW)
        session.execute(sa.text("delete from certification.finding"))
        session.execute(sa.text("delete from certification.validation_result"))
        version, group = session.execute(
            sa.select(EventVersionRule.event_version_id, EventVersionRule.group_id)
        ).first()  # type: ignore[misc]
        session.execute(sa.delete(EventVersionRule))
        delivered = sa.select(RuleVersion.id).join(Rule, Rule.id == RuleVersion.rule_id).where(Rule.code.in_(CODES))
        session.add_all(
            EventVersionRule(event_version_id=version, group_id=group, rule_version_id=number, position=number)
            for number in session.scalars(delivered)
        )
    write(engine, cast.event_id)
    with transaction(engine) as session:
        run = service.begin_validation(KEY, session=session, actor=SYSTEM, now=NOW)
    finished = service.validate_run(run.id, engine=engine, rules_url=database.url("certification_rules"))
    assert (finished.findings, finished.could_not_run) == (6, ())
    site.state.pages.state.engine = web
    yield {"001": opened(site)("smith"), "005": opened(site)("green"), "state": opened(site)("approver")}
    site.state.pages.state.engine = None
    web.dispose()
    engine.dispose()


def text_of(content: bytes) -> str:
    """What an answer says; a workbook is opened first."""
    if not content.startswith(b"PK"):
        return content.decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        return "\n".join(workbook.read(name).decode() for name in workbook.namelist())


def addresses(number: str) -> list[str]:
    own, api = f"{ROOT}/my-events/{KEY}/{number}/", f"{ROOT}/api/v1/events/{KEY}/participants/{number}/findings"
    return [
        own,
        f"{own}findings/",
        *(f"{own}findings/{code}" for code in CODES),
        *(f"{own}findings-file?format={form}" for form in ("csv", "xlsx")),
        api,
        *(f"{api}?rule={code}" for code in CODES),
        *(f"{api}/file?format={form}" for form in ("csv", "xlsx")),
    ]


@pytest.mark.parametrize("number", ["001", "005"])
def test_no_page_file_or_answer_shows_a_district_what_the_other_wrote(
    number: str, people: dict[str, TestClient]
) -> None:
    said = ""
    for address in addresses(number):
        answer = people[number].get(address)
        assert answer.status_code == 200, address
        text = text_of(answer.content)
        assert [secret for secret in known_to(OTHER[number]) if secret in text] == [], address
        said += text
    assert SAME_ID in said
    assert MERGED_ID[number] in said
    assert LAST_NAME[number] in said


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("number", ["001", "005"])
def test_the_state_is_told_which_other_district_a_row_concerns_and_the_district_is_not(
    number: str, code: str, people: dict[str, TestClient]
) -> None:
    shown = people["state"].get(f"{ROOT}/events/{KEY}/participants/{number}/findings/{code}").text
    own = people[number].get(f"{ROOT}/my-events/{KEY}/{number}/findings/{code}").text

    assert "Also found in" in shown
    assert f"({OTHER[number]})" in shown
    assert "Also found in" not in own
    assert f"({OTHER[number]})" not in own


@pytest.mark.parametrize("number", ["001", "005"])
def test_the_others_addresses_are_not_there(number: str, people: dict[str, TestClient]) -> None:
    for address in addresses(OTHER[number]):
        answer = people[number].get(address)
        assert answer.status_code == 404, address
        assert [secret for secret in known_to(OTHER[number]) if secret in text_of(answer.content)] == []
