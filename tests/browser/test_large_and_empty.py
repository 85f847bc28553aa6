"""The state's pages with many long names, with nothing at all, on paper, and in another page's frame."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.sync_api import Browser

from certification_lib.database import make_engine, transaction
from certification_lib.people.models import Tool
from tests.browser.test_pages import (  # noqa: F401 - fixtures
    PHONE,
    ROOT,
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
from tests.certification_ui.site import KEY, open_window
from tests.conftest import CertificationDatabase
from tests.factories import World
from tests.factories.large_state import large_event

pytestmark = pytest.mark.browser
EVENT = f"{ROOT}/events/{KEY}/"
DISTRICTS = 2_000 if SCREENSHOTS else 200  # lists show fifty at a time
LARGE = {"large-participants": f"{EVENT}participants/", "large-close": f"{EVENT}close"}
DIRECTORY = {
    "categories": f"{ROOT}/categories/",
    "category": f"{ROOT}/categories/1/",
    "people": f"{ROOT}/people/",
    "person": f"{ROOT}/people/p00007_1/",
    "person-rights": f"{ROOT}/people/p00007_1/rights",
    "roles": f"{ROOT}/roles-and-rights/",
    "organizations": f"{ROOT}/organizations/",
    "organization": f"{ROOT}/organizations/00007/",
    "audit": f"{ROOT}/audit/",
}
STATE_TOOLS = (Tool.CERTIFICATION_CATEGORY, Tool.PEOPLE_AND_RIGHTS, Tool.ORGANIZATIONS, Tool.AUDIT)
Fill = Callable[[World], None]
Serve = Callable[[Fill], str]


@pytest.fixture
def serve(
    pages: FastAPI,  # noqa: F811
    certification_database: CertificationDatabase,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Serve]:
    """`serve(fill)` is the address of the site over what `fill` made."""
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))
    web = pages.state.pages.state.engine = make_engine(certification_database.url("certification_app"))
    with listening(pages) as url:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)

        def served(fill: Fill) -> str:
            with transaction(engine) as session:
                world = World(session)
                fill(world)
                world.approver()
                for tool in STATE_TOOLS:
                    world.give(world.person("approver"), tool, "RWAD")
            write_manifests(engine)
            return url

        yield served
    pages.state.pages.state.engine = None
    web.dispose()


def test_many_districts_with_long_names_fit(chromium: Browser, serve: Serve) -> None:  # noqa: F811
    base_url = serve(lambda world: large_event(world, DISTRICTS, key=KEY, **open_window()) and None)
    page = open_as(chromium, base_url, "approver", WIDE)
    for name, address in (LARGE | DIRECTORY).items():
        answer = page.goto(base_url + address)
        assert answer is not None
        assert answer.ok, name
        check_at(SIZES if SCREENSHOTS or name in LARGE else {"phone": PHONE}, page, name)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(base_url + EVENT)
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert not page.get_by_role("button", name="Approve Certification").is_visible()
    save(page, "event-viewer-print-wide")


def test_nothing_is_said_in_words(chromium: Browser, serve: Serve) -> None:  # noqa: F811
    base_url = serve(lambda _: None)
    page = open_as(chromium, base_url, "approver", PHONE)
    page.goto(f"{base_url}{ROOT}/events/")
    assert page.get_by_text("No event").count()
    save(page, "nothing-events-phone")
    check(page)
