"""Event Reports made in the background: asked for once, made once, kept for the person who asked, gone in time."""

import datetime
import hashlib

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import ParticipantStatus
from certification_lib.notifications.models import Message
from certification_lib.people.models import Tool
from certification_lib.reports import background
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.models import MakingStatus, ReportFile, ReportRequest
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"
CHOICE = Choice([ParticipantStatus.IN_PROGRESS], ["001"], include_reviewers=True)
NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def reader(engine: sa.Engine) -> Actor:
    with transaction(engine) as session:
        world = World(session)
        lea = world.lea()
        world.certifier("smith", lea)
        world.event([lea])
        return world.approver()


def ask(engine: sa.Engine, actor: Actor, choice: Choice = CHOICE, chosen: ReportFormat = ReportFormat.CSV) -> int:
    with transaction(engine) as session:
        now = database_now(session)
        return background.ask_for_report(KEY, choice, chosen, session=session, actor=actor, now=now).id


def look(engine: sa.Engine, request_id: int) -> ReportRequest:
    with Session(engine) as session:
        return session.get_one(ReportRequest, request_id)


def change(engine: sa.Engine, request_id: int, **values: object) -> None:
    with transaction(engine) as session:
        session.execute(sa.update(ReportRequest).where(ReportRequest.id == request_id).values(**values))


def test_it_is_made_kept_and_told_to_who_asked(engine: sa.Engine, reader: Actor) -> None:
    request_id = ask(engine, reader)
    assert background.make_waiting(engine) == [request_id]
    with transaction(engine) as session:
        now = database_now(session)
        person_id = reader.person_id or 0
        [(request, key, name)] = background.own_requests(person_id, session=session, now=now)
        content = background.content_of(request, session=session)
        assert (key, name, request.status) == (KEY, "Fall Enrollment Count", MakingStatus.READY)
        assert content.startswith(b"\xef\xbb\xbfHeader")
        assert (request.size, request.digest) == (len(content), hashlib.sha256(content).hexdigest())
        assert request.expires_at > now + datetime.timedelta(days=6)
        assert request.file_name == f"event-report-{KEY}.csv"
        told = session.scalars(sa.select(Message.subject).where(Message.person_id == person_id)).all()
        assert told == ["Fall Enrollment Count: your report is ready"]
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "event:ask-for-report")).one()
        assert entry.details["participants"] == ["001"]
    assert background.make_waiting(engine) == []


def test_a_second_click_is_the_same_request_until_it_is_made(engine: sa.Engine, reader: Actor) -> None:
    first = ask(engine, reader)
    assert ask(engine, reader) == first
    assert ask(engine, reader, chosen=ReportFormat.JSON) != first
    background.make_waiting(engine)
    assert ask(engine, reader) != first


def test_what_a_dead_process_left_behind_is_made_again_and_the_late_one_keeps_nothing(
    engine: sa.Engine, reader: Actor
) -> None:
    request_id = ask(engine, reader)
    claimed = background._claim(engine)
    assert claimed is not None
    assert background.make_waiting(engine) == []  # the first is at it
    silent = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=11)
    change(engine, request_id, heard_from_at=silent)
    with transaction(engine) as session:
        assert background.forgotten(session=session, now=database_now(session)) == [request_id]
    assert background.make_waiting(engine) == [request_id]
    assert background._finish(*claimed, b"late", "late.csv", engine) is False
    assert look(engine, request_id).file_name == f"event-report-{KEY}.csv"


def test_one_that_never_ends_is_given_up_in_words(engine: sa.Engine, reader: Actor) -> None:
    request_id = ask(engine, reader)
    change(engine, request_id, attempts=3)
    assert background.make_waiting(engine) == []
    request = look(engine, request_id)
    assert (request.status, request.failure) == (MakingStatus.FAILED, "It was begun several times and never ended.")


def test_who_lost_the_right_meanwhile_gets_no_report(engine: sa.Engine, reader: Actor) -> None:
    request_id = ask(engine, reader)
    with transaction(engine) as session:
        world = World.__new__(World)
        world.session = session
        world.give(world.person("approver"), Tool.EVENT_REPORT, "")
    assert background.make_waiting(engine) == []
    request = look(engine, request_id)
    assert request.status is MakingStatus.FAILED
    assert "You lack the right" in (request.failure or "")


def test_another_persons_report_does_not_exist_and_an_expired_one_is_removed(engine: sa.Engine, reader: Actor) -> None:
    request_id = ask(engine, reader)
    background.make_waiting(engine)
    with transaction(engine) as session:
        now = database_now(session)
        with pytest.raises(NotFound, match="no such report"):
            background.own_request(request_id, person_id=(reader.person_id or 0) + 1, session=session, now=now)
        later = now + datetime.timedelta(days=8)
        assert background.own_requests(reader.person_id or 0, session=session, now=later) == []
        assert background.remove_expired(session=session, now=later) == 1
        assert session.scalars(sa.select(ReportFile.request_id)).all() == []


def test_what_cannot_be_made_is_refused_at_once(session: Session) -> None:
    world = World(session)
    lea = world.lea()
    world.event([lea])
    act = {"session": session, "now": NOON}
    approver = world.approver()
    with pytest.raises(BadInput, match="no participant 777"):
        background.ask_for_report(KEY, Choice(participants=["777"]), ReportFormat.PDF, actor=approver, **act)
    with pytest.raises(NotFound, match="not published"):
        background.ask_for_report("none", Choice(), ReportFormat.PDF, actor=approver, **act)
    with pytest.raises(NotAllowed, match="You lack the right"):
        background.ask_for_report(KEY, Choice(), ReportFormat.PDF, actor=world.certifier("smith", lea), **act)
    waiting = background.ask_for_report(KEY, Choice(), ReportFormat.PDF, actor=approver, **act)
    with pytest.raises(Conflict, match="requested, not ready"):
        background.content_of(waiting, session=session)


def test_only_a_paper_of_many_participants_is_large(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(session)
    world.event([world.lea(), world.lea("005", "Barren County")])
    monkeypatch.setattr(background, "_WAITED_FOR", 1)
    assert background.is_large(KEY, Choice(), ReportFormat.PDF, session=session)
    assert not background.is_large(KEY, Choice(), ReportFormat.XLSX, session=session)
    assert not background.is_large(KEY, Choice(participants=["001"]), ReportFormat.PDF, session=session)
    assert not background.is_large(KEY, Choice([ParticipantStatus.SENT]), ReportFormat.PDF, session=session)
