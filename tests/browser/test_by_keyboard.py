"""The state's work with nothing but a keyboard, with and without script, and a session that ends in the middle."""

import datetime

import pytest
from playwright.sync_api import Browser, Locator, Page

from certification_ui.pages import events
from tests.browser.test_pages import (  # noqa: F401 - fixtures
    PASSWORD,
    PEOPLE,
    ROOT,
    WIDE,
    base_url,
    check,
    chromium,
    open_as,
    pages,
)
from tests.certification_ui.site import KEY, today

pytestmark = pytest.mark.browser
EVENT = f"{ROOT}/events/{KEY}/"
DAY = datetime.timedelta(days=1)
MOST_TABS = 120
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


class Keyboard:
    """Somebody who cannot use a mouse: goes by Tab, acts by Enter and Space, skips the navigation first."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.skip()

    def skip(self) -> None:
        """By the link before everything else, to what the page is about, unless a field there has the focus."""
        if self.page.evaluate("document.activeElement.closest('main') !== null"):
            return
        self.page.keyboard.press("Tab")
        assert self.page.evaluate("document.activeElement.textContent") == "Skip to main content"
        self.page.keyboard.press("Enter")

    def go_to(self, wanted: Locator) -> None:
        element = wanted.element_handle()  # looked for once: by its role that takes longer than pressing Tab
        for _ in range(MOST_TABS):
            if element.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is not reached by Tab")

    def press(self, name: str) -> None:
        """A button, which leads to another page."""
        button = self.page.get_by_role("button", name=name, exact=True).first
        self.go_to(button)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def tick(self, label: str, *, exact: bool = True) -> None:
        box = self.page.get_by_label(label, exact=exact)
        self.go_to(box)
        self.page.keyboard.press("Space")
        assert box.is_checked()

    def type(self, label: str, text: str) -> None:
        self.go_to(self.page.get_by_label(label).first)
        self.page.keyboard.type(text)

    def date(self, label: str, day: datetime.date) -> None:
        """As the field asks for it: month, day and year one after the other."""
        self.type(label, f"{day:%m%d%Y}")


@SCRIPT
def test_an_event_is_written_and_published_by_keyboard(chromium: Browser, base_url: str, script: bool) -> None:  # noqa: F811
    page = open_as(chromium, base_url, "approver", WIDE, script=script)
    keys = Keyboard(page)
    keys.open(f"{base_url}{ROOT}/new-event")
    keys.type("Event Name", "Winter Count")
    keys.type("Reporting Year", "2017")
    keys.date("Event Start Date", today() + DAY)
    keys.date("Event End Date", today() + 30 * DAY)
    keys.press("Next")

    page.get_by_role("heading", name="2. Data Details").wait_for()
    keys.skip()
    keys.type("Certification Category", "Fall Enrollment")
    keys.press("Next")

    page.get_by_role("heading", name="3. Participant Details").wait_for()
    keys.skip()
    keys.go_to(page.get_by_label("All districts, or all schools, of the state"))
    page.keyboard.press("Space")
    keys.press("Next")

    page.get_by_role("heading", name="4. Snapshot Management").wait_for()
    keys.skip()
    keys.go_to(page.get_by_label("Requires snapshot"))
    page.keyboard.press("Space")
    keys.press("Save and publish")

    page.get_by_role("heading", name="Publish Winter Count").wait_for()
    keys.skip()
    keys.press("Publish")

    page.get_by_role("heading", name="Winter Count", exact=True).wait_for()
    assert page.get_by_text("Published", exact=True).count()
    if script:
        check(page)


@SCRIPT
def test_participants_are_acted_on_and_the_event_closed_by_keyboard(
    chromium: Browser,  # noqa: F811
    base_url: str,  # noqa: F811
    script: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "PARTICIPANTS_SIZE", 2)  # so that there are other pages
    page = open_as(chromium, base_url, "approver", WIDE, script=script)
    keys = Keyboard(page)
    keys.open(f"{base_url}{EVENT}participants/")
    keys.tick(f"Select {PEOPLE['001']}")
    keys.press("Extend Due Date")
    keys.skip()
    keys.date("New due date", today() + 40 * DAY)
    keys.type("Reason", "A storm closed the schools for a week.")
    keys.press("Extend Due Date")
    page.get_by_role("heading", name="Extensions granted").wait_for()

    keys.open(f"{base_url}{EVENT}participants/")
    keys.type("Name or number", "County")
    keys.press("Filter")
    page.get_by_label("All 3 participants that match the filter, also on other pages").wait_for(state="attached")
    keys.tick("All 3 participants that match the filter, also on other pages")
    keys.press("Approve Certification")
    keys.skip()
    keys.tick("Approve these as well", exact=False)
    keys.type("Reason", "Agreed by telephone.")
    keys.press("Approve Certification")
    page.get_by_text("3 participants approved.").wait_for()

    keys.open(f"{base_url}{EVENT}participants/001/")
    keys.press("Request Recertification")
    keys.skip()
    keys.type("Reason", "A file was missing.")
    keys.press("Request Recertification")
    page.get_by_text("1 participant asked to certify again.").wait_for()

    keys.open(f"{base_url}{EVENT}close")
    keys.type("Comment", "The year is over.")
    keys.type("Name of the event", "Fall Enrollment Count")
    keys.press("Close Event")
    page.get_by_text("Closed by approver").wait_for()
    if script:
        check(page)


@SCRIPT
def test_who_was_signed_out_in_the_wizard_comes_back_to_what_was_typed(
    chromium: Browser,  # noqa: F811
    base_url: str,  # noqa: F811
    script: bool,
) -> None:
    page = open_as(chromium, base_url, "approver", WIDE, script=script)
    page.goto(f"{base_url}{ROOT}/new-event")
    page.get_by_label("Event Name").fill("Winter Count")
    page.get_by_label("Reporting Year").fill("2017")
    page.get_by_label("Event Start Date").fill((today() + DAY).isoformat())
    page.get_by_label("Event End Date").fill((today() + 30 * DAY).isoformat())
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="2. Data Details").wait_for()
    category = page.get_by_label("Certification Category")
    if script:
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            category.select_option("Fall Enrollment")
    else:
        category.select_option("Fall Enrollment")

    page.context.clear_cookies()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("User name").fill("approver")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("heading", name="2. Data Details").wait_for()
    assert page.get_by_role("heading", level=1).inner_text().startswith("New event")
    assert "Winter Count" in page.get_by_role("heading", level=1).inner_text()
    if script:  # each change is kept as it is made; without, each step
        assert page.get_by_label("Certification Category").input_value() == "Fall Enrollment"
    page.get_by_role("button", name="Back").click()
    assert page.get_by_label("Event Name").input_value() == "Winter Count"
