"""What trying a rule needs: the task role makes the schema of the trial, the rules role runs the rule in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.pool import NullPool

from certification_lib.database import make_engine
from certification_lib.errors import SourceFailure
from certification_lib.settings import SettingsError, database_url


@contextmanager
def trial_database() -> Iterator[dict[str, Any]]:
    """The keywords `engine` and `rules_url` of `preview_rule` and `what_if`."""
    try:
        engine = make_engine(database_url("certification_task"), poolclass=NullPool)
        rules_url = database_url("certification_rules")
    except SettingsError:
        raise SourceFailure("Rules cannot be tried here: this server lacks a database address.") from None
    try:
        yield {"engine": engine, "rules_url": rules_url}
    finally:
        engine.dispose()
