"""A state approver and a superintendent take one event from publishing to closing, in Chromium, on the real Airflow."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts.browser import browser_path
from tests.airflow.conftest import PASSWORD, Site

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(900)]

KEY = "two-people"
NAME = "Count of Two People"
DAG = "certification_event_two_people"
SignIn = Callable[[str], Page]


@pytest.fixture
def chromium() -> Iterator[Browser]:
    path = browser_path()
    assert path, "the browser tests need Chromium: `make test` says how to get it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def sign_in(site: Site, chromium: Browser) -> SignIn:
    """Somebody's own window on the home page, signed in through the page's form."""

    def open_window(username: str) -> Page:
        page = chromium.new_context(base_url=site.stack.base_url).new_page()
        page.set_default_timeout(20_000)
        page.goto("/certification/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    return open_window


def test_two_people_take_an_event_from_publishing_to_closing(site: Site, sign_in: SignIn) -> None:
    site.create(KEY, name=NAME, state_snapshot_schedule=site.in_the_past(5), findings_policy="inform")
    state, district = sign_in("approver"), sign_in("c001")

    _does_not_exist_for_the_district(district)
    _state_publishes(state)
    assert site.ended_run(DAG)["state"] == "success"
    _district_sees_its_own_findings_only(district, site)
    _district_certifies(district)
    _state_approves(state)
    _state_closes(state)
    _does_not_exist_for_the_district(district)
    _closed_event_refuses_everything(state, site)


def _state_publishes(page: Page) -> None:
    page.goto("/certification/events/")
    page.get_by_role("link", name=re.compile(NAME)).first.click()
    page.get_by_role("link", name="Publish").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published").first).to_be_visible()


def _district_sees_its_own_findings_only(page: Page, site: Site) -> None:
    page.goto("/certification/my-events/")
    page.get_by_role("link", name=re.compile(NAME)).click()
    expect(page.get_by_role("heading", name="What is asked of you")).to_be_visible()
    shown = page.content()
    assert "Adair County" in shown
    assert "Allen County" not in shown
    assert page.goto(f"/certification/my-events/{KEY}/005/").status == 404
    assert page.goto(f"/certification/events/{KEY}/participants/005/").status in {403, 404}

    counted = site.rows(
        "select code, finding_count from validation_result join rule_version on rule_version.id = rule_version_id "
        "join rule on rule.id = rule_id join participant on current_revision_id = revision_id "
        "join event on event.id = event_id where key = :key and organization_number = '001' and finding_count > 0",
        key=KEY,
    )
    for row in counted:
        page.goto(f"/certification/my-events/{KEY}/001/findings/{row['code']}")
        expect(page.locator("tbody tr")).to_have_count(min(row["finding_count"], 50))


def _district_certifies(page: Page) -> None:
    page.goto(f"/certification/my-events/{KEY}/001/")
    page.get_by_role("link", name="Submit Certification to State").click()
    page.get_by_label("Your name").fill("Robin Superintendent")
    page.get_by_label("Your title").fill("Superintendent")
    page.get_by_role("button", name="Submit Certification to State").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Receipt", ignore_case=True)
    expect(page.get_by_text("Robin Superintendent").first).to_be_visible()
    page.goto(f"/certification/my-events/{KEY}/001/")
    expect(page.get_by_text("Certification Sent to State").first).to_be_visible()
    expect(page.get_by_role("link", name="Submit Certification to State")).to_have_count(0)


def _state_approves(page: Page) -> None:
    page.goto(f"/certification/events/{KEY}/")
    # The box itself is drawn by the style sheet over a hidden input, as everywhere in this design system.
    page.get_by_label("Select Adair County").check(force=True)
    page.get_by_role("button", name="Approve Certification").click()
    expect(page.get_by_role("heading", name="1 participant will be approved")).to_be_visible()
    page.get_by_role("button", name="Approve Certification").click()
    expect(page.get_by_text("Certification Approved by State").first).to_be_visible()


def _state_closes(page: Page) -> None:
    page.goto(f"/certification/events/{KEY}/")
    page.get_by_role("link", name=re.compile("Close")).first.click()
    page.get_by_label("Comment").fill("Two of three did not answer; counted as they are.")
    page.get_by_label("Name of the event").fill("another name")
    page.get_by_role("button", name="Close Event").click()
    expect(page.get_by_text("It was not closed")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("Two of three did not answer; counted as they are.")
    page.get_by_label("Name of the event").fill(NAME)
    page.get_by_role("button", name="Close Event").click()
    expect(page.get_by_text("Closed").first).to_be_visible()


def _does_not_exist_for_the_district(page: Page) -> None:
    page.goto("/certification/my-events/")
    expect(page.locator("main").get_by_role("link", name=re.compile(f"^{NAME} for"))).to_have_count(0)
    assert page.goto(f"/certification/my-events/{KEY}/001/").status == 404


def _closed_event_refuses_everything(page: Page, site: Site) -> None:
    page.goto(f"/certification/events/{KEY}/")
    expect(page.get_by_role("button", name="Approve Certification")).to_have_count(0)
    acts = {
        "approve": {"participants": ["001"]},
        "request-recertification": {"participants": ["001"], "reason": "x"},
        "snapshots": {"kind": "state"},
        "publish": None,
        "close": {"comment": "x", "name": NAME},
    }
    for act, body in acts.items():
        refused = site.call("POST", f"/certification/api/v1/events/{KEY}/{act}", body=body)
        assert refused.status_code == 409, act
    certify = site.call(
        "POST",
        f"/certification/api/v1/events/{KEY}/participants/001/certify",
        user="c001",
        body={"revision": 1, "digest": "0" * 64, "statement_version": 1, "name": "x", "title": "x"},
    )
    assert certify.status_code == 404
