"""A state with a real, very small source: what snapshots copy and rules find is what a test enrolled there."""

import datetime
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.certification import service, taking
from certification_lib.certification.on_demand import serve_snapshot, serve_validation
from certification_lib.certification.publishing import PublishedEvent, publish_event
from certification_lib.database import transaction
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.events.service import save_event
from certification_lib.sample_source import schema
from certification_lib.sample_source.descriptors import read_descriptors
from certification_lib.snapshots.models import Revision, SnapshotKind
from tests.conftest import CertificationDatabase
from tests.events.writing import EARLY, content, planner
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"
OPEN = datetime.datetime(2016, 10, 12, 15, tzinfo=datetime.UTC)
BEFORE_COUNT_DATE = datetime.date(2016, 8, 10)


class SmallState:
    """Districts 101, 105, … with their one school 101010, 105010, …; every act is committed."""

    def __init__(
        self, engine: sa.Engine, database: CertificationDatabase, source_url: Callable[..., str], *districts: str
    ) -> None:
        self.engine, self.source_url = engine, source_url("source_reader")
        self.rules_url = database.url("certification_rules")
        owner = source_url("source_owner").replace("postgresql+psycopg://", "postgresql://", 1)
        self.source = psycopg.connect(owner, autocommit=True)
        descriptors = read_descriptors()
        schema.create_tables(self.source, descriptors.types)
        schema.add_keys(self.source, descriptors.types)
        schema.replace_schema(self.source, "source_reader")
        self._tell("alter table edfi.student alter aggregateid set default 0")
        self._tell("alter table edfi.studentschoolassociation alter aggregateid set default 0")
        with transaction(engine) as session:
            self._world = World(session)
            self._world.approver()
            planner(self._world)
            for number in districts:
                self._world.certifier(f"c{number}", self._world.lea(number, f"District {number}"))
                self.school(f"{number}010", number)

    def school(self, number: str, district: str) -> None:
        """A school of the source; named again, it belongs to the other district from now on."""
        self._tell(
            "insert into edfi.school (schoolid, localeducationagencyid) values (%s, %s) "
            "on conflict (schoolid) do update set localeducationagencyid = excluded.localeducationagencyid",
            int(number),
            int(district),
        )

    def enroll(self, student: int, school: str, since: datetime.date = BEFORE_COUNT_DATE) -> None:
        self._tell(
            "insert into edfi.student (studentusi, studentuniqueid, firstname, lastsurname, birthdate) "
            "values (%s, %s, 'Ann', 'Hill', '2005-01-01') on conflict do nothing",
            student,
            str(student),
        )
        self._tell(
            "insert into edfi.studentschoolassociation "
            "(studentusi, schoolid, entrydate, entrygradeleveldescriptorid, schoolyear, primaryschool) "
            "values (%s, %s, %s, 1, 2017, true)",
            student,
            int(school),
            since,
        )

    def withdraw(self, student: int, school: str, day: datetime.date) -> None:
        self._tell(
            "update edfi.studentschoolassociation set exitwithdrawdate = %s where studentusi = %s and schoolid = %s",
            day,
            student,
            int(school),
        )

    def unenroll_all(self, school: str) -> None:
        self._tell("delete from edfi.studentschoolassociation where schoolid = %s", int(school))

    def publish(self, *numbers: str, key: str = KEY, now: datetime.datetime = EARLY, **changes: Any) -> PublishedEvent:
        """Publish an event of the view enrollment for these districts, or publish it again."""
        changes = {"datamart_views": ["enrollment"], "districts_may_take_snapshots": True, **changes}
        with transaction(self.engine) as session:
            world = self.world(session)
            event = session.scalar(sa.select(Event.id).where(Event.key == key))
            written = content(world, *numbers, **changes)
            save_event(written, key=key if event is not None else None, session=session, actor=planner(world), now=now)
            return publish_event(key, session=session, actor=planner(world), now=now)

    def take_snapshot(self, *numbers: str, key: str = KEY) -> None:
        """Taken and validated on demand of the state, of all or of these districts."""
        kind = SnapshotKind.DISTRICT if numbers else SnapshotKind.STATE
        asked = self.act(
            lambda act: taking.request_snapshot(key, kind, numbers=list(numbers) or None, on_demand=True, **act)
        )
        run_id = serve_snapshot(asked.id, engine=self.engine, source_url_of=lambda _: self.source_url)
        if run_id is not None:
            serve_validation(run_id, engine=self.engine, rules_url=self.rules_url)

    def act(self, do: Callable[[dict[str, Any]], Any], username: str = "", now: datetime.datetime = OPEN) -> Any:
        """One use case by a person, or by the system."""
        with transaction(self.engine) as session:
            world = self.world(session)
            actor: Actor = world.actor(world.person(username)) if username else SYSTEM
            return do({"session": session, "actor": actor, "now": now})

    def submit(self, number: str, *, key: str = KEY, **changes: Any) -> None:
        current = self.current(number, key=key)
        with Session(self.engine) as session:
            version = session.get_one(Event, self.participant(number, key=key).event_id).live_version_id
            statement = session.get_one(EventVersion, version).statement_version
        shown = service.Attestation(
            current.number, current.digest, statement, f"Head of {number}", "Superintendent", **changes
        )
        self.act(lambda act: service.submit(key, number, shown, **act), f"c{number}")

    def participant(self, number: str, *, key: str = KEY) -> Participant:
        with Session(self.engine) as session:
            return session.scalars(
                sa.select(Participant)
                .join(Event, Event.id == Participant.event_id)
                .where(Event.key == key, Participant.organization_number == number)
            ).one()

    def current(self, number: str, *, key: str = KEY) -> Revision:
        with Session(self.engine) as session:
            return session.get_one(Revision, self.participant(number, key=key).current_revision_id)

    def world(self, session: Session) -> World:
        """To make more of in this transaction."""
        self._world.session = session
        return self._world

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def _tell(self, statement: str, *values: Any) -> None:
        self.source.execute(statement, values)
