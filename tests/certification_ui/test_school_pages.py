"""A School-level event: All Schools signed together, a principal's school alone, and nothing of another's."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from certification_lib.categories.models import Level
from certification_lib.database import transaction
from certification_lib.events.models import Participant
from certification_lib.validation.models import Finding
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, RULE, open_window, text_of
from tests.factories import World

PAGE = f"{ROOT}/my-schools/{KEY}/"
FIRST, SECOND, EMPTY, UNTAKEN, SIGNED = "001010", "001020", "001030", "001040", "001050"


def arrange(browser: Browser, engine: sa.Engine) -> None:
    """Superintendent lee for All Schools, principal park for the first, clerk moss looks on; another LEA beside."""
    with transaction(engine) as session:
        world = World(session, level=Level.SCHOOL)
        lea, other = world.lea("001", "Adair County"), world.lea("005", "Barren County")
        schools = {number: world.school(number, lea) for number in (FIRST, SECOND, EMPTY, UNTAKEN, SIGNED)}
        far = world.school("005010", other)
        world.certifier("lee", lea)
        world.certifier("park", lea, schools[FIRST])
        world.district_reviewer("moss", lea)
        world.certifier("green", other)
        rule = world.rule(RULE)
        event = world.event([*schools.values(), far], key=KEY, rules=[rule], **open_window())
        for number in (FIRST, SECOND, EMPTY, SIGNED):
            rows = 0 if number == EMPTY else int(number) + 200
            revision = world.revision(world.participant(event, schools[number]), number, rows=rows)
            result = world.result(revision, rule, 1)
            session.add(
                Finding(
                    revision_id=revision.id,
                    rule_version_id=result.rule_version_id,
                    validation_run_id=result.validation_run_id,
                    district_number="001",
                    school_number=number,
                    row_key=number,
                    identifiers={"student_unique_id": f"7004{number}"},
                )
            )
        world.result(world.revision(world.participant(event, far), "far", rows=77), rule, 0)
    client = browser("lee")
    page = client.get(PAGE).text
    assert client.post(PAGE, data=filled(page, [SIGNED])).status_code == 303


def filled(page: str, numbers: list[str], **changes: str | list[str]) -> dict[str, str | list[str]]:
    """The form as a browser sends it with these schools ticked."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    return {**hidden, "school": numbers, "name": "Kim Lee", "title": "Superintendent", **changes}


def row_of(page: str, number: str) -> str:
    """What the row of a school says."""
    found = re.search(rf"<tr>(?:(?!</tr>).)*>{number}<.*?</tr>", page, re.DOTALL)
    assert found, number
    return text_of(found.group(0))


@pytest.fixture
def site_of_schools(scene: Scene) -> tuple[Browser, sa.Engine]:
    return scene(arrange)


@pytest.fixture
def lee(site_of_schools: tuple[Browser, sa.Engine]) -> TestClient:
    return site_of_schools[0]("lee")


@pytest.fixture
def unchanged(site_of_schools: tuple[Browser, sa.Engine]) -> Iterator[None]:
    """The scene is shared: what a test tries may not add a submission."""
    engine = site_of_schools[1]
    before = signed(engine)
    yield
    assert signed(engine) == before


def signed(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select organization_number, username from certification.submission"))
        return sorted(tuple(row) for row in rows)


@pytest.mark.usefixtures("unchanged")
def test_each_school_stands_with_its_totals_findings_and_whether_it_is_ready(lee: TestClient) -> None:
    page = lee.get(PAGE).text

    assert "5 schools, 1 certified by you, 3 ready for your certification" in text_of(page)
    assert "Barren County" not in page
    first = row_of(page, FIRST)
    assert "1,210" in first
    assert "1 error" in first
    assert "ready" in first
    assert "receipt" in row_of(page, SIGNED)
    assert f'value="{SIGNED}" id="school-' not in page
    assert "snapshot" in row_of(page, UNTAKEN)
    assert f'value="{UNTAKEN}" id="school-' not in page
    assert "We have no records to report." in row_of(page, EMPTY)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("numbers", "changes", "status", "words"),
    [
        ([], {}, 422, "Tick at least one school."),
        ([FIRST], {"name": ""}, 422, "Enter your name as you sign."),
        ([FIRST], {"title": ""}, 422, "Enter your title."),
        ([FIRST], {f"shown-{FIRST}": f"1:{'0' * 64}"}, 409, "revision"),
        ([EMPTY], {}, 409, "records"),
        ([SIGNED], {}, 409, "You cannot certify"),
        ([UNTAKEN], {}, 409, "snapshot"),
        (["005010"], {}, 422, "Tick at least one school."),
    ],
    ids=["none ticked", "no name", "no title", "other data", "nil not ticked", "signed", "no data", "another LEA's"],
)
def test_a_refused_form_comes_back_filled_in_with_the_reason(
    lee: TestClient, numbers: list[str], changes: dict[str, str], status: int, words: str
) -> None:
    answer = lee.post(PAGE, data=filled(lee.get(PAGE).text, numbers, **changes))

    assert answer.status_code == status, text_of(answer.text)
    assert words in unescape(answer.text)
    for number in set(numbers) & {FIRST, EMPTY}:
        assert re.search(rf'value="{number}" id="school-\d" checked', answer.text)


@pytest.mark.usefixtures("unchanged")
def test_the_page_of_all_schools_is_found_from_both_lists_by_who_has_several(
    site_of_schools: tuple[Browser, sa.Engine],
) -> None:
    for address in ("", "my-events/"):
        pages = {name: site_of_schools[0](name).get(f"{ROOT}/{address}").text for name in ("lee", "park")}
        assert f'href="{PAGE}"' in pages["lee"], address
        assert PAGE not in pages["park"], address


@pytest.mark.usefixtures("unchanged")
def test_a_reviewer_sees_every_school_and_can_sign_none(site_of_schools: tuple[Browser, sa.Engine]) -> None:
    client = site_of_schools[0]("moss")
    page = client.get(PAGE).text

    assert "You are a Reviewer" in page
    assert "Submit Certification" not in page
    assert client.post(PAGE, data=filled(page, [FIRST])).status_code == 403


@pytest.mark.usefixtures("unchanged")
def test_a_principal_has_his_own_school_alone_wherever_he_looks(site_of_schools: tuple[Browser, sa.Engine]) -> None:
    client = site_of_schools[0]("park")
    own = f"{ROOT}/my-events/{KEY}/{FIRST}/"
    pages = [PAGE, f"{ROOT}/my-events/", own, f"{own}submit", f"{own}findings/", f"{own}findings/{RULE}",
             f"{own}findings-file?format=csv", f"{ROOT}/api/v1/events/{KEY}/schools",
             f"{ROOT}/api/v1/events/{KEY}/participants", f"{ROOT}/api/v1/receipts"]  # fmt: skip
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        for number in (SECOND, EMPTY, UNTAKEN, SIGNED):
            assert number not in answer.text, (address, number)
    for tail in ("", "submit", "findings/", f"findings/{RULE}", "findings-file?format=csv", "changes", "snapshot"):
        other = client.get(f"{ROOT}/my-events/{KEY}/{SECOND}/{tail}")
        assert other.status_code == 404, tail
    assert client.post(PAGE, data=filled(client.get(PAGE).text, [SECOND])).status_code == 422


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("username", ["green", "approver"])
def test_for_who_has_no_school_in_it_the_page_does_not_exist(
    site_of_schools: tuple[Browser, sa.Engine], username: str
) -> None:
    browser, engine = site_of_schools
    with transaction(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Participant)) == 6
    answer = browser(username).get(f"{PAGE}?lea=001")

    assert answer.status_code in {403, 404}
    assert "Adair" not in answer.text


def test_the_ticked_schools_are_signed_together_and_one_that_changed_is_left_out(
    site: object, browser: Browser, engine: sa.Engine
) -> None:
    arrange(browser, engine)
    lee = browser("lee")
    form = filled(lee.get(PAGE).text, [FIRST, SECOND, EMPTY], nil=EMPTY)
    with transaction(engine) as session:  # the data of one change while the page is read
        session.execute(sa.text("update certification.revision set digest = repeat('e', 64) where row_count = 1220"))

    answer = lee.post(PAGE, data=form)

    assert answer.status_code == 200
    said = text_of(answer.text)
    assert "2 schools certified. Each has a receipt of its own." in said
    assert "1 school was left out" in said
    assert [number for number, username in signed(engine) if username == "lee"] == [FIRST, EMPTY, SIGNED]
    again = lee.post(PAGE, data=form)
    assert again.status_code == 409
    assert "already certified" in text_of(again.text)

    shown = lee.get(f"{ROOT}/api/v1/events/{KEY}/schools").json()
    [second] = [one for one in shown["schools"] if one["number"] == SECOND]
    body = {"school": SECOND, "revision": second["revision"]["number"], "digest": second["revision"]["digest"],
            "statement_version": shown["statement_version"], "name": "Kim Lee", "title": "Superintendent"}  # fmt: skip
    done = lee.post(f"{ROOT}/api/v1/events/{KEY}/schools/certify", json={"schools": [body]})
    assert (done.status_code, done.json()["done"]) == (201, [SECOND])


@pytest.mark.usefixtures("unchanged")
def test_the_first_page_has_one_card_for_all_schools_of_an_event(
    site_of_schools: tuple[Browser, sa.Engine],
) -> None:
    home = {name: site_of_schools[0](name).get(f"{ROOT}/").text for name in ("lee", "park")}
    cards = {name: re.findall(r'<li class="card.*?</li>', page, re.DOTALL) for name, page in home.items()}

    assert [len(found) for found in cards.values()] == [1, 1]
    assert "5 schools" in text_of(cards["lee"][0])
    # Three are ready; for the fourth she may take the first snapshot.
    assert "4 of 5 wait for you" in text_of(cards["lee"][0])
    assert f'href="{PAGE}"' in cards["lee"][0]
    assert f"{FIRST}/" in cards["park"][0]
