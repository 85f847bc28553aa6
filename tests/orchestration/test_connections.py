import json
import smtplib

import pytest
import sqlalchemy as sa

from certification_lib.notifications.composing import Mail
from certification_lib.orchestration import connections
from tests.conftest import CertificationDatabase


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch):
    def give(name: str, **connection: object) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))

    return give


def test_a_password_with_any_character_arrives_at_the_database(give):
    give(
        "certification_db",
        conn_type="postgres", host="127.0.0.1", port=5433, login="certification_task", password="a/b@c:d%",
        schema="certification",
    )  # fmt: skip
    url = sa.make_url(connections.address("certification_db"))
    assert (url.drivername, url.password, url.port) == ("postgresql+psycopg", "a/b@c:d%", 5433)


def test_a_server_on_a_socket_is_found_by_its_folder(give):
    give("certification_db", conn_type="postgres", host="/run/pg", login="certification_task", schema="certification")
    url = sa.make_url(connections.address("certification_db"))
    assert url.host is None
    assert url.query == {"host": "/run/pg"}
    assert url.database == "certification"


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ("sqlite:////data/staff.db", "sqlite:////data/staff.db"),
        ("duckdb:////data/staff.duckdb", "duckdb:////data/staff.duckdb"),
        ('{"conn_type": "sqlite", "host": "/data/staff.db"}', "sqlite:////data/staff.db"),
        (
            "mssql+pyodbc://reader:secret@db.state.us:1433/staff?driver=ODBC+Driver+18",
            "mssql+pyodbc://reader:secret@db.state.us:1433/staff?driver=ODBC+Driver+18",
        ),
    ],
)
def test_a_source_of_another_kind_keeps_its_address(monkeypatch: pytest.MonkeyPatch, connection: str, address: str):
    monkeypatch.setenv("AIRFLOW_CONN_STAFF_SYSTEM", connection)
    assert sa.make_url(connections.address("staff_system")) == sa.make_url(address)


def test_a_task_reaches_the_real_database(give, certification_database: CertificationDatabase):
    url = sa.make_url(certification_database.url())
    give(
        "certification_db",
        conn_type="postgres", host=url.host, port=url.port, login=url.username, password=url.password,
        schema=url.database,
    )  # fmt: skip
    with connections.engine() as engine, engine.connect() as connection:
        assert connection.scalar(sa.text("select current_user")) == "certification_task"


def test_an_address_never_shows_its_password_in_an_engines_name(give):
    give("certification_db", conn_type="postgres", host="127.0.0.1", login="task", password="secret", schema="c")
    with connections.engine() as engine:
        assert "secret" not in repr(engine)


def test_a_mail_server_that_is_away_is_an_error_which_postpones(give):
    give("smtp_default", conn_type="smtp", host="127.0.0.1", port=9, extra={"disable_ssl": True, "retry_limit": 0})
    mail = Mail("state@example.org", "a@example.org", b"Subject: x\r\n\r\nx\r\n")
    with connections.MailConnection() as connection, pytest.raises((smtplib.SMTPException, OSError)):
        connection.hand_over(mail, lambda: None, lambda: None)


def test_opening_a_mail_connection_for_nothing_reaches_no_server(give):
    give("smtp_default", conn_type="smtp", host="127.0.0.1", port=9, extra={"from_email": "data@state.example"})
    with connections.MailConnection() as connection:
        assert connection.sender == "data@state.example"
