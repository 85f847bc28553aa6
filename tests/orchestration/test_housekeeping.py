"""Housekeeping's steps, called as Airflow calls them, on a real database and through Airflow's own connections."""

import asyncio
import datetime
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.database import database_now, transaction
from certification_lib.errors import SourceFailure
from certification_lib.events.manifest import read_manifests
from certification_lib.events.models import Event, EventStatus, Milestone, MilestoneKind, MilestoneState
from certification_lib.housekeeping.queries import StepStatus, housekeeping_status
from certification_lib.housekeeping.rules import STEPS, Standing
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import notify
from certification_lib.orchestration import housekeeping
from certification_lib.orchestration.reports import open_run
from certification_lib.orchestration.standing_dags import audit_dag
from certification_lib.orchestration.triggering import ask_for_parsing, trigger_requests, trigger_resumed_event
from certification_lib.people.models import Tool
from certification_lib.reports import background
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.models import ReportRequest
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.supervisor.mail_sink import start_mail_sink
from certification_lib.supervisor.ports import free_port
from tests.conftest import CertificationDatabase
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"
DAG_ID = "certification_event_fall_enrollment_count_2016_17"


@pytest.fixture(autouse=True)
def surroundings(
    certification_database: CertificationDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = sa.make_url(certification_database.url())
    connection = {
        "conn_type": "postgres", "host": url.host, "port": url.port, "login": url.username,
        "password": url.password, "schema": url.database,
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_CERTIFICATION_DB", json.dumps(connection))
    monkeypatch.setenv("CERTIFICATION_STATE_FOLDER", str(tmp_path))


@pytest.fixture
def event(engine: sa.Engine) -> Event:
    with transaction(engine) as session:
        world = World(session)
        lea = world.lea()
        world.certifier("smith", lea)
        return world.event([lea])


def add(engine: sa.Engine, row: object) -> None:
    with transaction(engine) as session:
        session.add(row)


def now_of(engine: sa.Engine) -> datetime.datetime:
    with Session(engine) as session:
        return database_now(session)


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A mail server that writes what it gets into a folder."""
    port, loop, started = free_port(0), asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()
    (tmp_path / "mails").mkdir()

    async def serve() -> None:
        async with await start_mail_sink(tmp_path / "mails", port):
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(20)
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "data@state.example"}
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT",
        json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}),
    )
    yield tmp_path / "mails"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def write_message(engine: sa.Engine, event: Event) -> None:
    with transaction(engine) as session:
        notify(
            "a fact", "message", ["office@district.example"], "Due soon", "Hello {{ conn.smtp_default.password }}",
            event_key=event.key, session=session, now=database_now(session),
        )  # fmt: skip


def test_messages_go_out_by_airflows_mail_connection_and_are_sent_as_written(
    engine: sa.Engine, event: Event, mails: Path
):
    write_message(engine, event)
    assert housekeeping.deliver_messages() == {"sent": 1, "refused": 0, "postponed": 0, "unclear": 0}
    assert housekeeping.deliver_messages()["sent"] == 0
    [mail] = [file.read_text(encoding="utf-8") for file in mails.rglob("*.eml")]
    assert "data@state.example" in mail
    assert "Hello {{ conn.smtp_default.password }}" in mail


def test_an_outage_of_the_mail_server_postpones_and_fails_nothing(
    engine: sa.Engine, event: Event, monkeypatch: pytest.MonkeyPatch
):
    extra = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0}
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT",
        json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": free_port(0), "extra": extra}),
    )
    write_message(engine, event)
    assert housekeeping.deliver_messages() == {"sent": 0, "refused": 0, "postponed": 1, "unclear": 0}
    with Session(engine) as session:
        assert session.scalars(sa.select(Message.delivered_at)).one() is None


def test_a_missing_manifest_is_written_and_a_broken_one_mended(engine: sa.Engine, event: Event, tmp_path: Path):
    assert housekeeping.mend_manifests() == [f"{DAG_ID}.json: is missing"]
    (tmp_path / "manifests" / f"{DAG_ID}.json").write_text("{", encoding="utf-8")
    assert len(housekeeping.mend_manifests()) == 1
    manifests, broken = read_manifests(tmp_path / "manifests")
    assert [manifest.key for manifest in manifests] == [KEY]
    assert broken == []
    assert housekeeping.mend_manifests() == []


def test_a_forgotten_request_is_given_a_run_of_another_name(engine: sa.Engine, event: Event):
    long_ago = now_of(engine) - datetime.timedelta(minutes=5)
    add(
        engine,
        Snapshot(
            event_id=event.id, kind=SnapshotKind.DISTRICT, status=SnapshotStatus.REQUESTED, on_demand=True,
            requested_by="smith", requested_at=long_ago,
        ),
    )  # fmt: skip
    assert housekeeping.forgotten_requests().startswith("requests__snapshot-1_again_")


def test_when_nothing_is_forgotten_no_run_is_started(engine: sa.Engine, event: Event):
    with pytest.raises(AirflowSkipException):
        housekeeping.forgotten_requests()


def test_a_report_asked_for_is_made_and_a_closed_event_gets_its_package(
    engine: sa.Engine, event: Event, tmp_path: Path
):
    with pytest.raises(AirflowSkipException):
        housekeeping.forgotten_reports()
    with transaction(engine) as session:
        world = World.__new__(World)
        world.session = session
        reader = world.person("reader")
        world.give(reader, Tool.EVENT_REPORT, "R")
        request_id = background.ask_for_report(
            KEY, Choice(), ReportFormat.JSON, session=session, actor=world.actor(reader), now=database_now(session)
        ).id
        closed = session.get_one(Event, event.id)
        closed.status, closed.closed_at = EventStatus.CLOSED, database_now(session) - datetime.timedelta(minutes=5)
    assert open_run(engine) == f"reports__report-{request_id}_package-{KEY}"
    assert housekeeping.forgotten_reports().startswith(f"reports__package-{KEY}_again_")
    assert housekeeping.make_reports() == [request_id]
    assert housekeeping.make_packages() == [KEY]
    assert (tmp_path / "packages" / KEY / "manifest.json").exists()
    assert housekeeping.make_packages() == []
    assert open_run(engine) is None
    with transaction(engine) as session:
        session.execute(sa.update(ReportRequest).values(expires_at=database_now(session)))
    with pytest.raises(AirflowSkipException):
        housekeeping.forgotten_reports()
    with transaction(engine) as session:
        assert session.scalars(sa.select(ReportRequest.id)).all() == []


def test_a_late_milestone_is_given_a_run_of_its_event_once_an_hour(engine: sa.Engine, event: Event):
    housekeeping.mend_manifests()
    late = now_of(engine) - datetime.timedelta(minutes=10)
    add(
        engine,
        Milestone(event_id=event.id, kind=MilestoneKind.OPEN_WINDOW, at=late, state=MilestoneState.DUE),
    )
    first, again = housekeeping.late_events(), housekeeping.late_events()
    assert [one["trigger_dag_id"] for one in first] == [DAG_ID]
    assert first[0]["trigger_run_id"].endswith("_late_milestones")
    assert again[0]["trigger_run_id"][:21] == first[0]["trigger_run_id"][:21]


def test_an_event_without_a_dag_is_not_triggered(engine: sa.Engine, event: Event):
    late = now_of(engine) - datetime.timedelta(minutes=10)
    add(
        engine,
        Milestone(event_id=event.id, kind=MilestoneKind.OPEN_WINDOW, at=late, state=MilestoneState.DUE),
    )
    assert housekeeping.late_events() == []


def test_snapshots_that_nobody_takes_fail_a_step_that_names_the_pool(engine: sa.Engine, event: Event):
    housekeeping.snapshots_get_on()
    requested = now_of(engine) - datetime.timedelta(minutes=20)
    waiting = {"event_id": event.id, "kind": SnapshotKind.DISTRICT, "on_demand": True, "requested_by": "smith"}
    add(engine, Snapshot(**waiting, status=SnapshotStatus.REQUESTED, requested_at=requested))
    with pytest.raises(AirflowFailException, match="pool certification_snapshots"):
        housekeeping.snapshots_get_on()
    add(engine, Snapshot(**waiting, status=SnapshotStatus.RUNNING, requested_at=requested, started_at=requested))
    housekeeping.snapshots_get_on()


def test_a_scheduled_snapshot_that_nobody_takes_fails_it_too(engine: sa.Engine, event: Event):
    late = now_of(engine) - datetime.timedelta(minutes=20)
    add(engine, Milestone(event_id=event.id, kind=MilestoneKind.STATE_SNAPSHOT, at=late, state=MilestoneState.DUE))
    with pytest.raises(AirflowFailException, match=f"since {late:%Y-%m-%d %H:%M} UTC"):
        housekeeping.snapshots_get_on()


def test_own_reminders_of_nobody_are_none(engine: sa.Engine, event: Event):
    assert housekeeping.own_reminders() == 0


def test_leftovers_of_a_dead_snapshot_go_at_night_and_are_reported_in_bytes(engine: sa.Engine, event: Event):
    with engine.begin() as connection:
        connection.exec_driver_sql("create table datamart.enrollment_event_1_slot_9 as select generate_series(1, 9)")
    [line] = housekeeping.remove_what_is_past_its_days()
    assert line["what"] == "leftovers of dead snapshots"
    assert line["bytes"] > 0
    assert housekeeping.remove_what_is_past_its_days() == []


def test_a_changed_audit_entry_fails_the_nightly_check(engine: sa.Engine, event: Event, server, certification_database):
    with transaction(engine) as session:
        for act in ("event:create", "event:publish"):
            record(act, "Fall", session=session, actor=SYSTEM, now=database_now(session))
    housekeeping.check_audit_chain()
    superuser = sa.create_engine(server.superuser_url(certification_database.name))
    with superuser.begin() as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))
        connection.execute(
            sa.text("update certification.audit_entry set subject = 'Spring' where act = 'event:create'")
        )
    superuser.dispose()
    with pytest.raises(AirflowFailException, match="does not hold together"):
        housekeeping.check_audit_chain()


def test_no_words_of_the_database_reach_a_log(monkeypatch: pytest.MonkeyPatch, engine: sa.Engine, event: Event):
    from certification_lib.orchestration.tasks import StepRefused, step

    @step
    def breaks() -> None:
        with engine.connect() as connection:
            connection.execute(sa.text("select cast('Maria Gonzales' as bigint)"))

    with pytest.raises(StepRefused) as refused:
        breaks()
    chain: list[BaseException | None] = [refused.value, refused.value.__cause__, refused.value.__context__]
    assert not any("Maria" in str(error) for error in chain)


def test_an_airflow_that_cannot_be_asked_is_no_error_of_publishing(engine: sa.Engine, event: Event):
    """This process has no Airflow database at all."""
    add(
        engine,
        Snapshot(
            event_id=event.id, kind=SnapshotKind.DISTRICT, status=SnapshotStatus.REQUESTED, on_demand=True,
            requested_by="smith", requested_at=now_of(engine),
        ),
    )  # fmt: skip
    assert ask_for_parsing(KEY) is False
    assert trigger_requests(engine=engine) is False
    assert trigger_resumed_event(KEY, engine=engine) is False


def noted_of(engine: sa.Engine, name: str) -> StepStatus:
    with Session(engine) as session:
        return next(one for one in housekeeping_status(session=session, now=now_of(engine)) if one.step.name == name)


def test_each_step_is_on_the_status_page_with_what_it_found(engine: sa.Engine, event: Event, mails: Path):
    write_message(engine, event)
    housekeeping.deliver_messages()
    assert noted_of(engine, "deliver_messages").said == "1 sent"
    housekeeping.tell_webhooks()
    housekeeping.mend_manifests()
    assert noted_of(engine, "mend_manifests").said == f"{DAG_ID}.json: is missing."
    assert noted_of(engine, "mend_manifests").found == 1
    with pytest.raises(AirflowSkipException):
        housekeeping.forgotten_requests()
    with pytest.raises(AirflowSkipException):
        housekeeping.forgotten_reports()
    housekeeping.late_events()
    housekeeping.snapshots_get_on()
    housekeeping.own_reminders()
    housekeeping.remove_what_is_past_its_days()
    housekeeping.check_audit_chain()
    assert housekeeping.verify_a_sample() == 0
    with Session(engine) as session:
        steps = housekeeping_status(session=session, now=now_of(engine))
    assert {one.step.name: one.standing for one in steps} == dict.fromkeys((step.name for step in STEPS), Standing.WELL)


def test_a_step_that_failed_is_called_so_in_our_words(engine: sa.Engine, event: Event, monkeypatch: pytest.MonkeyPatch):
    def refuses(*_arguments: object, **_named: object) -> list[str]:
        raise sa.exc.OperationalError("select 'Maria Gonzales'", {}, Exception("Maria Gonzales"))

    monkeypatch.setattr(housekeeping, "check_manifests", refuses)
    with pytest.raises(SourceFailure):
        housekeeping.mend_manifests()
    status = noted_of(engine, "mend_manifests")
    assert status.standing is Standing.FAILED
    assert status.said
    assert "Maria" not in status.said


def test_what_a_step_found_is_a_metric_of_airflows_own(
    engine: sa.Engine, event: Event, monkeypatch: pytest.MonkeyPatch
):
    from certification_lib.orchestration import noting

    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(noting.stats, "gauge", lambda name, value: sent.append((name, value)))
    monkeypatch.setattr(noting.stats, "incr", lambda name: sent.append((name, 1)))
    housekeeping.mend_manifests()
    assert sent == [
        ("certification.housekeeping.mend_manifests.well", 1),
        ("certification.housekeeping.mend_manifests.found", 1),
    ]


def test_operators_are_told_of_a_failed_task_by_airflows_own_notifier(monkeypatch: pytest.MonkeyPatch):
    assert audit_dag().get_task("check_audit_chain").on_failure_callback == []
    monkeypatch.setenv("CERTIFICATION_OPERATORS", "night@state.example, day@state.example")
    [notifier] = audit_dag().get_task("check_audit_chain").on_failure_callback
    assert notifier.to == ["night@state.example", "day@state.example"]
    assert notifier.subject == "Certification: {{ ti.task_id }} of {{ ti.dag_id }} failed"
