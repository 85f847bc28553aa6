"""A person's dates as a page, a file and an address; and the public calendar."""

import re

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from certification_lib.database import transaction
from certification_lib.people.models import Person
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, fill

CALENDAR = f"{ROOT}/calendar/"


def arrange(browser: Browser, engine: sa.Engine) -> None:
    del browser
    fill(engine)


def titles(content: bytes) -> list[str]:
    return [str(one["summary"]) for one in Calendar.from_ical(content).walk("VEVENT")]


@pytest.fixture
def filled(scene: Scene) -> Browser:
    return scene(arrange)[0]


def test_own_dates_stand_on_a_page_and_in_a_file(filled: Browser) -> None:
    page = filled("smith").get(CALENDAR).text
    answer = filled("smith").get(f"{CALENDAR}my-events.ics")

    assert f'href="{ROOT}/my-events/{KEY}/001/">Fall Enrollment Count: due' in page
    assert "Barren County" not in page + answer.text
    assert answer.headers["content-type"].startswith("text/calendar")
    assert titles(answer.content) == ["Fall Enrollment Count: certification opens", "Fall Enrollment Count: due"]
    assert filled(None).get(f"{CALENDAR}my-events.ics").status_code == 303


def test_the_public_calendar_is_there_only_where_the_settings_allow_it(
    filled: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{ROOT}/calendar-feeds/public.ics"
    assert filled(None).get(address).status_code == 404
    assert "For everybody" not in filled("smith").get(CALENDAR).text

    monkeypatch.setenv("CERTIFICATION_PUBLIC_CALENDAR", "yes")
    answer = filled(None).get(address)

    assert answer.status_code == 200
    assert titles(answer.content)[-1] == "Fall Enrollment Count: last day to certify"
    assert "Adair" not in answer.text
    assert address in filled("smith").get(CALENDAR).text


def test_an_address_of_ones_own_needs_no_sign_in_and_a_new_one_ends_the_old(
    browser: Browser, engine: sa.Engine
) -> None:
    fill(engine)
    smith, program = browser("smith"), browser(None)

    def made() -> str:
        found = re.search(rf"{ROOT}/calendar-feeds/[\w-]+\.ics", smith.post(f"{CALENDAR}new-address").text)
        assert found
        return found.group(0)

    first, second = made(), made()

    assert program.get(first).status_code == 404
    assert titles(program.get(second).content)[-1] == "Fall Enrollment Count: due"
    assert second not in smith.get(CALENDAR).text
    with transaction(engine) as session:
        session.execute(sa.update(Person).where(Person.username == "smith").values(active=False))
    assert program.get(second).status_code == 404
    with transaction(engine) as session:
        session.execute(sa.update(Person).where(Person.username == "smith").values(active=True))
    assert smith.post(f"{CALENDAR}end-address").status_code == 303
    assert program.get(second).status_code == 404
    assert smith.post(f"{CALENDAR}end-address").status_code == 409
    assert program.post(second).status_code == 404
