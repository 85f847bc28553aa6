"""Participants of an event: who, in which status, on which data, with which findings."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from certification_lib.certification import queries, taking
from certification_lib.certification.attestation import Attestation
from certification_lib.certification.queries import ParticipantFilter
from certification_lib.errors import NotFound
from certification_lib.events.models import ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.models import SnapshotKind
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.events import EVERYBODY, Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Participants", "/events/{key}/participants")


@router.get("", dependencies=[EVERYBODY])
def participants(
    key: str,
    visit: VisitOfRequest,
    status: Annotated[list[ParticipantStatus] | None, Query()] = None,
    search: str = "",
    progress: str | None = None,
    county: str | None = None,
    region: str | None = None,
    findings: str | None = None,
    size: str | None = None,
    sort: str = "number",
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """Certification Status by number, or as `sort` says; district people get their own participants only."""
    if not visit.visitor.views_events:
        own = queries.my_events(visit.actor.person_id or 0, session=visit.session, now=visit.now)
        of_event = [one for one in own if one.key == key]
        if not of_event:
            raise NotFound(f"There is no event {key}.")
        return listed(of_event)
    where = ParticipantFilter(
        statuses=status or (),
        search=search,
        county=county,
        region=region,
        progress=progress,
        findings=findings,
        size=size,
        sort=sort,
    )
    number = position_of(cursor)
    page = queries.participants_page(key, session=visit.session, now=visit.now, where=where, page=number, size=limit)
    more = page.page * page.size < page.total
    return listed(
        page.rows,
        next_cursor=cursor_of(number + 1) if more else None,
        total=page.total,
        status_counts=page.status_counts,
    )


@router.get("/{number}", dependencies=[EVERYBODY])
def participant(key: str, number: str, visit: VisitOfRequest) -> Any:
    """One participant: for the state with its people and rounds, for its own people as Event Detail."""
    if visit.visitor.views_events:
        return plain(queries.participant_detail(key, number, session=visit.session, now=visit.now))
    return plain(queries.my_event(key, number, **visit.act))


@router.get("/{number}/readiness", dependencies=[right(Tool.CERTIFICATION_EVENT, Right.READ)])
def readiness(
    key: str,
    number: str,
    visit: VisitOfRequest,
    revision: int | None = None,
    digest: str | None = None,
    statement_version: int | None = None,
) -> Any:
    """Everything that must be true before this person may submit, met or not: the list the submission checks again.

    With the revision and digest the person was shown (and the statement), also whether these are still the newest.
    """
    shown = None
    if revision is not None or digest is not None or statement_version is not None:
        now_in_force = queries.my_event(key, number, **visit.act).statement_version
        shown = Attestation(revision, digest, statement_version or now_in_force, "", "")
    return plain(queries.my_event(key, number, shown_to=shown, **visit.act).readiness)


@router.get("/{number}/snapshot", dependencies=[EVERYBODY])
def snapshot_progress(key: str, number: str, visit: VisitOfRequest) -> Any:
    """The snapshot the participant waits for, or the last one it had: its place in the queue, how far it has come, why
    it failed. Null when it never had one."""
    if visit.visitor.views_events:
        found = queries.participant_detail(key, number, session=visit.session, now=visit.now).row.snapshot
    else:
        found = queries.my_event(key, number, **visit.act).snapshot
    return plain({"snapshot": found, "words": found.words if found else None})


@router.post("/{number}/snapshot", status_code=202, dependencies=[right(Tool.CERTIFICATION_EVENT, Right.WRITE)])
def snapshot(key: str, number: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A participant's own snapshot, taken as soon as a worker is free."""

    def act() -> dict[str, Any]:
        requested = taking.request_snapshot(key, SnapshotKind.DISTRICT, numbers=[number], on_demand=True, **visit.act)
        return {"id": requested.id, "status": requested.status}

    answer = once(act, status=202)
    visit.commit_and_start_requests()
    return answer


@router.post("/{number}/validate", status_code=202, dependencies=[right(Tool.CERTIFICATION_EVENT, Right.WRITE)])
def validate(key: str, number: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Run the event's rules on the participant's current data."""

    def act() -> dict[str, Any]:
        requested = taking.request_own_validation(key, number, **visit.act)
        return {"id": requested.id, "status": requested.status}

    answer = once(act, status=202)
    visit.commit_and_start_requests()
    return answer
