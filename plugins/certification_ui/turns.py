"""Whose turn it is: so many requests may have a session, each with a connection of the pool, which has more.

The others wait in line without a thread: threads that wait for a connection would be missing to those who are to give
one back, and nothing would go on.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import Semaphore, fail_after
from anyio.lowlevel import RunVar

from certification_lib.errors import SourceFailure

log = logging.getLogger(__name__)

AT_ONCE = 40
DOWNLOADS_AT_ONCE = 4
_FURTHER = 6
"""For who needs a second one for a moment, such as to start what was asked for, and for calendar programs."""
CONNECTIONS = AT_ONCE + DOWNLOADS_AT_ONCE + _FURTHER
PATIENCE_SECONDS = 30.0

_lines: RunVar[Semaphore] = RunVar("requests in line")


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """SourceFailure for who has waited too long."""
    line = _lines.get(None)
    if line is None:  # one in each event loop
        line = Semaphore(AT_ONCE)
        _lines.set(line)
    try:
        with fail_after(PATIENCE_SECONDS):
            await line.acquire()
    except TimeoutError as error:
        log.warning("a request waited %.0f s for its turn: %d others are being answered", PATIENCE_SECONDS, AT_ONCE)
        raise SourceFailure("Too many people are at it at this moment. Try again in a minute.") from error
    try:
        yield
    finally:
        line.release()
