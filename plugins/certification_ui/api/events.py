"""Events: list, content, publishing, copying, closing, hold."""

from typing import Annotated, Any

from fastapi import Body, Query
from starlette.responses import Response

from certification_lib.certification import queries as certification
from certification_lib.certification.closing import close_event
from certification_lib.certification.control_room import control_room
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.publication_preview import publication_preview
from certification_lib.certification.publication_problems import problems_of_draft
from certification_lib.certification.publishing import publish_event
from certification_lib.errors import NotFound
from certification_lib.events import listing, queries, service
from certification_lib.events.content import EventContent, parse_content
from certification_lib.events.manifest import dag_id_of
from certification_lib.events.models import EventStatus
from certification_lib.people.models import Right, Tool
from certification_ui.after_commit import start_what_a_hold_kept_back, tell_airflow_of_event
from certification_ui.api import bodies
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import own_only, right
from certification_ui.routes import rest_router
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Events", "/events")

EVERYBODY = own_only("state staff see every event, district people the published ones they take part in")
Content = Annotated[dict[str, Any], Body(description="The four wizard steps, see the schema EventContent")]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("", dependencies=[EVERYBODY])
def events(
    visit: VisitOfRequest,
    status: EventStatus | None = None,
    reporting_year: int | None = None,
    category: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """Events by key. For district people: one item for each participant they act for."""
    if not visit.visitor.manages_events:
        person_id = visit.actor.person_id or 0
        return listed(certification.my_events(person_id, session=visit.session, now=visit.now))
    start = position_of(cursor, first=0)
    rows = listing.event_list(
        session=visit.session,
        reporting_year=reporting_year,
        status=status,
        category=category,
        search=search,
        now=visit.now,
        offset=start,
        limit=limit + 1,
    )
    return listed(rows[:limit], next_cursor=cursor_of(start + limit) if len(rows) > limit else None)


@router.post("", status_code=201, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.ADD)])
def create(content: Content, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Create an event; nothing is published. 422 lists every problem at once."""
    parsed = parse_content(content)

    def act() -> Any:
        return event_answer(visit, service.save_event(parsed, **visit.act).key)

    return once(act, parsed, status=201)


@router.get("/{key}", dependencies=[EVERYBODY])
def event(key: str, visit: VisitOfRequest) -> Any:
    """One event. District people see what is published, without the list of participants."""
    if visit.visitor.views_events:
        return event_answer(visit, key)
    for one in certification.my_events(visit.actor.person_id or 0, session=visit.session, now=visit.now):
        if one.key == key:
            return plain(certification.my_event(key, one.number, **visit.act))
    raise NotFound(f"There is no event {key}.")


@router.patch("/{key}", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def change(key: str, content: Content, visit: VisitOfRequest) -> Any:
    """Change the fields given; of a published event the draft beside the live version."""
    found = queries.event_by_key(key, session=visit.session)
    standing = queries.content_of(
        queries.shown_version(found, session=visit.session), active=found.active, session=visit.session
    )
    whole = standing.model_dump(mode="json", warnings=False) | content
    service.save_event(parse_content(whole), key=key, **visit.act)
    return event_answer(visit, key)


@router.get("/{key}/control-room", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def how_it_stands(key: str, visit: VisitOfRequest) -> Any:
    """Counts by status, days certified, findings by severity, whom nobody can remind; 404 before publication."""
    room = control_room(queries.event_by_key(key, session=visit.session), session=visit.session, now=visit.now)
    if room is None:
        raise NotFound(f"There is no published event {key}.")
    return plain(room)


@router.get("/{key}/publication", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.ADD)])
def what_publishing_would_do(key: str, visit: VisitOfRequest) -> Any:
    """What is in the way, what deserves a second look, what would run when, and how many would be told."""
    preview = publication_preview(key, session=visit.session, now=visit.now)
    in_the_way = problems_of_draft(key, session=visit.session, now=visit.now)
    numbers = {name: [one.number for one in getattr(preview, name)] for name in ("added", "removed")}
    lines = [{**plain(line), "words": line.words} for line in preview.lines]
    changes = [one.name for one in preview.changes]
    return {
        "in_the_way": in_the_way,
        "first": preview.first,
        "warnings": list(preview.warnings),
        "timeline": lines,
        "told": plain(preview.told),
        "changes": changes,
        "only_unfinished": preview.only_unfinished,
        **numbers,
    }


@router.delete("/{key}", status_code=204, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.DELETE)])
def delete(key: str, visit: VisitOfRequest) -> None:
    """Delete an event that was never published."""
    service.delete_event(key, **visit.act)


@router.post("/{key}/publish", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.ADD)])
def publish(key: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Publish the event or its unpublished changes; Airflow has its DAG within seconds."""

    def act() -> Any:
        publish_event(key, **visit.act)
        return event_answer(visit, key)

    answer = once(act)
    tell_airflow_of_event(key, session=visit.session)
    return answer


@router.post("/{key}/discard-draft", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def discard_draft(key: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Drop the unpublished changes."""
    return once(lambda: event_answer(visit, service.discard_draft(key, **visit.act).key))


@router.post("/{key}/copy", status_code=201, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.ADD)])
def copy(key: str, visit: VisitOfRequest, once: OnceOfRequest, body: bodies.CopyBody | None = None) -> Response:
    """A new unpublished event with the same content and no dates; of a closed event it may correct that one."""
    asked = body or bodies.CopyBody()

    def act() -> Any:
        made = service.copy_event(key, corrects=asked.corrects, participants=asked.participants, **visit.act)
        return event_answer(visit, made.key)

    return once(act, asked, status=201)


@router.post("/{key}/close", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.DELETE)])
def close(key: str, body: bodies.CloseBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Close for good. While something is unfinished 409 lists it and the event's name confirms."""

    def act() -> Any:
        close_event(key, body.comment, confirmed_name=body.name, **visit.act)
        return event_answer(visit, key)

    answer = once(act, body)
    tell_airflow_of_event(key, session=visit.session)
    visit.commit_and_start_reports()
    return answer


@router.post("/{key}/hold", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def hold(key: str, body: bodies.ReasonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Hold: participants see the reason, nobody submits, dates run on."""

    def act() -> Any:
        hold_event(key, body.reason, **visit.act)
        return event_answer(visit, key)

    return once(act, body)


@router.post("/{key}/resume", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def resume(key: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """End a hold. What became due meanwhile begins now."""

    def act() -> Any:
        resume_event(key, **visit.act)
        return event_answer(visit, key)

    answer = once(act)
    engine = visit.request.app.state.engine
    start_what_a_hold_kept_back(key, session=visit.session, engine=engine, username=visit.actor.username)
    return answer


def event_answer(visit: Visit, key: str) -> dict[str, Any]:
    """An event as state staff read it: its content with what became of it, and its unpublished changes."""
    details = queries.event_details(key, session=visit.session, now=visit.now)
    shown = details.event
    content = queries.content_of(details.version, active=shown.active, session=visit.session)
    draft = details.draft
    return {
        **_written(content),
        "key": shown.key,
        "status": shown.status,
        "hold_reason": shown.hold_reason,
        "phase": details.phase,
        "time_zone": details.time_zone,
        "version": details.version.number,
        "statement_version": details.version.statement_version,
        "dag_id": dag_id_of(shown.key) if shown.published_at else None,
        "published_at": shown.published_at,
        "closed_at": shown.closed_at,
        "closed_by": shown.closed_by,
        "close_comment": shown.close_comment,
        "corrects": details.corrects,
        "draft": _written(queries.content_of(draft, active=shown.active, session=visit.session)) if draft else None,
    }


def _written(content: EventContent) -> dict[str, Any]:
    # A copy has no dates yet, which the schema of a complete event would warn about.
    return content.model_dump(mode="json", warnings=False)
