"""Categories, people, organizations and the audit trail on their pages, and what districts do for themselves."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, CategoryRole, Level, Member
from certification_lib.categories.rules import required_rights
from certification_lib.database import make_engine, transaction
from certification_lib.housekeeping.models import StepOutcome
from certification_lib.housekeeping.rules import STEPS
from certification_lib.housekeeping.service import Went, note
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, Person, PersonRole, Right, Role, Tool
from certification_lib.people.queries import holds, person_by_username
from certification_lib.people.rules import ROLE_RIGHTS
from certification_ui.rights_form import OWN_TOOLS, STATE_TOOLS, letters, matrix_columns
from tests.certification_ui.conftest import Browser, opened
from tests.certification_ui.site import ROOT, fill, text_of
from tests.conftest import CertificationDatabase
from tests.factories import World
from tests.factories.world import OPENING

LETTERS = {
    "clerk": {
        Tool.PEOPLE_AND_RIGHTS: "RWAD",
        Tool.ORGANIZATIONS: "RWAD",
        Tool.CERTIFICATION_CATEGORY: "RWAD",
        Tool.AUDIT: "R",
    },
    "looker": {
        Tool.PEOPLE_AND_RIGHTS: "R",
        Tool.ORGANIZATIONS: "R",
        Tool.CERTIFICATION_CATEGORY: "R",
    },
}


@pytest.fixture(scope="module")
def lasting(make_lasting_database: Any) -> Iterator[CertificationDatabase]:
    """One filled state for all tests here; each writes rows of its own."""
    database = make_lasting_database()
    engine = make_engine(database.url())
    fill(engine)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session = session
        for username, given in LETTERS.items():
            for tool, held in given.items():
                world.give(world.person(username), tool, held)
        adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        chief = world.person("chief", employing_organization_id=adair.id)
        session.add(PersonRole(person_id=chief.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=adair.id))
        world.person("newcomer", employing_organization_id=adair.id)
    yield database
    engine.dispose()


@pytest.fixture
def people(site: FastAPI, lasting: CertificationDatabase) -> Iterator[Browser]:
    web = make_engine(lasting.url("certification_app"))
    site.state.pages.state.engine = web
    yield opened(site)
    site.state.pages.state.engine = None
    web.dispose()


@pytest.fixture
def stored(lasting: CertificationDatabase) -> Iterator[Session]:
    engine = make_engine(lasting.url())
    with Session(engine) as session:
        yield session
    engine.dispose()


def category_id(stored: Session) -> int:
    return stored.scalars(sa.select(Category.id).order_by(Category.id).limit(1)).one()


def member_id(stored: Session, username: str) -> int:
    found = sa.select(Member.id).join(Person, Person.id == Member.person_id)
    return stored.scalars(found.where(Person.username == username, Member.removed_at.is_(None))).one()


PAGES = (
    "/categories/", "/categories/1/", "/categories/1/?search=adair&naming=no+certifier&page=1", "/people/",
    "/people/?organization=001&role=Auditor&active=all&email=none&search=x", "/people/smith/", "/roles-and-rights/",
    "/organizations/", "/organizations/?kind=LEA&closed=all&search=adair", "/organizations/001/",
)  # fmt: skip
WRITING_PAGES = (
    "/new-category", "/categories/1/edit", "/categories/1/publish", "/categories/1/delete", "/categories/1/new-member",
    "/categories/1/new-member?organization=001", "/new-person", "/people/smith/edit", "/people/smith/rights",
    "/people/smith/rights?organization=001", "/people/smith/roles", "/roles-and-rights/Auditor", "/import-people",
    "/import-organizations", "/organizations/001/edit",
)  # fmt: skip


def test_pages_open_by_the_right_and_forms_only_to_who_may_use_them(people: Browser, stored: Session) -> None:
    clerk, looker, smith = people("clerk"), people("looker"), people("smith")
    for page in PAGES:
        for browser, status in ((clerk, 200), (looker, 200), (smith, 403)):
            assert browser.get(f"{ROOT}{page}").status_code == status, page
    for page in WRITING_PAGES:
        for browser, status in ((clerk, 200), (looker, 403), (smith, 403)):
            assert browser.get(f"{ROOT}{page}").status_code == status, page
    assert clerk.get(f"{ROOT}/audit/").status_code == 200
    assert looker.get(f"{ROOT}/audit/").status_code == 403


def test_the_navigation_shows_what_is_held(people: Browser) -> None:
    def shown(username: str) -> set[str]:
        page = people(username).get(f"{ROOT}/messages/").text
        nav = page[page.index('aria-label="Main"') : page.index("</nav>")]
        return {text_of(one) for one in re.findall(r"<a [^>]*>(.*?)</a>", nav, re.DOTALL)}

    assert shown("looker") == {"Certification Category", "People and Rights", "Organizations", "Message Center"}
    assert "Audit" in shown("clerk")
    assert {"Certification Category", "Certification Event"} <= shown("chief")
    assert not {"People and Rights", "Organizations", "Audit"} & shown("chief")


def test_the_matrix_is_the_code(people: Browser) -> None:
    assert {*STATE_TOOLS, *OWN_TOOLS} == set(Tool)
    page = people("looker").get(f"{ROOT}/roles-and-rights/").text
    columns: dict[str, dict[str, str]] = {}
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL)[:2]:
        heads = [text_of(one) for one in re.findall(r'<th scope="col">(.*?)</th>', table, re.DOTALL)][1:]
        for row in re.findall(r'<tr><th scope="row">(.*?)</tr>', table, re.DOTALL):
            tool = text_of(row.split("<span", 1)[0])
            cells = [text_of(one) for one in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)]
            for head, cell in zip(heads, cells, strict=True):
                columns.setdefault(head, {})[tool] = "" if cell == "–" else cell
    for role, brought in ROLE_RIGHTS.items():
        assert columns[role.value] == {tool.value: letters(brought.get(tool, ())) for tool in Tool}
    for name, role, lea in (
        ("Approver (state)", CategoryRole.APPROVER, None),
        ("Reviewer (state)", CategoryRole.REVIEWER, None),
        ("Certifier (district)", CategoryRole.CERTIFIER, 7),
        ("Reviewer (district)", CategoryRole.REVIEWER, 7),
    ):
        needed = {tool: rights for (tool, _), rights in required_rights(role, lea).items()}
        assert columns[name] == {tool.value: letters(needed.get(tool, ())) for tool in Tool}
    assert set(columns) == {column.name for column in matrix_columns()}


def test_a_category_is_made_filled_published_and_given_up(people: Browser, stored: Session) -> None:
    clerk = people("clerk")
    refused = clerk.post(f"{ROOT}/new-category", data={"name": "", "level": "Nowhere"})
    assert refused.status_code == 422
    made = clerk.post(f"{ROOT}/new-category", data={"name": "Staff <b>", "level": "District", "active": "on"})
    assert made.status_code == 303
    address = made.headers["location"]
    twice = clerk.post(f"{ROOT}/new-category", data={"name": "Staff <b>", "level": "District"})
    assert (twice.status_code, "Staff &lt;b&gt;" in twice.text) == (409, True)
    missing = clerk.post(f"{address}new-member", data={"username": "newcomer", "role": "Approver"})
    assert missing.status_code == 422
    assert "lacks the rights Read, Write, Add and Delete on Event Management" in text_of(missing.text)
    assert 'value="newcomer"' in missing.text
    given = clerk.post(f"{address}new-member", data={"username": "newcomer", "role": "Approver", "grant": "on"})
    assert given.status_code == 303
    assert holds(Tool.EVENT_REPORT, "RWAD", session=stored, person_id=person_by_username("newcomer", session=stored).id)
    assert "District Administrator and the contact of 2 districts" in text_of(clerk.get(f"{address}publish").text)
    assert clerk.post(f"{address}publish").status_code == 303
    assert clerk.post(f"{address}publish").status_code == 409
    told = sa.select(sa.func.count()).select_from(Message).where(Message.subject.contains("Staff"))
    assert stored.scalar(told)
    member = member_id(stored, "newcomer")
    assert clerk.get(f"{address}members/{member}").status_code == 200
    changed = clerk.post(f"{address}members/{member}", data={"role": "Reviewer"})
    assert changed.status_code == 303
    assert clerk.post(f"{address}members/{member}", data={"role": "Reviewer"}).status_code == 404
    stored.rollback()
    member = member_id(stored, "newcomer")
    assert clerk.post(f"{address}members/{member}/remove").status_code == 303
    assert clerk.post(f"{address}delete").status_code == 409
    closed = clerk.post(f"{address}edit", data={"name": "Staff", "level": "District", "published": "on"})
    assert closed.status_code == 303
    assert "inactive" in text_of(clerk.get(address).text)


def test_the_state_names_a_member_on_a_districts_behalf(people: Browser, stored: Session) -> None:
    address = f"{ROOT}/categories/{category_id(stored)}"
    clerk = people("clerk")
    form = clerk.get(f"{address}/new-member?organization=005").text
    assert "Name a member of Barren County" in form
    answer = clerk.post(
        f"{address}/new-member?organization=005", data={"username": "clerk", "role": "Reviewer", "grant": "on"}
    )
    assert answer.status_code == 403  # nobody adds himself
    unknown = clerk.post(f"{address}/new-member?organization=005", data={"username": "nobody", "role": "Reviewer"})
    assert "Add the person under People and Rights first" in text_of(unknown.text)
    page = text_of(clerk.get(f"{address}/?search=green").text)
    assert "Green, Certifier" in page
    assert "Smith" not in page
    last = clerk.post(f"{address}/members/{member_id(stored, 'approver')}/remove")
    assert last.status_code == 409
    assert "Fall Enrollment Count" in text_of(last.text)


def test_a_person_is_added_changed_given_rights_and_deactivated(people: Browser, stored: Session) -> None:
    clerk = people("clerk")
    bad = clerk.post(f"{ROOT}/new-person", data={"username": "a b", "name": "Lee", "organization_number": "999"})
    assert (bad.status_code, 'value="a b"' in bad.text) == (422, True)
    lost = clerk.post(f"{ROOT}/new-person", data={"username": "lee", "name": "Lee", "organization_number": "999"})
    assert (lost.status_code, "no organization with the number 999" in lost.text) == (422, True)
    made = clerk.post(
        f"{ROOT}/new-person",
        data={"username": "lee@example.org", "name": "Lee", "email": "", "organization_number": "005"},
    )
    assert made.headers["location"] == f"{ROOT}/people/lee%40example.org/"
    page = text_of(clerk.get(made.headers["location"]).text)
    assert "Barren County (005)" in page
    assert "none: messages are only seen after signing in" in page
    person = person_by_username("lee@example.org", session=stored)
    rights = f"{made.headers['location']}rights"
    assert clerk.post(rights, data={"right-event_report": ["R", "W"], "right-audit": "R"}).status_code == 303
    assert holds(Tool.EVENT_REPORT, "RW", session=stored, person_id=person.id)
    assert clerk.post(rights, data={"right-audit": "X"}).status_code == 422
    assert clerk.post(rights, data={"right-audit": "R"}).status_code == 303
    stored.rollback()
    assert not holds(Tool.EVENT_REPORT, "R", session=stored, person_id=person.id)
    district = {"organization": "005", "right-certification_event": ["R", "W", "A", "D"]}
    assert clerk.post(rights, data=district).status_code == 303
    roles = f"{made.headers['location']}roles"
    assert clerk.post(roles, data={"role": "District Administrator"}).status_code == 422
    give = {"role": "District Administrator", "organization_number": "005"}
    assert clerk.post(roles, data=give).status_code == 303
    assert clerk.post(roles, data=give).status_code == 409
    assert "District Administrator of Barren County" in text_of(clerk.get(made.headers["location"]).text)
    assert clerk.post(f"{roles}/take", data=give).status_code == 303
    assert clerk.post(f"{roles}/take", data=give).status_code == 409
    typo = clerk.post(f"{made.headers['location']}edit", data={"name": "Lee", "email": "lee.example", "active": "on"})
    assert typo.status_code == 303
    assert "No mail can be sent to this address." in text_of(clerk.get(made.headers["location"]).text)
    edited = clerk.post(f"{made.headers['location']}edit", data={"name": "Lee B", "organization_number": ""})
    assert edited.status_code == 303
    stored.rollback()
    stored.refresh(person)
    assert (person.name, person.active, person.employing_organization_id) == ("Lee B", False, None)
    assert "Lee B" in text_of(clerk.get(f"{ROOT}/people/?active=no&email=none").text)
    own = clerk.post(f"{ROOT}/people/clerk/rights", data={"right-audit": ["R", "W"]})
    assert (own.status_code, "Nobody changes his own rights" in own.text) == (403, True)


def test_a_role_is_granted_rights_beyond_its_own_on_the_page(people: Browser) -> None:
    clerk = people("clerk")
    assert clerk.post(f"{ROOT}/roles-and-rights/Auditor", data={"right-event_report": "W"}).status_code == 303
    assert "Auditor : Event Report: W" in text_of(clerk.get(f"{ROOT}/roles-and-rights/").text)
    assert clerk.post(f"{ROOT}/roles-and-rights/Auditor", data={}).status_code == 303
    assert clerk.get(f"{ROOT}/roles-and-rights/King").status_code == 404


def test_files_are_imported_whole_or_every_bad_line_is_listed(people: Browser, stored: Session) -> None:
    clerk = people("clerk")

    def send(address: str, text: str | bytes) -> Any:
        return clerk.post(f"{ROOT}{address}", files={"file": ("file.csv", text)})

    bad = send("/import-people", "username,name\nx y,A\nz,\n")
    assert bad.status_code == 422
    assert "line 2: username" in text_of(bad.text)
    assert "line 3: name is empty" in text_of(bad.text)
    good = send("/import-people", "username,name,email\nimported,Imported One,\n")
    assert "1 added, 0 changed, 0 as before" in text_of(good.text)
    assert "imported has no valid e-mail address" in text_of(good.text)
    assert send("/import-people", b"\xff\xfe\x00").status_code == 422
    assert clerk.post(f"{ROOT}/import-people").status_code == 422
    bad = send("/import-organizations", "kind,number,name\nLEA,,A\nKing,9,B\n")
    assert "Nothing was imported: 2 problems" in text_of(bad.text)
    good = send("/import-organizations", "kind,number,name,merged_into\nLEA,077,Old County,001\n")
    assert "1 added" in text_of(good.text)
    assert "Merged into Adair County (001)" in text_of(clerk.get(f"{ROOT}/organizations/077/").text)
    edited = clerk.post(f"{ROOT}/organizations/077/edit", data={"contact_email": "nobody", "time_zone": "Mars"})
    assert (edited.status_code, 'value="nobody"' in edited.text) == (422, True)
    assert clerk.post(f"{ROOT}/organizations/077/edit", data={"contact_name": "Pat"}).status_code == 303


def test_the_audit_trail_is_read_filtered_checked_and_saved(people: Browser, stored: Session) -> None:
    clerk = people("clerk")
    for number in range(60):
        assert clerk.post(f"{ROOT}/new-person", data={"username": f"p{number}", "name": "P"}).status_code == 303
    page = clerk.get(f"{ROOT}/audit/?person=clerk&act=person:add").text
    assert "Clerk added the person P." in text_of(page)
    older = re.search(r'href="([^"]*before=[^"]*)"', page)
    assert older is not None
    second = clerk.get(older.group(1).replace("&amp;", "&")).text
    assert "Newest" in second
    first_ids, second_ids = (set(re.findall(r"entry (\d+)</span>", one)) for one in (page, second))
    assert len(first_ids) == 50
    assert not first_ids & second_ids
    assert "No entry matches" in clerk.get(f"{ROOT}/audit/?until=2001-01-01").text
    assert "The chain holds" in clerk.get(f"{ROOT}/audit/check").text
    file = clerk.get(f"{ROOT}/audit/file?act=person:add")
    assert file.headers["content-type"].startswith("text/csv")
    assert len(file.text.splitlines()) >= 61
    for odd in ("before=x", "since=9999-99-99", "person=%00", "organization=%27", "event=" + "x" * 300):
        assert clerk.get(f"{ROOT}/audit/?{odd}").status_code == 200, odd


def test_who_reads_the_audit_trail_sees_how_housekeeping_goes(people: Browser, stored: Session) -> None:
    clerk = people("clerk")
    assert text_of(clerk.get(f"{ROOT}/housekeeping/").text).count("Not run yet") == len(STEPS)
    went = Went(StepOutcome.FAILED, said="The folder <b>cannot</b> be written")
    note("mend_manifests", went, began_at=OPENING, run_id="scheduled__1", session=stored, now=OPENING)
    stored.commit()
    page = clerk.get(f"{ROOT}/housekeeping/").text
    assert "Tell your operators: Manifests." in text_of(page)
    assert "The folder &lt;b&gt;cannot&lt;/b&gt; be written" in page
    api = f"{ROOT}/api/v1/housekeeping"
    [manifests] = [one for one in clerk.get(api).json()["items"] if one["step"] == "mend_manifests"]
    assert (manifests["standing"], manifests["run_id"], manifests["last_well_at"]) == ("failed", "scheduled__1", None)
    metrics = clerk.get(f"{api}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'certification_housekeeping_well{step="mend_manifests"} 0' in metrics.text
    for address in (f"{ROOT}/housekeeping/", api, f"{api}/metrics"):
        assert people("smith").get(address).status_code in {403, 404}


def test_a_district_names_its_own_members_within_the_bounds_of_the_roles(people: Browser, stored: Session) -> None:
    category = category_id(stored)
    here = f"{ROOT}/my-categories/{category}/001"
    smith, brown, chief = people("smith"), people("brown"), people("chief")
    assert "Smith, Certifier" in text_of(smith.get(f"{ROOT}/my-categories/").text)
    page = text_of(smith.get(f"{here}/").text)
    assert "Name a member" in page
    assert "Green" not in page
    reviewer = text_of(brown.get(f"{here}/").text)
    assert "Only a Certifier or a District Administrator" in reviewer
    # Somebody without an account, somebody without rights.
    unknown = text_of(smith.post(f"{here}/new-member", data={"username": "nobody", "role": "Reviewer"}).text)
    assert "Ask Chief (chief@example.org) to add the person first" in unknown
    lacks = smith.post(f"{here}/new-member", data={"username": "chief", "role": "Reviewer", "grant": "on"})
    assert "lacks the rights" in text_of(lacks.text)
    # The District Administrator gives the rights along; the certifier may remove a reviewer, not a certifier.
    chief.post(f"{ROOT}/my-people/001/new-person", data={"username": "clare", "name": "Clare"})
    named = chief.post(f"{here}/new-member", data={"username": "clare", "role": "Reviewer", "grant": "on"})
    assert named.status_code == 303
    again = chief.post(f"{here}/new-member", data={"username": "clare", "role": "Reviewer", "grant": "on"})
    assert (again.status_code, "already listed" in again.text) == (422, True)
    assert smith.post(f"{here}/members/{member_id(stored, 'jones')}/remove").status_code == 403
    promoted = smith.post(f"{here}/members/{member_id(stored, 'clare')}", data={"role": "Certifier"})
    assert promoted.status_code == 403
    assert smith.post(f"{here}/members/{member_id(stored, 'smith')}", data={"role": "Reviewer"}).status_code == 403
    assert chief.post(f"{here}/members/{member_id(stored, 'clare')}", data={"role": "Certifier"}).status_code == 303
    stored.rollback()
    assert chief.post(f"{here}/members/{member_id(stored, 'clare')}/remove").status_code == 303
    # Another district's page, member and people do not exist.
    green = member_id(stored, "green")
    for address in (
        f"{ROOT}/my-categories/{category}/005/", f"{ROOT}/my-categories/{category}/005/new-member",
        f"{here}/members/{green}", f"{here}/members/{green}/remove", f"{ROOT}/my-people/005/",
        f"{ROOT}/my-people/005/people/green/", f"{ROOT}/my-people/001/people/green/", f"{ROOT}/my-categories/99/001/",
    ):  # fmt: skip
        assert chief.get(address).status_code == 404, address
    assert smith.get(f"{ROOT}/my-people/001/").status_code == 404


def test_a_district_administrator_looks_after_the_people_of_his_own_organization(
    people: Browser, stored: Session
) -> None:
    chief, here = people("chief"), f"{ROOT}/my-people/001"
    assert "Chief" in text_of(chief.get(f"{here}/?search=chie").text)
    assert chief.get(f"{here}/new-person").status_code == 200
    bad = chief.post(f"{here}/new-person", data={"username": "smith", "name": ""})
    assert bad.status_code == 422
    taken = chief.post(f"{here}/new-person", data={"username": "smith", "name": "S"})
    assert (taken.status_code, "already a person" in taken.text) == (409, True)
    assert chief.post(f"{here}/new-person", data={"username": "dora", "name": "Dora"}).status_code == 303
    dora = f"{here}/people/dora/"
    assert chief.post(dora, data={"name": "Dora B", "email": "dora@example.org"}).status_code == 303
    assert chief.post(dora, data={"name": ""}).status_code == 422
    assert "Dora B" in chief.get(dora).text
    assert chief.post(f"{dora}rights", data={"right-certification_event": ["R", "W"]}).status_code == 303
    person = person_by_username("dora", session=stored)
    adair = stored.scalars(sa.select(Organization.id).where(Organization.number == "001")).one()
    assert holds(Tool.CERTIFICATION_EVENT, "RW", session=stored, person_id=person.id, organization_id=adair)
    # A shared clerk comes in by his user name; his own rights nobody changes himself.
    assert chief.post(f"{here}/known-person", data={"known": "nobody"}).status_code == 422
    assert chief.post(f"{here}/known-person", data={"known": "green"}).status_code == 303
    assert chief.get(f"{here}/people/green/").status_code == 200
    assert chief.post(f"{here}/people/green/", data={"name": "Other"}).status_code == 403
    assert chief.post(f"{here}/people/chief/rights", data={"right-certification_event": "W"}).status_code == 403
    assert Right.WRITE not in ROLE_RIGHTS[Role.DISTRICT_ADMINISTRATOR][Tool.CERTIFICATION_EVENT]


def test_a_school_level_category_names_people_for_single_schools(people: Browser, stored: Session) -> None:
    clerk = people("clerk")
    made = clerk.post(f"{ROOT}/new-category", data={"name": "School Attendance", "level": Level.SCHOOL.value})
    address = made.headers["location"]
    lines = "kind,number,name,lea_number\nSchool,001010,Adair High,001\n"
    assert clerk.post(f"{ROOT}/import-organizations", files={"file": ("f.csv", lines)}).status_code == 200
    form = clerk.get(f"{address}new-member?organization=001").text
    assert "All Schools" in form
    assert "Adair High (001010)" in form
    sent = {"username": "jones", "role": "Certifier", "school": "001010"}
    assert clerk.post(f"{address}new-member?organization=001", data=sent).status_code == 303
    assert "Jones, Certifier, Adair High" in text_of(clerk.get(f"{address}?search=001").text)


def test_programs_do_the_same(people: Browser, stored: Session) -> None:
    api, clerk, chief, smith = f"{ROOT}/api/v1", people("clerk"), people("chief"), people("smith")
    made = clerk.post(f"{api}/people", json={"username": "rest", "name": "Rest", "organization": "001"})
    assert (made.status_code, made.json()["username"]) == (201, "rest")
    assert clerk.patch(f"{api}/people/rest", json={"title": "Clerk", "organization": "005"}).status_code == 200
    right = {"tool": "Event Report", "rights": "RW"}
    assert clerk.put(f"{api}/people/rest/rights", json=right).status_code == 204
    assert chief.put(f"{api}/people/rest/rights", json=right).status_code == 403
    role = {"role": "District Administrator", "organization": "005"}
    assert clerk.post(f"{api}/people/rest/roles", json=role).status_code == 204
    found = clerk.get(f"{api}/people", params={"search": "rest", "organization": "005"}).json()["items"]
    assert [(one["username"], one["roles"]) for one in found] == [("rest", ["District Administrator of Barren County"])]
    assert clerk.delete(f"{api}/people/rest/roles", params=role).status_code == 204
    assert clerk.delete(f"{api}/people/rest/roles", params=role).status_code == 409
    text = {"content": "username,name\nx y,A\n", "headers": {"Content-Type": "text/csv"}}
    refused = clerk.post(f"{api}/people-import", **text)
    assert (refused.status_code, refused.json().get("problems")) == (
        422,
        ["line 2: username 'x y' may hold no blanks and no ; , / or :"],
    )
    text["content"] = "kind,number,name\nLEA,078,New County\n"
    assert clerk.post(f"{api}/organizations-import", **text).json()["added"] == 1
    _adds_organizations_one_by_one(people)
    changed = clerk.patch(f"{api}/organizations/078", json={"contact_email": "x@example.org"})
    assert changed.json()["contact_email"] == "x@example.org"
    matrix = {one["role"]: one for one in clerk.get(f"{api}/roles-and-rights").json()["items"]}
    assert matrix["Auditor"]["rights"]["Audit"] == "R"
    granted = clerk.put(f"{api}/roles-and-rights/Auditor", json={"tool": "Event Report", "rights": ""})
    assert granted.status_code == 204
    # A member is changed by PATCH; the District Administrator finds the categories he names people for.
    category = category_id(stored)
    assert category in {one["id"] for one in chief.get(f"{api}/categories").json()["items"]}
    member = member_id(stored, "brown")
    address = f"{api}/categories/{category}/members/{member}"
    assert smith.patch(address, json={"role": "Certifier"}).status_code == 403
    named = {"username": "brown", "organization": "001"}
    elsewhere = clerk.request("DELETE", f"{api}/categories/{category}/members", json=named | {"organization": "005"})
    assert (elsewhere.status_code, member_id(stored, "brown")) == (404, member)
    assert chief.patch(address, json={"role": "Reviewer"}).status_code == 409
    mine = chief.get(f"{api}/own/organizations/001/people").json()["items"]
    assert {"chief", "smith"} <= {one["username"] for one in mine}
    assert chief.get(f"{api}/own/organizations/001/people/smith").json()["rights"]["Certification Event"] == "RWAD"
    for hidden in ("/own/organizations/005/people", "/own/organizations/001/people/approver"):
        assert chief.get(f"{api}{hidden}").status_code == 404
    assert smith.get(f"{api}/own/organizations/001/people").status_code == 404
    trail = clerk.get(f"{api}/audit", params={"act": "role:give", "since": "2016-10-01T00:00:00Z"}).json()["items"]
    assert "Clerk named as District Administrator Rest of Barren County." in {one["sentence"] for one in trail}
    assert clerk.get(f"{api}/audit", params={"since": "2016-10-01T00:00:00"}).status_code == 422
    assert clerk.get(f"{api}/audit/chain").json()["holds"] is True
    assert clerk.delete(f"{api}/categories/{category}").status_code == 409
    named_away = clerk.request("DELETE", f"{api}/categories/{category}/members", json=named)
    assert (named_away.status_code, named_away.text) == (204, "")
    assert "brown" not in {one["username"] for one in clerk.get(f"{api}/categories/{category}/members").json()["items"]}


def _adds_organizations_one_by_one(people: Browser) -> None:
    clerk, addresses = people("clerk"), f"{ROOT}/api/v1/organizations"
    school = {"kind": "School", "number": "078010", "name": "New School", "lea_number": "078"}
    assert clerk.post(addresses, json={**school, "lea_number": "079"}).json()["problems"] == [
        "lea_number 079 is not an LEA of this state"
    ]
    made = clerk.post(addresses, json=school)
    assert (made.status_code, made.json()["number"]) == (201, "078010")
    again = clerk.post(addresses, json=school)
    assert (again.status_code, "already an organization 078010" in again.text) == (409, True)
    assert people("looker").post(addresses, json={**school, "number": "078011"}).status_code == 403
