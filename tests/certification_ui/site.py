"""The pages mounted at /certification as Airflow mounts them, with a sign-in whose token is the user name."""

import datetime
import functools
import html
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

# Airflow writes its configuration where it is imported first.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-"))

from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from certification_lib.audit.service import Actor
from certification_lib.database import transaction
from certification_lib.events.models import Event, EventStatus, EventVersionRule
from certification_lib.people.models import Organization
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.validation.models import Finding
from certification_ui.app import create_app
from certification_ui.auth import NotSignedIn, airflow_user
from tests.factories import World

ROOT = "/certification"
PASSWORD = "correct horse"
KEY = "fall-enrollment-count-2016-17"
RULE = "ENR-001"
STUDENT = "700400123"
RULE_SQL = "select district_id, school_id, row_key, student_unique_id from enrollment where sex is null"


class TokenUser:
    """What Airflow's auth manager would give for a token."""

    def __init__(self, username: str) -> None:
        self.username = username

    def get_name(self) -> str:
        return self.username


async def user_of_token(request: Request) -> TokenUser:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    username = bearer or request.cookies.get("_token", "")
    if not username:
        raise NotSignedIn
    return TokenUser(username)


def make_site(web_url: str | None = None) -> FastAPI:
    """An outer application with the pages below /certification and an address that hands out tokens."""
    pages = create_app(web_url)
    _take_tokens(pages)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pages.router.lifespan_context(pages):
            yield

    outer = FastAPI(lifespan=lifespan)

    @outer.post("/auth/token")
    def token(body: Annotated[dict[str, Any], Body()]) -> JSONResponse:
        if body["password"] != PASSWORD:
            return JSONResponse({"detail": "Invalid credentials"}, status_code=401)
        return JSONResponse({"access_token": body["username"]}, status_code=201)

    outer.mount(ROOT, pages)
    outer.state.pages = pages
    return outer


def _take_tokens(pages: FastAPI) -> None:
    """`dependency_overrides` would do it too, but then every dependency is understood anew at each request."""
    waiting = [route.dependant for route in pages.routes if isinstance(route, APIRoute)]
    while waiting:
        dependant = waiting.pop()
        if dependant.call is airflow_user:
            dependant.call = user_of_token
        waiting += dependant.dependencies


@functools.cache
def shared_site() -> FastAPI:
    """One for all tests of a process: putting it together takes seconds. Who serves it sets its engine and takes it
    away again."""
    return make_site()


@dataclass(frozen=True)
class Cast:
    """Who and what the tests speak of. Adair County has smith (certifier), jones (second certifier) and brown
    (reviewer), Barren County has green."""

    smith: Actor
    jones: Actor
    brown: Actor
    green: Actor
    approver: Actor
    reviewer: Actor
    event_id: int


def text_of(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def today() -> datetime.date:
    """The pages go by the database's clock, so the events of these tests lie around the real day of their state."""
    return datetime.datetime.now(ZoneInfo("America/New_York")).date()


def open_window() -> dict[str, datetime.date]:
    day = datetime.timedelta(days=1)
    return {"start_date": today() - 30 * day, "opens_date": today() - 10 * day, "end_date": today() + 20 * day}


def fill(engine: sa.Engine, *, shared: bool = False, **fields: Any) -> Cast:
    """Two districts with data and findings, in an event whose window is open; fields change the event.

    `shared`: smith certifies for both.

    Filled once for all tests that ask for the same: later an empty database is replaced by a copy of the first."""
    from tests.conftest import keep_database, put_kept_database

    database = str(engine.url.database)
    with engine.connect() as connection:
        empty = not connection.scalar(sa.text("select exists (select from certification.organization)"))
    engine.dispose()
    asked_for = repr((shared, sorted(fields.items()), today()))
    if empty and asked_for in _filled:
        kept, cast = _filled[asked_for]
        put_kept_database(kept, database)
        return cast
    cast = _fill(engine, shared=shared, **fields)
    kept = f"filled_{len(_filled)}"
    engine.dispose()
    if empty and keep_database(database, kept):
        _filled[asked_for] = kept, cast
    return cast


_filled: dict[str, tuple[str, Cast]] = {}


def _fill(engine: sa.Engine, *, shared: bool, **fields: Any) -> Cast:
    with transaction(engine) as session:
        world = World(session)
        adair = world.lea("001", "Adair County", region="GRREC", county="Adair")
        barren = world.lea("005", "Barren County", region="GRREC", county="Barren", time_zone="America/Chicago")
        rules = [world.rule(RULE), world.rule("ENR-002", Severity.WARNING)]
        # Rules that can be published, so that a refused publication is refused for what the test is about.
        session.execute(sa.update(RuleVersion).values(definition={"sql": RULE_SQL}))
        values = {**open_window(), **fields}
        status = values.pop("status", EventStatus.PUBLISHED)
        event = world.event([adair, barren], key=KEY, status=status, rules=rules, **values)
        cast = Cast(
            smith=world.certifier("smith", adair),
            jones=world.certifier("jones", adair),
            brown=world.district_reviewer("brown", adair),
            green=world.certifier("green", barren),
            approver=world.approver(),
            reviewer=world.state_reviewer(),
            event_id=event.id,
        )
        if status is EventStatus.UNPUBLISHED:
            session.execute(sa.delete(EventVersionRule))  # publishing pins them
        if shared:
            world.certifier("smith", barren)
        if status is not EventStatus.UNPUBLISHED and values.get("requires_snapshot", True):
            _add_data(world, event, rules, {adair: STUDENT, barren: "700400999"})
    return cast


def _add_data(world: World, event: Event, rules: list[Rule], students: dict[Organization, str]) -> None:
    for organization, student in students.items():
        revision = world.revision(world.participant(event, organization), organization.name, rows=2_345)
        result = world.result(revision, rules[0], 1)
        world.result(revision, rules[1], 0)
        finding = Finding(
            revision_id=revision.id,
            rule_version_id=result.rule_version_id,
            validation_run_id=result.validation_run_id,
            district_number=organization.number,
            school_number=None,
            row_key=student,
            identifiers={"student_unique_id": student},
        )
        world.session.add(finding)
