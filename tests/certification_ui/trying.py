"""Rows in the datamart behind the revisions that `site.fill` made up, so that rules can really be tried on them."""

import psycopg
import sqlalchemy as sa
from psycopg import sql

from certification_lib.categories.models import Level
from certification_lib.snapshots import partitions, view_tables
from certification_lib.snapshots.described_columns import Column
from tests.certification_ui.site import STUDENT
from tests.validation.world import VIEWS

# One student of Adair County without a sex, one of Barren County with everything.
ROWS = {
    "001": {"student_unique_id": STUDENT, "row_key": "1", "sex": None},
    "005": {"student_unique_id": "700400999", "row_key": "2", "sex": "Male"},
}


def give_rows(engine: sa.Engine) -> None:
    """Called again it changes nothing."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select p.event_id, p.organization_number, r.snapshot_id from certification.participant p"
            " join certification.revision r on r.id = p.current_revision_id"
        ).fetchall()
        columns = [Column(name, kind) for name, kind in VIEWS["enrollment"].items()]
        view_tables.ensure_view_table(connection, "enrollment", columns)
        partitions.ensure_event_tables(connection, "enrollment", found[0][0], Level.DISTRICT)
        if connection.execute("select 1 from datamart.enrollment limit 1").fetchone():
            return
        for event_id, number, snapshot_id in found:
            place = {"event_id": event_id, "slot": 0, "snapshot_id": snapshot_id, "district_id": number}
            values = {**place, "school_id": f"{number}010", **ROWS[number]}
            statement = sql.SQL("insert into datamart.enrollment ({}) values ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(sql.Placeholder() * len(values))
            )
            connection.execute(statement, list(values.values()))
