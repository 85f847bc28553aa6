"""A district asks for everything of another's on every route, and is answered as if it had never existed."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.events.models import Participant
from certification_lib.snapshots.models import Revision
from certification_lib.validation.worklist import worklist
from certification_lib.validation.worklist_rows import RowFilter, rows
from certification_ui.deps import HeldRight, declared_rights, show_rows_of
from tests.certification_ui.conftest import Scene
from tests.certification_ui.everybody import (
    HELD,
    HIDDEN,
    OVER,
    SECRETS,
    SHARED,
    THEIRS,
    address,
    arrange,
    ids,
    routes,
    sent_to,
)
from tests.certification_ui.site import ROOT

ROUTES = [route for route in routes() if route.path != "/sign-out"]
NEVER = {"key": "never-was", "number": "997", "code": "NEV-001", "username": "neverwas", "category_id": "999999"}
# What of the addresses belongs to no district, so that there is nothing of another's to ask for.
OF_NOBODY = {"request_id", "view", "dag_id", "group_id", "rule_id", "version", "tool", "role", "entry_id", "webhook_id"}


@dataclass(frozen=True)
class Attack:
    """One address with something of the other's in it, and the same with something that never was in its place."""

    route: APIRoute
    theirs: str
    never: str
    marks: tuple[str, str]


def attacks(engine: sa.Engine, username: str) -> Iterator[Attack]:
    ours, other = ids(engine, "smith", "001"), ids(engine, "green", "005")
    with engine.connect() as connection:
        found = connection.execute(sa.text("select min(id), max(id) from certification.category")).one()
    own = {
        "key": SHARED,
        "number": "001",
        "code": "ENR-001",
        "username": username,
        "category_id": str(found[0]),
        **ours,
    }
    theirs = {name: [value] for name, value in other.items()}
    theirs |= {
        "key": [THEIRS, HIDDEN, OVER], "number": ["005", "005010"], "username": ["green"],
        "category_id": [str(found[1])],
    }  # fmt: skip
    for route in ROUTES:
        for name in [one.name for one in route.dependant.path_params]:
            if name in OF_NOBODY or name == "code":
                continue
            assert name in theirs, f"{route.path}: say in everybody.ids what {name} names of another district's"
            values = {**dict.fromkeys(OF_NOBODY, "1"), **own}
            never = NEVER.get(name, "f" * 64 if name == "digest" else "999999")
            for value in theirs[name]:
                if value == OVER and "my-events" in route.path and "certification-report" in route.path:
                    continue  # its own report outlives the event
                here, nowhere = {**values, name: value}, {**values, name: never}
                yield Attack(route, address(route, here), address(route, nowhere), (value, never))


def answer(client: TestClient, route: APIRoute, path: str, mark: str) -> tuple[int, str]:
    """Status and words; what was asked for is left out of the words, where they repeat it."""
    got = client.request(min(route.methods), ROOT + path, **sent_to(route))
    words = html.unescape(re.sub(r"<[^>]+>", " ", got.text)) if "html" in got.headers["content-type"] else got.text
    return got.status_code, " ".join(re.sub(rf"(?<!\w){re.escape(mark)}(?!\w)", "▢", words).split())


def may(route: APIRoute, username: str) -> bool:
    [declared] = declared_rights(route.dependant)
    if not isinstance(declared, HeldRight):
        return True
    return bool({one.value for one in declared.rights} & set(HELD[username].get(declared.tool.value, "")))


def of_the_other(engine: sa.Engine) -> list[object]:
    """Everything of Barren County that an act could have touched."""
    statements = (
        "select p::text from certification.participant p where organization_number = '005' order by id",
        (
            "select w::text from certification.rule_work w join certification.participant p on p.id = w.participant_id"
            " where p.organization_number = '005'"
        ),
        (
            "select m::text from certification.message m join certification.person p on p.id = m.person_id"
            " where p.username = 'green' order by m.id"
        ),
        (
            "select m::text from certification.category_member m join certification.person p on p.id = m.person_id"
            " where p.username = 'green'"
        ),
        "select count(*) from certification.submission where organization_number = '005'",
        "select count(*) from certification.audit_entry where organization_number = '005'",
        "select e::text from certification.event e where key <> 'fall-enrollment-count-2016-17' order by id",
    )
    with engine.connect() as connection:
        return [connection.execute(sa.text(one)).all() for one in statements]


@pytest.mark.parametrize("username", ["smith", "brown", "head"])
def test_whatever_is_anothers_is_answered_like_what_never_was(scene: Scene, username: str) -> None:
    browser, engine = scene(arrange)
    client, before, told = browser(username), of_the_other(engine), []
    nothing: dict[tuple[str, str], tuple[int, str]] = {}  # what never was is the same beside several of theirs
    for attack in attacks(engine, username):
        if not may(attack.route, username):
            continue  # the matrix of rights: refused before anything is looked up
        theirs = answer(client, attack.route, attack.theirs, attack.marks[0])
        missing = (min(attack.route.methods), attack.never)
        if missing not in nothing:
            nothing[missing] = answer(client, attack.route, attack.never, attack.marks[1])
        never = nothing[missing]
        if theirs != never or theirs[0] < 400 or theirs[0] >= 500:
            told.append(f"{min(attack.route.methods)} {attack.theirs}: {theirs} instead of {never}")
    assert told == [], "\n".join(told)
    assert of_the_other(engine) == before


@pytest.mark.parametrize("username", ["smith", "brown", "head"])
def test_no_page_answer_or_file_of_its_own_names_another_district(scene: Scene, username: str) -> None:
    browser, engine = scene(arrange)
    client, ours = browser(username), ids(engine, "smith", "001")
    values = {**dict.fromkeys(OF_NOBODY, "1"), "key": SHARED, "number": "001", "code": "ENR-001", "category_id": "1",
              "username": username, **ours}  # fmt: skip
    shown, asked = [], 0
    for route in ROUTES:
        if "GET" not in route.methods or not may(route, username):
            continue
        for query in ("", "?search=Barren", "?number=005&participant=005&organization=005&school=005010&page=1"):
            got = client.get(ROOT + address(route, values) + query)
            asked += got.status_code == 200
            assert got.status_code < 500, route.path
            text = got.text.replace("search=Barren", "").replace('value="Barren"', "")
            shown += [f"{route.path}{query}: {secret}" for secret in SECRETS if secret in text]
    assert shown == [], "\n".join(shown)
    assert asked > 10


# Columns that make a table one of rows or notes about students; all others hold counts, people and acts.
ROW_WORDS = {"row_key", "identifiers", "district_number", "district_id", "note", "student_unique_id"}
PROTECTED = (
    "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname in ('certification', 'datamart') and c.relkind in ('r', 'p') and not c.relispartition"
    " and c.relrowsecurity order by 1, 2"
)
WITH_ROWS = sa.text(
    "select distinct table_schema, table_name from information_schema.columns join pg_class c"
    " on c.oid = format('%I.%I', table_schema, table_name)::regclass"
    " where table_schema in ('certification', 'datamart') and c.relkind in ('r', 'p') and not c.relispartition"
    " and column_name = any(:words) order by 1, 2"
)
# Who a row belongs to, in each table that is protected.
NUMBER_OF = {
    "finding": "district_number",
    "prior_total": "district_number",
    "rule_work": "(select lea_number from certification.participant p where p.id = participant_id)",
}


@pytest.fixture
def web(scene: Scene) -> sa.Engine:
    """The API server's own connection; nobody asks it for permission here."""
    client = scene(arrange)[0]("smith")
    engine: sa.Engine = client.app.state.pages.state.engine  # type: ignore[attr-defined]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select current_user")) == "certification_app"
    return engine


def test_every_table_with_rows_of_districts_is_protected_by_the_database(scene: Scene) -> None:
    """A new table with such a column needs a policy in the migration."""
    with scene(arrange)[1].connect() as connection:
        protected = {tuple(row) for row in connection.execute(sa.text(PROTECTED))}
        with_rows = {tuple(row) for row in connection.execute(WITH_ROWS, {"words": sorted(ROW_WORDS)})}
        open_to_the_web = connection.scalars(
            sa.text(
                "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where n.nspname = 'datamart' and c.relkind in ('r', 'p', 'v', 'm') and not c.relrowsecurity"
                " and has_table_privilege('certification_app', c.oid, 'select')"
            )
        ).all()
    assert with_rows - protected == set()
    assert {("certification", name) for name in NUMBER_OF} | {("datamart", "enrollment")} == protected
    assert open_to_the_web == [], "the rows of all could be read past the policy"


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        (None, {}),
        (["001"], {"finding": {"001"}, "enrollment": {"001"}, "rule_work": {"001"}}),
        ([], {}),
        (["00", "1", "001,", "'"], {}),
    ],
    ids=["nothing declared", "its own", "no organization", "parts of a number"],
)
def test_the_database_shows_a_session_only_the_rows_of_its_own_district(
    scene: Scene, web: sa.Engine, declared: list[str] | None, seen: dict[str, set[str]]
) -> None:
    with scene(arrange)[1].connect() as task:
        everybody = {row[0] for row in task.execute(sa.text("select district_number from certification.finding"))}
    assert everybody == {"001", "005"}, "there is something to be hidden"
    with Session(web) as session:
        if declared is not None:
            show_rows_of(session, [number for number in declared if "," not in number])
        found = {}
        for schema, table in session.execute(sa.text(PROTECTED)).all():
            number = NUMBER_OF.get(table, "district_id")
            rows = session.scalars(sa.text(f"select distinct {number} from {schema}.{table}")).all()  # noqa: S608
            found[table] = set(rows)
    assert {table: numbers for table, numbers in found.items() if numbers} == seen


def test_a_session_of_one_district_cannot_write_rows_of_another(web: sa.Engine) -> None:
    with Session(web) as session:
        show_rows_of(session, ["001"])
        theirs = sa.text(
            "from certification.participant p where p.organization_number = '005' and rule_work.participant_id = p.id"
        )
        assert session.execute(sa.text(f"update certification.rule_work set note = 'x' {theirs}")).rowcount == 0  # type: ignore[attr-defined]  # noqa: S608
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), session.begin_nested():
            session.execute(
                sa.text(
                    "insert into certification.rule_work (participant_id, rule_id, note, changed_at, changed_by)"
                    " select p.id, (select max(id) from certification.rule), 'x', now(), 'x'"
                    " from certification.participant p where p.organization_number = '005' limit 1"
                )
            )
        for statement in ("delete from certification.finding", "delete from datamart.enrollment"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
                session.execute(sa.text(statement))
        session.rollback()


def test_a_query_that_forgot_to_ask_who_reads_shows_nothing_of_another_district(scene: Scene, web: sa.Engine) -> None:
    """The pages' own queries, given another district's revision as if the authorization had let it through."""
    with Session(scene(arrange)[1]) as session:
        theirs = session.scalars(
            sa.select(Revision.id)
            .join(Participant, Participant.current_revision_id == Revision.id)
            .where(Participant.organization_number == "005")
        ).one()
        assert rows(theirs, worklist(theirs, session=session), where=RowFilter(), session=session)
    with Session(web) as session:
        show_rows_of(session, ["001"])
        assert rows(theirs, worklist(theirs, session=session), where=RowFilter(), session=session) == []
