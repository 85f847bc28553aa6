"""Why a rule could not be evaluated, without the database's own words."""

import psycopg
import sqlalchemy as sa

from certification_lib.errors import database_error_in_words

# Another attempt may find these gone: connection lost, out of resources, server shutting down, deadlock.
_PASSING_STATES = ("08", "40", "53", "57P", "58")
_STOPPED = "57014"


class RuleFailed(Exception):
    """A rule could not be evaluated. Great Expectations stores the text of exceptions, so this one quotes no value."""

    def __init__(self, words: str, *, passing: bool = False, stopped: bool = False) -> None:
        super().__init__(words)
        self.passing = passing
        self.stopped = stopped


def rule_failed(error: sa.exc.DBAPIError | psycopg.Error) -> RuleFailed:
    state = getattr(error.orig if isinstance(error, sa.exc.DBAPIError) else error, "sqlstate", None) or ""
    invalidated = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    lost = invalidated or (not state and isinstance(error, (sa.exc.OperationalError, psycopg.OperationalError)))
    return RuleFailed(
        database_error_in_words(error),
        passing=lost or state.startswith(_PASSING_STATES),
        stopped=state == _STOPPED,
    )
