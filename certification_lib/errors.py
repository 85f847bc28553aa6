"""The few errors of the product, in words a user can act on; and the one place where database errors become words."""

from collections.abc import Sequence

import sqlalchemy.exc


class CertificationError(Exception):
    """Base of every refusal. `str(error)` is one sentence for the user and never holds a student value.

    `problems` lists every reason when there are several, so that nothing has to be found one by one.
    """

    status = 400

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class BadInput(CertificationError, ValueError):
    """What was typed or sent cannot be taken as it is; nothing was changed."""

    status = 422


class NotAllowed(CertificationError, PermissionError):
    """The actor lacks a right or a role; the message names it."""

    status = 403


class NotFound(CertificationError, LookupError):
    """It does not exist, or not for this actor: the two are never told apart."""

    status = 404


class Conflict(CertificationError):
    """The act came too late, too early or twice: the state it needs is not (or no longer) there."""

    status = 409


class SourceFailure(CertificationError):
    """The source or the database could not be read or written; retrying may help."""

    status = 503


class SourceNotReached(SourceFailure):
    """No connection to the source at all, so no one's rows are to blame."""


_KINDS = {
    "22": "a value does not have the form the column needs",
    "23": "a constraint of the table does not allow it",
    "25": "the connection is read-only",
    "28": "the database refused the sign-in",
    "40": "another transaction was in the way; try again",
    "42": "a table, column or function is missing or may not be used",
    "53": "the database ran out of a resource (disk, memory or connections)",
    "57": "the statement was stopped (time limit or shutdown)",
    "08": "the connection to the database was lost",
}


def database_error_in_words(error: BaseException) -> str:
    """Describe a database error by SQLSTATE, table, column and constraint.

    The driver's own message is never used: its DETAIL and CONTEXT quote row values, which may be a student's.
    """
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None else error
    state = getattr(original, "sqlstate", None) or ""
    words = _KINDS.get(state[:2], "the database reported an error")
    diagnostics = getattr(original, "diag", None)
    named = [
        f"{label} {value}"
        for label, value in (
            ("table", getattr(diagnostics, "table_name", None)),
            ("column", getattr(diagnostics, "column_name", None)),
            ("constraint", getattr(diagnostics, "constraint_name", None)),
        )
        if value
    ]
    place = f" ({', '.join(named)})" if named else ""
    return f"{words}{place} [{state or type(original).__name__}]"
