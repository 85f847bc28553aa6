"""The time all rules of one view together may take."""

import threading
from typing import Any

import sqlalchemy as sa
from psycopg import Connection

from certification_lib.validation.rule_failure import RuleFailed


class Deadline:
    """Stops what the rules still run when their time is over; the server's own limit counts each statement anew."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._timer = threading.Timer(seconds, self.stop)
        self._timer.daemon = True
        self._busy: set[Connection[Any]] = set()

    def start(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "checkout", lambda connection, *_: self._busy.add(connection))
        sa.event.listen(engine, "checkin", lambda connection, *_: self._busy.discard(connection))
        sa.event.listen(engine, "before_cursor_execute", lambda *_: self.check())
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()

    def check(self) -> None:
        """RuleFailed when the time is over."""
        if self.passed:
            raise RuleFailed("the time is over", stopped=True)

    def stop(self) -> None:
        """End what is still running now, and let nothing begin."""
        self.passed = True
        for connection in list(self._busy):
            connection.cancel_safe(timeout=10)
