"""What changed since certified, and the state's acts, as people see them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.sync_api import Browser

from certification_lib.database import make_engine
from tests.browser.test_pages import (
    PHONE,
    SCREENSHOTS,
    SIZES,
    WIDE,
    check,
    check_at,
    chromium,
    open_as,
    pages,
    save,
    write_manifests,
)
from tests.certification_ui.listening import listening
from tests.certification_ui.site import KEY, ROOT
from tests.certification_ui.test_changes import correct, sent_back
from tests.conftest import CertificationDatabase

__all__ = ["chromium", "pages"]

pytestmark = pytest.mark.browser
EVENT = f"{ROOT}/events/{KEY}/"
OWN = f"{ROOT}/my-events/{KEY}/001/"
STATE_PAGES = {
    "participant-changed": f"{EVENT}participants/001/",
    "changes": f"{EVENT}participants/001/changes",
    "changed-rows": f"{EVENT}participants/001/changes?view=enrollment",
    "keeping": f"{EVENT}keeping",
    "dispose": f"{EVENT}dispose",
    "review": f"{EVENT}participants/001/review",
}
SAME_TEMPLATE = {
    "hold": f"{EVENT}hold",
    "override-due-date": f"{EVENT}participants/001/due-dates/smith",
    "withdraw-participant": f"{EVENT}participants/001/withdraw",
}
if SCREENSHOTS:
    STATE_PAGES |= SAME_TEMPLATE
DISTRICT_PAGES = {
    "own-event-changed": OWN,
    "submit-changed": f"{OWN}submit",
    "own-rows": f"{OWN}data/enrollment",
    "own-changes": f"{OWN}changes",
    "own-changed-rows": f"{OWN}changes?view=enrollment&school=001020",
}


@pytest.fixture
def base_url(
    pages: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine, monkeypatch, tmp_path: Path
) -> Iterator[str]:
    """Adair County certified, was sent back and has corrected its data."""
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))
    sent_back(engine)
    correct(engine)
    write_manifests(engine)
    pages.state.pages.state.engine = make_engine(certification_database.url("certification_app"))
    with listening(pages) as url:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
        yield url
    pages.state.pages.state.engine.dispose()
    pages.state.pages.state.engine = None


def test_changes_and_acts_are_accessible_and_fit(chromium: Browser, base_url: str) -> None:
    for username, addresses in (("smith", DISTRICT_PAGES), ("approver", STATE_PAGES)):
        page = open_as(chromium, base_url, username, WIDE)
        for name, address in addresses.items():
            page.goto(base_url + address)
            check_at(SIZES if SCREENSHOTS else {"phone": PHONE}, page, name)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{base_url}{EVENT}")
    page.get_by_label("Select Barren County").check()
    page.get_by_role("button", name="Extend Due Date").click()
    save(page, "extend-due-date-phone")
    check(page)
    page.get_by_label("New due date").fill("2040-01-31")
    page.get_by_label("Reason").fill("A storm closed the schools for a week.")
    page.get_by_role("button", name="Extend Due Date").click()
    page.get_by_role("heading", name="Extensions granted").wait_for()
    save(page, "due-dates-phone")
    check(page)
    page.goto(f"{base_url}{EVENT}participants/001/")
    page.get_by_role("button", name="Send Message").click()
    page.get_by_label("Message", exact=False).last.fill("Please certify by Friday.")
    save(page, "message-phone")
    check(page)
    page.get_by_role("button", name="See who gets it").click()
    save(page, "message-preview-phone")
    check(page)
    page.get_by_role("button", name="Send Message").click()
    page.get_by_text("The message was sent to").wait_for()
