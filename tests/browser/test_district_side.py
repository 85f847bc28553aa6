"""Every page of the district's side and of the directory, on a phone of 320 pixels, with script and without.

The pages are those that the application has routes for: a new one is visited without anybody adding it here.
"""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext, Page

from certification_lib.database import make_engine
from tests.browser.test_pages import PHONE, chromium, pages, save, violations_of
from tests.certification_ui.everybody import SCHOOLS, SHARED, add_schools, arrange, ids, routes
from tests.certification_ui.listening import listening
from tests.certification_ui.site import ROOT, RULE
from tests.conftest import CertificationDatabase

__all__ = ["chromium", "pages"]

pytestmark = pytest.mark.browser
# The state's own screens, which `test_pages` visits one by one.
OF_STATE = ("/events/", "/new-event", "/import-event", "/rules/", "/new-rule", "/validation-groups", "/event-report")
OF_STATE = (*OF_STATE, "/new-validation-group", "/import-suite", "/airflow/")
# Visited where there are real rows and a webhook: `test_changes_and_acts`, `test_webhook_pages`.
ELSEWHERE = {"/my-events/{key}/{number}/data/{view}", "/webhooks/{webhook_id}/"}
FILES = re.compile(r"file$|\.(pdf|ics|yaml|json)$")
# Who opens what: the first of them who may.
VISITORS = ("smith", "head", "administrator", "approver")
# Forms and lists with something in the address that no link of the walk has.
STATES = (
    "/messages/?show=unread",
    "/messages/?search=nothing",
    "/people/?search=nothing",
    "/audit/?person=smith",
    f"/my-events/{SHARED}/001/findings/?show=all",
    f"/my-events/{SHARED}/001/findings/{RULE}?page=99",
)


def page_routes() -> list[APIRoute]:
    return [
        route
        for route in routes()
        if "GET" in route.methods and "/api/" not in route.path
        and not route.path.startswith(OF_STATE) and not FILES.search(route.path) and route.path not in ELSEWHERE
    ]  # fmt: skip


@pytest.fixture(scope="module")
def engine(make_lasting_database) -> Iterator[tuple[sa.Engine, CertificationDatabase]]:
    database = make_lasting_database()
    made = make_engine(database.url())
    arrange(None, made)
    add_schools(made)
    yield made, database
    made.dispose()


@pytest.fixture(scope="module")
def base_url(pages: FastAPI, engine: tuple[sa.Engine, CertificationDatabase]) -> Iterator[str]:
    pages.state.pages.state.engine = make_engine(engine[1].url("certification_app"))
    with listening(pages) as url:
        yield url
    pages.state.pages.state.engine.dispose()
    pages.state.pages.state.engine = None


@pytest.fixture(scope="module")
def names(engine: tuple[sa.Engine, CertificationDatabase]) -> dict[str, str]:
    """What stands in the addresses, by the name of the parameter."""
    made = engine[0]
    with made.connect() as connection:
        category = connection.scalar(sa.text("select min(id) from certification.category"))
    known = {"key": SHARED, "number": "001", "code": RULE, "view": "enrollment", "username": "jones",
             "category_id": str(category), "role": "Auditor", **ids(made, "jones", "001")}  # fmt: skip
    # jones has signed nothing and was told nothing: those are of smith.
    return known | {name: value for name, value in ids(made, "smith", "001").items() if name != "member_id"}


def signed_in(chromium: Browser, base_url: str, username: str, *, script: bool) -> BrowserContext:
    context = chromium.new_context(viewport=PHONE, java_script_enabled=script, reduced_motion="reduce")  # type: ignore[arg-type]
    context.add_cookies([{"name": "_token", "value": username, "url": base_url}])
    return context


def window(context: BrowserContext) -> Page:
    page = context.new_page()
    page.reported = []  # type: ignore[attr-defined]
    page.on("console", lambda message: page.reported.append(message.text) if message.type == "error" else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.reported.append(str(error)))  # type: ignore[attr-defined]
    return page


@pytest.fixture(scope="module")
def windows(chromium: Browser, base_url: str) -> Iterator[dict[tuple[str, bool], Page]]:
    """A window of each visitor with script and one without, for all pages."""
    made = {
        (name, script): window(signed_in(chromium, base_url, name, script=script))
        for name in VISITORS
        for script in (True, False)
    }
    yield made
    for page in made.values():
        page.context.close()


def opened(windows: dict[tuple[str, bool], Page], url: str) -> str:
    """The first who may open it, with the page in his window."""
    for name in VISITORS:
        page = windows[name, True]
        page.reported.clear()  # type: ignore[attr-defined]
        answer = page.goto(url)
        if answer is not None and answer.ok:
            return name
    pytest.fail(f"nobody may open {url}: say in VISITORS or `names` who may, or what stands in the address")


@pytest.mark.parametrize("path", [*(route.path for route in page_routes()), *STATES])
def test_no_page_is_a_barrier(
    windows: dict[tuple[str, bool], Page], base_url: str, names: dict[str, str], path: str
) -> None:
    values = {**names, "key": SCHOOLS} if path.startswith("/my-schools") else names
    url = base_url + ROOT + re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values[found.group(1)], path)
    name = opened(windows, url)
    page, plain = windows[name, True], windows[name, False]
    save(page, f"walk{re.sub(r'[^a-z0-9]+', '-', path.lower())}-phone")
    assert violations_of(page) == []

    plain.goto(url)
    assert plain.get_by_role("heading", level=1).count() == 1
    assert plain.evaluate("document.documentElement.scrollWidth") == PHONE["width"], "without script it is wider"


@pytest.mark.parametrize(
    ("username", "path", "words"),
    [
        ("stranger", "/", "Ask your District Administrator"),
        ("clerk", "/", "nobody has given you a task here yet"),
        ("smith", "/my-events/never-was/001/", "Page not found"),
        ("smith", "/audit/", "You lack the right"),
        ("brown", f"/my-events/{SHARED}/001/submit", "You cannot submit now"),
    ],
)
def test_what_cannot_be_opened_is_no_barrier_either(
    chromium: Browser, base_url: str, username: str, path: str, words: str
) -> None:
    page = window(signed_in(chromium, base_url, username, script=True))
    page.goto(base_url + ROOT + path)
    page.reported.clear()  # type: ignore[attr-defined]
    save(page, f"refused-{username}{re.sub(r'[^a-z0-9]+', '-', path.lower())}-phone")

    assert words in page.content()
    assert violations_of(page) == []
    page.context.close()


# With the keyboard alone

FOCUSED = """(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const label = one.labels && one.labels.length ? one.labels[0].textContent : "";
  const name = label || one.textContent || one.getAttribute("aria-label") || "";
  const outlined = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return {
    tag: one.tagName,
    name: name.replace(/\\s+/g, " ").trim(),
    shown: outlined || one.type === "checkbox" || one.type === "radio",
  };
})()"""


def tab_to(page: Page, name: str, most: int = 80) -> None:
    """Press Tab until what has this name has the focus; every place on the way shows that it has it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["tag"] == "BODY":
            continue
        assert focused["shown"], f"nobody sees that {focused['name']!r} has the focus"
        if focused["name"].startswith(name):
            return
    pytest.fail(f"{name!r} is not reached with Tab")


def press(page: Page, name: str, heading: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=heading, level=1).wait_for()


def test_a_superintendent_certifies_with_the_keyboard_alone(
    chromium: Browser, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    page = window(chromium.new_context(viewport=PHONE, reduced_motion="reduce"))  # type: ignore[arg-type]
    page.goto(f"{base_url}{ROOT}/my-events/")
    tab_to(page, "User name")
    page.keyboard.type("green")
    tab_to(page, "Password")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Certification Event", level=1).wait_for()

    tab_to(page, "Skip to main content")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"
    press(page, "What needs you", "What needs you")
    press(page, "Review and certify: Fall Enrollment Count", "Fall Enrollment Count")
    press(page, "Work on the findings", "What to look at in your data")
    press(page, "Rule ENR-001", "Rule ENR-001")
    press(page, "Fall Enrollment Count", "Fall Enrollment Count")
    press(page, "Submit Certification to State", "Submit Certification to State")
    tab_to(page, "Your name")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Robin Green")
    press(page, "Submit Certification to State", "Receipt of certification")
    assert "Robin Green" in page.get_by_role("main").inner_text()
    assert page.reported == []  # type: ignore[attr-defined]
    page.context.close()
