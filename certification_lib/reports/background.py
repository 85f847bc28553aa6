"""Event Reports made in the background: asked for by a person, made by a task, kept for a week for that person."""

import datetime
import hashlib
import logging
import secrets
import time
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor, record
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, CertificationError, Conflict, NotFound
from certification_lib.events.models import Event, EventVersion, Participant, ParticipantStatus
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Person, Tool
from certification_lib.people.service import require
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.models import MakingStatus, ReportFile, ReportRequest
from certification_lib.reports.progress import Progress
from certification_lib.reports.reading import event_report
from certification_lib.reports.writing import file_name, write_report

log = logging.getLogger(__name__)

KEPT = datetime.timedelta(days=7)
# Above it a PDF takes longer than anybody wants to look at an empty page.
_WAITED_FOR = 250
_ATTEMPTS = 3
# A process that has said nothing for so long is gone; while it typesets it speaks every few seconds.
_SILENCE = datetime.timedelta(minutes=10)
_PATIENCE = datetime.timedelta(minutes=1)
_SPEAKS_EVERY = 1.0
_WORKING = (MakingStatus.REQUESTED, MakingStatus.RUNNING)


def is_large(key: str, choice: Choice, report_format: ReportFormat, *, session: Session) -> bool:
    """Whether the report is better made in the background than waited for."""
    if report_format is not ReportFormat.PDF:
        return False
    query = (
        sa.select(sa.func.count()).select_from(Participant).join(Event, Event.id == Participant.event_id)
        .where(Event.key == key)
    )  # fmt: skip
    if choice.participants:
        query = query.where(Participant.organization_number.in_(choice.participants))
    if choice.statuses:
        query = query.where(Participant.status.in_(choice.statuses))
    return (session.scalar(query) or 0) > _WAITED_FOR


def ask_for_report(
    key: str,
    choice: Choice,
    report_format: ReportFormat,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> ReportRequest:
    """Have an Event Report made; the same one again while it is being made is the same request.

    Afterwards the caller commits and starts the run that makes it.
    """
    require(Tool.EVENT_REPORT, "R", session=session, actor=actor)
    if actor.person_id is None:
        raise Conflict("A report is made in the background for a person.")
    event_id, name = _event(key, choice, session)
    chosen = {
        "statuses": sorted(one.value for one in choice.statuses),
        "participants": sorted(set(choice.participants)),
        "include_reviewers": choice.include_reviewers,
    }
    # Two clicks at once are one request: the second waits here until the first is written down.
    session.execute(sa.select(Person.id).where(Person.id == actor.person_id).with_for_update())
    same = session.scalars(
        sa.select(ReportRequest).where(
            ReportRequest.event_id == event_id,
            ReportRequest.person_id == actor.person_id,
            ReportRequest.format == report_format,
            ReportRequest.choice == chosen,
            ReportRequest.status.in_(_WORKING),
        )
    ).first()
    if same is not None:
        return same
    request = ReportRequest(
        event_id=event_id,
        person_id=actor.person_id,
        format=report_format,
        choice=chosen,
        status=MakingStatus.REQUESTED,
        requested_at=now,
        expires_at=now + KEPT,
    )
    session.add(request)
    session.flush()
    record(
        "event:ask-for-report",
        name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"format": report_format.value, **chosen},
    )
    return request


def own_requests(person_id: int, *, session: Session, now: datetime.datetime) -> list[sa.Row[ReportRequest, str, str]]:
    """(request, event key, event name) of what the person asked for and is not expired; newest first."""
    return list(session.execute(_own(person_id, now).order_by(ReportRequest.id.desc()).limit(50)).all())


def own_request(
    request_id: int, *, person_id: int, session: Session, now: datetime.datetime
) -> sa.Row[ReportRequest, str, str]:
    """One of these; another person's does not exist."""
    found = session.execute(_own(person_id, now).where(ReportRequest.id == request_id)).first()
    if found is None:
        raise NotFound("There is no such report. It may have expired.")
    return found


def content_of(request: ReportRequest, *, session: Session) -> bytes:
    """The file of a report that is ready; Conflict while it is not."""
    content = session.scalar(sa.select(ReportFile.content).where(ReportFile.request_id == request.id))
    if request.status is not MakingStatus.READY or content is None:
        raise Conflict(f"The report is {request.status.value}, not ready.")
    return content


def waiting(*, session: Session) -> list[int]:
    """What no process has begun, oldest first."""
    query = sa.select(ReportRequest.id).where(ReportRequest.status == MakingStatus.REQUESTED)
    return list(session.scalars(query.order_by(ReportRequest.id)))


def forgotten(*, session: Session, now: datetime.datetime) -> list[int]:
    """What should have been begun, or ended, by now."""
    query = sa.select(ReportRequest.id).where(
        sa.or_(
            sa.and_(ReportRequest.status == MakingStatus.REQUESTED, ReportRequest.requested_at <= now - _PATIENCE),
            _abandoned(now),
        )
    )
    return list(session.scalars(query.order_by(ReportRequest.id)))


def make_waiting(engine: sa.Engine) -> list[int]:
    """Make what waits and what a process left behind, oldest first; the ids of those ready.

    A failure stops no other.
    """
    ready: list[int] = []
    while (claimed := _claim(engine)) is not None:
        request_id, owner = claimed
        if _make(request_id, owner, engine):
            ready.append(request_id)
    return ready


def remove_expired(*, session: Session, now: datetime.datetime) -> int:
    """Remove rows and files past their time; how many."""
    removed = session.execute(
        sa.delete(ReportRequest).where(ReportRequest.expires_at <= now).returning(ReportRequest.id)
    )
    return len(removed.all())


def _event(key: str, choice: Choice, session: Session) -> tuple[int, str]:
    row = session.execute(
        sa.select(Event.id, EventVersion.name)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Event.key == key)
    ).first()
    if row is None:
        raise NotFound(f"There is no published event {key}. An event that is not published has no report.")
    known = set(
        session.scalars(
            sa.select(Participant.organization_number).where(
                Participant.event_id == row.id, Participant.organization_number.in_(set(choice.participants))
            )
        )
    )
    missing = sorted(set(choice.participants) - known)
    if missing:
        raise BadInput("; ".join(f"{row.name} has no participant {number}" for number in missing) + ".")
    return row.id, row.name


def _own(person_id: int, now: datetime.datetime) -> sa.Select[ReportRequest, str, str]:
    return (
        sa.select(ReportRequest, Event.key, EventVersion.name)
        .join(Event, Event.id == ReportRequest.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(ReportRequest.person_id == person_id, ReportRequest.expires_at > now)
    )


def _abandoned(now: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(ReportRequest.status == MakingStatus.RUNNING, ReportRequest.heard_from_at <= now - _SILENCE)


def _claim(engine: sa.Engine) -> tuple[int, str] | None:
    """Make the oldest that waits this process's own; None when nothing waits."""
    with transaction(engine) as session:
        now = database_now(session)
        query = (
            sa.select(ReportRequest)
            .where(
                sa.or_(ReportRequest.status == MakingStatus.REQUESTED, _abandoned(now)), ReportRequest.expires_at > now
            )
            .order_by(ReportRequest.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        request = session.scalars(query).first()
        if request is None:
            return None
        request.attempts += 1
        request.owner = secrets.token_hex(16)
        request.started_at = request.heard_from_at = now
        request.status, request.parts_done = MakingStatus.RUNNING, 0
        if request.attempts > _ATTEMPTS:
            _failed(request, "It was begun several times and never ended.", session=session, now=now)
        return request.id, request.owner


def _make(request_id: int, owner: str, engine: sa.Engine) -> bool:
    try:
        with transaction(engine) as session:
            request = session.get_one(ReportRequest, request_id)
            if request.owner != owner or request.status is not MakingStatus.RUNNING:
                return False
            key = session.get_one(Event, request.event_id).key
            made_by = session.get_one(Person, request.person_id)
            actor = Actor(made_by.username, made_by.name, made_by.id, Channel.SYSTEM)
            # The right may have been taken away since.
            require(Tool.EVENT_REPORT, "R", session=session, actor=actor)
            report = event_report(
                key, _choice(request), made_by=made_by.name, session=session, now=database_now(session)
            )
        content = write_report(report, request.format, _speaking(request_id, owner, engine))
        return _finish(request_id, owner, content, file_name(report, request.format), engine)
    except CertificationError as error:
        _give_up(request_id, owner, str(error), engine)
        return False


def _choice(request: ReportRequest) -> Choice:
    return Choice(
        [ParticipantStatus(one) for one in request.choice["statuses"]],
        request.choice["participants"],
        request.choice["include_reviewers"],
    )


def _speaking(request_id: int, owner: str, engine: sa.Engine) -> Progress:
    """Writes down how far the making is, once a second at most."""
    spoke = 0.0

    def speak(done: int, of: int) -> None:
        nonlocal spoke
        if time.monotonic() - spoke < _SPEAKS_EVERY:
            return
        spoke = time.monotonic()
        with transaction(engine) as session:
            session.execute(
                sa.update(ReportRequest)
                .where(ReportRequest.id == request_id, ReportRequest.owner == owner)
                .values(parts_done=done, parts=of, heard_from_at=sa.func.clock_timestamp())
            )

    return speak


def _finish(request_id: int, owner: str, content: bytes, name: str, engine: sa.Engine) -> bool:
    """Keep the file, in one transaction with its being ready. False when another process took over meanwhile."""
    with transaction(engine) as session:
        now = database_now(session)
        request = _mine(request_id, owner, session)
        if request is None:
            return False
        session.add(ReportFile(request_id=request.id, content=content))
        request.status, request.finished_at = MakingStatus.READY, now
        request.parts_done = request.parts
        request.file_name, request.size = name, len(content)
        request.digest = hashlib.sha256(content).hexdigest()
        request.expires_at = now + KEPT
        _tell(request, "report_ready", session=session, now=now)
    return True


def _give_up(request_id: int, owner: str, why: str, engine: sa.Engine) -> None:
    log.warning("Report %d was not made: %s", request_id, why)
    with transaction(engine) as session:
        request = _mine(request_id, owner, session)
        if request is not None:
            _failed(request, why, session=session, now=database_now(session))


def _mine(request_id: int, owner: str, session: Session) -> ReportRequest | None:
    query = sa.select(ReportRequest).where(
        ReportRequest.id == request_id,
        ReportRequest.owner == owner,
        ReportRequest.status == MakingStatus.RUNNING,
    )
    return session.scalars(query.with_for_update()).first()


def _failed(request: ReportRequest, why: str, *, session: Session, now: datetime.datetime) -> None:
    request.status, request.finished_at, request.failure = MakingStatus.FAILED, now, why
    _tell(request, "report_failed", session=session, now=now)


def _tell(request: ReportRequest, kind: str, *, session: Session, now: datetime.datetime) -> None:
    event = session.get_one(Event, request.event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    receivers: Sequence[int] = [request.person_id]
    notice = Notice(
        fact=f"{kind}:{request.id}",
        kind=kind,
        receivers=receivers,
        values={"event": version.name, "why": request.failure or "", "days": KEPT.days},
        path="/certification/event-report/",
        event_key=event.key,
    )
    notify_all([notice], session=session, now=now)
