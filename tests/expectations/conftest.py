"""All delivered rules run once over one table of rows; each test looks at the rows of its own rule."""

import datetime
from collections.abc import Iterator

import pytest

from certification_lib.audit.service import SYSTEM
from certification_lib.database import make_engine, transaction
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.supervisor.postgres import Server
from tests.conftest import CertificationDatabase, _copy_grants, _run_as_superuser
from tests.expectations.rows import ROWS
from tests.validation.world import VIEWS, World


@pytest.fixture(scope="session")
def validated(server: Server, migrated: str) -> Iterator[World]:
    name = "certification_rule_bank"
    _run_as_superuser(server, f"create database {name} template {migrated} strategy file_copy")
    _run_as_superuser(server, f"alter database {name} owner to certification_owner")
    _copy_grants(server, name)
    database = CertificationDatabase(server, name)
    engine = make_engine(database.url())
    try:
        with transaction(engine) as session:
            sync_delivered_rules(session=session, actor=SYSTEM, now=datetime.datetime(2016, 9, 1, tzinfo=datetime.UTC))
        world = World(engine, database.url("certification_rules"), numbers=("001", "005"), views=list(VIEWS))
        world.pin_delivered()
        world.snapshot({view: [row.values for row in ROWS if row.view == view] for view in VIEWS})
        world.validate()
        yield world
    finally:
        engine.dispose()
        _run_as_superuser(server, f"drop database {name} with (force)")
