"""What follows an act once it is written down: Airflow is told now instead of at its next turn.

None of it can undo the act. What fails here is made good by housekeeping, which compares manifests and waiting requests
with the database.
"""

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.manifest import manifest_of, write_manifest
from certification_lib.orchestration.triggering import (
    ask_for_parsing,
    trigger_reports,
    trigger_requests,
    trigger_resumed_event,
    trigger_retention,
)
from certification_lib.settings import load_settings

log = logging.getLogger(__name__)


def tell_airflow_of_event(key: str, *, session: Session) -> bool:
    """Commit, write the event's manifest and have it parsed at once. False when that has to wait for housekeeping."""
    session.commit()
    try:
        write_manifest(manifest_of(key, session=session), load_settings().manifest_folder)
    except OSError as error:
        log.warning("the manifest of %s was not written (%s)", key, type(error).__name__)
        return False
    return ask_for_parsing(key)


def start_what_a_hold_kept_back(key: str, *, session: Session, engine: sa.Engine, username: str) -> bool:
    """Commit the resuming, and start the run that does what became due meanwhile."""
    session.commit()
    return trigger_resumed_event(key, engine=engine, username=username)


def start_retention(key: str, *, session: Session, username: str) -> bool:
    """Commit the disposal, and start the run that removes the rows; else the next night's does."""
    session.commit()
    return trigger_retention(key, username=username)


def start_requests(*, session: Session, engine: sa.Engine, username: str) -> bool:
    """Commit what was asked for, and start the run that serves it."""
    session.commit()
    return trigger_requests(engine=engine, username=username)


def start_reports(*, session: Session, engine: sa.Engine, username: str) -> bool:
    """Commit what was asked for or closed, and start the run that makes reports and closing packages."""
    session.commit()
    return trigger_reports(engine=engine, username=username)
