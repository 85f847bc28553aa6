"""The migrations and the models say the same."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.migrations.migrate import differences, upgrade
from certification_lib.migrations.tables import metadata
from tests.conftest import CertificationDatabase


def test_the_migrated_database_equals_the_models(certification_database: CertificationDatabase) -> None:
    assert differences(certification_database.url("certification_owner")) == []


def test_every_table_says_what_it_is_and_every_index_which_query_needs_it(
    session: Session, project_folder: Path
) -> None:
    silent = session.scalars(
        sa.text(
            "select relname from pg_class where relnamespace = 'certification'::regnamespace and relkind in ('r', 'p') "
            "and not relispartition and relname <> 'alembic_version' and obj_description(oid, 'pg_class') is null"
        )
    ).all()
    assert silent == []
    told = (project_folder / "docs/datamart.md").read_text(encoding="utf-8")
    unexplained = [
        index.name for table in metadata.sorted_tables for index in table.indexes if f"`{index.name}`" not in told
    ]
    assert unexplained == [], "Say in docs/datamart.md which query needs it."


def test_upgrading_an_upgraded_database_changes_nothing(certification_database: CertificationDatabase) -> None:
    upgrade(certification_database.url("certification_owner"))
    assert differences(certification_database.url("certification_owner")) == []
