"""What every command has in common: who acts, one transaction, and refusals in one line."""

import datetime
import getpass
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.orm import Session

    from certification_lib.audit.service import Actor


@dataclass(frozen=True)
class Boundary:
    """One use case on the command line: its transaction, the acting person and the moment by the database's clock."""

    session: "Session"
    actor: "Actor"
    now: datetime.datetime

    def as_keywords(self) -> dict[str, Any]:
        return {"session": self.session, "actor": self.actor, "now": self.now}


@contextmanager
def task_engine() -> "Iterator[sa.Engine]":
    """The certification database as role certification_task."""
    from certification_lib.database import make_engine
    from certification_lib.settings import database_url

    engine = make_engine(database_url("certification_task"))
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def acting(username: str | None = None) -> Iterator[Boundary]:
    """One transaction of the person named by `--as`, or of the system where an act needs nobody.

    The audit entry keeps the operating-system user beside either.
    """
    from certification_lib.audit.models import Channel
    from certification_lib.audit.service import SYSTEM, Actor
    from certification_lib.database import database_now, transaction
    from certification_lib.people.queries import actor_of

    operating_system_user = getpass.getuser()
    with task_engine() as engine, transaction(engine) as session:
        if username is None:
            actor = Actor(SYSTEM.username, SYSTEM.name, None, Channel.COMMAND_LINE, operating_system_user)
        else:
            actor = actor_of(
                username,
                session=session,
                channel=Channel.COMMAND_LINE,
                operating_system_user=operating_system_user,
            )
        yield Boundary(session, actor, database_now(session))


@contextmanager
def refused_in_words() -> Iterator[None]:
    """Turn a refusal into its reasons on standard error and exit code 1."""
    from certification_lib.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        _refuse([str(error)])
    except Exception as error:
        problems = _problems(error)
        if problems is None:
            raise
        _refuse(problems)


def _problems(error: Exception) -> Sequence[str] | None:
    from sqlalchemy.exc import DBAPIError

    from certification_lib.errors import CertificationError, database_error_in_words

    if isinstance(error, CertificationError):
        return [str(error)] if error.problems == (str(error),) else [str(error), *error.problems]
    if isinstance(error, DBAPIError):
        return [database_error_in_words(error)]
    return None


def _refuse(problems: Sequence[str]) -> None:
    for problem in problems:
        typer.echo(problem, err=True)
    sys.exit(1)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows as JSON, or as a plain table whose columns are the keys of the first row."""
    if as_json:
        typer.echo(json.dumps(list(rows), default=str, indent=2))
        return
    if not rows:
        typer.echo("None.")
        return
    columns = list(rows[0])
    cells = [[str(row[column]) if row[column] is not None else "" for column in columns] for row in rows]
    widths = [max(len(value) for value in column) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        typer.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def conclude(problems: Sequence[str], well: str, *, as_json: bool) -> None:
    """What a check found: each problem on standard error and exit code 1, or that all is well; as JSON both ways."""
    if as_json:
        typer.echo(json.dumps({"ok": not problems, "problems": list(problems)}, indent=2))
    elif not problems:
        typer.echo(well)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        sys.exit(1)
