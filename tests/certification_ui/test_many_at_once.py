"""More people than the pool has connections: on the morning after a reminder everybody comes at the same time."""

import asyncio
import time

import anyio
import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request

from certification_lib.database import make_engine
from certification_ui.deps import get_session
from certification_ui.turns import AT_ONCE, CONNECTIONS
from tests.certification_ui.conftest import SAME_SITE
from tests.certification_ui.site import KEY, ROOT, fill
from tests.conftest import CertificationDatabase

APPROVER = {**SAME_SITE, "Authorization": "Bearer approver"}
PEOPLE = 120
PATIENCE = 30.0
"""Seconds a thread waits for a connection before the page is an error."""


@pytest.fixture
def limited(site: FastAPI, certification_database: CertificationDatabase, engine: sa.Engine):
    """The site as it is served: with a pool of as many connections as in `certification_ui.app`."""
    fill(engine)
    web = make_engine(
        certification_database.url("certification_app"),
        pool_size=10,
        max_overflow=CONNECTIONS - 10,
        pool_timeout=PATIENCE,
    )
    site.state.pages.state.engine = web
    yield site, web
    site.state.pages.state.engine = None
    web.dispose()


def test_everybody_gets_a_page_when_more_come_than_there_are_connections(limited: tuple[FastAPI, sa.Engine]) -> None:
    site, web = limited

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(app=site)
        headers = {**SAME_SITE, "Authorization": "Bearer approver"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers, timeout=60
        ) as client:
            pages = [client.get(f"{ROOT}/events/{KEY}/participants/") for _ in range(PEOPLE)]
            return [answer.status_code for answer in await asyncio.gather(*pages)]

    started = time.monotonic()
    assert asyncio.run(all_at_once()) == [200] * PEOPLE
    assert time.monotonic() - started < PATIENCE
    assert web.pool.checkedout() == 0, "a connection was not given back"  # type: ignore[attr-defined]


def test_a_browser_that_goes_away_leaves_no_connection_behind(limited: tuple[FastAPI, sa.Engine]) -> None:
    site, web = limited

    async def gone() -> None:
        transport = httpx.ASGITransport(app=site)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=APPROVER) as client,
            anyio.create_task_group() as asking,
        ):
            for _ in range(20):
                asking.start_soon(client.get, f"{ROOT}/events/{KEY}/")
            await anyio.sleep(0.1)
            asking.cancel_scope.cancel()  # as middleware of the server does it

    anyio.run(gone)
    assert web.pool.checkedout() == 0, "a connection was not given back"  # type: ignore[attr-defined]


def test_forms_that_are_long_in_coming_keep_nobody_waiting(limited: tuple[FastAPI, sa.Engine]) -> None:
    site, web = limited

    async def slow_form(begun: anyio.Event) -> None:
        scope = {
            "type": "http", "method": "POST", "path": f"{ROOT}/events/{KEY}/pause-reminders", "query_string": b"",
            "root_path": "", "http_version": "1.1", "scheme": "http", "server": ("test", 80), "client": ("test", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in APPROVER.items()]
            + [(b"host", b"test"), (b"content-type", b"application/x-www-form-urlencoded")],
        }  # fmt: skip
        sent = iter([{"type": "http.request", "body": b"rea", "more_body": True}])

        async def receive() -> dict[str, object]:
            part = next(sent, None)
            if part is None:
                begun.set()
                await anyio.sleep_forever()
            return dict(part or {})

        async def send(_: object) -> None:
            return None

        await site(scope, receive, send)

    async def page_beside_them() -> tuple[int, int]:
        transport = httpx.ASGITransport(app=site)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=APPROVER) as client,
            anyio.create_task_group() as coming,
        ):
            for _ in range(AT_ONCE + 5):
                begun = anyio.Event()
                coming.start_soon(slow_form, begun)
                await begun.wait()
            held = web.pool.checkedout()  # type: ignore[attr-defined]
            with anyio.fail_after(PATIENCE):
                answer = await client.get(f"{ROOT}/events/")
            coming.cancel_scope.cancel()
        return answer.status_code, held

    assert anyio.run(page_beside_them) == (200, 0)


@pytest.mark.parametrize(("method", "plans"), [("GET", "force_generic_plan"), ("POST", "force_custom_plan")])
def test_pages_are_planned_once_and_acts_for_what_they_act_on(
    limited: tuple[FastAPI, sa.Engine], method: str, plans: str
) -> None:
    site, _ = limited

    async def plan_cache_mode() -> set[str]:
        request = Request({"type": "http", "method": method, "app": site.state.pages})
        sessions = get_session(request, None)
        session = await anext(sessions)
        shown = sa.text("show plan_cache_mode")
        found = {session.scalar(shown)}
        session.rollback()  # as a refused act does before its form is shown again
        found.add(session.scalar(shown))
        await sessions.aclose()  # type: ignore[attr-defined]
        return found

    assert anyio.run(plan_cache_mode) == {plans}
