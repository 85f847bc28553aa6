"""The migrations and the models say the same."""

from certification_lib.migrations.migrate import differences, upgrade
from tests.conftest import CertificationDatabase


def test_the_migrated_database_equals_the_models(certification_database: CertificationDatabase) -> None:
    assert differences(certification_database.url("certification_owner")) == []


def test_upgrading_an_upgraded_database_changes_nothing(certification_database: CertificationDatabase) -> None:
    upgrade(certification_database.url("certification_owner"))
    assert differences(certification_database.url("certification_owner")) == []
