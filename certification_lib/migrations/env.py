"""How Alembic runs here: one transaction, timeouts, one migration at a time."""

import sqlalchemy as sa
from alembic import context

from certification_lib.database import SCHEMA
from certification_lib.migrations.tables import metadata

# Any number, the same everywhere: two upgrades at once must queue, not interleave.
MIGRATION_LOCK = 7304216002


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        compare_server_default=True,
    )
    with context.begin_transaction():
        # A migration that waits for a lock makes every reader behind it wait: give up instead and try again later.
        connection.execute(sa.text("set local lock_timeout = '10s'"))
        connection.execute(sa.text("set local statement_timeout = '10min'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        connection.execute(sa.text(f"create schema if not exists {SCHEMA}"))
        context.run_migrations()


run(context.config.attributes["connection"])
