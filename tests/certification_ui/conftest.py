"""The site over a real PostgreSQL, and a browser for each person."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

from certification_lib.database import make_engine
from tests.certification_ui.listening import listening
from tests.certification_ui.site import make_site
from tests.conftest import CertificationDatabase

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}

Browser = Callable[[str | None], TestClient]


@pytest.fixture(autouse=True)
def manifests(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing writes its manifest into a folder of the test's own."""
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def site() -> FastAPI:
    """One for all tests: putting it together takes a second."""
    return make_site()


def opened(site: FastAPI) -> Browser:
    """Somebody's browser on the site, which follows no redirects by itself."""

    def open_for(username: str | None) -> TestClient:
        cookies = {"_token": username} if username else {}
        return TestClient(site, follow_redirects=False, headers=SAME_SITE, cookies=cookies)

    return open_for


@pytest.fixture
def browser(site: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine) -> Iterator[Browser]:
    """`browser("smith")` is smith's browser on a site over the test's own database."""
    web = make_engine(certification_database.url("certification_app"))
    site.state.pages.state.engine = web
    yield opened(site)
    site.state.pages.state.engine = None
    web.dispose()


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
