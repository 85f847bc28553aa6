"""The application that Airflow's API server mounts at /certification."""

import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from certification_lib.database import make_engine
from certification_lib.settings import SettingsError, database_url
from certification_ui import static_files, urls
from certification_ui.api import routers as rest
from certification_ui.auth import base_url, signed_in
from certification_ui.calendar_feeds import create_feed_app
from certification_ui.errors import install_handlers, refusal
from certification_ui.guard import Guard
from certification_ui.pages import routers as pages
from certification_ui.sign_in import create_sign_in_app
from certification_ui.turns import CONNECTIONS

log = logging.getLogger(__name__)

# Forty requests that wait for the same lock without limit would be the end of the whole API server.
_LIMITS = "-c lock_timeout=20s -c idle_in_transaction_session_timeout=5min"


def create_app(web_url: str | None = None) -> FastAPI:
    """The pages and REST routes. `web_url` is the database address of role certification_app, by default that of the
    settings."""
    app = FastAPI(
        title="Data Certification",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(web_url),
        dependencies=[Depends(signed_in)],
        middleware=[Middleware(Guard, base_url=base_url(), refusal=refusal)],
    )
    app.state.engine = None
    install_handlers(app)
    for router in (*pages(), *rest()):
        app.router.routes.extend(router.routes)
    app.mount(urls.SIGN_IN.rstrip("/"), create_sign_in_app())
    app.mount(urls.CALENDAR_FEEDS, create_feed_app(lambda: app.state.engine))
    app.mount(static_files.prefix(), static_files.files())
    return app


# How many objects more than before there are when the collector looks for cycles among the youngest, and how often a
# generation is looked through before the next older one is. A page of two thousand lines has tens of thousands of
# objects and lets go of nearly all itself: with Python's 700, 10, 10 the collector looked through them a dozen times a
# page and every other second through all that the process keeps. With 50,000 it stopped everybody for half a second.
_COLLECTING = (10_000, 5, 50)


def _lifespan(web_url: str | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Made here and not in create_app: a server that forks its workers must not share connections among them.
        try:
            app.state.engine = make_engine(
                web_url or database_url("certification_app"),
                pool_size=10,
                max_overflow=CONNECTIONS - 10,  # no thread of the server waits for a connection of ours
                connect_args={"options": _LIMITS},
            )
        except SettingsError as error:
            # Airflow itself goes on; our pages say that the database is not set up.
            log.error("certification pages have no database: %s", error)
        # Half a million objects of Airflow's and ours that stay: no collection holds up a page to look through them.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTING)
        yield
        if app.state.engine is not None:
            app.state.engine.dispose()

    return lifespan
