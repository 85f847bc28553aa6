"""Snapshots and validation runs of an event, for the state."""

from typing import Any

from starlette.responses import Response

from certification_lib.certification import taking
from certification_lib.events.queries import event_by_key
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.models import SnapshotKind
from certification_lib.snapshots.queries import planned_snapshots, snapshot_history
from certification_lib.validation.run_reports import run_report, runs
from certification_lib.validation.service import request_validation
from certification_ui.api import bodies
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Snapshots and validation", "/events/{key}")
READS = right(Tool.EVENT_MANAGEMENT, Right.READ)
ACTS = right(Tool.EVENT_MANAGEMENT, Right.WRITE)


@router.get("/snapshots", dependencies=[READS])
def snapshots(key: str, visit: VisitOfRequest, cursor: str | None = None, limit: Limit = 50) -> Any:
    """Snapshots of every kind, newest first; `planned` are those of schedules, to come or cancelled."""
    before = position_of(cursor, first=0) or None
    rows = snapshot_history(key, session=visit.session, limit=limit, before=before)
    planned = planned_snapshots(key, session=visit.session)
    return listed(rows, next_cursor=cursor_of(rows[-1].id) if len(rows) == limit else None, planned=planned)


@router.post("/snapshots", status_code=202, dependencies=[ACTS])
def take_snapshot(key: str, body: bodies.SnapshotBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A snapshot on demand: of all participants, of those named, or of those not finished."""

    def act() -> dict[str, Any]:
        requested = taking.request_snapshot(
            key, SnapshotKind(body.kind), numbers=body.participants, on_demand=True, **visit.act
        )
        return {"id": requested.id, "status": requested.status}

    answer = once(act, body, status=202)
    visit.commit_and_start_requests()
    return answer


@router.get("/validation-runs", dependencies=[READS])
def validation_runs(key: str, visit: VisitOfRequest, cursor: str | None = None, limit: Limit = 50) -> Any:
    """Validation runs, newest first."""
    event = event_by_key(key, session=visit.session)
    before = position_of(cursor, first=0) or None
    found = runs(event.id, before=before, limit=limit, session=visit.session)
    return listed(found, next_cursor=cursor_of(found[-1].id) if len(found) == limit else None)


@router.get("/validation-runs/{run_id}", dependencies=[READS])
def validation_run(key: str, run_id: int, visit: VisitOfRequest) -> Any:
    """One run: what each rule gave and took, Great Expectations' statistics, whose data it looked at."""
    event = event_by_key(key, session=visit.session)
    report = run_report(event.id, run_id, session=visit.session)
    chosen = [{"number": number, "name": name} for number, name in report.chosen]
    return plain({**plain(report.line), "suites": report.suites, "rules": report.rules, "chosen": chosen})


@router.post("/validation-runs", status_code=202, dependencies=[ACTS])
def run_rules(key: str, body: bodies.ValidationBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Run the event's rules on what is in the datamart."""

    def act() -> dict[str, Any]:
        requested = request_validation(key, numbers=body.participants, **visit.act)
        return {"id": requested.id, "status": requested.status}

    answer = once(act, body, status=202)
    visit.commit_and_start_requests()
    return answer
