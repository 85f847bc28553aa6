"""A published event over a small source of its own: two views on a table of pupils and one of lessons."""

import datetime
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Category, Level
from certification_lib.database import database_now, transaction
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    FindingsPolicy,
    Participant,
    ParticipantStatus,
)
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.snapshots.models import Snapshot, SnapshotKind
from certification_lib.snapshots.outcome import SnapshotOutcome
from certification_lib.snapshots.pipe import connect
from certification_lib.snapshots.service import request_snapshot, take_snapshot

PUPIL_VIEW = """/*
name: pupil
title: Pupils
source: toy
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Error
totals:
  once_per: [pupil]
  on_count_date: [first_day, last_day]
  by: [school_id, grade]
  flags: [gifted]
  sum: [weight]
columns:
  district_id: District
  school_id: School
  row_key: Row
  pupil: Pupil
  grade: Grade
  gifted: Gifted
  weight: Weight
  first_day: First day
  last_day: Last day
*/
select district_id, school_id, pupil as row_key, pupil, grade, gifted, weight, first_day, last_day
from source.pupil
where school_year = :school_year
"""
LESSON_VIEW = """/*
name: lesson
title: Lessons
source: toy
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Warning
columns: {district_id: District, school_id: School, row_key: Row, subject: Subject, given_at: Given at}
*/
select district_id, school_id, lesson as row_key, subject, given_at from source.lesson
"""
DISTRICTS = ("001", "005", "011")
EVENT_KEY = "fall-count"


@dataclass
class Toy:
    """What the tests of this folder work with."""

    engine: sa.Engine
    views: Path
    source_url: str
    writer: psycopg.Connection[Any]

    def write(self, statement: str) -> None:
        self.writer.execute(statement)

    def request(self, kind: SnapshotKind = SnapshotKind.STATE, **options: Any) -> int:
        with transaction(self.engine) as session:
            options.setdefault("on_demand", False)
            snapshot = request_snapshot(
                EVENT_KEY, kind, session=session, actor=SYSTEM, now=database_now(session), **options
            )
            return snapshot.id

    def take(self, snapshot_id: int | None = None, **options: Any) -> SnapshotOutcome:
        return take_snapshot(
            self.request() if snapshot_id is None else snapshot_id,
            engine=self.engine,
            source_url_of=options.pop("source_url_of", lambda _name: self.source_url),
            views_folder=self.views,
            patience=options.pop("patience", datetime.timedelta(0)),
            **options,
        )

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def value(self, statement: str, **parameters: Any) -> Any:
        return self.rows(statement, **parameters)[0][0]

    def datamart_tables(self) -> list[str]:
        found = self.rows(
            "select relname from pg_class where relnamespace = 'datamart'::regnamespace and relkind = 'r'"
        )
        return sorted(name for (name,) in found)

    def snapshot(self, snapshot_id: int) -> Snapshot:
        with Session(self.engine) as session:
            return session.get_one(Snapshot, snapshot_id)


@contextmanager
def memory_growth() -> Iterator[list[int]]:
    """Bytes by which this process had grown, looked at a hundred times a second while the block runs."""
    process, ended = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    seen = [0]

    def look() -> None:
        while not ended.wait(0.01):
            seen.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


@pytest.fixture
def toy(engine: sa.Engine, source_url: Callable[..., str], tmp_path: Path) -> Iterator[Toy]:
    (tmp_path / "pupil.sql").write_text(PUPIL_VIEW)
    (tmp_path / "lesson.sql").write_text(LESSON_VIEW)
    with transaction(engine) as session:
        publish_event(session, ["pupil", "lesson"], {number: f"District {number}" for number in DISTRICTS})
    with connect(source_url("source_owner")) as writer:
        writer.execute("create schema source")
        writer.execute(
            "create table source.pupil (district_id text, school_id text, pupil text, grade text, gifted boolean, "
            "weight numeric(6,3), first_day date, last_day date, school_year int)"
        )
        writer.execute(
            "create table source.lesson (district_id text, school_id text, lesson text, subject text, "
            "given_at timestamptz)"
        )
        writer.execute(
            "insert into source.pupil select number, number || '010', 'P' || number || lpad(i::text, 4, '0'), "
            "case when i % 3 = 0 then null else 'Grade ' || i % 3 end, i % 2 = 0, i / 8.0, date '2016-08-10', "
            "case when i % 10 = 0 then date '2016-09-15' end, 2017 "
            "from unnest(array['001', '005', '999']) as number, generate_series(1, 30) as i"
        )
        writer.execute(
            "insert into source.lesson select '001', '001010', 'L' || i, E'tab\\tand \\\\ and \u00fcml\u00e4ut', "
            "timestamptz '2016-10-01 08:00+00' + i * interval '1 minute' from generate_series(1, 5) as i"
        )
        yield Toy(engine, tmp_path, source_url("source_reader"), writer)


def publish_event(
    session: Session,
    views: list[str],
    participants: Mapping[str, str],
    *,
    level: Level = Level.DISTRICT,
    key: str = EVENT_KEY,
) -> Event:
    """A published event as publishing leaves it, with the columns a snapshot reads."""
    now = datetime.datetime(2016, 9, 20, tzinfo=datetime.UTC)
    category = Category(name=f"Category of {key}", level=level, published=True)
    event = Event(key=key, status=EventStatus.PUBLISHED, created_at=now, created_by="system", published_at=now)
    session.add_all([category, event])
    session.flush()
    version = EventVersion(
        event_id=event.id,
        number=1,
        name="Fall Enrollment Count",
        reporting_year=2017,
        count_date=datetime.date(2016, 10, 1),
        start_date=datetime.date(2016, 10, 1),
        opens_date=datetime.date(2016, 10, 3),
        end_date=datetime.date(2016, 11, 30),
        description="",
        level=level,
        category_id=category.id,
        links=[],
        statement="True.",
        statement_version=1,
        nil_statement="None.",
        findings_policy=FindingsPolicy.INFORM,
        requires_snapshot=True,
        datamart_views=views,
        districts_may_take_snapshots=False,
        days_to_keep=30,
        reminder_days=[7, 1],
        made_at=now,
        made_by="system",
        published_at=now,
        published_by="system",
    )
    session.add(version)
    session.flush()
    event.live_version_id = version.id
    for number, name in participants.items():
        kind = OrganizationKind.LEA if level is Level.DISTRICT else OrganizationKind.SCHOOL
        organization = Organization(kind=kind, number=number, name=name)
        session.add(organization)
        session.flush()
        session.add(
            Participant(
                event_id=event.id,
                organization_id=organization.id,
                organization_number=number,
                organization_name=name,
                lea_id=organization.id,
                lea_number=number,
                lea_name=name,
                status=ParticipantStatus.IN_PROGRESS,
                added_at=now,
            )
        )
    session.flush()
    return event
