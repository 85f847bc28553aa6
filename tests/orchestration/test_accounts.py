import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from airflow.providers.fab.auth_manager.models import Model, Role
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from certification_lib.database import make_engine, transaction
from certification_lib.errors import Conflict, NotAllowed
from certification_lib.orchestration.accounts import DISTRICT_ROLE, STATE_ROLE, SyncedAccounts, sync_accounts
from certification_lib.people.models import Person
from certification_lib.settings import Settings
from certification_lib.supervisor.postgres import Server
from tests.conftest import CertificationDatabase
from tests.factories import World


@pytest.fixture
def airflow(server: Server) -> Iterator[sa.Engine]:
    """The tables of Airflow's accounts, as its migration makes them, with its role Viewer."""
    engine = make_engine(server.url("airflow", "airflow"))
    tables = [table for name, table in Model.metadata.tables.items() if name.startswith("ab_")]
    Model.metadata.create_all(engine, tables=tables)
    with Session(engine) as session, session.begin():
        session.add(Role(name="Viewer"))
    yield engine
    Model.metadata.drop_all(engine, tables=tables)
    engine.dispose()


@pytest.fixture
def settings(server: Server, certification_database: CertificationDatabase, tmp_path: Path) -> Settings:
    return Settings(
        state_folder=tmp_path,
        manifest_folder=tmp_path,
        mail_folder=tmp_path,
        base_url="http://127.0.0.1",
        database_url=certification_database.url(),
        airflow_url=server.url("airflow", "airflow"),
        demo=True,
    )


@pytest.fixture
def people(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        world = World(session)
        world.approver()
        lea = world.lea()
        world.certifier("smith", lea)
        session.add(Person(username="gone", name="Gone", active=False))


def roles(airflow: sa.Engine, username: str) -> set[str]:
    with Session(airflow) as session:
        return set(
            session.scalars(
                sa.text(
                    "select r.name from ab_user u join ab_user_role m on m.user_id = u.id "
                    "join ab_role r on r.id = m.role_id where u.username = :username"
                ),
                {"username": username},
            )
        )


def permissions(airflow: sa.Engine, role: str) -> set[tuple[str, str]]:
    with Session(airflow) as session:
        found = session.scalars(sa.select(Role).where(Role.name == role)).unique().one()
        return {(permission.action.name, permission.resource.name) for permission in found.permissions}


def accounts(airflow: sa.Engine) -> dict[str, tuple[str, str | None]]:
    with airflow.connect() as connection:
        rows = connection.execute(sa.text("select username, email, password from ab_user order by username"))
        return {username: (email, password) for username, email, password in rows}


def test_state_staff_may_look_at_airflow_and_district_people_at_nothing_of_it(
    settings: Settings, airflow: sa.Engine, people: None
):
    assert sync_accounts(settings=settings) == SyncedAccounts(people=2, created=2)
    assert roles(airflow, "approver") == {"Viewer", STATE_ROLE}
    assert roles(airflow, "smith") == {DISTRICT_ROLE}
    assert permissions(airflow, DISTRICT_ROLE) == {("can_enter", "Certification")}
    assert permissions(airflow, STATE_ROLE) == {("can_enter", "Certification"), ("can_read", "Plugins")}


def test_nobody_inactive_gets_an_account_and_no_account_can_receive_mail(
    settings: Settings, airflow: sa.Engine, people: None
):
    sync_accounts(settings=settings)
    assert accounts(airflow) == {
        "approver": ("approver@accounts.invalid", None),
        "smith": ("smith@accounts.invalid", None),
    }


def test_again_changes_nothing_and_adds_who_is_new(settings: Settings, airflow: sa.Engine, people: None, engine):
    sync_accounts(settings=settings)
    assert sync_accounts(settings=settings).created == 0
    with transaction(engine) as session:
        session.add(Person(username="new", name="New Person", active=True))
    assert sync_accounts(settings=settings) == SyncedAccounts(people=3, created=1)


def test_a_password_somebody_has_stays_his(settings: Settings, airflow: sa.Engine, people: None):
    sync_accounts(settings=settings)
    with airflow.begin() as connection:
        connection.execute(sa.text("update ab_user set password = 'his own' where username = 'smith'"))
    sync_accounts(settings=settings, demo_password="shared")
    assert accounts(airflow)["smith"][1] == "his own"


def test_the_demo_has_one_password_for_all(settings: Settings, airflow: sa.Engine, people: None):
    sync_accounts(settings=settings, demo_password="shared")
    hashes = {password for _, password in accounts(airflow).values()}
    assert len(hashes) == 1
    assert check_password_hash(hashes.pop() or "", "shared")


def test_one_password_for_all_is_refused_outside_the_demo(settings: Settings, airflow: sa.Engine, people: None):
    from dataclasses import replace

    with pytest.raises(NotAllowed, match="demo"):
        sync_accounts(settings=replace(settings, demo=False), demo_password="shared")
    assert accounts(airflow) == {}


def test_before_airflows_first_start_the_message_says_what_to_do(settings: Settings, airflow: sa.Engine, people: None):
    with airflow.begin() as connection:
        connection.execute(sa.text("delete from ab_role"))
    with pytest.raises(Conflict, match="start it once"):
        sync_accounts(settings=settings)


def test_three_thousand_people_get_accounts_in_seconds(settings: Settings, airflow: sa.Engine, engine: sa.Engine):
    with transaction(engine) as session:
        session.add_all(Person(username=f"p{n}", name=f"Person {n}", active=True) for n in range(3000))
    started = time.monotonic()
    assert sync_accounts(settings=settings, demo_password="shared").created == 3000
    assert time.monotonic() - started < 10
