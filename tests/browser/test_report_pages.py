"""The pages of reports at two widths: charts, tables that scroll, files to be saved."""

import pytest
from playwright.sync_api import Browser

from tests.browser.test_pages import (  # noqa: F401 - fixtures
    ROOT,
    WIDE,
    base_url,
    check_at_both_widths,
    chromium,
    open_as,
    pages,
)
from tests.certification_ui.site import KEY

pytestmark = pytest.mark.browser

STATE = {
    "summary": (f"{ROOT}/events/{KEY}/summary/", "State Summary"),
    "certification-report": (f"{ROOT}/events/{KEY}/participants/001/certification-report/", "Certification Report"),
    "story": (f"{ROOT}/events/{KEY}/participants/001/story/", "The story of"),
    "event-report": (f"{ROOT}/event-report/", "Event Report"),
}


def test_reports_are_read_on_any_screen(chromium: Browser, base_url: str) -> None:  # noqa: F811
    approver = open_as(chromium, base_url, "approver", WIDE)
    for name, (address, heading) in STATE.items():
        approver.goto(base_url + address)
        approver.get_by_role("heading", level=1).filter(has_text=heading).wait_for()
        check_at_both_widths(approver, f"report-{name}")
    approver.locator("select[name=event]").select_option(KEY)
    approver.get_by_role("button", name="Make it in the background").click()
    approver.get_by_role("table").get_by_text("requested").wait_for()
    check_at_both_widths(approver, "report-kept")
    smith = open_as(chromium, base_url, "smith", WIDE)
    smith.goto(f"{base_url}{ROOT}/my-events/{KEY}/001/certification-report/")
    smith.get_by_role("link", name="Show it as for the public").click()
    smith.get_by_text("so that nobody can be recognized").wait_for()
    check_at_both_widths(smith, "report-own")
