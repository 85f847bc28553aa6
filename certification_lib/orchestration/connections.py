"""The only place that turns Airflow's connections into database addresses and mail.

Tasks ask Airflow, so that a site may keep the addresses in its secrets backend. Addresses hold passwords: they are
never logged, returned from a task or stored.
"""

import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import sqlalchemy as sa
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException

from certification_lib.database import make_engine
from certification_lib.notifications.composing import Mail
from certification_lib.notifications.mail_server import hand_over

TASKS = "certification_db"
WEB = "certification_web"
RULES = "certification_rules"
MAIL = "smtp_default"

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_FILES = {"sqlite", "duckdb"}


def address(connection_id: str) -> str:
    """The SQLAlchemy address of a connection, also of a source named in a datamart view file."""
    connection = BaseHook.get_connection(connection_id)
    backend = _DRIVERS.get(connection.conn_type or "", connection.conn_type or "")
    if not backend.startswith("postgresql"):
        return _foreign_address(connection, backend)
    host = connection.host or ""
    over_socket = host.startswith("/")
    url = sa.URL.create(
        backend,
        username=connection.login or None,
        password=connection.password or None,
        # The folder of a socket has no place in an address but the query; as a host it would not be read back.
        host=None if over_socket else host,
        port=connection.port,
        database=connection.schema or None,
        query={"host": host} if over_socket else {},
    )
    return url.render_as_string(hide_password=False)


def _foreign_address(connection: Connection, backend: str) -> str:
    """The address of a source that is not PostgreSQL; the connection's extra fields are options of its driver."""
    # Airflow keeps the path of a SQLite file in the host.
    in_host = backend in _FILES and not connection.schema
    url = sa.URL.create(
        backend,
        username=connection.login or None,
        password=connection.password or None,
        host=None if in_host else connection.host or None,
        port=connection.port,
        database=(connection.host if in_host else connection.schema) or None,
        query={name: value for name, value in _extra(connection).items() if isinstance(value, str)},
    )
    return url.render_as_string(hide_password=False)


@contextmanager
def engine(connection_id: str = TASKS) -> Iterator[sa.Engine]:
    """An engine for one task; its connections end with the task."""
    made = make_engine(address(connection_id), pool_size=2)
    try:
        yield made
    finally:
        made.dispose()


class MailConnection:
    """Airflow's SMTP connection, opened with the first mail and used for all of them.

    Airflow's own notifier would render user-written text as a template; the mails sent here are final. Whatever keeps
    the connection from opening is raised as an error of smtplib or the network, which postpones mails and loses none.
    """

    def __init__(self, connection_id: str = MAIL) -> None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        self._hook = SmtpHook(smtp_conn_id=connection_id)
        self._client: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._client is not None:
            self._client.close()

    @property
    def sender(self) -> str | None:
        """The address mails come from, when the connection names one."""
        return _extra(self._hook.get_connection(self._hook.smtp_conn_id)).get("from_email")

    def hand_over(self, mail: Mail, before_content: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        """Opens the connection anew when the one before was lost."""
        if self._client is None or self._client.sock is None:
            self._client = self._open()
        hand_over(self._client, mail, before_content, meanwhile)

    def _open(self) -> Any:
        try:
            # The hook has no public way to send a finished mail.
            return cast(Any, self._hook.get_conn())._smtp_client  # noqa: SLF001
        except AirflowException as error:
            raise smtplib.SMTPConnectError(421, type(error).__name__) from error


def _extra(connection: Connection) -> dict[str, Any]:
    return dict(connection.extra_dejson or {})
