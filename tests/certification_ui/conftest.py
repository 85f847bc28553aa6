"""The site over a real PostgreSQL, and a browser for each person."""

import atexit
import functools
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.testclient import TestClient

from certification_lib.database import make_engine
from tests.certification_ui.listening import listening
from tests.certification_ui.site import shared_site
from tests.conftest import CertificationDatabase

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}

Browser = Callable[[str | None], TestClient]


@pytest.fixture(autouse=True)
def manifests(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing writes its manifest into a folder of the test's own."""
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def site() -> FastAPI:
    return shared_site()


@functools.cache
def _event_loop() -> BlockingPortal:
    """One for all requests of a process; by itself each request would start a thread and a loop of its own."""
    keeping = start_blocking_portal()
    portal = keeping.__enter__()
    atexit.register(keeping.__exit__, None, None, None)
    return portal


def opened(site: FastAPI) -> Browser:
    """Somebody's browser on the site, which follows no redirects by itself."""

    def open_for(username: str | None) -> TestClient:
        cookies = {"_token": username} if username else {}
        client = TestClient(site, follow_redirects=False, headers=SAME_SITE, cookies=cookies)
        client.portal = _event_loop()
        return client

    return open_for


@pytest.fixture
def browser(site: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine) -> Iterator[Browser]:
    """`browser("smith")` is smith's browser on a site over the test's own database."""
    web = make_engine(certification_database.url("certification_app"))
    site.state.pages.state.engine = web
    yield opened(site)
    site.state.pages.state.engine = None
    web.dispose()


Scene = Callable[[Callable[[Browser, sa.Engine], None]], tuple[Browser, sa.Engine]]


@pytest.fixture(scope="module")
def scene(site: FastAPI, make_lasting_database: Callable[[], CertificationDatabase]) -> Iterator[Scene]:
    """`scene(arrange)` is the site over a database that `arrange` has filled, once for all tests that ask for it.

    For tests in which nothing may change; each must make sure of that.
    """
    engines: dict[Callable[..., None], tuple[sa.Engine, sa.Engine]] = {}

    def set_up(arrange: Callable[[Browser, sa.Engine], None]) -> tuple[Browser, sa.Engine]:
        browser = opened(site)
        if arrange in engines:
            web, engine = engines[arrange]
            site.state.pages.state.engine = web
        else:
            database = make_lasting_database()
            web, engine = make_engine(database.url("certification_app")), make_engine(database.url())
            engines[arrange] = (web, engine)
            site.state.pages.state.engine = web
            arrange(browser, engine)
        return browser, engine

    yield set_up
    site.state.pages.state.engine = None
    for pair in engines.values():
        for engine in pair:
            engine.dispose()


@pytest.fixture
def shell(site: FastAPI) -> Browser:
    """The site without a database."""
    return opened(site)


@pytest.fixture
def served(site: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """The site without a database, its token address reachable by HTTP as Airflow's is."""
    with listening(site) as base_url:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
        yield opened(site)
