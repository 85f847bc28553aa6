"""What a request has at hand: one session, the acting person, and the one right its route declares."""

import datetime
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from anyio import CancelScope, CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from certification_lib.audit.models import Channel
from certification_lib.database import remember_what_is_read
from certification_lib.errors import NotAllowed, SourceFailure
from certification_lib.people.models import Right, Tool
from certification_lib.people.rules import RIGHT_WORDS
from certification_ui.auth import SignedIn
from certification_ui.csrf import SAFE_METHODS
from certification_ui.errors import is_api
from certification_ui.turns import turn
from certification_ui.visitor import Visitor, arrival_of, load_visitor

_SCOPE = "certification.scope"
_ORGANIZATIONS = "certification.organizations"
_WRITES = "writes"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# More than enough for every participant of the largest state to be ticked.
_MOST: dict[str, int] = {"max_files": 1, "max_fields": 20_000}
_PLAN_FOR_THE_VALUES = sa.text("set local plan_cache_mode = force_custom_plan")


VisibleRows = tuple[str, str]
"""A scope, and numbers of LEAs where it is one of them."""


@sa.event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: Any, connection: sa.Connection) -> None:
    """Row-level security learns anew in each transaction whose rows it may show; unsaid, it shows none.
    Plans are made anew for the values of whoever writes."""
    del transaction
    if session.info.get(_WRITES):
        # Acts on thousands are not planned as if they were on ten.
        connection.execute(_PLAN_FOR_THE_VALUES)
    declared = session.info.get("visible_rows")
    if declared is not None:
        _declare(connection, *declared)


def _declare(connection: sa.Connection | Session, scope: str, organizations: str) -> None:
    statement = sa.select(
        sa.func.set_config(_SCOPE, scope, True), sa.func.set_config(_ORGANIZATIONS, organizations, True)
    )
    connection.execute(statement)


def show_rows_of(session: Session, lea_numbers: Iterator[str] | list[str] | set[str]) -> None:
    """From here on the session sees datamart rows and findings of these LEAs only."""
    session.info["visible_rows"] = ("organizations", ",".join(sorted(lea_numbers)))
    _declare(session, *session.info["visible_rows"])


def show_rows_to_state(session: Session) -> None:
    """From here on the session sees every organization's rows. First make sure of membership in the category."""
    session.info["visible_rows"] = ("state", "")
    _declare(session, *session.info["visible_rows"])


def visible_rows(session: Session) -> VisibleRows:
    """Whose rows the session was shown; for `show_rows` on another."""
    found: VisibleRows = session.info["visible_rows"]
    return found


def show_rows(session: Session, visible: VisibleRows) -> None:
    """From here on the session sees the same rows as the one that `visible` is of."""
    session.info["visible_rows"] = visible
    _declare(session, *visible)


async def body_has_come(request: Request) -> None:
    """A form is read before its request takes a turn and a connection: a slow line would hold both."""
    if request.method not in SAFE_METHODS and request.headers.get("content-type", "").startswith(_FORMS):
        await request.form(**_MOST)  # kept for `get_form`


async def get_session(request: Request, _: Annotated[None, Depends(body_has_come)]) -> AsyncIterator[Session]:
    """One session and transaction a request: committed when the route returns, before the answer is sent.

    What only reads may not write, whatever a route does: its transaction is read-only.
    """
    engine: sa.Engine | None = request.app.state.engine
    if engine is None:
        raise SourceFailure("The certification database is not set up yet.")
    reads_only = request.method in SAFE_METHODS
    if reads_only:
        engine = engine.execution_options(postgresql_readonly=True)
    async with turn():
        session = Session(engine, expire_on_commit=False)
        if reads_only:
            remember_what_is_read(session)
        else:
            session.info[_WRITES] = True
        try:
            yield session
        except BaseException:
            await _in_a_thread(session.close)
            raise
        await _in_a_thread(session.commit, session.close)


async def _in_a_thread(*steps: Callable[[], None]) -> None:
    """All of them, whatever becomes of the one before; also when the browser has gone away meanwhile.

    Not in one of the threads that routes wait for: this is what lets them go on.
    """

    def all_steps() -> None:
        with ExitStack() as stack:
            for step in reversed(steps):
                stack.callback(step)

    with CancelScope(shield=True):
        await run_sync(all_steps, limiter=CapacityLimiter(1))


SessionOfRequest = Annotated[Session, Depends(get_session, scope="function")]


class Arrived(NamedTuple):
    """Who is there, and when by the database's clock."""

    visitor: Visitor
    now: datetime.datetime


def get_arrived(request: Request, username: SignedIn, session: SessionOfRequest) -> Arrived:
    """The active person of that username with his rights; others are told whom to ask.

    Kept for the page of a refusal as well, which has his navigation too.
    """
    arrival = arrival_of(username, session=session, channel=Channel.API if is_api(request) else Channel.PAGE)
    request.state.visitor = load_visitor(arrival, session=session)
    return Arrived(request.state.visitor, arrival.now)


ArrivedOfRequest = Annotated[Arrived, Depends(get_arrived)]


async def get_form(request: Request) -> AsyncIterator[FormData]:
    """The fields as sent."""
    async with request.form(**_MOST) as form:
        yield form


FormOfRequest = Annotated[FormData, Depends(get_form)]


class DeclaredRight:
    """What a route needs of a person; every route declares exactly one, and a test reads them off the routes."""

    words: str


class HeldRight(DeclaredRight):
    """Any one of `rights` on the tool.

    A right of a district-side tool is held for some organization at least; whether for the one a page is about is
    decided where that is known, by the queries and services.
    """

    def __init__(self, tool: Tool, *rights: Right) -> None:
        self.tool = tool
        self.rights = rights
        self.words = " or ".join(RIGHT_WORDS[one] for one in rights)

    # Asynchronous, as it only looks up: no thread is waited for.
    async def __call__(self, arrived: ArrivedOfRequest) -> None:
        if not any(arrived.visitor.may(self.tool, one) for one in self.rights):
            raise NotAllowed(f"You lack the right {self.words} on {self.tool.value}. Ask an Administrator for it.")


class OwnOnly(DeclaredRight):
    """No right, because each person sees only what is his own there."""

    def __init__(self, why: str) -> None:
        self.words = why

    async def __call__(self) -> None:
        """Signed in is enough."""


def right(tool: Tool, *rights: Right) -> Any:
    """Declare the right of a route: `dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)]`."""
    return Depends(HeldRight(tool, *rights))


def own_only(why: str) -> Any:
    """Declare that a route needs no right, and why not."""
    return Depends(OwnOnly(why))


def declared_rights(dependant: Dependant) -> list[DeclaredRight]:
    """Every right a route declares, its own dependencies and theirs."""
    call: object = dependant.call
    found = [call] if isinstance(call, DeclaredRight) else []
    return found + [one for inner in dependant.dependencies for one in declared_rights(inner)]
