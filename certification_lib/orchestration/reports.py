"""Reports that people wait for, and closing packages that are due: the name of the run that makes them."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import database_now, transaction
from certification_lib.reports import background, packages

REPORTS_DAG = "certification_reports"
# So long may a closed event wait for the run that the API server started, before another is.
_PATIENCE = datetime.timedelta(minutes=2)


def open_run(engine: sa.Engine) -> str | None:
    """The name of the run for what waits now, named by the oldest of each kind; None when nothing does.

    Until a run has begun the oldest, all that comes in gets the same name, and Airflow refuses a second run of a name.
    """
    with transaction(engine) as session:
        now = database_now(session)
        return _name(background.waiting(session=session), packages.packages_due(session=session, now=now))


def forgotten_run(*, session: Session, now: datetime.datetime) -> str | None:
    """The same for what nobody has begun in time; another name each time, since a run of the first may have failed."""
    due = packages.packages_due(session=session, now=now, patience=_PATIENCE)
    name = _name(background.forgotten(session=session, now=now), due)
    return f"{name}_again_{now:%Y-%m-%dT%H:%M}" if name else None


def _name(requests: list[int], closed: list[str]) -> str | None:
    oldest = [f"report-{requests[0]}"] if requests else []
    oldest += [f"package-{closed[0]}"] if closed else []
    return f"reports__{'_'.join(oldest)}"[:200] if oldest else None
