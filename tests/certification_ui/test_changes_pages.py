"""What changed since certified, on pages: numbers on every page that asks for a decision, rows a click below."""

import html
import re

import pytest
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.people.models import Person, Tool, ToolRight
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, fill, text_of
from tests.certification_ui.test_changes import correct, sent_back

OWN = f"{ROOT}/my-events/{KEY}/001/"
EVENT = f"{ROOT}/events/{KEY}/"
ADAIR = f"{EVENT}participants/001/"
MINUS = "\N{MINUS SIGN}"
SUMMARY = f"+1 {MINUS}2 ~10"


def corrected(_: Browser, engine: sa.Engine) -> None:
    """Adair County certified revision 1, was sent back, and has corrected its data. A viewer has no place in the
    category."""
    sent_back(engine)
    correct(engine)
    with transaction(engine) as session:
        person = Person(username="viewer", name="A Viewer", active=True)
        session.add(person)
        session.flush()
        session.add(
            ToolRight(person_id=person.id, tool=Tool.EVENT_MANAGEMENT, read=True, write=False, add=False, delete=False)
        )


def sent_back_only(_: Browser, engine: sa.Engine) -> None:
    sent_back(engine)


def nothing_certified(_: Browser, engine: sa.Engine) -> None:
    fill(engine)


def page(browser: Browser, username: str, address: str, status: int = 200) -> str:
    answer = browser(username).get(address)
    assert answer.status_code == status, answer.text
    return answer.text


@pytest.mark.parametrize(
    ("username", "address", "words"),
    [
        ("approver", EVENT, f"changed since certified , Adair County : 1 row added, 2 removed, 10 changed {SUMMARY}"),
        ("approver", ADAIR, "The current data changed since it certified (revision 1, round 1)"),
        ("viewer", ADAIR, "1 row added, 2 removed, 10 changed"),
        ("smith", OWN, "The data changed since you certified (revision 1, round 1)"),
        ("brown", OWN, "The data changed since your organization certified (revision 1, round 1)"),
        ("smith", f"{OWN}submit", "The data changed since you certified (revision 1, round 1)"),
        ("smith", f"{OWN}changes", f"revision 1 compared with revision 2 1 row added, 2 removed, 10 changed {SUMMARY}"),
        ("approver", f"{ADAIR}changes?from=2&to=1", f"+2 {MINUS}1 ~10"),
        ("approver", f"{ADAIR}changes?from=2&to=2", "Revisions 2 and 2 hold the same rows"),
        ("approver", f"{EVENT}?progress=changed+since+certified", "1 participant matches the filter"),
    ],
)
def test_everybody_who_decides_is_shown_what_changed(scene: Scene, username: str, address: str, words: str) -> None:
    browser, _ = scene(corrected)

    assert words in text_of(page(browser, username, address))


def test_the_changes_are_told_by_view_and_school_with_the_columns_and_lead_to_the_rows(scene: Scene) -> None:
    browser, _ = scene(corrected)

    shown = page(browser, "smith", f"{OWN}submit")

    assert "001020 , Enrollment 0 0 10 Grade (10) , School (10)" in text_of(shown)
    links = [html.unescape(one) for one in re.findall(r'href="([^"]*/changes\?[^"]*)"', shown)]
    assert [link.partition("?")[2] for link in links] == [
        "from=1&to=2&view=enrollment",
        "from=1&to=2&view=enrollment&school=none",
        "from=1&to=2&view=enrollment&school=001010",
        "from=1&to=2&view=enrollment&school=001020",
    ]
    rows = text_of(page(browser, "smith", links[3]))
    assert "Enrollment, 001020: rows 1 to 10 of 10" in rows
    assert "S30 Changed 001020" in rows
    assert "Grade: was 5 is now 6" in rows
    assert "S99 Added No school 4 columns" in text_of(page(browser, "smith", links[1]))
    assert "S00 Removed 001010" in text_of(page(browser, "smith", links[2]))


@pytest.mark.parametrize("username", ["approver", "statereviewer"])
def test_members_of_the_category_open_the_rows_and_others_do_not(scene: Scene, username: str) -> None:
    browser, _ = scene(corrected)
    address = f"{ADAIR}changes?view=enrollment"

    assert "S99" in page(browser, username, address)
    assert "S99" not in page(browser, "viewer", address, 403)
    assert "view=enrollment" not in page(browser, "viewer", f"{ADAIR}changes")


def test_numbers_not_counted_yet_are_kept_from_who_may_not_see_rows(scene: Scene) -> None:
    browser, _ = scene(corrected)

    assert "not yours to see" in page(browser, "viewer", f"{ADAIR}changes?from=2&to=1", 403)


@pytest.mark.parametrize(
    ("username", "address"),
    [
        ("green", f"{OWN}changes"),
        ("green", f"{OWN}changes?view=enrollment"),
        ("smith", f"{OWN}changes?from=1&to=9"),
        ("smith", f"{OWN}changes?view=staff%00"),
        ("approver", f"{ADAIR}changes?from=1&to=9"),
    ],
)
def test_what_is_not_there_or_not_ones_own_does_not_exist(scene: Scene, username: str, address: str) -> None:
    browser, _ = scene(corrected)

    assert "S99" not in page(browser, username, address, 404)


def test_any_two_revisions_can_be_chosen(scene: Scene) -> None:
    browser, _ = scene(corrected)

    shown = page(browser, "approver", ADAIR)

    assert re.findall(r'<option value="(\d)" selected>', shown) == ["1", "2"]
    assert f'action="{ADAIR}changes"' in shown
    assert "2 current" in text_of(shown)


def test_data_that_did_not_change_say_so_before_submit(scene: Scene) -> None:
    browser, _ = scene(sent_back_only)

    assert 'name="reason_without_change"' in page(browser, "smith", f"{OWN}submit")
    assert "What changed since" not in page(browser, "smith", OWN)
    assert "Revisions 1 and 1 hold the same rows" in text_of(page(browser, "smith", f"{OWN}changes"))


def test_before_anything_was_certified_nothing_is_compared(scene: Scene) -> None:
    browser, _ = scene(nothing_certified)

    assert "Nothing was certified yet" in page(browser, "smith", f"{OWN}changes")
    assert "Nothing was certified yet" in page(browser, "approver", f"{ADAIR}changes")
    assert "changed since certified" not in text_of(page(browser, "approver", ADAIR))
