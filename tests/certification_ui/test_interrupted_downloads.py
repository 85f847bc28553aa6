"""A file of findings whose database goes away half-way, and what a large one costs in memory."""

import logging
import socket
import tracemalloc
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import make_engine
from certification_lib.events.models import Participant
from certification_lib.validation.worklist import worklist
from certification_lib.validation.worklist_files import rows_as_csv
from certification_ui.deps import show_rows_of
from tests.certification_ui.listening import listening
from tests.certification_ui.site import KEY, ROOT, RULE, fill, shared_site
from tests.conftest import CertificationDatabase

ROWS, SECRET = 20_000, "700400"
# A student number of a thousand letters, so that the file is far larger than what sockets take on the way.
ADD = sa.text(
    "insert into certification.finding (revision_id, rule_version_id, validation_run_id, district_number, row_key,"
    " identifiers) select f.revision_id, f.rule_version_id, f.validation_run_id, '001', 'row ' || n,"
    " jsonb_build_object('student_unique_id', :secret || n || repeat('x', 1000))"
    " from certification.finding f cross join generate_series(1, :rows) n where f.district_number = '001'"
)
END = b"0\r\n\r\n"
"""The last piece of a whole answer; without it a browser says that the download failed."""


@pytest.fixture
def address(certification_database: CertificationDatabase, engine: sa.Engine) -> Iterator[tuple[str, int]]:
    """Where the site listens over a state in which Adair County has many findings."""
    fill(engine)
    with engine.begin() as connection:
        connection.execute(ADD, {"rows": ROWS, "secret": SECRET})
    pages = shared_site()
    pages.state.pages.state.engine = make_engine(certification_database.url("certification_app"))
    with listening(pages) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)
    pages.state.pages.state.engine.dispose()
    pages.state.pages.state.engine = None


def asked(address: tuple[str, int], file_format: str) -> socket.socket:
    """A slow receiver, who has asked for the file and read nothing yet."""
    receiver = socket.socket()
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    receiver.settimeout(60)
    receiver.connect(address)
    path = f"{ROOT}/my-events/{KEY}/001/findings-file?format={file_format}&rule={RULE}"
    request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nCookie: _token=smith\r\nConnection: close\r\n\r\n"
    receiver.sendall(request.encode())
    return receiver


def everything(receiver: socket.socket) -> bytes:
    pieces = []
    while piece := receiver.recv(1024 * 1024):
        pieces.append(piece)
    return b"".join(pieces)


def test_half_a_file_never_looks_whole_and_nothing_of_it_is_logged(
    address: tuple[str, int], certification_database: CertificationDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with asked(address, "csv") as receiver:
        begun = receiver.recv(1024)
        assert begun.startswith(b"HTTP/1.1 200")
        _lose_the_database_while_it_copies(certification_database)
        half = begun + everything(receiver)
    assert b"transfer-encoding: chunked" in half
    assert half.count(SECRET.encode()) < ROWS
    assert not half.endswith(END)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors, "nobody would know that it failed"
    assert not [record for record in errors if SECRET in record.getMessage() or record.exc_info]

    with asked(address, "csv") as receiver:
        whole = everything(receiver)
    assert whole.count(SECRET.encode()) == ROWS + 1
    assert whole.endswith(END)


def test_a_large_file_is_never_in_memory(address: tuple[str, int], engine: sa.Engine) -> None:
    del address
    with Session(engine) as session:
        revision = session.scalars(
            sa.select(Participant.current_revision_id).where(Participant.organization_number == "001")
        ).one()
        assert revision is not None
        rules = worklist(revision, session=session)
        show_rows_of(session, {"001"})
        tracemalloc.start()
        size = sum(len(piece) for piece in rows_as_csv(revision, rules, [["student_unique_id"]], session=session))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size > ROWS * 1000
    assert most < size / 10


def _lose_the_database_while_it_copies(database: CertificationDatabase) -> None:
    superuser = database.server.superuser_url().replace("+psycopg", "")
    with psycopg.connect(superuser, autocommit=True) as connection:
        ended = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = %s and usename = 'certification_app' and state = 'active' and query ilike 'copy%%'",
            [database.name],
        ).fetchall()
    assert ended == [(True,)]
