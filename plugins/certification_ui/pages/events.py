"""Event Management: the list of events and the Event Viewer."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends
from starlette.responses import Response

from certification_lib.categories.models import CategoryRole
from certification_lib.categories.queries import all_categories, state_role
from certification_lib.certification import queries
from certification_lib.certification.changed_rules import changed_rules
from certification_lib.certification.control_room import control_room
from certification_lib.certification.directory import directory_changes
from certification_lib.certification.keeping import disposal_of
from certification_lib.certification.legal_hold import standing_hold
from certification_lib.certification.participant_filter import FINDINGS, SIZES, SORTS, places
from certification_lib.certification.rules import state_status
from certification_lib.errors import NotAllowed, NotFound
from certification_lib.events.listing import EventFilter, event_count, event_list, reporting_years
from certification_lib.events.manifest import (
    BrokenManifest,
    ManifestError,
    dag_id_of,
    read_manifest,
    read_manifests,
)
from certification_lib.events.models import Event, EventStatus, ParticipantStatus
from certification_lib.events.queries import EventHead, event_details, event_head
from certification_lib.events.rules import LIVE
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.settings import load_settings
from certification_lib.snapshots.at_work import snapshots_at_work
from certification_lib.snapshots.queries import planned_snapshots, snapshot_history, view_information
from certification_lib.validation.at_work import rules_at_work
from certification_lib.validation.matrix import matrix_rules
from certification_lib.validation.queries import something_is_running
from certification_lib.validation.run_reports import runs
from certification_ui import urls
from certification_ui.charts import certifying_curves
from certification_ui.choosing import PROGRESS, ParticipantQuery
from certification_ui.deps import right
from certification_ui.errors import Elsewhere
from certification_ui.forms import is_number
from certification_ui.pages.own_events import Paging
from certification_ui.routes import page_router
from certification_ui.runs_in_airflow import DagShown, runs_address
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
any_right = right(Tool.EVENT_MANAGEMENT, *Right)
view = right(Tool.EVENT_MANAGEMENT, Right.READ)
EVENTS_SIZE = 25
PARTICIPANTS_SIZE = 25
HISTORY_SIZE = 30
RUNS_SIZE = 5


class ListQuery:
    """The filters of the list, all of them in the address, so that every list can be linked."""

    def __init__(self, year: str = "", status: str = "", category: str = "", search: str = "", page: str = "1") -> None:
        self.year = int(year) if is_number(year, digits=4) else None
        self.status = EventStatus(status) if status in set(EventStatus) else None
        self.category = category[:200] or None
        self.search = search.strip()[:100] or None
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        given = {"year": self.year, "status": self.status, "category": self.category, "search": self.search}
        return {name: str(value) for name, value in given.items() if value}

    def as_filter(self) -> EventFilter:
        return EventFilter(reporting_year=self.year, status=self.status, category=self.category, search=self.search)


def page_number(text: str) -> int:
    return max(1, int(text)) if is_number(text, digits=5) else 1


@router.get(urls.EVENTS, dependencies=[any_right])
def events(visit: VisitOfRequest, asked: Annotated[ListQuery, Depends()]) -> Response:
    session, where = visit.session, asked.as_filter()
    total = event_count(session=session, **where)
    rows = event_list(
        session=session,
        now=visit.now,
        latest_first=True,
        offset=(asked.page - 1) * EVENTS_SIZE,
        limit=EVENTS_SIZE,
        **where,
    )
    return visit.page(
        "events/list.html",
        events=rows,
        total=total,
        asked=asked.values(),
        years=reporting_years(session=session),
        categories=[one.name for one in all_categories(session=session)],
        statuses=list(EventStatus),
        broken=broken_manifests(),
        pages=numbered_pages(visit, urls.EVENTS, asked.values(), page=asked.page, size=EVENTS_SIZE, total=total),
    )


def broken_manifests() -> list[BrokenManifest]:
    """Files Airflow cannot read an event from. Each breaks only its own event."""
    return read_manifests(load_settings().manifest_folder)[1]


def manifest_problem(event: Event) -> str | None:
    """Why Airflow cannot run this event at the moment."""
    if event.live_version_id is None or event.status is EventStatus.CLOSED:
        return None
    try:
        read_manifest(load_settings().manifest_folder, dag_id_of(event.key))
    except FileNotFoundError:
        return "its manifest is missing"
    except (ManifestError, OSError) as error:
        return str(error)
    return None


def numbered_pages(
    visit: Visit,
    address: str,
    values: dict[str, str],
    *,
    page: int,
    size: int,
    total: int,
    anchor: str = "",
    **keys: str,
) -> Paging:
    """Previous and next of a numbered list whose filters stand in the address.

    Elsewhere, to the last page, for a number past it: a list may have become shorter under who pages through it.
    """
    here = urls.path(visit.request, address, **keys)

    def at(number: int) -> str:
        return f"{here}?{urlencode({**values, 'page': number})}{anchor}"

    if page > 1 and (page - 1) * size >= total:
        raise Elsewhere(at(max(1, -(-total // size))))
    first, last = (page - 1) * size + 1, min(page * size, total)
    return Paging(
        previous=at(page - 1) if page > 1 else None,
        next=at(page + 1) if last < total else None,
        words=f"{first:,} to {last:,} of {total:,}" if total else "none",
    )


@dataclass(frozen=True)
class Powers:
    """What the person may do on an event's pages; the services decide again at the act."""

    role: CategoryRole | None
    live: bool
    edits: bool
    adds: bool
    deletes: bool

    @property
    def approves(self) -> bool:
        return self.live and self.role is CategoryRole.APPROVER

    @property
    def reviews(self) -> bool:
        return self.live and self.role is CategoryRole.REVIEWER

    @property
    def writes_messages(self) -> bool:
        return self.live and self.role is not None

    @property
    def sends_mails_again(self) -> bool:
        """Also of a closed event, whose end is told by mail."""
        return self.role is not None

    @property
    def opens_rows(self) -> bool:
        """Student rows are for members of the category only."""
        return self.role is not None


def powers(visit: Visit, shown: EventHead) -> Powers:
    role = state_role(shown.category.id, visit.actor.person_id or 0, session=visit.session)
    visitor = visit.visitor
    live = shown.event.status in LIVE
    return Powers(role, live, visitor.edits_events, visitor.adds_events, visitor.deletes_events)


def refuse_without_place(held: Powers, shown: EventHead) -> None:
    """NotAllowed for who may follow the event and is no member of its category: rows are about students."""
    if not held.opens_rows:
        raise NotAllowed(
            f"Rows of students are shown to Approvers and Reviewers of {shown.category.name} only. You are not listed "
            "there."
        )


def participant_list(visit: Visit, key: str, asked: ParticipantQuery) -> dict[str, Any]:
    """What the list of Certification Status needs, for the template; nothing to list before publication."""
    shown = queries.participants_page(
        key, session=visit.session, now=visit.now, where=asked.as_filter(), page=asked.page, size=PARTICIPANTS_SIZE
    )
    here = urls.path(visit.request, urls.PARTICIPANTS, key=key)
    counties, regions = places(shown.event_id, session=visit.session)
    return {
        "participants": shown,
        "statuses": list(ParticipantStatus),
        "status_choices": [(one.value, state_status(one)) for one in ParticipantStatus],
        "progress_choices": PROGRESS,
        "finding_choices": FINDINGS,
        "size_choices": list(SIZES),
        "sort_choices": sort_choices(),
        "counties": counties,
        "regions": regions,
        "asked": asked.values(),
        "narrowed": asked.narrowing(),
        "sorts": sorts(here, asked),
        "pages": numbered_pages(
            visit,
            urls.PARTICIPANTS,
            asked.values(),
            page=asked.page,
            size=PARTICIPANTS_SIZE,
            total=shown.total,
            anchor="#certification-status",
            key=key,
        ),
    }


def sort_choices() -> list[tuple[str, str]]:
    ways = {"progress": "least first", "snapshot date": "oldest first", "due date": "soonest first"}
    choices = [(word, f"{word.capitalize()}, {ways[word]}" if word in ways else word.capitalize()) for word in SORTS]
    choices = [("-findings", "Findings, most first") if word == "findings" else (word, said) for word, said in choices]
    return [*choices, ("-snapshot date", "Snapshot date, newest first"), ("-progress", "Progress, most first")]


def sorts(here: str, asked: ParticipantQuery) -> dict[str, tuple[str, str]]:
    """Of each column the address that sorts by it, the other way round when it already does, and its aria-sort."""
    found = {}
    for word in SORTS:
        first = f"-{word}" if word == "findings" else word
        other = word if first.startswith("-") else f"-{word}"
        present = asked.sort or "number"
        wanted = other if present == first else first
        standing = {word: "ascending", f"-{word}": "descending"}.get(present, "")
        query = urlencode({**asked.narrowing(), "sort": wanted})
        found[word] = (f"{here}?{query}#certification-status", standing)
    return found


@router.get(urls.HOW_IT_STANDS, dependencies=[view])
def how_it_stands(visit: VisitOfRequest, key: str) -> Response:
    """The first part of the Event Viewer as a page of its own."""
    shown = event_head(key, session=visit.session, now=visit.now)
    room = control_room(shown.event, session=visit.session, now=visit.now)
    if room is None:
        raise NotFound(f"The event {key} was never published.")
    return visit.page("events/how_it_stands.html", shown=shown, room=room, curves=certifying_curves(room))


@router.get(urls.EVENT, dependencies=[view])
def event_viewer(
    visit: VisitOfRequest, key: str, asked: Annotated[ParticipantQuery, Depends()], dag_id: DagShown
) -> Response:
    session = visit.session
    shown = event_details(key, session=session, now=visit.now)
    is_published = shown.event.live_version_id is not None
    parts_later = is_published and visit.asks_for_parts
    listed = participant_list(visit, key, asked) if is_published and not parts_later else {"participants": None}
    running = something_is_running(shown.event.id, session=session)
    results_later = parts_later and not running  # what follows a run by itself would ask for them again and again
    room = None if parts_later else control_room(shown.event, session=session, now=visit.now)
    return visit.page(
        "events/viewer.html",
        parts_later=parts_later,
        room=room,
        curves=certifying_curves(room) if room else [],
        shown=shown,
        powers=powers(visit, shown),
        manifest_problem=manifest_problem(shown.event),
        views=view_information(key, session=session),
        rules=pinned_rules(shown.version.id, session=session),
        changed=changed_rules(key, session=session),
        results_later=results_later,
        results=[] if results_later else matrix_rules(shown.event.id, session=session),
        validation_runs=runs(shown.event.id, session=session, limit=RUNS_SIZE),
        planned=planned_snapshots(key, session=session),
        history=snapshot_history(key, session=session, limit=HISTORY_SIZE),
        running=running,
        at_work=snapshots_at_work(shown.event.id, session=session) if running else [],
        rules_at_work=rules_at_work(shown.event.id, session=session) if running else [],
        runs_address=runs_address(dag_id) if dag_id else None,
        directory=directory_changes(shown.event, session=session),
        legal_hold=standing_hold(shown.event.id, session=session),
        disposal=disposal_of(shown.event.id, session=session),
        **listed,
    )
