"""The people of the certification tests over rows that snapshots really took: pupils and lessons of two districts."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification import service
from certification_lib.certification.retention import Retained, run_retention
from certification_lib.certification.service import note_new_revisions
from certification_lib.database import transaction
from certification_lib.events.models import EventStatus, Participant
from certification_lib.snapshots.models import Revision, SnapshotKind
from certification_lib.snapshots.pipe import connect
from tests.certification.conftest import Office, make_office
from tests.snapshots.conftest import EVENT_KEY, LESSON_VIEW, PUPIL_VIEW, Toy

DAY = datetime.timedelta(days=1)
DAYS_TO_KEEP = 30


@dataclass
class DataOffice:
    """Adair County (001) and Barren County (005) with 30 pupils each, and the acts on them, each committed."""

    toy: Toy
    office: Office
    changes: int = 0

    def take(self, *numbers: str) -> int:
        """A snapshot asked for by the state, of all or of some, that finds every one of them changed."""
        self.changes += 1
        self.toy.writer.execute(
            "update source.pupil set weight = weight + 1 where district_id = any(%s)",
            [list(numbers) or ["001", "005"]],
        )
        return self.take_unchanged(*numbers)

    def take_unchanged(self, *numbers: str) -> int:
        kind = SnapshotKind.DISTRICT if numbers else SnapshotKind.STATE
        snapshot_id = self.toy.request(kind, numbers=list(numbers) or None, on_demand=True)
        self.toy.take(snapshot_id, on_new_revisions=note_new_revisions)
        return snapshot_id

    def act(self, do: Callable[[Office], Any]) -> Any:
        """One use case at the tests' moment, in which the event's window is open."""
        with transaction(self.toy.engine) as session:
            self.office.session = self.office.world.session = session
            return do(self.office)

    def submit(self, number: str = "001") -> None:
        people = {"001": ("smith", "jones"), "005": ("green",)}[number]
        for username in people:
            self.act(lambda office, who=username: office.submit(getattr(office, who), number))

    def approve(self, number: str = "001") -> None:
        self.act(
            lambda office: service.approve(office.key, [number], "For the test", True, **office.act(office.approver))
        )

    def close(self) -> None:
        with transaction(self.toy.engine) as session:
            session.execute(sa.text("update certification.event set status = :closed"), {"closed": EventStatus.CLOSED})

    def purge(
        self, *, after: datetime.timedelta = (DAYS_TO_KEEP + 1) * DAY, key: str | None = EVENT_KEY
    ) -> list[Retained]:
        return run_retention(self.toy.engine, key, now=datetime.datetime.now(datetime.UTC) + after)

    def stored(self) -> dict[tuple[str, int], int]:
        """{(district, revision): rows of pupils that lie in the datamart}"""
        rows = self.toy.rows(
            "select p.organization_number, r.number, count(d.row_key) from certification.revision r "
            "join certification.participant p on p.id = r.participant_id "
            "left join datamart.pupil d on d.snapshot_id = r.snapshot_id and d.district_id = p.organization_number "
            "group by 1, 2 order by 1, 2"
        )
        return {(number, revision): count for number, revision, count in rows}

    def purged(self) -> list[tuple[str, int]]:
        with Session(self.toy.engine) as session:
            query = sa.select(Participant.organization_number, Revision.number).join(
                Revision, Revision.participant_id == Participant.id
            )
            found = session.execute(query.where(Revision.purged_at.is_not(None)).order_by(Revision.id))
            return [(number, revision) for number, revision in found]


def make_data_office(engine: sa.Engine, source_url: Callable[..., str], folder: Path, **event: Any) -> DataOffice:
    (folder / "pupil.sql").write_text(PUPIL_VIEW)
    (folder / "lesson.sql").write_text(LESSON_VIEW)
    with transaction(engine) as session:
        office = make_office(
            session,
            with_data=False,
            key=EVENT_KEY,
            datamart_views=["pupil", "lesson"],
            days_to_keep=DAYS_TO_KEEP,
            **event,
        )
    writer = connect(source_url("source_owner"))
    fill_source(writer)
    return DataOffice(Toy(engine, folder, source_url("source_reader"), writer), office)


def fill_source(writer: psycopg.Connection[Any]) -> None:
    writer.execute("drop schema if exists source cascade; create schema source")
    writer.execute(
        "create table source.pupil (district_id text, school_id text, pupil text, grade text, gifted boolean, "
        "weight numeric(9,3), first_day date, last_day date, school_year int)"
    )
    writer.execute(
        "create table source.lesson (district_id text, school_id text, lesson text, subject text, given_at timestamptz)"
    )
    writer.execute(
        "insert into source.pupil select number, number || '010', 'P' || number || lpad(i::text, 4, '0'), "
        "'Grade ' || i % 3, i % 2 = 0, i / 8.0, date '2016-08-10', null, 2017 "
        "from unnest(array['001', '005']) as number, generate_series(1, 30) as i"
    )
    writer.execute(
        "insert into source.lesson select '001', '001010', 'L' || i, 'History', timestamptz '2016-10-01 08:00+00' "
        "from generate_series(1, 5) as i"
    )
