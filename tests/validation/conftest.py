"""An event with rows of the test's own choosing."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import CertificationDatabase
from tests.validation.world import World


@pytest.fixture
def make_world(certification_database: CertificationDatabase, engine: sa.Engine) -> Callable[..., World]:
    """Events in this test's own database."""

    def make(**options: Any) -> World:
        return World(engine, certification_database.url("certification_rules"), **options)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
