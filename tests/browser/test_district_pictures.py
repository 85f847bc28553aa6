"""A superintendent with a phone, from the home page to the receipt; docs/district-staff.md shows pictures of it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_pages import (  # noqa: F401 - fixtures
    OWN,
    PHONE,
    ROOT,
    SCREENSHOTS,
    WIDE,
    base_url,
    check,
    chromium,
    open_as,
    pages,
    save,
)

pytestmark = pytest.mark.browser


def picture(page: Page, name: str, size: str) -> None:
    """The whole page to be looked at, and what is in sight of a wide one for docs/images."""
    save(page, f"district-{name}-{size}")
    if SCREENSHOTS and size == "wide":
        page.screenshot(path=Path(SCREENSHOTS) / f"docs-district-{name}.png")


@pytest.mark.parametrize(
    "viewport", [pytest.param(PHONE, id="phone"), *([pytest.param(WIDE, id="wide")] if SCREENSHOTS else [])]
)
def test_a_superintendent_certifies(chromium: Browser, base_url: str, viewport: dict[str, int]) -> None:  # noqa: F811
    size = "phone" if viewport is PHONE else "wide"
    smith = open_as(chromium, base_url, "smith", viewport)
    smith.goto(f"{base_url}{ROOT}/")
    smith.get_by_role("heading", name="What needs you").wait_for()
    picture(smith, "home", size)
    check(smith)

    smith.get_by_role("link", name="Review and certify").click()
    smith.get_by_role("heading", name="Before you submit").wait_for()
    picture(smith, "event", size)
    check(smith)

    smith.get_by_role("link", name="Submit Certification to State").click()
    smith.get_by_label("Your name").fill("Pat Smith")
    smith.get_by_label("Your title").fill("Superintendent")
    picture(smith, "submit", size)
    check(smith)
    smith.keyboard.press("Enter")
    smith.get_by_role("heading", name="Receipt of certification").wait_for()
    picture(smith, "receipt", size)
    check(smith)

    smith.get_by_role("link", name="Check whether these are the data that were certified").click()
    smith.get_by_role("heading", name="Yes: these data were certified").wait_for()
    save(smith, f"district-verify-{size}")
    check(smith)
    smith.goto(f"{base_url}{ROOT}/")
    smith.get_by_text("Nothing waits for you now.").wait_for()
    assert OWN in smith.content()
