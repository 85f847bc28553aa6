"""The benchmark of the pages in small: every page answers, weighs little, and asks the database as often for few
participants as for many."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from starlette.middleware.gzip import GZipMiddleware

from certification_lib.database import make_engine, transaction
from tests.benchmarks.ui import FIRST_LOAD, LATER, Site, bulk_figures, page_figures, weight_figures
from tests.benchmarks.ui_pages import ROOT, Page, pages
from tests.benchmarks.ui_world import APPROVER, fill_years
from tests.certification_ui.listening import listening
from tests.certification_ui.site import make_site
from tests.conftest import CertificationDatabase, StatementRecorder

FEW, MANY = 20, 60
MOST_STATEMENTS = 40


@pytest.fixture(scope="module")
def states(
    make_lasting_database: Callable[[], CertificationDatabase], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, tuple[Site, sa.Engine]]]:
    """The site over a state of few and one of many participants."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path_factory.mktemp("state")))
        for participants in (FEW, MANY):
            database = make_lasting_database()
            engine = make_engine(database.url("certification_owner"))
            with transaction(engine) as session:
                fill_years(session, participants=participants, events=20, findings=400)
            engine.dispose()
            site = make_site()
            site.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)  # as Airflow's server does
            web = site.state.pages.state.engine = make_engine(database.url("certification_app"))
            found[participants] = (site, web)
        with listening(found[FEW][0]) as few, listening(found[MANY][0]) as many:
            yield {
                FEW: (Site(few, str, baseline=f"{ROOT}/messages/"), found[FEW][1]),
                MANY: (Site(many, str, baseline=f"{ROOT}/messages/"), found[MANY][1]),
            }
        for _, web in found.values():
            web.dispose()


def test_a_page_is_measured_beside_another_by_one_and_by_several(states: dict[int, tuple[Site, sa.Engine]]) -> None:
    site, _ = states[MANY]
    page = Page("events", APPROVER, f"{ROOT}/events/")

    figures = list(page_figures(site, page, requests=3, users=(1, 3)))

    assert [(one["name"], one["users"]) for one in figures] == [
        ("ui.events.median", 1),
        ("ui.events.p95", 1),
        ("ui.events.median", 3),
        ("ui.events.p95", 3),
    ]
    assert all(0 < one["value"] < 100 for one in figures)  # type: ignore[operator]


def test_every_page_asks_the_database_as_often_for_few_participants_as_for_many(
    states: dict[int, tuple[Site, sa.Engine]],
) -> None:
    counted: dict[int, dict[str, int]] = {FEW: {}, MANY: {}}
    for participants, (site, web) in states.items():
        with site.connect() as connection:
            for page in pages(participants):
                with StatementRecorder(web) as seen:
                    answer = site.ask(connection, page)
                assert answer.status == 200, f"{page.name}: {answer.status}"
                counted[participants][page.name] = len(seen)
    grown = {name: (few, counted[MANY][name]) for name, few in counted[FEW].items() if counted[MANY][name] != few}
    assert grown == {}
    assert {name: count for name, count in counted[MANY].items() if count > MOST_STATEMENTS} == {}


def test_no_page_weighs_more_than_it_may(states: dict[int, tuple[Site, sa.Engine]]) -> None:
    site, _ = states[MANY]
    for page in pages(MANY):
        for figure in weight_figures(site, page):
            assert figure["value"] <= figure["limit"], figure  # type: ignore[operator]
    assert (FIRST_LOAD, LATER) == (300_000, 60_000)


def test_everybody_is_approved_at_once(states: dict[int, tuple[Site, sa.Engine]]) -> None:
    figures = list(bulk_figures(states[FEW][0], FEW))

    assert [one["name"] for one in figures] == ["ui.bulk.preview", "ui.bulk.approve"]
    with states[FEW][1].connect() as connection:
        assert connection.scalar(sa.text("select count(*) from certification.approval")) == FEW
