"""One small sample loaded for all tests of this folder; whoever changes a source takes `source_url` instead."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.supervisor.postgres import Server

DATABASE = "source_sample_tests"
STUDENTS = 5_000


@dataclass(frozen=True)
class Sample:
    manifest: SampleManifest
    connection: Connection[TupleRow]
    reader_url: str

    def rows(self, query: str, *values: object) -> list[TupleRow]:
        return self.connection.execute(sql.SQL(query), values).fetchall()  # type: ignore[arg-type]

    def value(self, query: str, *values: object) -> object:
        return self.rows(query, *values)[0][0]


@pytest.fixture(scope="session")
def sample(server: Server) -> Iterator[Sample]:
    """Kentucky with 5,000 students and Grand Bend ISD."""
    with psycopg.connect(server.superuser_url().replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"create database {DATABASE} owner source_owner strategy file_copy")
    url = server.url("source_owner", DATABASE)
    manifest = load_sample(url, students=STUDENTS)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield Sample(manifest, connection, server.url("source_reader", DATABASE).replace("+psycopg", ""))
