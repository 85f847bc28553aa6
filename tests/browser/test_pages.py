"""The pages as people see them: in Chromium, at two widths, with and without script; axe finds nothing.

Screenshots go to `screenshots/` when SCREENSHOTS is set.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from certification_lib.database import make_engine, transaction
from certification_lib.events.manifest import rebuild_manifests
from certification_lib.settings import load_settings
from scripts.browser import browser_path
from tests.browser.barriers import barriers
from tests.browser.state import PEOPLE, fill_state
from tests.certification_ui.listening import listening
from tests.certification_ui.site import KEY, PASSWORD, ROOT, RULE, shared_site
from tests.conftest import CertificationDatabase

pytestmark = pytest.mark.browser

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 320, "height": 700}
SIZES = {"wide": WIDE, "phone": PHONE}  # a page that is there changes its width faster than it is opened again
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = browser_path()
    assert path, "the browser tests need Chromium: make setup tells how to get it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages() -> FastAPI:
    return shared_site()


@pytest.fixture
def base_url(
    pages: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine, monkeypatch, tmp_path: Path
) -> Iterator[str]:
    """The site over a filled state, its people's password being the same for all."""
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))
    fill_state(engine)
    write_manifests(engine)
    pages.state.pages.state.engine = make_engine(certification_database.url("certification_app"))
    with listening(pages) as url:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
        yield url
    pages.state.pages.state.engine.dispose()
    pages.state.pages.state.engine = None


def write_manifests(engine: sa.Engine) -> None:
    """As publishing leaves them; without one the viewer says so on top."""
    with transaction(engine) as session:
        rebuild_manifests(load_settings().manifest_folder, session=session)


def open_as(chromium: Browser, base_url: str, username: str, viewport: dict[str, int], *, script: bool = True) -> Page:
    """Somebody's window, signed in already; what a page reports to the console fails the test."""
    context = chromium.new_context(viewport=viewport, java_script_enabled=script, reduced_motion="reduce")  # type: ignore[arg-type]
    context.add_cookies([{"name": "_token", "value": username, "url": base_url}])
    page = context.new_page()
    page.on("console", lambda message: reported.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: reported.append(str(error)))
    reported: list[str] = []
    page.reported = reported  # type: ignore[attr-defined]
    return page


def save(page: Page, name: str) -> None:
    expect(page.locator(".later")).to_have_count(0)
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)


def violations_of(page: Page) -> list[str]:
    """What axe finds, how much wider than its window the page is, and what was reported to the console."""
    expect(page.locator(".later")).to_have_count(0)  # what the page asks for after itself is there
    found = barriers(page)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [
        *found,
        *[f"the page is {wide} pixels wider than the window"][: wide > 0],
        *page.reported,  # type: ignore[attr-defined]
    ]


def check(page: Page) -> None:
    """No barrier that axe knows of, nothing wider than the window, nothing blocked by the policy."""
    assert violations_of(page) == []


OWN = f"{ROOT}/my-events/{KEY}/001/"
STATE_PAGES = {
    "events": f"{ROOT}/events/",
    "event-viewer": f"{ROOT}/events/{KEY}/",
    "participant": f"{ROOT}/events/{KEY}/participants/001/",
    "participant-findings": f"{ROOT}/events/{KEY}/participants/001/findings/{RULE}",
    "findings-matrix": f"{ROOT}/events/{KEY}/findings/",
    "validation-runs": f"{ROOT}/events/{KEY}/validation-runs",
    "participant-long": f"{ROOT}/events/{KEY}/participants/026/",
    "new-event": f"{ROOT}/new-event",
    "edit-event": f"{ROOT}/events/{KEY}/edit",
    "edit-event-data": f"{ROOT}/events/{KEY}/edit?step=data",
    "edit-event-participants": f"{ROOT}/events/{KEY}/edit?step=participants",
    "edit-event-snapshots": f"{ROOT}/events/{KEY}/edit?step=snapshots",
    "snapshot": f"{ROOT}/events/{KEY}/snapshots/1",
    "take-snapshot": f"{ROOT}/events/{KEY}/snapshots",
    "publish": f"{ROOT}/events/spring-check-2016-17/publish",
    "close": f"{ROOT}/events/{KEY}/close",
    "rules": f"{ROOT}/rules/",
    "rule": f"{ROOT}/rules/{RULE}/",
    "new-rule": f"{ROOT}/new-rule",
    "group": f"{ROOT}/validation-groups/1/",
    "edit-group": f"{ROOT}/validation-groups/1/edit",
    "changed-rules": f"{ROOT}/events/{KEY}/changed-rules",
    "set-aside": f"{ROOT}/events/{KEY}/set-aside",
    "state-messages": f"{ROOT}/messages/",
    "audit-checked": f"{ROOT}/audit/check",
    "housekeeping": f"{ROOT}/housekeeping/",
}
DISTRICT_PAGES = {
    "home": f"{ROOT}/",
    "own-events": f"{ROOT}/my-events/",
    "own-event": OWN,
    "own-worklist": f"{OWN}findings/",
    "own-findings": f"{OWN}findings/{RULE}",
    "submit": f"{OWN}submit",
    "request-recertification": f"{OWN}request-recertification",
    "messages": f"{ROOT}/messages/",
    "snapshot-own": f"{OWN}snapshot",
    "refused": f"{ROOT}/events/",
    "not-found": f"{ROOT}/my-events/{KEY}/005/",
}
REFUSED = {"refused", "not-found"}


@pytest.mark.parametrize(
    ("username", "addresses", "sizes"),
    [
        pytest.param("approver", STATE_PAGES, SIZES, id="state"),
        # Every page of a district is visited on a phone by `test_district_side`.
        pytest.param("smith", DISTRICT_PAGES, SIZES if SCREENSHOTS else {"wide": WIDE}, id="district"),
    ],
)
def test_every_page_is_accessible_and_fits(
    chromium: Browser, base_url: str, username: str, addresses: dict[str, str], sizes: dict[str, dict[str, int]]
) -> None:
    page = open_as(chromium, base_url, username, WIDE)
    problems = []
    for name, address in addresses.items():
        answer = page.goto(base_url + address)
        assert answer is not None
        assert answer.ok == (name not in REFUSED), f"{name}: {answer.status}"
        page.reported.clear() if name in REFUSED else None  # type: ignore[attr-defined]
        for size, viewport in sizes.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            save(page, f"{name}-{size}")
            problems += [f"{name}, {size}: {one}" for one in violations_of(page)]
    assert not problems, "\n".join(problems)


def check_at_both_widths(page: Page, name: str) -> None:
    check_at(SIZES, page, name)


def check_at(sizes: dict[str, dict[str, int]], page: Page, name: str) -> None:
    for size, viewport in sizes.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        save(page, f"{name}-{size}")
        check(page)


def test_the_sign_in_page_is_accessible_and_fits(chromium: Browser, base_url: str) -> None:
    page = chromium.new_context(viewport=WIDE, reduced_motion="reduce").new_page()  # type: ignore[arg-type]
    page.reported = []  # type: ignore[attr-defined]
    page.goto(f"{base_url}{ROOT}/sign-in/")
    check_at_both_widths(page, "sign-in")
    page.get_by_label("User name").fill("smith")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert page.evaluate("document.activeElement.id") == "error-summary"
    page.reported.clear()  # type: ignore[attr-defined]
    check_at_both_widths(page, "sign-in-refused")
    page.get_by_label("User name").fill("smith")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def test_findings_show_by_themselves_when_the_rules_have_run(
    chromium: Browser, base_url: str, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update certification.revision set validated_at = null"))
    smith = open_as(chromium, base_url, "smith", WIDE)
    smith.goto(f"{base_url}{OWN}")
    smith.get_by_text("The rules are still running on your snapshot.").wait_for()
    assert smith.get_by_role("link", name="Submit Certification to State").count() == 0

    with engine.begin() as connection:
        connection.execute(sa.text("update certification.revision set validated_at = now()"))

    smith.get_by_text("Findings inform you").wait_for(timeout=15_000)
    smith.get_by_role("link", name="Submit Certification to State").wait_for(timeout=5_000)
    check(smith)


def test_the_viewer_follows_a_snapshot_and_its_rules_without_being_opened_again(
    chromium: Browser, base_url: str, engine: sa.Engine
) -> None:
    def now(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"set local search_path = certification; {statement}"))

    now("update snapshot set status = 'running' where id = (select min(id) from snapshot)")
    page = open_as(chromium, base_url, "approver", WIDE)
    page.goto(f"{base_url}{ROOT}/events/{KEY}/")
    page.get_by_text("The state snapshot is of 4 participants.").wait_for()
    page.evaluate("window.openedOnce = true")

    now(
        "update snapshot set status = 'completed'; update validation_run set status = 'running', participant_count = 4 "
        "where id = (select max(id) from validation_run)"
    )

    page.get_by_text("of 5 rules have run on 4 participants.").wait_for(timeout=15_000)

    now("update validation_run set status = 'completed'")
    page.get_by_text("rules have run on").wait_for(state="detached", timeout=15_000)
    assert page.evaluate("window.openedOnce") is True
    check(page)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_certifier_signs_and_the_state_approves(chromium: Browser, base_url: str, script: bool) -> None:
    smith = open_as(chromium, base_url, "smith", WIDE, script=script)
    smith.goto(f"{base_url}{OWN}")
    smith.get_by_role("link", name="Submit Certification to State").click()
    smith.get_by_label("Your name").fill("Pat Smith")
    smith.get_by_label("Your title").fill("Superintendent")
    smith.get_by_role("button", name="Submit Certification to State").click()
    smith.get_by_role("heading", name="Receipt of certification").wait_for()
    if script:
        save(smith, "receipt-wide")
        check(smith)

    approver = open_as(chromium, base_url, "approver", WIDE, script=script)
    approver.goto(f"{base_url}{ROOT}/events/{KEY}/")
    approver.get_by_label(f"Select {PEOPLE['001']}").check(force=True)
    approver.get_by_label(f"Select {PEOPLE['005']}").check(force=True)
    approver.get_by_role("button", name="Approve Certification").click()
    approver.get_by_role("heading", name="1 participant will be approved").wait_for()
    if script:
        save(approver, "approve-wide")
        check(approver)
    approver.get_by_role("button", name="Approve Certification").click()
    approver.get_by_text("1 participant approved.").wait_for()
    if script:
        save(approver, "approved-wide")
        check(approver)
