"""A real PostgreSQL for every test: one embedded server a session, migrated once, cloned or rolled back per test.

`session` is for most tests: one transaction with savepoints, rolled back at the end (10 ms). Whatever needs several
connections, COPY, row-level security or races takes `certification_database`: a database of its own (0.03 s in memory,
0.3 s on a disk).
"""

import atexit
import datetime
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import make_engine
from certification_lib.migrations.migrate import upgrade
from certification_lib.supervisor.postgres import Server, embedded_server

# Airflow reads its settings, and writes some, where it is imported first: never in the home folder of who tests.
if "AIRFLOW_HOME" not in os.environ:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="certification_airflow_")
    atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

TEMPLATE = "certification_template"


def _with_the_statements_of_all(create: Callable[..., sa.Engine]) -> Callable[..., sa.Engine]:
    """What SQLAlchemy makes of a query it keeps for each engine by itself. Every test has engines of its own, on
    databases that are all alike: that what one has made serves the others is a sixth of the tests' time."""
    first: list[sa.Engine] = []

    def create_alike(url: str | sa.URL, **options: Any) -> sa.Engine:
        usual = options.keys() == {"hide_parameters", "pool_pre_ping", "connect_args"}
        if not usual or not str(sa.make_url(url)).startswith("postgresql+psycopg:"):
            return create(url, **options)
        made = create(url, query_cache_size=5_000, **options)
        if first:
            made.dialect = made.pool._dialect = first[0].dialect
            made._compiled_cache = first[0]._compiled_cache
        else:
            first.append(made)
        return made

    return create_alike


sa.create_engine = _with_the_statements_of_all(sa.create_engine)

# Where tests are that start a real Airflow: the others need not be collected a second time.
STACK = ("airflow/",)

# Half a minute and more each. They begin first, so that of two processes neither works long after the other.
LONGEST = (
    "commands/test_whole_way.py",
    "snapshots/test_faults.py",
    "browser/",
    "benchmarks/",
    "certification_ui/test_isolation.py",
    "certification_ui/test_rights_matrix.py",
    "certification/test_lives_of_revisions.py",
    "expectations/",
    "certification/test_state_machine.py",
    "snapshots/test_foreign_databases.py",
    "certification/test_retention.py",
    "certification_ui/",
    "orchestration/test_dag_factory.py",
    "snapshots/",
    "validation/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files stay together, in the order in which they were found, but for the longest."""
    here = Path(__file__).parent

    def place_of(item: pytest.Item) -> str:
        return item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""

    def place(item: pytest.Item) -> int:
        file = place_of(item)
        return next((number for number, start in enumerate(LONGEST) if file.startswith(start)), len(LONGEST))

    items.sort(key=place)
    lost = [item.nodeid for item in items if item.get_closest_marker("stack") and not place_of(item).startswith(STACK)]
    if lost:
        raise pytest.UsageError(f"`make test` looks for tests marked stack in {STACK} only: {', '.join(lost)}")


def pytest_collection_finish() -> None:
    """Airflow and all the tests stay: no collection of garbage looks through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded PostgreSQL with the product's roles."""
    with embedded_server(tmp_path_factory.mktemp("postgres") / "server", fast=True) as running:
        _servers.append(running)
        yield running
        _servers.remove(running)
        for connection in _superusers.values():
            connection.close()


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """Name of a migrated, empty database to clone."""
    _run_as_superuser(server, f"create database {TEMPLATE} template certification strategy file_copy")
    _run_as_superuser(server, f"alter database {TEMPLATE} owner to certification_owner")
    _copy_grants(server, TEMPLATE)
    upgrade(server.url("certification_owner", TEMPLATE))
    return TEMPLATE


@dataclass(frozen=True)
class CertificationDatabase:
    """A migrated database of this test's own; `url(role)` signs in as one of the product's roles."""

    server: Server
    name: str

    def url(self, role: str = "certification_task") -> str:
        return self.server.url(role, self.name)

    def wait_until_unlocked(self, seconds: float = 60) -> None:
        """The server notices a moment later that a client was killed: until then its advisory locks stay."""
        held = (
            "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database"
            " where locktype = 'advisory' and datname = current_database()"
        )
        deadline = time.monotonic() + seconds
        url = self.url().replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url, autocommit=True) as connection:
            while (connection.execute(held).fetchone() or (0,))[0]:
                assert time.monotonic() < deadline, "a killed client's lock is still held"
                time.sleep(0.02)


@pytest.fixture
def make_database(server: Server, migrated: str) -> Iterator[Callable[[], CertificationDatabase]]:
    """Make any number of databases; all are dropped at the end."""
    yield from _databases(server, migrated)


@pytest.fixture(scope="module")
def make_lasting_database(server: Server, migrated: str) -> Iterator[Callable[[], CertificationDatabase]]:
    """Databases for all tests of a module: for those that may change nothing anyway."""
    yield from _databases(server, migrated)


def _databases(server: Server, migrated: str) -> Iterator[Callable[[], CertificationDatabase]]:
    made: list[str] = []

    def make() -> CertificationDatabase:
        name = f"certification_{_next_number()}"
        _run_as_superuser(server, f"create database {name} template {migrated} strategy file_copy")
        _run_as_superuser(server, f"alter database {name} owner to certification_owner")
        _copy_grants(server, name)
        made.append(name)
        return CertificationDatabase(server, name)

    yield make
    for name in made:
        _run_as_superuser(server, f"drop database {name} with (force)")


def keep_database(name: str, kept: str) -> bool:
    """Keep a database as it is now, to be put in place of others; False while somebody is connected to it."""
    try:
        _run_as_superuser(_servers[-1], f"create database {kept} template {name} strategy file_copy")
    except psycopg.errors.ObjectInUse:
        return False
    return True


def put_kept_database(kept: str, name: str) -> None:
    """Let a database be as the kept one; whoever is connected loses his connection."""
    server = _servers[-1]
    _run_as_superuser(server, f"drop database {name} with (force)")
    _run_as_superuser(server, f"create database {name} template {kept} strategy file_copy")
    _run_as_superuser(server, f"alter database {name} owner to certification_owner")
    _copy_grants(server, name)


@pytest.fixture
def certification_database(make_database: Callable[[], CertificationDatabase]) -> CertificationDatabase:
    return make_database()


@pytest.fixture
def engine(certification_database: CertificationDatabase) -> Iterator[sa.Engine]:
    """The test's own database as certification_task sees it; commits are real."""
    made = make_engine(certification_database.url())
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def shared_engine(server: Server, migrated: str) -> Iterator[sa.Engine]:
    """A migrated database for tests that roll everything back."""
    _run_as_superuser(server, f"create database certification_shared template {migrated} strategy file_copy")
    _run_as_superuser(server, "alter database certification_shared owner to certification_owner")
    _copy_grants(server, "certification_shared")
    made = make_engine(server.url("certification_task", "certification_shared"))
    yield made
    made.dispose()


@pytest.fixture
def session(shared_engine: sa.Engine) -> Iterator[Session]:
    """A session whose every commit is a savepoint; all is gone after the test."""
    with shared_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as made:
            yield made
        outer.rollback()


@pytest.fixture
def source_url(server: Server) -> Iterator[Callable[[str], str]]:
    """`source_url(role)` of an empty source database of this test's own (roles source_owner, source_reader)."""
    name = f"source_{_next_number()}"
    _run_as_superuser(server, f"create database {name} owner source_owner template source strategy file_copy")
    _run_as_superuser(server, f"grant connect on database {name} to source_reader")
    yield lambda role="source_reader": server.url(role, name)
    _run_as_superuser(server, f"drop database {name} with (force)")


@pytest.fixture
def statements() -> Callable[[sa.Engine], "StatementRecorder"]:
    """`with statements(engine) as seen: …; len(seen)` counts what reached the database."""
    return StatementRecorder


class StatementRecorder(list[str]):
    """The statements executed on an engine while the block runs."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__()
        self._engine = engine

    def _see(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        self.append(statement)

    def __enter__(self) -> Self:
        sa.event.listen(self._engine, "before_cursor_execute", self._see)
        return self

    def __exit__(self, *_exception: object) -> None:
        sa.event.remove(self._engine, "before_cursor_execute", self._see)


@pytest.fixture
def now() -> datetime.datetime:
    """A moment in the sample's school year, for tests that do not care which."""
    return datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)


@pytest.fixture(scope="session")
def project_folder() -> Path:
    return Path(__file__).resolve().parent.parent


_numbers = iter(range(1, 1_000_000))


def _next_number() -> int:
    return next(_numbers)


_servers: list[Server] = []
_superusers: dict[str, psycopg.Connection[object]] = {}


def _run_as_superuser(server: Server, statement: str) -> None:
    """On one connection for all: signing in takes as long as making a database."""
    url = server.superuser_url().replace("+psycopg", "")
    connection = _superusers.get(url)
    if connection is None or connection.closed:
        connection = _superusers[url] = psycopg.connect(url, autocommit=True)
    connection.execute(statement)  # type: ignore[arg-type] - names of this file only


def _copy_grants(server: Server, database: str) -> None:
    """Database-level grants are not cloned with a template."""
    users = "certification_app, certification_task, certification_rules, datamart_reader"
    _run_as_superuser(
        server,
        f"revoke all on database {database} from public; grant connect on database {database} to {users}; "
        f"grant create, temporary on database {database} to certification_task",
    )
