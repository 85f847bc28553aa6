"""Findings where people need them: the worklist of a district, the matrix and the runs of the state, files, REST."""

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.events.models import Participant
from certification_lib.validation.worklist import worklist
from certification_lib.validation.worklist_files import rows_as_csv
from certification_ui.deps import show_rows_of
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.findings_state import (
    FAILED,
    FORMULA,
    LONG,
    MANY,
    QUIET,
    SCHOOL_KEY,
    STATEWIDE,
    fill_findings,
)
from tests.certification_ui.site import KEY, ROOT, shared_site
from tests.conftest import StatementRecorder

OWN = f"{ROOT}/my-events/{KEY}/001/"
WORKLIST = f"{OWN}findings/"
STATE = f"{ROOT}/events/{KEY}/"
MATRIX = f"{STATE}findings/"
API = f"{ROOT}/api/v1/events/{KEY}"
CHANGED = "STF-103"


@pytest.fixture
def filled(scene: Scene) -> tuple[Browser, sa.Engine]:
    """Read only; what a test changes it takes back or nobody else looks at."""
    return scene(fill_findings)


@pytest.fixture
def smith(filled: tuple[Browser, sa.Engine]) -> TestClient:
    return filled[0]("smith")


@pytest.fixture
def approver(filled: tuple[Browser, sa.Engine]) -> TestClient:
    return filled[0]("approver")


@contextmanager
def statements(client: TestClient) -> Iterator[list[str]]:
    """What the pages ask of the database."""
    engine = client.app.state.pages.state.engine  # type: ignore[attr-defined]
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    sa.event.listen(engine, "before_cursor_execute", hear)
    yield said
    sa.event.remove(engine, "before_cursor_execute", hear)


def codes(page: str) -> list[str]:
    """Rules of a worklist in the order shown."""
    return re.findall(r'<h3 id="rule-\d+"><a href="[^"]*/findings/([A-Z]+-\d+)"', page)


def participants(page: str) -> list[str]:
    return re.findall(rf'href="{STATE}participants/([^/"]+)/">', page)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_worklist_says_what_is_wrong_how_to_fix_it_how_often_and_what_is_new(smith: TestClient) -> None:
    page = smith.get(WORKLIST)
    words = text_of(page.text)

    assert page.status_code == 200
    assert codes(page.text) == [MANY, CHANGED, STATEWIDE, FAILED]
    assert "2,000 findings" in words
    assert "Since revision 1: 2 new, 2 still there, 1 fixed." in words
    assert "Correct it in your own system" in words
    assert "This rule could not run: a value of the wrong type." in words
    assert len(page.text) < 60_000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("severity=Error", [MANY, CHANGED, STATEWIDE]),
        ("show=new", [CHANGED]),
        ("show=could-not-run", [FAILED]),
        ("sort=code", [FAILED, MANY, STATEWIDE, CHANGED]),
        ("sort=count", [MANY, CHANGED, STATEWIDE, FAILED]),
        ("person=smith", []),
        ("show=nonsense&severity=nonsense&page=nonsense&sort=x", [MANY, CHANGED, STATEWIDE, FAILED]),
    ],
)
def test_a_worklist_is_narrowed_and_ordered_by_its_address(smith: TestClient, query: str, expected: list[str]) -> None:
    assert codes(smith.get(f"{WORKLIST}?{query}").text) == expected


def test_every_rule_can_be_paged_through(smith: TestClient) -> None:
    seen: list[str] = []
    address: str | None = f"{WORKLIST}?show=all"
    while address:
        page = smith.get(address).text
        seen += codes(page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        address = more.group(1).replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == 80


def test_the_rows_of_a_rule_are_narrowed_by_school_and_by_what_is_new(smith: TestClient) -> None:
    address = f"{WORKLIST}{CHANGED}"
    whole = smith.get(address).text
    assert all(key in whole for key in ("702", "703", "704"))
    assert "New" in whole
    assert "Still there" in whole
    assert "702" not in smith.get(f"{address}?new=yes").text.split("<tbody>")[1]
    one = smith.get(f"{address}?school=001020").text.split("<tbody>")[1]
    assert "703" in one
    assert "702" not in one
    assert "Adair Elementary School (001020)" in one
    assert "No row is like that." in smith.get(f"{address}?school=nowhere").text


def test_of_two_thousand_rows_a_thousand_are_kept_and_paged(smith: TestClient) -> None:
    page = smith.get(f"{WORKLIST}{MANY}?page=20").text
    assert "2,000 rows were found; the first 1,000 are listed." in page
    assert "Rows 951 to 1,000 of 1,000" in page
    assert 'rel="next"' not in page
    assert "There is no row to show." in smith.get(f"{WORKLIST}{MANY}?page=99999").text


def test_what_is_looked_for_never_stands_in_an_address(smith: TestClient) -> None:
    found = smith.post(f"{WORKLIST}{MANY}", data={"text": "900042"}).text
    assert "Rows 1 to 1 of 1" in found or "rows 1 to 1 of 1" in found
    everywhere = smith.post(f"{OWN}findings-search", data={"text": "90004"})
    assert "900042" in everywhere.text
    assert "10 rows found" in everywhere.text
    paged = smith.post(f"{WORKLIST}{MANY}", data={"text": "9000", "page": "2"}).text
    assert 'name="text" value="9000"' in paged
    for page in (found, everywhere.text, paged):
        assert not re.search(r'(href|action)="[^"]*9000', page)
    assert "Nothing was found." in smith.post(f"{OWN}findings-search", data={"text": "nothing like it"}).text
    assert "The value of the field number 3 " in smith.post(f"{OWN}findings-search", data={"text": "stf-103"}).text


def table(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_download_holds_every_kept_row_and_nothing_a_spreadsheet_would_compute(smith: TestClient) -> None:
    answer = smith.get(f"{OWN}findings-file?format=csv")
    lines = table(answer)

    assert answer.headers["content-disposition"] == 'attachment; filename="findings-001-revision-2.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert lines[0] == [
        "Rule", "Severity", "What is wrong", "School number", "School", "Student ID", "Since the revision before",
    ]  # fmt: skip
    assert len(lines) == 1 + 1_000 + 1 + 4
    assert [line[5] for line in lines if line[0] == CHANGED] == ["702", "703", "704", f"'{FORMULA}"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    some = table(smith.get(f"{OWN}findings-file?format=csv&rule={CHANGED}&new=yes&school=001010"))
    assert [line[5] for line in some[1:]] == ["704"]

    book = openpyxl.load_workbook(io.BytesIO(smith.get(f"{OWN}findings-file?format=xlsx").content))
    assert book.sheetnames == ["Rows", "Rules"]
    cells = [cell for row in book["Rows"].iter_rows() for cell in row]
    assert FORMULA in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    rule = next(row for row in book["Rules"].iter_rows(values_only=True) if row[0] == CHANGED)
    assert rule[3:8] == (4, None, 2, 2, 1)
    assert smith.get(f"{OWN}findings-file?format=exe").status_code == 422


def test_who_takes_findings_as_a_file_is_written_down_with_their_number(filled: tuple[Browser, sa.Engine]) -> None:
    browser, engine = filled
    lines = table(browser("brown").get(f"{OWN}findings-file?rule={CHANGED}&school=001010"))
    browser("approver").get(f"{STATE}participants/001/findings-file?rule={CHANGED}")
    query = "select actor_username, subject, details from certification.audit_entry where act = 'participant:download'"
    with engine.connect() as connection:
        entries = connection.execute(sa.text(f"{query} order by id desc limit 2")).all()

    of_state, of_district = entries
    assert (of_state.actor_username, of_district.actor_username) == ("approver", "brown")
    assert of_state.subject == f"4 rows of Adair County in Fall Enrollment Count: findings of rule {CHANGED}"
    assert of_district.details == {
        "rows": len(lines) - 1, "revision": 2, "file": "csv", "narrowed_by": "school",
    }  # fmt: skip


def test_nobody_gets_the_rows_of_another_organization(filled: tuple[Browser, sa.Engine]) -> None:
    browser, _ = filled
    for who, own, other in (("smith", "001", "005"), ("green", "005", "001")):
        client, others = browser(who), f"{ROOT}/my-events/{KEY}/{other}/"
        for address in ("findings/", f"findings/{STATEWIDE}", "findings-file"):
            assert client.get(f"{others}{address}").status_code == 404
        assert client.post(f"{others}findings-search", data={"text": "own"}).status_code == 404
        assert client.post(f"{others}check").status_code == 404
        assert client.post(f"{others}findings/{STATEWIDE}/work", data={"note": "x"}).status_code == 404
        for address in ("findings", f"findings?rule={STATEWIDE}", "findings/file"):
            assert client.get(f"{API}/participants/{other}/{address}").status_code == 404
        assert client.post(f"{API}/participants/{other}/findings/search", json={"text": "own"}).status_code == 404
        assert client.get(f"{API}/participants/{own}/findings").status_code == 200


def test_a_rule_that_compares_districts_shows_each_its_own_row_keys_only(filled: tuple[Browser, sa.Engine]) -> None:
    browser, _ = filled
    for who, number, mine, theirs in (
        ("smith", "001", "adair-own", "barren-own"),
        ("green", "005", "barren-own", "adair-own"),
    ):
        client, own = browser(who), f"{ROOT}/my-events/{KEY}/{number}/"
        answers = [
            client.get(f"{own}findings/{STATEWIDE}").text,
            client.get(f"{own}findings-file?format=csv").text,
            client.post(f"{own}findings-search", data={"text": "own"}).text,
            client.get(f"{API}/participants/{number}/findings?rule={STATEWIDE}").text,
            client.post(f"{API}/participants/{number}/findings/search", json={"text": "own"}).text,
        ]
        assert all(mine in answer for answer in answers)
        assert not any(theirs in answer for answer in answers)


def test_school_people_see_their_own_school_only(filled: tuple[Browser, sa.Engine]) -> None:
    browser, _ = filled
    lee, director = browser("lee"), browser("director")
    for number in ("001010", "001020"):
        own, api = (
            f"{ROOT}/my-events/{SCHOOL_KEY}/{number}/",
            f"{ROOT}/api/v1/events/{SCHOOL_KEY}/participants/{number}",
        )
        addresses = (f"{own}findings/SCH-001", f"{own}findings-file", f"{api}/findings?rule=SCH-001")
        for address in addresses:
            assert f"row-of-{number}" in director.get(address).text
            answer = lee.get(address)
            assert answer.status_code == (200 if number == "001010" else 404)
            assert "row-of-001020" not in answer.text
    every_school = lee.get(f"{ROOT}/my-events/{SCHOOL_KEY}/001010/findings/SCH-001?school=001020").text
    assert "row-of-001020" not in every_school


def test_colleagues_divide_the_work_and_leave_notes(filled: tuple[Browser, sa.Engine], smith: TestClient) -> None:
    browser, engine = filled
    address = f"{WORKLIST}{CHANGED}"
    saved = smith.post(f"{address}/work", data={"assigned_to": "jones", "note": "Ask the registrar"})
    assert saved.status_code == 303
    smith.post(f"{address}/work", data={"assigned_to": "jones", "note": "Ask the registrar"})
    assert "Ask the registrar" in browser("brown").get(WORKLIST).text
    assert codes(browser("jones").get(f"{WORKLIST}?person=jones").text) == [CHANGED]
    assert "rule STF-103" in browser("jones").get(f"{ROOT}/messages/").text
    with engine.connect() as connection:
        told = connection.execute(
            sa.text("select count(*), max(text) from certification.message where kind = 'rule_assigned'")
        ).one()
        audit = (
            connection.execute(sa.text("select details from certification.audit_entry where act = 'event:assign-rule'"))
            .scalars()
            .all()
        )
    assert told[0] == 1
    assert "registrar" not in told[1] + str(audit)
    assert audit == [{"rule": CHANGED, "assigned_to": "jones", "note": True}]
    for who, fields, words in (
        ("smith", {"assigned_to": "green", "note": "kept as typed"}, "Only members of the category for Adair County"),
        ("smith", {"assigned_to": "", "note": "x" * 1001}, "at most 1000 characters"),
    ):
        refused = browser(who).post(f"{address}/work", data=fields)
        assert refused.status_code == 422
        assert words in refused.text
        assert fields["note"] in refused.text
    assert browser("approver").post(f"{address}/work", data={"note": "x"}).status_code == 403
    assert "Ask the registrar" not in browser("approver").get(f"{STATE}participants/001/findings/{CHANGED}").text
    by_rest = smith.put(f"{API}/participants/001/findings/{CHANGED}/work", json={"assigned_to": None, "note": ""})
    assert by_rest.status_code == 200
    items = smith.get(f"{API}/participants/001/findings").json()["items"]
    assert {(one["assigned_to"], one["note"]) for one in items} == {(None, "")}


def test_a_district_has_its_data_checked_and_sees_that_it_is_at_work(filled: tuple[Browser, sa.Engine]) -> None:
    browser, engine = filled
    assert "Check my data now" in browser("smith").get(WORKLIST).text
    assert "Check my data now" not in browser("brown").get(WORKLIST).text
    assert browser("brown").post(f"{OWN}check").status_code == 403
    asked = browser("smith").post(f"{OWN}check")
    assert (asked.status_code, asked.headers["location"]) == (303, WORKLIST)
    page = browser("smith").get(WORKLIST).text
    assert "Your data are being checked now" in page
    assert 'hx-get="' in page
    assert "being checked now" not in browser("green").get(f"{ROOT}/my-events/{KEY}/005/findings/").text
    with engine.begin() as connection:
        found = connection.execute(
            sa.text("delete from certification.validation_run where requested_by = 'smith' returning participant_ids")
        ).all()
    assert len(found) == 1


def test_a_matrix_of_a_thousand_districts_and_eighty_rules_stays_usable(approver: TestClient) -> None:
    with statements(approver) as said:
        begun = time.perf_counter()
        page = approver.get(MATRIX)
        seconds = time.perf_counter() - begun
        first = len(said)
        every = approver.get(f"{MATRIX}?show=all&page=37&columns=8")
        # Of those in whose data nothing was found it is asked whether anything ran.
        assert first + 1 == len(said) - first <= 30
    assert participants(page.text)[0] == "005"
    assert len(participants(page.text)) == len(participants(every.text)) == 25
    assert "901 to 925 of 1,000" in every.text
    assert "Rules 71 to 80 of 80" in every.text
    assert len(page.text) < 200_000
    assert seconds < 5


@pytest.mark.parametrize(
    ("query", "first", "total"),
    [
        ("search=adair&show=all", "001", "1 to 1 of 1"),
        ("rule=STF-103&sort=number", "001", None),
        ("severity=Error&sort=errors", "005", None),
        (f"rule={QUIET}", None, None),
        ("search=nobody", None, None),
        ("sort=name&search=adair", "001", None),
    ],
)
def test_the_matrix_is_narrowed_by_its_address(
    approver: TestClient, query: str, first: str | None, total: str | None
) -> None:
    page = approver.get(f"{MATRIX}?{query}").text
    assert participants(page)[:1] == ([first] if first else [])
    assert total is None or total in page
    assert (
        first is not None
        or "nothing is like that. Show all" in page
        or "No participant and no rule is like that." in page
    )


def test_a_number_of_the_matrix_leads_to_its_rows_for_members_of_the_category(
    filled: tuple[Browser, sa.Engine], approver: TestClient
) -> None:
    browser, _ = filled
    link = f"{STATE}participants/001/findings/{CHANGED}"
    assert link in approver.get(f"{MATRIX}?search=001").text
    assert "could not run" in approver.get(f"{MATRIX}?search=001&area=ATT").text
    assert "704" in approver.get(link).text
    assert "1 of 1" in approver.post(link, data={"text": "704"}).text
    assert "704" in approver.get(f"{STATE}participants/001/findings-file?rule={CHANGED}").text
    looker = browser("looker")
    assert looker.get(MATRIX).status_code == 200
    assert link not in looker.get(MATRIX).text
    for refused in (looker.get(link), looker.get(f"{STATE}participants/001/findings-file")):
        assert refused.status_code == 403
        assert "704" not in refused.text
    assert looker.post(f"{API}/participants/001/findings/search", json={"text": "70"}).status_code == 403
    assert browser("smith").get(MATRIX).status_code == 403


def test_the_matrix_downloads_whole(approver: TestClient) -> None:
    lines = table(approver.get(f"{STATE}findings-file?format=csv&show=all"))
    assert (len(lines), len(lines[0])) == (1_001, 85)
    adair = next(line for line in lines if line[0] == "001")
    assert adair[lines[0].index(FAILED)] == "could not run"
    assert adair[lines[0].index(MANY)] == "2000"
    assert len(table(approver.get(f"{STATE}findings-file?format=csv&search=adair"))) == 2


def test_a_run_says_who_asked_what_each_rule_gave_and_took_and_what_could_not_run(approver: TestClient) -> None:
    listed = approver.get(f"{STATE}validation-runs").text
    newest = re.search(rf'href="({STATE}validation-runs/\d+)"', approver.get(STATE).text)
    assert newest
    assert newest.group(1) in listed
    found = next(run for run in approver.get(f"{API}/validation-runs?limit=100").json()["items"] if run["rules"] == 80)
    words = text_of(approver.get(f"{STATE}validation-runs/{found['id']}").text)
    assert "1,000,000" in words
    assert "a value of the wrong type" in words
    assert "0.25 s 77 rules together" in words
    assert re.search(r"Rule set \(SHA-256\) 0 ?\.", words)
    report = approver.get(f"{API}/validation-runs/{found['id']}").json()
    assert (report["could_not_run"], len(report["rules"]), report["rules"][0]["code"]) == (1, 80, FAILED)
    assert report["suites"][0]["successful_expectations"] == 40
    assert approver.get(f"{STATE}validation-runs/999999").status_code == 404
    assert approver.get(f"{STATE}validation-runs/x").status_code == 404


def test_rules_run_on_chosen_participants_and_a_wrong_number_comes_back_as_typed(
    filled: tuple[Browser, sa.Engine], approver: TestClient
) -> None:
    _, engine = filled
    refused = approver.post(f"{STATE}validation-runs", data={"numbers": "001, 999"})
    assert refused.status_code == 422
    assert "999 does not take part" in refused.text
    assert ">001, 999</textarea>" in refused.text
    asked = approver.post(f"{STATE}validation-runs", data={"numbers": "001 005"})
    assert asked.headers["location"] == f"{STATE}validation-runs"
    run = approver.get(f"{API}/validation-runs").json()["items"][0]
    assert (run["participants"], run["requested_by"], run["status"]) == (2, "Approver", "requested")
    assert LONG in approver.get(f"{STATE}validation-runs/{run['id']}").text
    with engine.begin() as connection:
        connection.execute(sa.text("delete from certification.validation_run where id = :id"), {"id": run["id"]})


def test_rest_gives_the_worklist_and_the_matrix_in_pages(smith: TestClient, approver: TestClient) -> None:
    items = smith.get(f"{API}/participants/001/findings?severity=Error").json()["items"]
    changed = next(one for one in items if one["code"] == CHANGED)
    assert changed["trend"] == {"revision": 1, "count": 3, "new": 2, "still_there": 2, "fixed": 1}
    assert changed["how_to_fix_it"].startswith("Correct it")
    rows = smith.get(f"{API}/participants/001/findings?rule={CHANGED}&new=true").json()
    assert (rows["listed"], [row["student_unique_id"] for row in rows["items"]]) == (2, ["704", FORMULA])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = approver.get(f"{API}/findings?limit=200&every=true&cursor={cursor}".replace("&cursor=&", "&")
                            if cursor else f"{API}/findings?limit=200&every=true").json()  # fmt: skip
        seen += [one["number"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == page["total"] == 1_000
    assert smith.get(f"{API}/findings").status_code == 403


def test_pages_of_findings_ask_the_same_of_the_database_however_much_there_is(
    filled: tuple[Browser, sa.Engine],
) -> None:
    browser, _ = filled
    counted = {}
    for who, number in (("smith", "001"), ("green", "005")):
        client = browser(who)
        with statements(client) as said:
            client.get(f"{ROOT}/my-events/{KEY}/{number}/findings/?show=all")
            counted[who] = len(said)
    assert abs(counted["smith"] - counted["green"]) <= 2  # the names of schools, where there are some
    assert max(counted.values()) <= 55


def test_a_download_is_sent_in_pieces_and_shows_nobody_elses_rows(
    filled: tuple[Browser, sa.Engine], statements: Callable[[sa.Engine], StatementRecorder]
) -> None:
    """Rows never become objects: whatever their number, the same few statements; and the policy hides other LEAs."""
    browser, _ = filled
    engine: sa.Engine = shared_site().state.pages.state.engine
    with Session(engine) as session:
        revision = session.scalars(
            sa.select(Participant.current_revision_id).where(Participant.organization_number == "001")
        ).one()
        assert revision is not None
        rules = worklist(revision, session=session)
        show_rows_of(session, {"005"})
        assert b"".join(rows_as_csv(revision, rules, [["student_unique_id"]], session=session)) == b""
        session.rollback()
        show_rows_of(session, {"001"})
        with statements(engine) as seen:
            pieces = list(rows_as_csv(revision, rules, [["student_unique_id"]], session=session))
    assert b"".join(pieces).count(b"\n") == 1_000 + 1 + 4
    assert not [one for one in seen if "finding.identifiers" in one], "only COPY reads the rows"
    with browser("smith").stream("GET", f"{OWN}findings-file?format=xlsx") as answer:
        assert "content-length" not in answer.headers
        answer.read()
