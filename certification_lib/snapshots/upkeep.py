"""What housekeeping does for the datamart's views when no snapshot does it, as after a new release between events."""

import logging
from pathlib import Path

import sqlalchemy as sa

from certification_lib.errors import CertificationError
from certification_lib.snapshots import pipe, view_tables
from certification_lib.snapshots.view_files import VIEWS_FOLDER, read_views

log = logging.getLogger(__name__)


def renew_definitions(engine: sa.Engine, *, folder: Path = VIEWS_FOLDER) -> list[str]:
    """Bring the downstream views of every view that has rows to what this release and its file say.

    Returns those that are being read for too long: the next time. A broken view file stops nothing else that night.
    """
    try:
        views = read_views(folder=folder)
    except CertificationError as error:
        log.warning("Downstream views were not renewed: %s", "; ".join(error.problems))
        return []
    connection = pipe.connect(engine.url)
    try:
        return [
            view.name
            for view in views.values()
            if not view_tables.refresh_definitions(connection, view.name, view.header)
        ]
    finally:
        connection.close()
