"""What a closing package holds, file by file.

Reports are made as of the moment the event was closed, and for the state: small numbers are in them.
"""

import datetime
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import transaction
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.reports import certification_document, story, summary_document
from certification_lib.reports.certification_reading import certification_report
from certification_lib.reports.document_files import file_name, write_document
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.parquet_files import Part, Place, write_view
from certification_lib.reports.reading import event_report
from certification_lib.reports.state_summary import state_summary
from certification_lib.reports.storing import Folder, Written
from certification_lib.reports.writing import file_name as event_report_name
from certification_lib.reports.writing import write_report
from certification_lib.snapshots import pipe
from certification_lib.snapshots.models import Revision, RevisionView

_OF_PARTICIPANTS = (ReportFormat.PDF, ReportFormat.JSON)
OFFICIAL, CERTIFIED = "official", "certified"


def files_of(key: str, place: Folder, *, engine: sa.Engine) -> Iterator[Written]:
    """Write one file after the other; what was written."""
    with transaction(engine) as session:
        event = session.scalars(sa.select(Event).where(Event.key == key)).one()
        moment = event.closed_at or datetime.datetime.now(datetime.UTC)
        level = session.get_one(EventVersion, event.live_version_id).level
        numbers = _numbers(event.id, session)
        parts = _parts(event.id, session)
        listed = _listed(event.id, session)
    yield from _event_reports(key, place, moment, engine)
    for number in numbers:
        yield from _of_participant(key, number, place, moment, engine)
    yield place.write("data/participants.json", json.dumps(listed, ensure_ascii=False, indent=1).encode())
    yield from _data(event.id, level, parts, place, engine)


def _event_reports(key: str, place: Folder, now: datetime.datetime, engine: sa.Engine) -> Iterator[Written]:
    with transaction(engine) as session:
        report = event_report(key, Choice(include_reviewers=True), made_by=SYSTEM.name, session=session, now=now)
        summary = state_summary(key, made_by=SYSTEM.name, session=session, now=now)
    for one in ReportFormat:
        yield place.write(f"reports/{event_report_name(report, one)}", write_report(report, one))
    document = summary_document.as_document(summary)
    for one in ReportFormat:
        yield place.write(f"reports/{file_name(document, one)}", write_document(summary, document, one))


def _of_participant(
    key: str, number: str, place: Folder, now: datetime.datetime, engine: sa.Engine
) -> Iterator[Written]:
    with transaction(engine) as session:
        report = certification_report(key, number, session=session, actor=SYSTEM, now=now)
        told = story.story(key, number, made_by=SYSTEM.name, session=session, now=now)
    document = certification_document.as_document(report)
    for one in _OF_PARTICIPANTS:
        yield place.write(f"participants/{file_name(document, one)}", write_document(report, document, one))
    document = story.as_document(told)
    name = file_name(document, ReportFormat.CSV)
    yield place.write(f"participants/{name}", write_document(told, document, ReportFormat.CSV))


def _numbers(event_id: int, session: Session) -> Sequence[str]:
    query = (
        sa.select(Participant.organization_number)
        .where(Participant.event_id == event_id)
        .order_by(Participant.organization_number)
    )
    return session.scalars(query).all()


def _packed() -> sa.ColumnElement[int | None]:
    """The revision whose rows go into the package: the official one, else the certified one."""
    return sa.func.coalesce(Participant.official_revision_id, Participant.certified_revision_id)


def _parts(event_id: int, session: Session) -> dict[str, list[Part]]:
    """{view: its parts}, without what was disposed of or purged."""
    query = (
        sa.select(
            RevisionView.view,
            RevisionView.slot,
            Revision.snapshot_id,
            Participant.organization_number,
            Revision.number,
            RevisionView.row_count,
            Participant.official_revision_id.is_not(None).label("official"),
        )
        .join_from(Participant, Revision, Revision.id == _packed())
        .join(RevisionView, RevisionView.revision_id == Revision.id)
        .where(Participant.event_id == event_id, Participant.withdrawn_at.is_(None))
        .where(Revision.disposal_id.is_(None), Revision.purged_at.is_(None), RevisionView.row_count > 0)
        .order_by(RevisionView.view, RevisionView.slot, Revision.snapshot_id, Participant.organization_number)
    )
    found: dict[tuple[str, int, int], list[Any]] = defaultdict(list)
    for row in session.execute(query):
        found[row.view, row.slot, row.snapshot_id].append(row)
    parts: dict[str, list[Part]] = defaultdict(list)
    for (view, slot, snapshot_id), rows in found.items():
        revisions = {row.organization_number: (row.number, OFFICIAL if row.official else CERTIFIED) for row in rows}
        parts[view].append(Part(slot, snapshot_id, revisions, sum(row.row_count for row in rows)))
    return dict(parts)


def _listed(event_id: int, session: Session) -> list[dict[str, Any]]:
    """Every participant with the revision that was packed, if any, and the digest that was signed."""
    query = (
        sa.select(Participant, Revision)
        .outerjoin(Revision, Revision.id == _packed())
        .where(Participant.event_id == event_id)
        .order_by(Participant.organization_number)
    )
    return [_listed_line(participant, revision) for participant, revision in session.execute(query)]


def _listed_line(participant: Participant, revision: Revision | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "number": participant.organization_number,
        "name": participant.organization_name,
        "status": participant.status.value,
    }
    if revision is None:
        return {**line, "revision": None}
    gone = participant.withdrawn_at or revision.disposal_id or revision.purged_at
    return {
        **line,
        "revision": revision.number,
        "standing": OFFICIAL if participant.official_revision_id is not None else CERTIFIED,
        "digest": revision.digest,
        "rows": revision.row_count,
        "rows_are_packed": not gone,
    }


def _data(
    event_id: int, level: Level, parts: dict[str, list[Part]], place: Folder, engine: sa.Engine
) -> Iterator[Written]:
    connection = pipe.connect(engine.url, read_only=True)
    try:
        for view, of_view in parts.items():
            with place.writing(f"data/{view}.parquet") as file:
                write_view(connection, Place(view, event_id, level), of_view, file)
            yield file.written()
    finally:
        connection.close()
