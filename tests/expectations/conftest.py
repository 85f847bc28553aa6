"""One database for all delivered rules: the table of cases in one event, random rows in another."""

import datetime
from collections.abc import Iterator

import pytest

from certification_lib.audit.service import SYSTEM
from certification_lib.database import make_engine, transaction
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.supervisor.postgres import Server
from tests.conftest import CertificationDatabase, _copy_grants, _run_as_superuser
from tests.expectations import last_year
from tests.expectations.cases import ROWS
from tests.expectations.random_rows import NUMBERS
from tests.validation.world import VIEWS, World


@pytest.fixture(scope="session")
def rule_bank(server: Server, migrated: str) -> Iterator[CertificationDatabase]:
    """A database that holds the delivered rules and nothing else."""
    name = "certification_rule_bank"
    _run_as_superuser(server, f"create database {name} template {migrated} strategy file_copy")
    _run_as_superuser(server, f"alter database {name} owner to certification_owner")
    _copy_grants(server, name)
    database = CertificationDatabase(server, name)
    engine = make_engine(database.url())
    with transaction(engine) as session:
        sync_delivered_rules(session=session, actor=SYSTEM, now=datetime.datetime(2016, 9, 1, tzinfo=datetime.UTC))
    engine.dispose()
    yield database
    _run_as_superuser(server, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def validated(rule_bank: CertificationDatabase) -> Iterator[World]:
    """All delivered rules run once over the table of cases; each test looks at the districts of its own rule."""
    engine = make_engine(rule_bank.url())
    numbers = sorted({row.values["district_id"] for row in ROWS})
    world = World(engine, rule_bank.url("certification_rules"), numbers=numbers, views=list(VIEWS))
    world.pin_delivered()
    with transaction(engine) as session:
        last_year.load(session)
    world.snapshot({view: [row.values for row in ROWS if row.view == view] for view in VIEWS})
    with world._driver() as connection:
        connection.execute("analyze")  # as a snapshot does; without it the planner takes every table for tiny
    world.validate()
    yield world
    engine.dispose()


@pytest.fixture(scope="session")
def random_world(rule_bank: CertificationDatabase) -> Iterator[World]:
    """An event of a few districts that have no rows yet, with all delivered rules."""
    engine = make_engine(rule_bank.url())
    url = rule_bank.url("certification_rules")
    world = World(engine, url, numbers=NUMBERS, views=list(VIEWS), key="random-rows")
    world.pin_delivered()
    yield world
    engine.dispose()
